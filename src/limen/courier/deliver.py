"""The courier: leases what is due, hands it over, and writes down what became of it.

Any number of couriers, on any number of nodes, share the outbox. Each has one lane for each channel, so that a mail server
that stalls holds up no text message; and a lane that waits for an answer starts the next message meanwhile, so that one
recipient's server holds up no other.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterator
from datetime import datetime
from typing import Any, Final

import structlog

from limen.core import clock
from limen.core.events import Events
from limen.core.ids import new_id
from limen.courier import store
from limen.courier.carrier import Carrier
from limen.courier.model import Failure, Message, Refused, Undelivered
from limen.db.database import DatabaseError, ProjectDatabase
from limen.project.model import Project

CHANNELS: Final = ("email", "sms")
LEASE: Final = 20.0  # seconds until a message of a courier that died is taken up by another
RENEWAL: Final = 7.0  # seconds after which a courier that is still at it says so
# Seconds a lane waits for an attempt before it starts another beside it. As long as the other side is quicker than that,
# one message at a time is under way: no more than this one can be sent twice, should the process be killed.
PATIENCE: Final = 0.25
SLOTS: Final = 16  # attempts of a lane at a time
STOPPING: Final = 5.0  # seconds that attempts get to end when the courier is told to stop
HEARTBEAT: Final = 30.0  # seconds between two signs of life
FORGOTTEN: Final = 3600.0  # seconds after the last of which a courier is no more
_log = structlog.get_logger("limen.courier")


def pause_before(attempt: int, pull_wait: float) -> float:
    """Seconds until the next attempt, when `attempt` of them failed.

    The first ones follow soon, as most failures pass; the later ones outlast a server that greylists for five minutes.
    """
    early = (1.0, 5.0, 30.0)
    return min(early[attempt - 1] * pull_wait, 30.0) if attempt <= len(early) else (120.0, 600.0)[attempt > 4]


class Courier:
    """Delivers a project's messages until it is stopped."""

    def __init__(
        self,
        project: Callable[[], Project],
        db: ProjectDatabase,
        events: Events,
        carrier: Carrier,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._db = db
        self._events = events
        self._carrier = carrier
        self._now = now
        self._id = new_id()
        self._lanes = [Lane(channel, project, db, events, carrier, now) for channel in CHANNELS]

    def wake(self) -> None:
        """Something was queued: look now instead of at the next tick."""
        for lane in self._lanes:
            lane.woken.set()

    async def run(self) -> None:
        """Work until cancelled; what is under way then may end, for a while."""
        tasks = [
            asyncio.create_task(work()) for work in (self._live, self._inherit, *(lane.run for lane in self._lanes))
        ]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.gather(*(lane.finish() for lane in self._lanes))
            await self._carrier.close()
            with _told(self._events):
                gone = self._db.begin()
                store.say_gone(gone, self._id)
                await self._db.commit(gone)

    async def _live(self) -> None:
        """Give signs of life."""
        while True:
            now = self._now()
            with _told(self._events):
                here = self._db.begin()
                store.say_here(here, self._id, clock.text(now), clock.after(now, -FORGOTTEN))
                await self._db.commit(here)
            await asyncio.sleep(HEARTBEAT)

    async def _inherit(self) -> None:
        """Take up what couriers held that died."""
        while True:
            with _told(self._events):
                await store.take_back(self._db, clock.text(self._now()))
            await asyncio.sleep(LEASE / 4)


class Lane:
    """The messages of one channel. `woken` is set when there may be some."""

    def __init__(
        self,
        channel: str,
        project: Callable[[], Project],
        db: ProjectDatabase,
        events: Events,
        carrier: Carrier,
        now: Callable[[], datetime],
    ) -> None:
        self.channel = channel
        self.woken = asyncio.Event()
        self._project = project
        self._db = db
        self._events = events
        self._carrier = carrier
        self._now = now
        self._leased: list[Message] = []  # not begun yet
        self._under_way: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        while True:
            self.woken.clear()
            with _told(self._events):
                self._leased = await self._lease()
            if not self._leased:
                await self._rest()
            while self._leased:
                task = self._start(self._attempt(self._leased.pop(0)))
                await asyncio.wait({task}, timeout=PATIENCE)

    async def finish(self) -> None:
        """Give back what was not begun, and let what is under way end."""
        with _told(self._events):
            back = self._db.begin()
            for message in self._leased:
                store.give_back(back, message)
            await self._db.commit(back)
        if self._under_way:
            _, late = await asyncio.wait(self._under_way, timeout=STOPPING)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _lease(self) -> list[Message]:
        room = min(SLOTS - len(self._under_way), self._project().config.courier.worker.pull_count)
        now = self._now()
        if room <= 0 or not await store.is_due(self._db, clock.text(now), self.channel):
            return []
        return await store.lease(self._db, clock.text(now), clock.after(now, LEASE), room, self.channel)

    async def _rest(self) -> None:
        """Until something was queued, an attempt made room, or it is time to look again."""
        if not self._under_way:
            await self._carrier.idle(self.channel)
        pause = self._project().config.courier.worker.pull_wait
        if len(self._under_way) >= SLOTS:
            await asyncio.wait(self._under_way, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.woken.wait(), pause)

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    async def _attempt(self, message: Message) -> None:
        with _told(self._events):
            project = self._project()
            failure = await self._outcome(project, message)
            await self._mark(project, message, failure)

    async def _outcome(self, project: Project, message: Message) -> Undelivered | None:
        if message.send_count > project.config.courier.message_retries + 1:
            return Refused("every attempt ended without an outcome: the courier was stopped or died each time")
        attempt = asyncio.create_task(self._carrier.carry(project, self._db, message))
        try:
            while not (await asyncio.wait({attempt}, timeout=RENEWAL))[0]:
                await store.renew(self._db, message, clock.after(self._now(), LEASE))
            await attempt
        except Undelivered as undelivered:
            return undelivered
        except DatabaseError as error:
            return Undelivered(str(error), "the templates cannot be read")
        except (
            asyncio.CancelledError
        ):  # what became of it is written down all the same: another courier goes on with it
            return Undelivered("the courier was stopped before there was an answer")
        except Exception as bug:
            _log.exception("bug", message=message.id)
            return Undelivered(f"{type(bug).__name__}: {bug}", "the courier failed")
        finally:
            attempt.cancel()
        return None

    async def _mark(self, project: Project, message: Message, failure: Undelivered | None) -> None:
        now = self._now()
        keep = self._carrier.keeps(project)
        commit = self._db.begin()
        if failure is None:
            store.mark_sent(commit, message, clock.text(now), keep=keep)
            told = "sent"
        else:
            again = not isinstance(failure, Refused) and message.send_count <= project.config.courier.message_retries
            pause = pause_before(message.send_count, project.config.courier.worker.pull_wait)
            due = clock.after(now, pause) if again else ""
            why = Failure(str(failure), failure.reason)
            store.mark_failed(commit, message, clock.text(now), why, due_at=due, keep=keep)
            told = "failed" if again else "abandoned"
        await self._db.commit(commit)
        about: dict[str, Any] = {"message": message.id, "template": message.template, "attempt": message.send_count}
        self._events.tell(f"courier.{told}", **about, **({"error": str(failure)} if failure else {}))


@contextlib.contextmanager
def _told(events: Events) -> Iterator[None]:
    """What goes wrong stops a courier only for a moment: it is told, and tried again."""
    try:
        yield
    except DatabaseError as error:
        events.tell("courier.stalled", error=str(error))
    except Exception:
        _log.exception("bug")
