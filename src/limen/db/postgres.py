"""PostgreSQL (and CockroachDB, which speaks its protocol): asyncpg with a pool of its own that resets nothing.

asyncpg's pool resets a connection at every release, a round trip more; nothing here leaves session state behind, so
ours does not. Statements are prepared once per connection. A commit that must be repeated (40001, 40P01) is repeated.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache
from typing import Any, TypeVar

import asyncpg
from msgspec import Struct

from limen.db.database import DatabaseError, Params, Row, Statement, positional, runs, together

RETRIES = 8
MANY = 20  # rows from which on copying them is cheaper than inserting them
PATIENCE = 30.0  # seconds until a statement without answer is given up; a dead network keeps silent for much longer
MIGRATION_LOCK = 0x6C696D656E  # "limen": the key of the advisory lock under which migrations run

T = TypeVar("T")
Connection = Any  # asyncpg has no type stubs

_INSERT = re.compile(
    r"\s*insert into (?P<table>\w+)\s*\((?P<columns>[\w\s,]+)\)\s*values\s*\((?P<values>[:\w\s,]+)\)\s*"
)
_NAME = re.compile(r":[a-z_][a-z0-9_]*")
_translated = lru_cache(maxsize=2048)(positional)
_REPEATABLE = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)
# The server ended the connection, or it broke; between two statements asyncpg then loses count of its own states.
_LOST = (
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError, asyncpg.InterfaceError, OSError, asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError, asyncpg.DatabaseDroppedError, asyncpg.IdleSessionTimeoutError,
)  # fmt: skip
# It cannot do what it is there for: no space, no memory, read-only after a failover, a statement timeout of its own.
_REFUSED = (
    asyncpg.InsufficientResourcesError, asyncpg.OperatorInterventionError, asyncpg.PostgresSystemError,
    asyncpg.ReadOnlySQLTransactionError,
)  # fmt: skip


class Postgres:
    """A `Driver`. At most `size` connections are open; who finds none free waits."""

    dialect = "postgres"

    def __init__(self, dsn: str, size: int, *, cockroach: bool = False, read_only: bool = False) -> None:
        self._dsn = dsn
        self._cockroach = cockroach
        # Plans are made once per statement; compiling them just in time costs more than it saves here.
        self._settings = ({} if cockroach else {"jit": "off"}) | (
            {"default_transaction_read_only": "on"} if read_only else {}
        )
        self._idle: list[Connection] = []
        self._places = asyncio.Semaphore(size)

    @classmethod
    async def open(cls, dsn: str, *, size: int = 10, cockroach: bool = False, read_only: bool = False) -> Postgres:
        """:raises DatabaseError: no connection can be made"""
        driver = cls(dsn, size, cockroach=cockroach, read_only=read_only)
        driver._idle.append(await driver._connect())
        return driver

    async def _connect(self) -> Connection:
        try:
            return await asyncpg.connect(
                self._dsn, statement_cache_size=512, timeout=10, server_settings=self._settings
            )
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError, TimeoutError) as error:
            raise DatabaseError(f"PostgreSQL cannot be reached: {_plain(error)}") from error

    async def _use(self, work: Callable[[Connection], Awaitable[T]], limit: float | None = PATIENCE) -> T:
        """Run `work` on a connection, for at most `limit` seconds with the wait for one."""
        try:
            async with asyncio.timeout(limit), self._places:
                return await self._on_some(work)
        except TimeoutError as error:
            raise DatabaseError(f"PostgreSQL did not answer within {PATIENCE:.0f} s") from error

    async def _on_some(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Run `work` on a connection. One that turns out to be lost is replaced, once."""
        while True:
            connection = self._take()
            fresh = connection is None
            if connection is None:
                connection = await self._connect()
            try:
                result = await work(connection)
            except _LOST as error:
                if isinstance(error, ValueError):  # asyncpg's complaint about a value is an InterfaceError too
                    self._release(connection)
                    raise
                connection.terminate()
                if fresh:
                    raise DatabaseError(f"the connection to PostgreSQL was lost: {_plain(error)}") from error
                self._let_go()  # the others went down with it
            except _REFUSED as error:
                connection.terminate()  # a server that became a replica stays one: the next connection may find another
                raise DatabaseError(f"PostgreSQL refused to work: {_plain(error)}") from error
            except Exception:
                self._release(connection)
                raise
            except BaseException:  # a cancelled request may have left a statement running
                connection.terminate()
                raise
            else:
                self._release(connection)
                return result

    def _take(self) -> Connection | None:
        """A connection that lies idle."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return None

    def _release(self, connection: Connection) -> None:
        if connection.is_closed():
            return
        if connection.is_in_transaction():
            connection.terminate()
        else:
            self._idle.append(connection)

    def _let_go(self) -> None:
        for connection in self._idle:
            connection.terminate()
        self._idle.clear()

    async def rows(self, sql: str, params: Params) -> Sequence[Row]:
        text, order = _translated(sql)
        values = [params[name] for name in order]

        async def work(connection: Connection) -> Sequence[Row]:
            found: Sequence[Row] = await connection.fetch(text, *values)
            return found

        return await self._repeated(work)

    async def scan(self, sql: str, params: Params) -> Sequence[Row]:
        return await self.rows(sql, params)

    async def write(self, sql: str, params: Params) -> Sequence[Row]:
        return await self.rows(sql, params)

    async def commit(self, statements: Sequence[Statement]) -> None:
        async def work(connection: Connection) -> None:
            if len(statements) == 1:  # a statement is a transaction of its own
                await _execute(connection, statements)
                return
            async with connection.transaction():
                for run in runs(statements):
                    await _execute(connection, run)

        await self._repeated(work)

    async def insert_each(self, groups: Sequence[Sequence[Statement]]) -> list[bool]:
        async def work(connection: Connection) -> list[bool]:
            async with connection.transaction():
                return await _insert_each(connection, groups)

        return await self._repeated(work)

    async def script(self, statements: Sequence[str]) -> None:
        async def work(connection: Connection) -> None:
            async with connection.transaction():
                for sql in statements:
                    await connection.execute(sql)

        await self._repeated(work, limit=None)  # a migration takes its time

    async def locked(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work` while no other node does (an advisory lock; CockroachDB has none and needs none: it retries)."""
        if self._cockroach:
            await work()
            return
        holder = await self._connect()
        try:
            await holder.execute(f"select pg_advisory_lock({MIGRATION_LOCK})")
            await work()
        finally:
            await holder.close()

    async def _repeated(self, work: Callable[[Connection], Awaitable[T]], limit: float | None = PATIENCE) -> T:
        for attempt in range(RETRIES):
            try:
                return await self._use(work, limit)
            except _REPEATABLE as error:
                if attempt == RETRIES - 1:
                    raise DatabaseError(f"a transaction was refused {RETRIES} times: {_plain(error)}") from error
                await asyncio.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311 - spreads retries, hides nothing
        raise DatabaseError("unreachable")

    async def ping(self) -> None:
        await self.rows("select 1", {})

    async def close(self) -> None:
        for connection in self._idle:
            await connection.close()
        self._idle.clear()


class _Insert(Struct, frozen=True):
    table: str
    columns: tuple[str, ...]


@lru_cache(maxsize=256)
def _plain_insert(sql: str) -> _Insert | None:
    """What a statement inserts into, if that is all it does: then its rows can be copied, at half the cost."""
    match = _INSERT.fullmatch(sql)
    if match is None:
        return None
    columns = tuple(column.strip() for column in match["columns"].split(","))
    values = tuple(value.strip() for value in match["values"].split(","))
    plain = len(set(values)) == len(values) == len(columns) and all(_NAME.fullmatch(value) for value in values)
    return _Insert(match["table"], columns) if plain else None


async def _insert_each(connection: Connection, groups: Sequence[Sequence[Statement]]) -> list[bool]:
    """All at once; when a value is taken, each half by itself, down to the one whose it is. Mostly nothing is taken."""
    try:
        async with connection.transaction():
            for sql, params in together(groups).items():
                plain = _plain_insert(sql)
                text, order = _translated(sql)
                rows = [[row[name] for name in order] for row in params]
                if plain and len(rows) >= MANY:
                    await connection.copy_records_to_table(plain.table, records=rows, columns=plain.columns)
                else:
                    await connection.executemany(text, rows)
    except asyncpg.UniqueViolationError:
        if len(groups) == 1:
            return [False]
        middle = len(groups) // 2
        return [*await _insert_each(connection, groups[:middle]), *await _insert_each(connection, groups[middle:])]
    return [True] * len(groups)


async def _execute(connection: Connection, run: Sequence[Statement]) -> None:
    """One statement, or several of one text in one trip."""
    statement = run[0]
    text, order = _translated(statement.sql)
    try:
        if len(run) > 1:
            await connection.executemany(text, [[one.params[name] for name in order] for one in run])
            return
        status = await connection.execute(text, *[statement.params[name] for name in order])
    except asyncpg.UniqueViolationError as error:
        raise statement.clash(_plain(error)) from error
    statement.check(int(status.rsplit(" ", 1)[1]))


def _plain(error: BaseException) -> str:
    return str(error) or type(error).__name__
