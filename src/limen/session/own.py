"""What people do with their own sessions elsewhere: look at them, and end them."""

from __future__ import annotations

from limen.context import Context
from limen.session import store, trusted
from limen.session.model import Session, Subject


async def others(ctx: Context, subject: Subject, limit: int) -> list[Session]:
    """The other active ones, newest first."""
    return await store.others(ctx.db, subject.identity.id, subject.session.id, ctx.stamp, limit, 0)


async def revoke(ctx: Context, subject: Subject, id_: str) -> bool:
    """End one of them, and trust in the browser it lives in. Somebody else's is left alone, and nobody learns of it."""
    if not await store.revoke_own(ctx.db, id_, subject.identity.id):
        return False
    await trusted.forget_with(ctx.db, "id", [id_])
    ctx.events.tell("session.revoked", subject.identity.id, session=id_)
    return True


async def revoke_others(ctx: Context, subject: Subject) -> int:
    """End all but this one, and trust in other browsers. The number counts those that were ended before, too, as in Kratos."""
    count = await store.revoke_others(ctx.db, subject.identity.id, subject.session.id)
    await trusted.forget_others(ctx.db, subject.identity.id, subject.session.id)
    ctx.events.tell("sessions.revoked", subject.identity.id, count=count)
    return count
