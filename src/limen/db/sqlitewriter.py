"""The one connection that writes to SQLite: a few statements where they are asked for, everything else in a thread.

A few rows take 0.1 ms, a hop to a thread as long again: while nobody else writes, they are written on the event loop. What may
take longer has the thread: much at once, waiting for another process, bringing the log home into the file. Nothing waits for
the disk here; that is the `Flusher`'s.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from typing import Any

from limen.db.database import MEANT, DatabaseError
from limen.db.flusher import Flusher, Told, tell

Work = Callable[[sqlite3.Connection], Any]
MAX_GROUP = 256  # jobs of the thread that share one transaction
# Changed rows until the log is brought home: some 16 MB of it. What many commits change, such as the end of an index, is then
# copied once.
CHANGES = 1500


class _Job:
    __slots__ = ("fleeting", "future", "loop", "work")

    def __init__(self, work: Work, loop: asyncio.AbstractEventLoop, *, fleeting: bool) -> None:
        self.work = work
        self.loop = loop
        self.fleeting = fleeting
        self.future: asyncio.Future[Any] = loop.create_future()


class Writer:
    """Two processes on one file are safe: SQLite's own lock is between them."""

    def __init__(self, connection: sqlite3.Connection, flusher: Flusher | None, patience: float) -> None:
        """:param connection: waits for nobody by itself
        :param flusher: None where a commit is answered without waiting for the disk
        :param patience: seconds to wait for another process that writes
        """
        self._connection = connection
        self._flusher = flusher
        self._patience = patience
        self._free = threading.Lock()  # whoever holds it has the connection
        self._home = 0  # changes that were brought home
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="limen-sqlite-writer", daemon=True)
        self._thread.start()

    async def few(self, work: Work, *, fleeting: bool) -> Any:
        """Do what takes a moment, in a transaction: here, unless somebody else is writing.

        :param fleeting: a power cut may undo it
        """
        if not self._take():
            return await self.submit(work, fleeting=fleeting)
        loop = asyncio.get_running_loop()
        try:
            result = self._alone(work)
        finally:
            self._free.release()
        if self._is_due():
            self._jobs.put(_Job(_nothing, loop, fleeting=True))
        if fleeting or self._flusher is None:
            return result
        future: asyncio.Future[Any] = loop.create_future()
        self._flusher.tell(loop, [(future, result, None)])
        return await future

    async def submit(self, work: Work, *, fleeting: bool = False) -> Any:
        """Do it in the thread, with what else there is to do."""
        job = _Job(work, asyncio.get_running_loop(), fleeting=fleeting)
        self._jobs.put(job)
        return await job.future

    def close(self) -> None:
        """Finish what was asked for, and let go of the file. Not for the event loop: it waits."""
        self._jobs.put(None)
        self._thread.join()
        if self._flusher:
            self._flusher.close()
        self._connection.close()

    def _take(self) -> bool:
        """Whether the lock is ours and a transaction begun: neither the thread writes, nor another process."""
        if not self._jobs.empty() or not self._free.acquire(blocking=False):
            return False
        try:
            self._connection.execute("begin immediate")
        except sqlite3.OperationalError:  # whatever it is, the thread has the time to try again, and to tell
            self._free.release()
            return False
        return True

    # ---- with the lock held

    def _alone(self, work: Work) -> Any:
        """The transaction of one job, which was begun."""
        try:
            result = work(self._connection)
            self._connection.execute("commit")
        except BaseException as error:
            if self._connection.in_transaction:
                self._connection.execute("rollback")
            if isinstance(error, sqlite3.Error):
                raise DatabaseError(str(error)) from error
            raise
        return result

    def _is_due(self) -> bool:
        return self._connection.total_changes - self._home >= CHANGES

    # ---- in the thread

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            group = [job]
            with contextlib.suppress(queue.Empty):
                while len(group) < MAX_GROUP:
                    following = self._jobs.get_nowait()
                    if following is None:
                        self._jobs.put(None)
                        break
                    group.append(following)
            with self._free:
                told = self._together(group)
                if self._flusher is None or all(job.fleeting for job in group):
                    job.loop.call_soon_threadsafe(tell, told)
                else:
                    self._flusher.tell(job.loop, told)
                if self._is_due():
                    self._bring_home()

    def _together(self, group: list[_Job]) -> list[Told]:
        """Run jobs in one transaction, each in a savepoint of its own: one that fails undoes only itself."""
        try:
            self._begin()
            told = [self._attempt(job) for job in group]
            if self._connection.in_transaction:
                self._connection.execute("commit")
        except BaseException as error:
            if self._connection.in_transaction:
                self._connection.execute("rollback")
            reason = DatabaseError(str(error)) if isinstance(error, sqlite3.Error) else error
            return [(job.future, None, reason) for job in group]
        return told

    def _begin(self) -> None:
        """Wait until no other process writes, as SQLite itself would: longer and longer."""
        end, pause = time.monotonic() + self._patience, 0.001
        while True:
            try:
                self._connection.execute("begin immediate")
            except sqlite3.OperationalError as error:
                if (error.sqlite_errorcode & 0xFF) != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                    raise
                time.sleep(pause)
                pause = min(pause * 2, 0.1)
            else:
                return

    def _attempt(self, job: _Job) -> Told:
        self._connection.execute("savepoint job")
        result: Any = None
        failure: Exception | None = None
        try:
            result = job.work(self._connection)
        except MEANT as error:
            failure = error
        except sqlite3.Error as error:
            if not self._connection.in_transaction:
                raise  # a disk that is full ends it for all of them
            failure = DatabaseError(str(error))
        if failure:
            self._connection.execute("rollback to job")
        self._connection.execute("release job")
        return job.future, result, failure

    def _bring_home(self) -> None:
        """Copy the log into the file, and begin it anew: both wait for the disk, and the loop must not."""
        self._home = self._connection.total_changes
        with contextlib.suppress(sqlite3.Error):  # it stays in the log then, and is copied another time
            self._connection.execute("pragma wal_checkpoint(passive)")
            self._connection.execute("pragma user_version = 0")  # the first write from the log's beginning


def _nothing(_connection: sqlite3.Connection) -> None:
    """What the thread is asked to do when it is only to look whether the log is due."""
