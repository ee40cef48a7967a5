"""The outbox in the database. A worker leases messages; a lease that ran out belongs to nobody."""

from __future__ import annotations

import msgspec

from limen.core.ids import new_id
from limen.courier.model import SENT, Dispatch, Message
from limen.db.database import Commit, ProjectDatabase, Row

_COLUMNS = "id, status, channel, recipient, template, subject, body, html, data, send_count, created_at, updated_at"

_INSERT = """
    insert into messages (project_id, id, status, channel, recipient, template, subject, body, html, data, send_count,
                          due_at, created_at, updated_at)
    values (:project, :id, 'queued', :channel, :recipient, :template, :subject, :body, :html, :data, 0, :now, :now, :now)
"""
# One statement picks and marks: two workers never hold the same message.
_LEASE = f"""
    update messages set status = 'processing', leased_until = :until, updated_at = :now
     where project_id = :project and id in (
           select id from messages
            where project_id = :project
              and (status = 'queued' and due_at <= :now or status = 'processing' and leased_until < :now)
            order by created_at limit :limit)
       and (status = 'queued' or leased_until < :now)
    returning {_COLUMNS}
"""
_MARK = """
    update messages set status = :status, due_at = :due_at, leased_until = null, send_count = send_count + 1,
           updated_at = :now
     where project_id = :project and id = :id and status = 'processing'
"""
_DISPATCH = """
    insert into dispatches (project_id, id, message_id, status, error, created_at)
    values (:project, :id, :message_id, :status, :error, :now)
"""
_NEXT_DUE = """
    select min(due_at) from messages where project_id = :project and status = 'queued'
"""


def queue(
    commit: Commit,
    now: str,
    *,
    channel: str,
    recipient: str,
    template: str,
    subject: str,
    body: str,
    html: str,
    data: object,
) -> None:
    commit.add(
        _INSERT,
        id=new_id(),
        channel=channel,
        recipient=recipient,
        template=template,
        subject=subject,
        body=body,
        html=html,
        data=msgspec.json.encode(data).decode(),
        now=now,
    )


async def lease(db: ProjectDatabase, now: str, until: str, limit: int) -> list[Message]:
    """Up to `limit` messages that are due, oldest first, held until `until`."""
    rows = await db.write(_LEASE, now=now, until=until, limit=limit)
    return sorted((_message(row) for row in rows), key=lambda m: (m.created_at, m.id))


def mark(commit: Commit, message: Message, now: str, *, status: str, due_at: str, error: str | None) -> None:
    """What became of an attempt: sent, queued again until `due_at`, or abandoned."""
    commit.add(_MARK, id=message.id, status=status, due_at=due_at, now=now)
    outcome = "success" if status == SENT else "failed"
    commit.add(_DISPATCH, id=new_id(), message_id=message.id, status=outcome, error=error, now=now)


async def next_due(db: ProjectDatabase) -> str | None:
    row = await db.row(_NEXT_DUE)
    return row[0] if row else None


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
    return [Dispatch(*row) for row in await db.rows(_DISPATCHES, message_id=message_id)]


def _message(row: Row) -> Message:
    return Message(
        id=row[0],
        status=row[1],
        channel=row[2],
        recipient=row[3],
        template=row[4],
        subject=row[5],
        body=row[6],
        html=row[7],
        data=msgspec.json.decode(row[8]),
        send_count=row[9],
        created_at=row[10],
        updated_at=row[11],
    )
