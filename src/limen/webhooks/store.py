"""Webhooks and deliveries in the database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from limen.audit import store as audit
from limen.audit.model import Entry
from limen.db.database import Commit, ProjectDatabase, Row
from limen.webhooks.model import Delivery, Status, Webhook

MAX_ERROR = 500  # characters that are kept

_HOOK = "id, url, events, secret, position, created_at"
_HOOKS = f"select {_HOOK} from webhooks where project_id = :project order by created_at, id"
# All that a look needs to know: one question, and nothing written, as long as nothing happens.
_LOOK = f"""
    select {_HOOK}, coalesce((select h.number from audit_heads h where h.project_id = :project), 0),
           case when exists (select 1 from webhook_deliveries d
                              where d.project_id = w.project_id and d.webhook_id = w.id and d.status = 'pending'
                                and d.due_at <= :now) then 1 else 0 end
      from webhooks w where w.project_id = :project order by w.created_at, w.id
"""
_INSERT = """
    insert into webhooks (project_id, id, url, events, secret, position, created_at)
    values (:project, :id, :url, :events, :secret, :position, :now)
"""
_UPDATE = """
    update webhooks set url = :url, events = :events, secret = :secret where project_id = :project and id = :id
"""
_DELETE = "delete from webhooks where project_id = :project and id = :id"
_DELETE_DELIVERIES = "delete from webhook_deliveries where project_id = :project and webhook_id = :id"
_MOVE = "update webhooks set position = :position where project_id = :project and id = :id and position = :before"
_REWIND = "update webhooks set position = :position where project_id = :project and id = :id"
_NEXT = f"""
    select {audit.COLUMNS} from audit where project_id = :project and number > :position order by number limit :limit
"""
_LAST = "select number from audit_heads where project_id = :project"
_BEFORE = """
    select number from audit
     where project_id = :project and number is not null and at < :at order by number desc limit 1
"""
_DELIVERY = "id, webhook_id, number, about, event, body, status, attempts, due_at, last_error, created_at, updated_at"
# What concerns one person is told in its order: the next thing is due no sooner than the one before it.
_ADD = """
    insert into webhook_deliveries (project_id, id, webhook_id, number, about, event, body, status, attempts, due_at,
                                    leased_until, last_error, created_at, updated_at)
    values (:project, :id, :webhook_id, :number, :about, :event, :body, 'pending', 0,
            coalesce((select o.due_at from webhook_deliveries o
                       where o.project_id = :project and o.webhook_id = :webhook_id and o.about = :about
                         and o.status = 'pending' order by o.number desc limit 1), :now), '', '', :now, :now)
"""
# And it waits until the one before it got through or was given up.
_LEASE = f"""
    update webhook_deliveries set leased_until = :until, attempts = attempts + 1, updated_at = :now
     where project_id = :project and id in (
        select d.id from webhook_deliveries d
         where d.project_id = :project and d.webhook_id = :webhook_id and d.status = 'pending' and d.due_at <= :now
           and d.leased_until <= :now
           and not exists (select 1 from webhook_deliveries o
                            where o.project_id = d.project_id and o.webhook_id = d.webhook_id and o.about = d.about
                              and o.status = 'pending' and o.number < d.number)
         order by d.due_at, d.number limit :limit)
       and status = 'pending' and leased_until <= :now
    returning {_DELIVERY}
"""
_SETTLE = """
    update webhook_deliveries
       set status = :status, due_at = :due_at, leased_until = '', last_error = :error, updated_at = :now
     where project_id = :project and id = :id and attempts = :attempts
"""
# Whatever waits for that one need not be looked at before.
_WAIT = """
    update webhook_deliveries set due_at = :due_at
     where project_id = :project and webhook_id = :webhook_id and about = :about and status = 'pending' and number > :number
       and due_at < :due_at
"""
_AGAIN = """
    update webhook_deliveries
       set status = 'pending', attempts = 0, due_at = :now, leased_until = '', created_at = :now, updated_at = :now
     where project_id = :project and id = :id and status <> 'pending'
"""
_PAGE = f"""
    select {_DELIVERY} from webhook_deliveries
     where project_id = :project and (created_at < :before or created_at = :before and id < :before_id)
     order by created_at desc, id desc limit :limit
"""
_OLD = """
    delete from webhook_deliveries
     where project_id = :project and webhook_id = :webhook_id and status in ('delivered', 'failed') and due_at < :before
"""


class Look(Struct, frozen=True):
    """A webhook, and whether there is anything to do for it."""

    hook: Webhook
    is_behind: bool  # the audit log has entries that were not looked at for it
    is_due: bool  # there are deliveries whose moment has come


def _hook(row: Row) -> Webhook:
    return Webhook(row[0], row[1], tuple(msgspec.json.decode(row[2])), row[3], int(row[4]), row[5])


async def everyone(db: ProjectDatabase) -> list[Webhook]:
    return [_hook(row) for row in await db.rows(_HOOKS)]


async def look(db: ProjectDatabase, now: str) -> list[Look]:
    """Every webhook, and whether there is anything to do."""
    rows = await db.rows(_LOOK, now=now)
    return [Look(hook, int(row[6]) > hook.position, bool(row[7])) for row in rows for hook in (_hook(row),)]


async def last_number(db: ProjectDatabase) -> int:
    """The number of the newest sealed audit entry: a new webhook is told what comes after it."""
    row = await db.row(_LAST)
    return int(row[0]) if row else 0


async def number_before(db: ProjectDatabase, at: str) -> int:
    """The number of the last sealed entry from before a moment."""
    row = await db.row(_BEFORE, at=at)
    return int(row[0]) if row else 0


def insert(commit: Commit, hook: Webhook) -> None:
    commit.add(
        _INSERT, id=hook.id, url=hook.url, events=_events(hook), secret=hook.secret, position=hook.position,
        now=hook.created_at,
    )  # fmt: skip


def update(commit: Commit, hook: Webhook) -> None:
    commit.add(_UPDATE, id=hook.id, url=hook.url, events=_events(hook), secret=hook.secret)


def _events(hook: Webhook) -> str:
    return msgspec.json.encode(hook.events).decode()


def delete(commit: Commit, id_: str) -> None:
    commit.add(_DELETE, id=id_)
    commit.add(_DELETE_DELIVERIES, id=id_)


def rewind(commit: Commit, id_: str, position: int) -> None:
    """Tell everything that comes after this entry (once more)."""
    commit.add(_REWIND, id=id_, position=position)


# --- the outbox ---------------------------------------------------------------------------------------------------------


async def following(db: ProjectDatabase, position: int, limit: int) -> list[Entry]:
    """Sealed audit entries after this one, in their order."""
    return [audit.from_row(row) for row in await db.rows(_NEXT, position=position, limit=limit)]


def move(commit: Commit, hook: Webhook, position: int) -> None:
    """What stands up to this entry is in the outbox. Of two nodes at once, one puts it there."""
    commit.add(_MOVE, expect=1, id=hook.id, position=position, before=hook.position)


def add(commit: Commit, now: str, **delivery: Any) -> None:
    """`delivery`: id, webhook_id, number, about, event, body."""
    commit.add(_ADD, now=now, **delivery)


async def lease(db: ProjectDatabase, hook: Webhook, now: str, until: str, limit: int) -> list[Delivery]:
    """Deliveries of a webhook that are due, and are this node's alone for a while."""
    rows = await db.write(_LEASE, webhook_id=hook.id, now=now, until=until, limit=limit)
    return [Delivery(*row) for row in rows]


def settle(commit: Commit, one: Delivery, now: str, *, status: Status, error: str = "") -> None:
    """What came of an attempt, for good."""
    commit.add(_SETTLE, id=one.id, attempts=one.attempts, status=status, due_at=now, error=error[:MAX_ERROR], now=now)


def postpone(commit: Commit, one: Delivery, now: str, *, due_at: str, error: str) -> None:
    """An attempt failed: the next one is at `due_at`, and what concerns the same person follows it."""
    commit.add(
        _SETTLE, id=one.id, attempts=one.attempts, status="pending", due_at=due_at, error=error[:MAX_ERROR], now=now
    )
    commit.add(_WAIT, webhook_id=one.webhook_id, about=one.about, number=one.number, due_at=due_at)


def again(commit: Commit, id_: str, now: str, otherwise: Callable[[], Exception]) -> None:
    """Deliver once more what was delivered or given up."""
    commit.add(_AGAIN, expect=1, otherwise=otherwise, id=id_, now=now)


async def page(db: ProjectDatabase, before: tuple[str, str], limit: int) -> Sequence[Delivery]:
    """Deliveries made before this one (its moment and id), newest first."""
    return [Delivery(*row) for row in await db.rows(_PAGE, before=before[0], before_id=before[1], limit=limit)]


def forget_old(commit: Commit, hook: Webhook, before: str) -> None:
    """Let go of what was settled before a moment."""
    commit.add(_OLD, webhook_id=hook.id, before=before)
