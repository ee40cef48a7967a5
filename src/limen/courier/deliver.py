"""The worker: leases what is due, hands it to the mail server, and writes down what that said."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from limen.core import clock
from limen.core.events import Events
from limen.courier import store
from limen.courier.model import ABANDONED, QUEUED, SENT, Failed, Message, Refused
from limen.db.database import DatabaseError, ProjectDatabase
from limen.project.model import Project

LEASE = 120.0  # seconds a worker may hold a message; longer than any attempt takes
BACKOFF = (1.0, 5.0, 30.0, 120.0, 600.0)  # seconds before the second, third … attempt


class Courier:
    """Delivers a project's messages until it is stopped. Any number of them, on any number of nodes, share the outbox."""

    def __init__(
        self,
        project: Callable[[], Project],
        db: ProjectDatabase,
        events: Events,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._project = project
        self._db = db
        self._events = events
        self._now = now
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Something was queued: look now instead of at the next tick."""
        self._woken.set()

    async def run(self) -> None:
        while True:
            try:
                worked = await self.work()
            except DatabaseError as error:
                self._events.tell("courier.stalled", error=str(error))
                worked = 0
            if not worked:
                self._woken.clear()
                pause = self._project().config.courier.worker.pull_wait
                try:
                    await asyncio.wait_for(self._woken.wait(), pause)
                except TimeoutError:
                    continue

    async def work(self) -> int:
        """Deliver what is due; returns how many messages were tried."""
        now = self._now()
        limit = self._project().config.courier.worker.pull_count
        leased = await store.lease(self._db, clock.text(now), clock.after(now, LEASE), limit)
        for message in leased:
            await self._deliver(message)
        return len(leased)

    async def _deliver(self, message: Message) -> None:
        project = self._project()
        error: str | None = None
        status = SENT
        try:
            await send(project, message)
        except Refused as refusal:
            status, error = ABANDONED, str(refusal)
        except Failed as failure:
            tries = message.send_count + 1
            status, error = (ABANDONED if tries > project.config.courier.message_retries else QUEUED), str(failure)
        now = self._now()
        pause = BACKOFF[min(message.send_count, len(BACKOFF) - 1)] if status == QUEUED else 0.0
        commit = self._db.begin()
        store.mark(commit, message, clock.text(now), status=status, due_at=clock.after(now, pause), error=error)
        await self._db.commit(commit)
        self._events.tell(f"courier.{status}", message=message.id, template=message.template, error=error or "")


async def send(project: Project, message: Message) -> None:
    """Hand one message over.

    :raises Refused: it will never be taken
    :raises Failed: it may be taken later
    """
    if message.channel != "email":
        raise Failed(f"there is no channel {message.channel!r} in courier.channels")
    from limen.courier import smtp  # noqa: PLC0415 - 20 ms that a start need not wait for

    await smtp.send(project, message)
