"""What people do with their own sessions elsewhere: look at them, and end them."""

from __future__ import annotations

from limen.audit import record
from limen.context import Context
from limen.core.errors import LimenError
from limen.session import impersonation, store, trusted
from limen.session.model import Session, Subject


async def others(ctx: Context, subject: Subject, limit: int) -> list[Session]:
    """The other active ones, newest first."""
    return await store.others(ctx.db, subject.identity.id, subject.session.id, ctx.stamp, limit, 0)


async def sign_out(ctx: Context, subject: Subject) -> None:
    """End the session itself, and with an operator's those in which they act as somebody else."""
    commit = ctx.db.begin()
    store.revoke(commit, subject.session.id)
    if subject.session.impersonated_by:
        impersonation.ended(commit, ctx, subject)
    else:
        record.record(commit, ctx, "auth.logout", subject.identity, session=subject.session.id)
        await impersonation.ends_with(ctx, commit, subject.session.id)
    await ctx.db.commit(commit)
    ctx.events.tell("session.revoked", subject.identity.id, session=subject.session.id)


class _NotTheirs(LimenError):
    """There is no such session of this person."""


async def revoke(ctx: Context, subject: Subject, id_: str) -> bool:
    """End one of them, and trust in the browser it lives in. Somebody else's is left alone, and nobody learns of it.

    :raises ApiError: 403, an operator acts as this person
    """
    impersonation.refuse(subject)
    commit = ctx.db.begin()
    store.revoke_own(commit, id_, subject.identity.id, _NotTheirs)
    trusted.forget_with(commit, "id", [id_])
    record.record(commit, ctx, "auth.session.revoke", subject.identity, session=id_)
    try:
        await ctx.db.commit(commit)
    except _NotTheirs:
        return False
    ctx.events.tell("session.revoked", subject.identity.id, session=id_)
    return True


async def revoke_others(ctx: Context, subject: Subject) -> int:
    """End all but this one, and trust in other browsers. The number counts those that were ended before, too, as in Kratos.

    :raises ApiError: 403, an operator acts as this person
    """
    impersonation.refuse(subject)
    commit = ctx.db.begin()
    ended = store.revoke_others(commit, subject.identity.id, subject.session.id)
    trusted.forget_others(commit, subject.identity.id, subject.session.id)
    record.record(commit, ctx, "auth.session.revoke", subject.identity, all_but=subject.session.id)
    await ctx.db.commit(commit)
    ctx.events.tell("sessions.revoked", subject.identity.id, count=ended.count)
    return ended.count


async def forget(ctx: Context, subject: Subject, id_: str) -> None:
    """Trust this browser no longer. Somebody else's is left alone, and nobody learns whether there is one.

    :raises ApiError: 403, an operator acts as this person
    """
    impersonation.refuse(subject)
    await trusted.forget(ctx, subject.identity.id, id_)
