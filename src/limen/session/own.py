"""What people do with their own sessions elsewhere: look at them, and end them."""

from __future__ import annotations

from limen.context import Context
from limen.session import store
from limen.session.model import Session, Subject


async def others(ctx: Context, subject: Subject, limit: int) -> list[Session]:
    """The other active ones, newest first."""
    return await store.others(ctx.db, subject.identity.id, subject.session.id, ctx.stamp, limit, 0)


async def revoke(ctx: Context, subject: Subject, id_: str) -> bool:
    """End one of them. Somebody else's is left alone, and nobody learns whether there is one."""
    if not await store.revoke_own(ctx.db, id_, subject.identity.id):
        return False
    ctx.events.tell("session.revoked", subject.identity.id, session=id_)
    return True


async def revoke_others(ctx: Context, subject: Subject) -> int:
    """End all but this one. The number counts those that were ended before, too: it is what Kratos tells."""
    count = await store.revoke_others(ctx.db, subject.identity.id, subject.session.id)
    ctx.events.tell("sessions.revoked", subject.identity.id, count=count)
    return count
