"""SQLite: reads by key and small writes on the event loop; waiting for the disk, large writes and scans in threads.

A read takes some 20 µs, a hop to a thread 80; an fsync or a checkpoint can take 75 ms (docs/decisions/0004).
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import cast

from msgspec import Struct

from limen.db.database import DatabaseError, Params, Row, Statement, positional, runs, together
from limen.db.flusher import Flusher
from limen.db.sqlitewriter import Writer

FEW = 40  # statements that are no reason to leave the event loop


class SqliteOptions(Struct, frozen=True):
    """Where the file is and how it is opened. `path` None: a database that lives as long as the process."""

    path: Path | None
    busy_timeout: float = 10.0
    synchronous: str = "full"
    foreign_keys: bool = True
    read_only: bool = False
    create: bool = True
    keep: bool = False  # nothing is written, though it might be: so the files beside it are cleared away in the end


class Sqlite:
    """A `Driver` on one file (or none). Two processes on one file are safe: SQLite's own lock is between them."""

    dialect = "sqlite"

    def __init__(self, options: SqliteOptions) -> None:
        self._options = options
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._synchronous = "off" if options.path is None else options.synchronous
        self._scans = ThreadPoolExecutor(max_workers=1, thread_name_prefix="limen-sqlite-scan")

    @classmethod
    async def open(cls, options: SqliteOptions) -> Sqlite:
        """:raises DatabaseError: the file cannot be opened"""
        driver = cls(options)
        try:
            if options.path is None:
                driver._folder = tempfile.TemporaryDirectory(prefix="limen-memory-")
            driver._writer = driver._open_writer()
            driver._reader = driver._connect(read_only=True)
            driver._scanner = driver._connect(read_only=True)
        except sqlite3.Error as error:
            raise DatabaseError(f"the SQLite file {options.path} cannot be opened: {error}") from error
        return driver

    _writer: Writer
    _reader: sqlite3.Connection
    _scanner: sqlite3.Connection

    @property
    def _path(self) -> Path:
        return self._options.path or Path(cast(tempfile.TemporaryDirectory[str], self._folder).name) / "limen.sqlite"

    def _open_writer(self) -> Writer:
        o = self._options
        connection = self._connect(read_only=o.read_only)
        flusher = None
        if not o.read_only and not o.keep:
            flusher = self._prepare(connection)
        # So that many rows at once, all over the indexes, are not written out again and again before their commit.
        connection.execute("pragma cache_size = -65536")
        connection.execute("pragma busy_timeout = 0")
        return Writer(connection, flusher, o.busy_timeout)

    def _prepare(self, connection: sqlite3.Connection) -> Flusher | None:
        """Have it write as is asked for. With synchronous=full a commit is on the disk before it is answered: neither
        kill -9 nor a power cut loses any.
        """
        has_log = connection.execute("pragma journal_mode = wal").fetchone()[0] == "wal"
        # By ourselves: several commits at once, off the loop.
        flushed = has_log and self._synchronous in ("full", "extra")
        connection.execute(f"pragma synchronous = {'normal' if flushed else self._synchronous}")
        connection.execute("pragma journal_size_limit = 67108864")
        connection.execute("pragma wal_autocheckpoint = 0")  # the writer brings the log home where nobody waits for it
        return Flusher(Path(f"{self._path.resolve()}-wal")) if flushed else None  # beside the file a link leads to

    def _connect(self, *, read_only: bool) -> sqlite3.Connection:
        o = self._options
        mode = "ro" if read_only else "rwc" if o.create else "rw"
        connection = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode={mode}",
            uri=True,
            timeout=o.busy_timeout,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        if not read_only and o.keep:
            connection.execute("pragma query_only = on")
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
        return cast(
            Sequence[Row], await self._writer.submit(lambda connection: connection.execute(sql, params).fetchall())
        )

    async def commit(self, statements: Sequence[Statement]) -> None:
        fleeting = all(one.fleeting for one in statements)
        do = self._writer.few if len(statements) <= FEW else self._writer.submit
        await do(lambda connection: _run(connection, statements), fleeting=fleeting)

    async def insert_each(self, groups: Sequence[Sequence[Statement]]) -> list[bool]:
        def work(connection: sqlite3.Connection) -> list[bool]:
            return _attempted(connection, groups)

        return cast(list[bool], await self._writer.submit(work))

    async def script(self, statements: Sequence[str]) -> None:
        def work(connection: sqlite3.Connection) -> None:
            for sql in statements:
                connection.execute(sql)

        await self._writer.submit(work)

    async def locked(self, work: Callable[[], Awaitable[None]]) -> None:
        """SQLite lets one writer in at a time, and each migration is one transaction that looks before it writes."""
        await work()

    async def ping(self) -> None:
        await self.rows("select 1", {})

    async def close(self) -> None:
        await asyncio.to_thread(self._scans.shutdown)
        self._scanner.close()
        self._reader.close()  # the writer leaves last: only it can bring everything home into the one file
        await asyncio.to_thread(self._writer.close)
        if self._folder:
            self._folder.cleanup()


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
