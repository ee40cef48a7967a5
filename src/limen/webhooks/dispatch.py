"""Filling the outbox from the audit log, and emptying it: in every node, without telling anything twice at a time.

A receiver that is slow or down holds up nobody: each attempt is a task of its own, and what concerns other people goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from itertools import chain
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
IDLE: Final = 5.0  # the same while there are no webhooks: how long one that another node made may wait
FORGETTING: Final = 3600.0
BATCH: Final = 200  # audit entries looked at together
SLOTS: Final = 8  # attempts at a time for each webhook
SECONDS: Final = 10.0  # for one attempt
LEASE: Final = 20.0  # seconds until another node repeats an attempt of one that died
DAY: Final = 86400.0
KEPT: Final = 30 * DAY  # seconds what was settled is shown
_PAUSES: Final = (5.0, 30.0, 120.0, 600.0, 1800.0, 3600.0)  # before the next attempts; then every hour, for a day
_SECRET = "webhook secret"
_log = structlog.get_logger("limen.webhooks")


def seal(keys: Keys, secret: str) -> str:
    return keys.seal(_SECRET, secret.encode())


def headers(secret: bytes, id_: str, timestamp: int, body: bytes) -> dict[str, str]:
    """What proves that a call is ours: the HMAC-SHA256 of the body in hex. Id and time stand in the body, too.

    :param secret: b"": there is none, and nothing is proved
    """
    return {
        "Content-Type": "application/json",
        "X-Truss-Event-Id": id_,
        "X-Truss-Timestamp": str(timestamp),
        **({"X-Truss-Signature": hmac.new(secret, body, hashlib.sha256).hexdigest()} if secret else {}),
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
        self._under_way: defaultdict[str, set[asyncio.Task[None]]] = defaultdict(set)  # by webhook
        self._woken = asyncio.Event()
        self._forgot_at = -math.inf

    def wake(self) -> None:
        """Webhooks were changed, or something is to be told once more: look now instead of at the next tick."""
        self._woken.set()

    async def run(self) -> None:
        try:
            while True:
                pause = PAUSE
                try:
                    pause = PAUSE if await self.look() else IDLE
                except DatabaseError as error:
                    _log.warning("webhooks.stalled", error=str(error))
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), pause)
                self._woken.clear()
        finally:
            for task in chain.from_iterable(self._under_way.values()):
                task.cancel()

    async def look(self) -> bool:
        """Put what happened into the outbox, and begin to deliver what is due. Whether anybody wants to hear anything."""
        found = await store.look(self._db, clock.text(self._now()))
        for one in found:
            added = one.is_behind and await self._catch_up(one.hook)
            if one.is_due or added:
                await self._begin(one.hook)
        await self._forget([one.hook for one in found])
        return bool(found)

    async def _catch_up(self, hook: Webhook) -> bool:
        """Look at all audit entries that are new for a webhook; whether there were any."""
        while (count := await self._fill(hook)) == BATCH:
            hook = next((one for one in await store.everyone(self._db) if one.id == hook.id), hook)
        return count > 0

    async def _begin(self, hook: Webhook) -> None:
        """Begin as many deliveries as may run at a time. Each webhook has its own room: one that is slow takes no other's."""
        running = self._under_way[hook.id]
        if len(running) >= SLOTS:
            return
        now = self._now()
        for one in await store.lease(self._db, hook, clock.text(now), clock.after(now, LEASE), SLOTS - len(running)):
            task = asyncio.create_task(self._deliver(hook, one))
            running.add(task)
            task.add_done_callback(partial(self._done, running))

    def _done(self, running: set[asyncio.Task[None]], task: asyncio.Task[None]) -> None:
        """There is room again, and what waited for this one may follow."""
        running.discard(task)
        self.wake()

    async def _forget(self, hooks: Sequence[Webhook]) -> None:
        moment = asyncio.get_running_loop().time()
        if moment < self._forgot_at + FORGETTING:
            return
        self._forgot_at = moment
        commit = self._db.begin()
        for hook in hooks:
            store.forget_old(commit, hook, clock.after(self._now(), -KEPT))
        await self._db.commit(commit)

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

    async def _deliver(self, hook: Webhook, one: Delivery) -> None:
        error = await attempt(self._project(), self._outbound, hook, one.id, one.body, self._now())
        now, commit = self._now(), self._db.begin()
        if not error:
            store.settle(commit, one, clock.text(now), status="delivered")
        elif clock.after(clock.parse(one.created_at), DAY) <= clock.text(now):
            store.settle(commit, one, clock.text(now), status="failed", error=error)
        else:
            pause = _PAUSES[min(one.attempts, len(_PAUSES)) - 1]
            store.postpone(commit, one, clock.text(now), due_at=clock.after(now, pause), error=error)
        try:
            await self._db.commit(commit)
        except DatabaseError as gone:
            _log.warning("webhooks.stalled", error=str(gone))


async def attempt(project: Project, outbound: Outbound, hook: Webhook, id_: str, text: str, now: datetime) -> str:
    """Call once; what was wrong, or "" when the receiver took it (2xx)."""
    secret = project.keys.open(_SECRET, hook.secret) if hook.secret else b""
    if secret is None:  # better untold than unsigned
        return "its secret was sealed under a server's secret that is not configured any more: give it a new one"
    body = text.encode()
    sent = headers(secret, id_, clock.unix(now), body)
    try:
        answer = await outbound.request("POST", hook.url, headers=sent, body=body, seconds=SECONDS, wants_body=False)
    except OutboundError as error:
        return str(error)
    return "" if 200 <= answer.status < 300 else f"it answered {answer.status}"
