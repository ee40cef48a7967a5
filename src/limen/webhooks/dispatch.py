"""Filling the outbox from the audit log, and emptying it: in every node, without telling anything twice at a time.

A receiver that is slow or down holds up nobody: each attempt is a task of its own, and what concerns other people goes on.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import msgspec
import structlog

from limen.audit.model import Entry
from limen.core import clock
from limen.core.crypto import Keys
from limen.core.ids import new_id
from limen.core.outbound import Outbound, OutboundError
from limen.db.database import DatabaseError, ProjectDatabase, Unmet
from limen.project.model import Project
from limen.webhooks import store
from limen.webhooks.model import EVENTS, Delivery, Webhook

PAUSE: Final = 1.0  # seconds between two looks
BATCH: Final = 200  # audit entries looked at together
SLOTS: Final = 16  # attempts at a time
SECONDS: Final = 10.0  # for one attempt
LEASE: Final = 60.0
DAY: Final = 86400.0
KEPT: Final = 30 * DAY  # seconds what was settled is shown
_PAUSES: Final = (5.0, 30.0, 120.0, 600.0, 1800.0, 3600.0)  # before the next attempts; then every hour, for a day
_SECRET = "webhook secret"
_log = structlog.get_logger("limen.webhooks")


def seal(keys: Keys, secret: str) -> str:
    return keys.seal(_SECRET, secret.encode())


def headers(keys: Keys, hook: Webhook, id_: str, timestamp: int, body: bytes) -> dict[str, str]:
    """What proves that a call is ours: the HMAC-SHA256 of the body in hex. Id and time stand in the body, too."""
    secret = keys.open(_SECRET, hook.secret)
    made = hmac.new(secret or b"", body, hashlib.sha256).hexdigest() if secret else ""
    return {
        "Content-Type": "application/json",
        "X-Truss-Event-Id": id_,
        "X-Truss-Timestamp": str(timestamp),
        **({"X-Truss-Signature": made} if made else {}),
    }


def body_of(entry: Entry, event: str, id_: str) -> dict[str, Any]:
    """What a receiver is told of an entry. `id` is the same for every attempt."""
    return {
        "id": id_,
        "type": event,
        "action": entry.action,
        "timestamp": entry.at,
        "outcome": entry.outcome,
        "identity_id": entry.identity_id or None,
        "email": entry.email or None,
        "method": entry.method,
        "actor": entry.actor,
        "ip_address": entry.ip_address,
        "user_agent": entry.user_agent,
        "detail": entry.detail,
    }


def event_of(hook: Webhook, action: str) -> str:
    """Under which name a webhook hears of this action; "" when it does not."""
    return next((name for name in hook.events if EVENTS.get(name, name) == action), "")


class Dispatcher:
    """Works until it is cancelled."""

    def __init__(
        self,
        project: Callable[[], Project],
        db: ProjectDatabase,
        outbound: Outbound,
        now: Callable[[], datetime],
    ) -> None:
        self._project, self._db, self._outbound, self._now = project, db, outbound, now
        self._under_way: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        try:
            while True:
                try:
                    await self.look()
                except DatabaseError as error:
                    _log.warning("webhooks.stalled", error=str(error))
                await asyncio.sleep(PAUSE)
        finally:
            for task in self._under_way:
                task.cancel()

    async def look(self) -> None:
        """Put what happened into the outbox, and begin to deliver what is due."""
        hooks = {hook.id: hook for hook in await store.everyone(self._db)}
        for hook in hooks.values():
            while await self._fill(hook) == BATCH:
                hook = next(one for one in await store.everyone(self._db) if one.id == hook.id)  # noqa: PLW2901 - it moved on
        room = SLOTS - len(self._under_way)
        if not hooks or room <= 0:
            return
        now = self._now()
        for one in await store.lease(self._db, clock.text(now), clock.after(now, LEASE), room):
            task = asyncio.create_task(self._deliver(hooks.get(one.webhook_id), one))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def _fill(self, hook: Webhook) -> int:
        entries = await store.following(self._db, hook.position, BATCH)
        if not entries:
            return 0
        commit = self._db.begin()
        store.move(commit, hook, entries[-1].number or 0)
        now = clock.text(self._now())
        for entry in entries:
            if event := event_of(hook, entry.action):
                id_ = new_id()
                body = msgspec.json.encode(body_of(entry, event, id_)).decode()
                store.add(
                    commit, now, id=id_, webhook_id=hook.id, number=entry.number, about=entry.identity_id, event=event,
                    body=body,
                )  # fmt: skip
        try:
            await self._db.commit(commit)
        except Unmet:
            return 0  # another node did it
        return len(entries)

    async def _deliver(self, hook: Webhook | None, one: Delivery) -> None:
        error = (
            await attempt(self._project(), self._outbound, hook, one.id, one.body, self._now())
            if hook
            else "it is gone"
        )
        now, commit = self._now(), self._db.begin()
        if not error:
            store.settle(commit, one, clock.text(now), status="delivered", due_at="", error="")
        else:
            over = hook is None or clock.after(clock.parse(one.created_at), DAY) <= clock.text(now)
            pause = _PAUSES[min(one.attempts, len(_PAUSES)) - 1]
            store.settle(
                commit, one, clock.text(now), status="failed" if over else "pending", due_at=clock.after(now, pause),
                error=error,
            )  # fmt: skip
        try:
            await self._db.commit(commit)
        except DatabaseError as gone:
            _log.warning("webhooks.stalled", error=str(gone))


async def attempt(project: Project, outbound: Outbound, hook: Webhook, id_: str, text: str, now: datetime) -> str:
    """Call once; what was wrong, or "" when the receiver took it (2xx)."""
    body = text.encode()
    sent = headers(project.keys, hook, id_, clock.unix(now), body)
    try:
        answer = await outbound.request("POST", hook.url, headers=sent, body=body, seconds=SECONDS, wants_body=False)
    except OutboundError as error:
        return str(error)
    return "" if 200 <= answer.status < 300 else f"it answered {answer.status}"
