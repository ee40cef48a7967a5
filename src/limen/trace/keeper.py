"""Takes traces from the requests, which do not wait, and writes them to the database once a second.

What comes faster than it may be written is left out: an attacker must not be able to make us write without end.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Final

from limen.core import clock
from limen.core.configtraces import Traces
from limen.core.events import Event
from limen.core.ids import new_id
from limen.core.metrics import Family, counter
from limen.db.database import DatabaseError, ProjectDatabase
from limen.trace import store
from limen.trace.model import Trace

AT_ONCE: Final = 100  # that wait to be written
EVERY: Final = 1.0  # seconds between two writes
_TIDY: Final = 60  # writes between two deletions


class Keeper:
    """Of one process. `settings` and `database` are asked each time: the configuration may have changed."""

    def __init__(
        self, settings: Callable[[], Traces], database: Callable[[], ProjectDatabase], now: Callable[[], datetime]
    ) -> None:
        self._settings, self._database, self._now = settings, database, now
        self._waiting: deque[Trace] = deque()
        self._come = asyncio.Event()
        self._lost = 0

    def take(self, event: Event) -> None:
        """A sink: keeps the events that say why something was refused."""
        if event.causes and self._settings().keep:
            if len(self._waiting) >= AT_ONCE:
                self._lost += 1
                return
            self._waiting.append(_trace(event, clock.text(self._now())))
            self._come.set()

    async def run(self) -> None:
        """Write until cancelled, then write the rest."""
        count = 0
        try:
            while True:
                await self._come.wait()
                await asyncio.sleep(EVERY)
                await self.write()
                if count % _TIDY == 0:
                    await self._tidy()
                count += 1
        finally:
            await self.write()

    async def write(self) -> None:
        """Write what waits. While the database is away it is lost: it is a help, not a record."""
        self._come.clear()
        found, self._waiting = list(self._waiting), deque()
        if not found:
            return
        try:
            expires = clock.later(self._now(), self._settings().keep)
            await store.insert(self._database(), found, clock.text(expires))
        except DatabaseError:
            self._lost += len(found)

    async def _tidy(self) -> None:
        with contextlib.suppress(DatabaseError):
            await store.drop(self._database(), clock.text(self._now()), self._settings().most)

    def families(self) -> list[Family]:
        return [counter("limen_traces_lost_total", "Traces of refused steps that were not kept.", self._lost)]


def _trace(event: Event, at: str) -> Trace:
    about = event.about
    flow = {name: about[key] for name, key in (("id", "flow"), ("kind", "kind")) if about.get(key)}
    return Trace(
        id=new_id(),
        request_id=about["request"],
        at=at,
        step=about["step"],
        status=about["status"],
        flow=flow,
        method=about.get("method", ""),
        error_id=about.get("error", ""),
        causes=event.causes,
    )
