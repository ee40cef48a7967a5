"""The outbox in the database. A courier leases messages; a lease that ran out belongs to nobody."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from limen.core.ids import new_id
from limen.courier.model import ABANDONED, QUEUED, Dispatch, Failure, Message, Origin
from limen.db.database import Commit, ProjectDatabase, Row

_COLUMNS = "id, status, channel, recipient, template, data, origin, send_count, created_at, updated_at"

_INSERT = """
    insert into messages (project_id, id, status, channel, recipient, template, data, origin, send_count, due_at,
                          created_at, updated_at)
    values (:project, :id, 'queued', :channel, :recipient, :template, :data, :origin, 0, :now, :now, :now)
"""
# One statement picks and marks: two couriers never hold the same message. Counting here, before the attempt, gives each
# attempt a number of its own, and lets a message that kills the process be given up in the end.
_LEASE = f"""
    update messages set status = 'processing', leased_until = :until, send_count = send_count + 1, updated_at = :now
     where project_id = :project and status = 'queued' and id in (
           select id from messages
            where project_id = :project and status = 'queued' and channel = :channel and due_at <= :now
            order by due_at, id limit :limit)
    returning {_COLUMNS}
"""
_IS_DUE = """
    select 1 from messages where project_id = :project and status = 'queued' and channel = :channel and due_at <= :now
     limit 1
"""
_HAS_LAPSED = """
    select 1 from messages where project_id = :project and status = 'processing' and leased_until < :now limit 1
"""
_TAKE_BACK = """
    update messages set status = 'queued', leased_until = null, due_at = :now
     where project_id = :project and status = 'processing' and leased_until < :now
    returning id
"""
_RENEW = """
    update messages set leased_until = :until
     where project_id = :project and id = :id and status = 'processing' and send_count = :send_count
    returning id
"""
_GIVE_BACK = """
    update messages set status = 'queued', leased_until = null, send_count = send_count - 1
     where project_id = :project and id = :id and status = 'processing' and send_count = :send_count
"""
# Sent is sent, whoever holds the lease by now.
_SENT = """
    update messages set status = 'sent', leased_until = null, data = coalesce(:data, data), updated_at = :now
     where project_id = :project and id = :id and status <> 'sent'
"""
_FAILED = """
    update messages set status = :status, due_at = :due_at, leased_until = null, data = coalesce(:data, data),
           updated_at = :now
     where project_id = :project and id = :id and status = 'processing' and send_count = :send_count
"""
_DISPATCH = """
    insert into dispatches (project_id, id, message_id, status, error, created_at)
    values (:project, :id, :message_id, :status, :error, :now)
"""
_NOTHING = "{}"  # what is kept of the data of a message that needs it no more


def queue(
    commit: Commit, now: str, *, channel: str, recipient: str, template: str, data: object, origin: Origin
) -> None:
    commit.add(
        _INSERT,
        id=new_id(),
        channel=channel,
        recipient=recipient,
        template=template,
        data=msgspec.json.encode(data).decode(),
        origin=msgspec.json.encode(origin).decode(),
        now=now,
    )


async def is_due(db: ProjectDatabase, now: str, channel: str) -> bool:
    """Whether a message of this channel waits to be sent. Reading is cheaper than a lease that finds nothing."""
    return bool(await db.row(_IS_DUE, now=now, channel=channel))


async def lease(db: ProjectDatabase, now: str, until: str, limit: int, channel: str) -> list[Message]:
    """Up to `limit` messages of this channel that are due, oldest first, held until `until`."""
    rows = await db.write(_LEASE, now=now, until=until, limit=limit, channel=channel)
    return sorted((_message(row) for row in rows), key=lambda m: (m.created_at, m.id))


async def take_back(db: ProjectDatabase, now: str) -> None:
    """Queue again what a courier held that is no more."""
    if await db.row(_HAS_LAPSED, now=now):
        await db.write(_TAKE_BACK, now=now)


async def renew(db: ProjectDatabase, message: Message, until: str) -> None:
    await db.write(_RENEW, id=message.id, send_count=message.send_count, until=until)


def give_back(commit: Commit, message: Message) -> None:
    """It was leased, but nothing was done with it."""
    commit.add(_GIVE_BACK, id=message.id, send_count=message.send_count)


def mark_sent(commit: Commit, message: Message, now: str, *, keep: bool) -> None:
    """It was delivered. `keep`: what is in it may still be looked at."""
    commit.add(_SENT, id=message.id, data=None if keep else _NOTHING, now=now)
    commit.add(_DISPATCH, id=new_id(), message_id=message.id, status="success", error=None, now=now)


def mark_failed(commit: Commit, message: Message, now: str, failure: Failure, *, due_at: str, keep: bool) -> None:
    """It was not. It is tried again at `due_at`; if that is "", never."""
    status = QUEUED if due_at else ABANDONED
    data = None if keep or due_at else _NOTHING
    commit.add(
        _FAILED,
        id=message.id, send_count=message.send_count, status=status, due_at=due_at or now, data=data, now=now,
    )  # fmt: skip
    error = msgspec.json.encode(failure).decode()
    commit.add(_DISPATCH, id=new_id(), message_id=message.id, status="failed", error=error, now=now)


# --- couriers that are there --------------------------------------------------------------------------------------------

_SEEN = """
    insert into couriers (project_id, id, seen_at) values (:project, :id, :now)
    on conflict (project_id, id) do update set seen_at = :now
"""
_FORGET_OLD = "delete from couriers where project_id = :project and seen_at < :before"
_FORGET = "delete from couriers where project_id = :project and id = :id"
_LAST_SEEN = "select max(seen_at) from couriers where project_id = :project"
_OLDEST_DUE = "select min(due_at) from messages where project_id = :project and status = 'queued'"


def say_here(commit: Commit, courier: str, now: str, before: str) -> None:
    """This courier is at work. Those not heard of since `before` are forgotten."""
    commit.add(_SEEN, id=courier, now=now)
    commit.add(_FORGET_OLD, before=before)


def say_gone(commit: Commit, courier: str) -> None:
    commit.add(_FORGET, id=courier)


async def last_seen(db: ProjectDatabase) -> str | None:
    """When a courier last told that it is there."""
    row = await db.row(_LAST_SEEN)
    return row[0] if row else None


async def oldest_due(db: ProjectDatabase) -> str | None:
    """Since when the longest waiting message could have been sent."""
    row = await db.row(_OLDEST_DUE)
    return row[0] if row else None


_WAITING = "select count(*) from messages where project_id = :project and status = 'queued'"


async def count_waiting(db: ProjectDatabase) -> int:
    row = await db.row(_WAITING)
    return int(row[0]) if row else 0


class GivenUp(Struct, frozen=True):
    """How many messages were given up, and why the last one was."""

    count: int
    last: Failure | None


_GIVEN_UP = """
    select count(*) from messages where project_id = :project and status = 'abandoned' and updated_at > :since
"""
_LAST_FAILURE = """
    select error from dispatches where project_id = :project and status = 'failed' and created_at > :since
     order by created_at desc limit 1
"""


async def abandoned_since(db: ProjectDatabase, since: str) -> GivenUp:
    row = await db.row(_GIVEN_UP, since=since)
    last = await db.row(_LAST_FAILURE, since=since)
    return GivenUp(row[0] if row else 0, _failure.decode(last[0]) if last else None)


# --- for operators ------------------------------------------------------------------------------------------------------

_PAGE = {
    (by_status, by_recipient): f"select {_COLUMNS} from messages where project_id = :project"
    + (" and status = :status" if by_status else "")
    + (" and recipient = :recipient" if by_recipient else "")
    + " and (created_at < :before or created_at = :before and id > :after) order by created_at desc, id limit :limit"
    for by_status in (False, True)
    for by_recipient in (False, True)
}
_BY_ID = f"select {_COLUMNS} from messages where project_id = :project and id = :id"
_DISPATCHES = """
    select id, message_id, status, error, created_at from dispatches
     where project_id = :project and message_id = :message_id order by created_at desc
"""


async def page(
    db: ProjectDatabase, before: str, after: str, limit: int, *, status: str = "", recipient: str = ""
) -> list[Message]:
    """Messages made before this moment, newest first; `after` tells those of one moment apart."""
    wanted = {k: v for k, v in (("status", status), ("recipient", recipient)) if v}
    sql = _PAGE[bool(status), bool(recipient)]
    return [_message(row) for row in await db.rows(sql, before=before, after=after, limit=limit, **wanted)]


async def by_id(db: ProjectDatabase, id_: str) -> Message | None:
    row = await db.row(_BY_ID, id=id_)
    return _message(row) if row else None


async def dispatches(db: ProjectDatabase, message_id: str) -> list[Dispatch]:
    """The attempts to deliver a message, newest first."""
    rows = await db.rows(_DISPATCHES, message_id=message_id)
    return [Dispatch(row[0], row[1], row[2], _failure.decode(row[3]) if row[3] else None, row[4]) for row in rows]


_failure = msgspec.json.Decoder(Failure)
_origin = msgspec.json.Decoder(Origin)


def _message(row: Row) -> Message:
    return Message(
        id=row[0],
        status=row[1],
        channel=row[2],
        recipient=row[3],
        template=row[4],
        data=msgspec.json.decode(row[5]),
        origin=_origin.decode(row[6]),
        send_count=row[7],
        created_at=row[8],
        updated_at=row[9],
    )
