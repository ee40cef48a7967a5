"""What a running server does for its audit log: seals what was written, and lets go of what is too old."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from datetime import datetime

import structlog

from limen.audit import seal
from limen.core import clock
from limen.db.database import DatabaseError, ProjectDatabase
from limen.project.model import Project

PAUSE = 2.0  # seconds an entry may wait for its seal
PRUNING = 3600.0  # seconds between two looks for what is too old
_log = structlog.get_logger("limen.audit")


class Sealer:
    """Works until it is cancelled, in every node: of two that seal the same entry, one does."""

    def __init__(self, project: Callable[[], Project], db: ProjectDatabase, now: Callable[[], datetime]) -> None:
        self._project, self._db, self._now = project, db, now
        self._pruned_at = -math.inf

    async def run(self) -> None:
        while True:
            try:
                await self.once()
            except DatabaseError as error:
                _log.warning("audit.stalled", error=str(error))
            await asyncio.sleep(PAUSE)

    async def once(self) -> None:
        """Seal all there is, and, once in a while, let go of what is too old."""
        while await seal.seal_some(self._db, self._project().keys) == seal.BATCH:
            pass
        await self._prune()

    async def _prune(self) -> None:
        keep = self._project().config.limen.audit.retention
        moment = asyncio.get_running_loop().time()
        if not keep or moment < self._pruned_at + PRUNING:
            return
        self._pruned_at = moment
        await seal.prune(self._db, clock.after(self._now(), -keep))
