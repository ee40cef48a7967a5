"""Bans: somebody is switched off, with a reason, perhaps until a moment. The person is inactive, which every sign-in checks;
the first sign-in after that moment switches them on again.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from limen.audit import record
from limen.context import Context
from limen.core import errors
from limen.db.database import Commit, ProjectDatabase
from limen.identity import admin, service
from limen.identity.model import Identity

_COLUMNS = "identity_id, reason, until, created_at, created_by"
_SET = """
    insert into bans (project_id, identity_id, reason, until, created_at, created_by)
    values (:project, :identity_id, :reason, :until, :now, :by)
    on conflict (project_id, identity_id) do update set reason = :reason, until = :until, created_at = :now, created_by = :by
"""
_LIFT = "delete from bans where project_id = :project and identity_id = :identity_id"
_OF = f"select {_COLUMNS} from bans where project_id = :project and identity_id = :identity_id"


class Ban(Struct, frozen=True):
    identity_id: str
    reason: str
    until: str | None
    created_at: str
    created_by: str


async def of(db: ProjectDatabase, identity_id: str) -> Ban | None:
    row = await db.row(_OF, identity_id=identity_id)
    return Ban(*row) if row else None


def put(commit: Commit, ctx: Context, identity_id: str, reason: str, until: str | None) -> None:
    """Note a ban; one that is there already is replaced. What else it means is in `session.admin`."""
    commit.add(_SET, identity_id=identity_id, reason=reason, until=until, now=ctx.stamp, by=ctx.client.actor)


async def lift(ctx: Context, identity_id: str) -> Identity:
    """:raises ApiError: 404, there is no such person; 409, there is no ban"""
    before = await service.must(ctx.db, identity_id)
    after = admin.with_state(ctx, before, "active")
    commit = ctx.db.begin()
    commit.add(_LIFT, expect=1, otherwise=lambda: errors.conflict("This person is not banned."), identity_id=before.id)
    if after is not before:
        service.save(commit, before, after)
    record.record(commit, ctx, "auth.identity.unban", after)
    await ctx.db.commit(commit)
    ctx.events.tell("identity.unbanned", before.id)
    return after


def forget(commit: Commit, identity_id: str) -> None:
    """Somebody was switched on by other means, or deleted: the ban is gone with it."""
    commit.add(_LIFT, identity_id=identity_id)


async def lift_if_over(ctx: Context, before: Identity) -> Identity:
    """The person switched on again, when it was a ban that switched them off and its time is over; else as they are."""
    ban = await of(ctx.db, before.id)
    if ban is None or ban.until is None or ban.until > ctx.stamp:
        return before
    after = admin.with_state(ctx, before, "active")
    commit = ctx.db.begin()
    commit.add(_LIFT, identity_id=before.id)
    service.save(commit, before, after)
    record.record(commit, ctx, "auth.identity.unban", after, by="time")
    await ctx.db.commit(commit)
    return replace(after, version=before.version + 1)
