"""What a running server does for its database, unasked: deletes what has expired, and completes the directory of people.

One node does it for all (db/chores.py), a little at a time (docs/decisions/0017).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

import structlog

from limen.core import clock
from limen.core.config import Config
from limen.db import chores, cleanup
from limen.db.database import DatabaseError, ProjectDatabase
from limen.identity import directory

LEASE = 600.0  # seconds after which another node completes the directory, should the first one have died
PAUSE = 0.05  # seconds between two batches
RETRY = 60.0  # seconds until a database that was gone is tried again
CLEANUP = "cleanup"
_log = structlog.get_logger("limen.upkeep")


class Upkeep:
    """Works until it is cancelled. It may be cancelled, or killed, anywhere: the next round finds what is left."""

    def __init__(self, config: Callable[[], Config], db: ProjectDatabase, now: Callable[[], datetime]) -> None:
        self._config, self._db, self._now = config, db, now

    async def run(self) -> None:
        while True:
            pause = RETRY
            try:
                complete = await self._complete_directory()
                await self._clean()
                pause = max(self._config().limen.cleanup.interval, 1.0) if complete else RETRY
            except DatabaseError as error:
                _log.warning("upkeep.failed", error=str(error))
            await asyncio.sleep(pause)

    async def _complete_directory(self) -> bool:
        """People who were stored by a version without a directory are not found by words; this is done once."""
        if await chores.done_at(self._db, directory.CHORE):
            return True
        if not await chores.take(self._db, directory.CHORE, self._stamp(), self._stamp(LEASE)):
            return False
        done = await directory.catch_up(self._db)
        await chores.finish(self._db, directory.CHORE, self._stamp())
        _log.info("upkeep.directory", people=done)
        return True

    async def _clean(self) -> None:
        """Whoever takes the work has it until the next interval, so that there is one round in each."""
        own, batch = self._config().limen.cleanup, self._config().database.cleanup.batch_size
        if not own.enabled or not await chores.take(self._db, CLEANUP, self._stamp(), self._stamp(own.interval)):
            return
        gone = 0
        for table in cleanup.TABLES:
            keep = own.keep_sessions if table == "sessions" else own.keep
            gone += await cleanup.clean_table(self._db, table, self._stamp(-keep), batch=batch, pause=PAUSE)
        await chores.finish(self._db, CLEANUP, self._stamp())
        _log.info("upkeep.cleanup", deleted=gone)

    def _stamp(self, seconds: float = 0) -> str:
        return clock.after(self._now(), seconds)
