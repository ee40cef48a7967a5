"""SQLite: reads by key inline on the event loop, writes through one thread that groups them into one transaction.

A read takes some 20 µs, a hop to a thread 80; an fsync or a checkpoint can take 75 ms, so no write runs on the loop. Nor does
a scan: it has a thread and a connection of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import tempfile
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from msgspec import Struct

from limen.db.database import MEANT, DatabaseError, Params, Row, Statement, positional, runs, together

MAX_GROUP = 256  # commits that share one fsync


class SqliteOptions(Struct, frozen=True):
    """Where the file is and how it is opened. `path` None: a database that lives as long as the process."""

    path: Path | None
    busy_timeout: float = 10.0
    synchronous: str = "full"
    foreign_keys: bool = True
    read_only: bool = False
    create: bool = True
    keep: bool = False  # nothing is written, though it might be: so the files beside it are cleared away in the end


class _Job:
    __slots__ = ("fleeting", "future", "loop", "work")

    def __init__(
        self, work: Callable[[sqlite3.Connection], Any], loop: asyncio.AbstractEventLoop, *, fleeting: bool
    ) -> None:
        self.work = work
        self.loop = loop
        self.fleeting = fleeting
        self.future: asyncio.Future[Any] = loop.create_future()


class Sqlite:
    """A `Driver` on one file (or none). Two processes on one file are safe: SQLite's own lock is between them."""

    dialect = "sqlite"

    def __init__(self, options: SqliteOptions) -> None:
        self._options = options
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._synchronous = "off" if options.path is None else options.synchronous
        self._waits = True  # whether a commit now waits for the disk
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write_loop, name="limen-sqlite-writer", daemon=True)
        self._scans = ThreadPoolExecutor(max_workers=1, thread_name_prefix="limen-sqlite-scan")

    @classmethod
    async def open(cls, options: SqliteOptions) -> Sqlite:
        """:raises DatabaseError: the file cannot be opened"""
        driver = cls(options)
        try:
            if options.path is None:
                driver._folder = tempfile.TemporaryDirectory(prefix="limen-memory-")
            driver._writer = driver._connect(read_only=options.read_only)
            # So that many rows at once, all over the indexes, are not written out again and again before their commit.
            driver._writer.execute("pragma cache_size = -65536")
            driver._reader = driver._connect(read_only=True)
            driver._scanner = driver._connect(read_only=True)
        except sqlite3.Error as error:
            raise DatabaseError(f"the SQLite file {options.path} cannot be opened: {error}") from error
        driver._thread.start()
        return driver

    _writer: sqlite3.Connection
    _reader: sqlite3.Connection
    _scanner: sqlite3.Connection

    def _connect(self, *, read_only: bool) -> sqlite3.Connection:
        o = self._options
        path = o.path or Path(cast(tempfile.TemporaryDirectory[str], self._folder).name) / "limen.sqlite"
        mode = "ro" if read_only else "rwc" if o.create else "rw"
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}",
            uri=True,
            timeout=o.busy_timeout,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        if not read_only and o.keep:
            connection.execute("pragma query_only = on")
        elif not read_only:
            connection.execute("pragma journal_mode = wal")
            # With synchronous=full a commit is on the disk before it is answered: kill -9 and a power cut lose nothing.
            connection.execute(f"pragma synchronous = {self._synchronous}")
            connection.execute("pragma journal_size_limit = 67108864")
            # 16 MB of them: what many commits change, such as the end of an index, is then copied home once.
            connection.execute("pragma wal_autocheckpoint = 4000")
        connection.execute(f"pragma foreign_keys = {'on' if o.foreign_keys else 'off'}")
        connection.execute("pragma temp_store = memory")
        # Mapped pages spare readers a copy; the writer copies what it changes all the same, and would map anew as the file grows.
        connection.execute(f"pragma mmap_size = {1073741824 if read_only else 0}")
        return connection

    async def rows(self, sql: str, params: Params) -> Sequence[Row]:
        try:
            return self._reader.execute(sql, params).fetchall()
        except sqlite3.OperationalError as error:
            raise DatabaseError(str(error)) from error

    async def scan(self, sql: str, params: Params) -> Sequence[Row]:
        def work() -> Sequence[Row]:
            return self._scanner.execute(sql, params).fetchall()

        try:
            return await asyncio.get_running_loop().run_in_executor(self._scans, work)
        except sqlite3.OperationalError as error:
            raise DatabaseError(str(error)) from error

    async def write(self, sql: str, params: Params) -> Sequence[Row]:
        return cast(Sequence[Row], await self._submit(lambda connection: connection.execute(sql, params).fetchall()))

    async def commit(self, statements: Sequence[Statement]) -> None:
        fleeting = all(one.fleeting for one in statements)
        await self._submit(lambda connection: _run(connection, statements), fleeting=fleeting)

    async def insert_each(self, groups: Sequence[Sequence[Statement]]) -> list[bool]:
        def work(connection: sqlite3.Connection) -> list[bool]:
            return _attempted(connection, groups)

        return cast(list[bool], await self._submit(work))

    async def script(self, statements: Sequence[str]) -> None:
        def work(connection: sqlite3.Connection) -> None:
            for sql in statements:
                connection.execute(sql)

        await self._submit(work)

    async def locked(self, work: Callable[[], Awaitable[None]]) -> None:
        """SQLite lets one writer in at a time, and each migration is one transaction that looks before it writes."""
        await work()

    async def ping(self) -> None:
        await self.rows("select 1", {})

    async def close(self) -> None:
        await asyncio.to_thread(self._scans.shutdown)
        self._scanner.close()
        self._reader.close()  # the writer leaves last: only it can bring everything home into the one file
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)
        if self._folder:
            self._folder.cleanup()

    # ---- the writer thread

    async def _submit(self, work: Callable[[sqlite3.Connection], Any], *, fleeting: bool = False) -> Any:
        job = _Job(work, asyncio.get_running_loop(), fleeting=fleeting)
        self._jobs.put(job)
        return await job.future

    def _write_loop(self) -> None:
        while (job := self._jobs.get()) is not None:
            group = [job]
            with contextlib.suppress(queue.Empty):
                while len(group) < MAX_GROUP:
                    following = self._jobs.get_nowait()
                    if following is None:
                        self._jobs.put(None)
                        break
                    group.append(following)
            self._write_group(group)
        self._writer.close()

    def _write_group(self, group: list[_Job]) -> None:
        """Run the jobs in one transaction; of several each in a savepoint of its own: one that fails undoes only itself."""
        done: list[_Done] = []
        try:
            self._wait_for_disk(not all(job.fleeting for job in group))
            self._writer.execute("begin immediate")
            done = [self._attempt(job) for job in group] if len(group) > 1 else [self._alone(group[0])]
            if self._writer.in_transaction:
                self._writer.execute("commit")
        except BaseException as error:
            if self._writer.in_transaction:
                self._writer.execute("rollback")
            reason = DatabaseError(str(error)) if isinstance(error, sqlite3.Error) else error
            done = [(job, None, reason) for job in group]
        group[0].loop.call_soon_threadsafe(_tell, done)

    def _wait_for_disk(self, wanted: bool) -> None:
        """Whether the next commit waits until it is on the disk, where that is asked for at all."""
        if wanted != self._waits and self._synchronous in ("full", "extra"):
            self._writer.execute(f"pragma synchronous = {self._synchronous if wanted else 'normal'}")
            self._waits = wanted

    def _alone(self, job: _Job) -> _Done:
        result, failure = self._worked(job)
        if failure:
            self._writer.execute("rollback")
        return job, result, failure

    def _attempt(self, job: _Job) -> _Done:
        self._writer.execute("savepoint job")
        result, failure = self._worked(job)
        if failure:
            self._writer.execute("rollback to job")
        self._writer.execute("release job")
        return job, result, failure

    def _worked(self, job: _Job) -> tuple[Any, Exception | None]:
        try:
            return job.work(self._writer), None
        except MEANT as error:
            return None, error
        except sqlite3.IntegrityError as error:
            return None, DatabaseError(str(error))


_Done = tuple[_Job, Any, BaseException | None]


def _tell(done: list[_Done]) -> None:
    for job, result, failure in done:
        if job.future.done():  # the request was given up meanwhile
            continue
        if failure is None:
            job.future.set_result(result)
        else:
            job.future.set_exception(failure)


def _run(connection: sqlite3.Connection, statements: Sequence[Statement]) -> None:
    for run in runs(statements):
        statement = run[0]
        try:
            if len(run) > 1:
                connection.executemany(statement.sql, [one.params for one in run])
                continue
            cursor = connection.execute(statement.sql, statement.params)
        except sqlite3.IntegrityError as error:
            if _is_taken(error):
                raise statement.clash(str(error)) from error
            raise
        statement.check(cursor.rowcount)


@lru_cache(maxsize=256)
def _numbered(sql: str) -> tuple[str, tuple[str, ...]]:
    return positional(sql, "?")


def _attempted(connection: sqlite3.Connection, groups: Sequence[Sequence[Statement]]) -> list[bool]:
    """All at once; when a value is taken, each half by itself, down to the one whose it is. Mostly nothing is taken."""
    connection.execute("savepoint some")
    try:
        for sql, rows in together(groups).items():
            text, order = _numbered(sql)  # by name, each value of each row would be looked for
            connection.executemany(text, [[row[name] for name in order] for row in rows])
        stored = True
    except sqlite3.IntegrityError as error:
        if not _is_taken(error):
            raise
        connection.execute("rollback to some")
        stored = False
    connection.execute("release some")
    if stored or len(groups) == 1:
        return [stored] * len(groups)
    middle = len(groups) // 2
    return [*_attempted(connection, groups[:middle]), *_attempted(connection, groups[middle:])]


def _is_taken(error: sqlite3.IntegrityError) -> bool:
    return error.sqlite_errorcode in (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
