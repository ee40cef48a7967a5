"""Sessions as operators handle them: lists over everybody, ending them, and what goes with a deleted person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from limen.audit import record
from limen.context import Context
from limen.core import errors
from limen.core.errors import LimenError
from limen.db import lists
from limen.db.database import ProjectDatabase
from limen.identity import admin as operating
from limen.identity import bans, importing
from limen.identity import service as identities
from limen.identity import store as people
from limen.identity.importing import Credentials, Password, PasswordConfig
from limen.identity.model import Identity
from limen.project import operators
from limen.session import store, trusted
from limen.session.model import Session
from limen.session.store import COLUMNS, from_columns

_JOIN = "join identities i on i.project_id = s.project_id and i.id = s.identity_id"
_SELECT = f"select {COLUMNS}, {people.COLUMNS} from sessions s {_JOIN} where s.project_id = :project"
_PAGE_TAIL = """
   and (s.created_at < :before or s.created_at = :before and s.id > :after) order by s.created_at desc, s.id limit :limit
"""
_ACTIVE = " and s.active = 1 and s.expires_at > :now"
_INACTIVE = " and (s.active = 0 or s.expires_at <= :now)"
_PAGE = {None: _SELECT + _PAGE_TAIL, True: _SELECT + _ACTIVE + _PAGE_TAIL, False: _SELECT + _INACTIVE + _PAGE_TAIL}
_OF_TAIL = " and s.identity_id = :identity_id order by s.created_at desc, s.id limit :limit offset :offset"
_OF = {None: _SELECT + _OF_TAIL, True: _SELECT + _ACTIVE + _OF_TAIL, False: _SELECT + _INACTIVE + _OF_TAIL}
_COUNT = f"select count(*) from sessions s {_JOIN} where s.project_id = :project"
_COUNT_TAIL = " and s.identity_id = :identity_id"
_COUNT_OF = {
    None: _COUNT + _COUNT_TAIL,
    True: _COUNT + _ACTIVE + _COUNT_TAIL,
    False: _COUNT + _INACTIVE + _COUNT_TAIL,
}
_BY_ID = _SELECT + " and s.id = :id"

Found = tuple[Session, Identity]


def _found(row: object) -> Found:
    session, identity = from_columns(row)  # type: ignore[arg-type]
    if identity is None:
        raise errors.row_not_found()
    return session, identity


async def page(
    db: ProjectDatabase, now: str, before: str, after: str, limit: int, *, active: bool | None
) -> list[Found]:
    """Sessions made before this moment, newest first; `after` tells those of one moment apart."""
    params = {"before": before, "after": after, "limit": limit, **({} if active is None else {"now": now})}
    return [_found(row) for row in await db.rows(_PAGE[active], **params)]


async def of_identity(
    db: ProjectDatabase, identity_id: str, now: str, limit: int, offset: int, *, active: bool | None
) -> tuple[list[Found], int]:
    """A person's sessions, newest first, and how many there are."""
    more = {} if active is None else {"now": now}
    rows = await db.rows(_OF[active], identity_id=identity_id, limit=limit, offset=offset, **more)
    count = await db.row(_COUNT_OF[active], identity_id=identity_id, **more)
    return [_found(row) for row in rows], int(count[0]) if count else 0


async def must(db: ProjectDatabase, id_: str) -> Found:
    """:raises ApiError: 404, there is no such session"""
    row = await db.row(_BY_ID, id=id_)
    if row is None:
        raise errors.row_not_found()
    return _found(row)


class _Changed(LimenError):
    """The person, or the session, is not as it was read any more."""


async def extend(ctx: Context, id_: str) -> None:
    """Prolong a session, when it is close enough to its end; too early is no error, and changes nothing."""
    config = ctx.project.config.session
    window = config.earliest_possible_extend if config.earliest_possible_extend is not None else config.lifespan
    fresh = ctx.after(config.lifespan)
    before = ctx.after(window) if config.earliest_possible_extend is not None else fresh
    commit = ctx.db.begin()
    store.extend(commit, id_, fresh, before, _Changed)
    record.record(commit, ctx, "auth.session.extend", session=id_)
    try:
        await ctx.db.commit(commit)
    except _Changed:
        return
    ctx.events.tell("session.extended", session=id_)


async def end(ctx: Context, id_: str) -> None:
    """:raises ApiError: 404, there is no such session"""
    session, identity = await must(ctx.db, id_)
    commit = ctx.db.begin()
    trusted.forget_with(commit, "id", [session.id])
    store.revoke(commit, session.id)
    record.record(commit, ctx, "auth.session.revoke", identity, session=session.id)
    await ctx.db.commit(commit)
    ctx.events.tell("session.revoked", identity.id, session=session.id)


async def delete_identity(ctx: Context, id_: str | None) -> None:
    """Remove a person and all their sessions.

    :raises ApiError: 404, there is no such person
    """
    while True:
        identity = await identities.must(ctx.db, id_)
        commit = ctx.db.begin()
        people.delete(commit, identity, _Changed)
        store.delete_all(commit, identity.id)
        bans.forget(commit, identity.id)
        operators.remove(commit, identity.id)
        record.record(commit, ctx, "auth.identity.delete", identity)
        try:
            await ctx.db.commit(commit)
        except _Changed:  # somebody was faster, with a change or with this
            continue
        break
    ctx.events.tell("identity.deleted", identity.id)


async def delete_of(ctx: Context, identity_id: str) -> int:
    """Delete all sessions of a person; how many there were."""
    commit = ctx.db.begin()
    trusted.forget_with(commit, "identity_id", [identity_id])
    ended = store.delete_all(commit, identity_id)
    record.record(commit, ctx, "auth.session.revoke", identity_id, deed="delete")
    await ctx.db.commit(commit)
    ctx.events.tell("sessions.revoked", identity_id)
    return ended.count


async def set_state(ctx: Context, id_: str, state: str) -> Identity:
    """Switch somebody on or off; a ban ends with the one, all sessions with the other.

    :raises ApiError: 404, there is no such person
    """
    before = await identities.must(ctx.db, id_)
    after = operating.with_state(ctx, before, state)
    commit = ctx.db.begin()
    if after is not before:
        identities.save(commit, before, after)
    if state == "active":
        bans.forget(commit, id_)
    else:
        store.revoke_all(commit, id_)
    record.record(commit, ctx, "auth.identity.state", after, state=state)
    await ctx.db.commit(commit)
    ctx.events.tell("identity.updated", id_)
    return after


async def ban(ctx: Context, id_: str, reason: str, until: str | None) -> Identity:
    """Switch somebody off, and end their sessions; a ban that is there already is replaced.

    :param until: a moment as it is stored; None for good
    :raises ApiError: 404, there is no such person
    """
    before = await identities.must(ctx.db, id_)
    after = operating.with_state(ctx, before, "inactive")
    commit = ctx.db.begin()
    if after is not before:
        identities.save(commit, before, after)
    bans.put(commit, ctx, before.id, reason, until)
    store.revoke_all(commit, before.id)
    record.record(commit, ctx, "auth.identity.ban", after, reason=reason, until=until)
    await ctx.db.commit(commit)
    ctx.events.tell("identity.banned", before.id)
    return after


async def set_password(ctx: Context, before: Identity, password: str) -> Identity:
    """Give somebody another password; all their sessions end, and trust in their browsers.

    :raises ApiError: 400, it cannot be taken
    """
    given = Credentials(password=Password(PasswordConfig(password=password)))
    configs = await importing.configs(ctx, given, before.credentials)
    after = identities.change(ctx, before, operating.extract(ctx, before.schema_id, before.traits), configs)
    commit = ctx.db.begin()
    identities.save(commit, before, after)
    store.revoke_all(commit, before.id)
    trusted.forget_with(commit, "identity_id", [before.id])
    record.record(commit, ctx, "auth.identity.password", after)
    await ctx.db.commit(commit)
    ctx.events.tell("identity.updated", before.id)
    return after


# --- many at once -------------------------------------------------------------------------------------------------------

Action = Literal["disable", "delete"]
By = Literal["identity_id", "id"]
EVERYBODY = 5000  # sessions of everybody that one call handles

_MANY = {
    "disable": "update sessions set active = 0 where project_id = :project and active = 1 and {}",
    "delete": "delete from sessions where project_id = :project and {}",
}
_CHOSEN = {
    (action, by): sql.format(f"{by} in {lists.placeholders(by)}")
    for action, sql in _MANY.items()
    for by in ("identity_id", "id")
}
_SOME = "id in (select id from sessions where project_id = :project {} limit :limit)"
_ALL = {
    "disable": _MANY["disable"].format(_SOME.format("and active = 1")),
    "delete": _MANY["delete"].format(_SOME.format("")),
}


async def manage(ctx: Context, action: Action, by: By, ids: Sequence[str]) -> int:
    """End or delete the sessions with these ids, or of these people; how many there were. Unknown ids are passed over."""
    done = 0
    for params in lists.chunks(by, ids):
        commit = ctx.db.begin()
        named = [id_ for id_ in params.values() if id_]
        trusted.forget_with(commit, by, named)
        ended = commit.add(_CHOSEN[action, by], expect=None, otherwise=None, taken=None, fleeting=False, **params)
        whom = named[0] if len(named) == 1 and by == "identity_id" else None
        record.record(commit, ctx, "auth.session.revoke", whom, deed=action, by=by, ids=named)
        await ctx.db.commit(commit)
        done += ended.count
    ctx.events.tell("sessions.revoked", action=action, count=done)
    return done


async def manage_all(ctx: Context, action: Action) -> int:
    """End or delete sessions of everybody, at most `EVERYBODY` of them; how many there were."""
    commit = ctx.db.begin()
    trusted.forget_everybody(commit)
    ended = commit.add(_ALL[action], limit=EVERYBODY)
    record.record(commit, ctx, "auth.session.revoke", deed=action, everybody=True)
    await ctx.db.commit(commit)
    done = ended.count
    ctx.events.tell("sessions.revoked", action=action, count=done)
    return done
