"""Reading a Kratos database, in pages of people. Nothing is written there, and columns that a version lacks are not missed."""

from __future__ import annotations

import asyncio
import sqlite3
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote

from msgspec import Struct

Row = Mapping[str, Any]
FIRST = "00000000-0000-0000-0000-000000000000"

# {n}: the network; the others are ids, which both databases compare in the same order.
_PEOPLE = "select * from identities where nid = {1} and id > {2} order by id limit {3}"
_RANGE = "nid = {1} and identity_id > {2} and identity_id <= {3}"
_CREDENTIALS = (
    "select c.*, t.name as type from identity_credentials c "
    "join identity_credential_types t on t.id = c.identity_credential_type_id "
    "where c.nid = {1} and c.identity_id > {2} and c.identity_id <= {3}"
)
_IDENTIFIERS = (
    "select identifier, identity_credential_id from identity_credential_identifiers where nid = {1} "
    f"and identity_credential_id in (select id from identity_credentials where {_RANGE})"
)
_VERIFIABLE = f"select * from identity_verifiable_addresses where {_RANGE}"
_RECOVERY = f"select * from identity_recovery_addresses where {_RANGE}"
_SESSIONS = f"select * from sessions where {_RANGE} order by created_at"
_DEVICES = (
    f"select * from session_devices where session_id in (select id from sessions where {_RANGE}) order by created_at"
)


class SourceError(Exception):
    """The database cannot be read, or is none of Kratos'. The text says what to do."""


class Page(Struct, frozen=True):
    """Some people with all that belongs to them, as rows."""

    people: Sequence[Row]
    credentials: Sequence[Row] = ()
    identifiers: Sequence[Row] = ()
    verifiable: Sequence[Row] = ()
    recovery: Sequence[Row] = ()
    sessions: Sequence[Row] = ()
    devices: Sequence[Row] = ()


class Reader(Protocol):
    async def query(self, sql: str, *values: Any) -> Sequence[Row]: ...

    async def close(self) -> None: ...


class KratosDatabase:
    """A Kratos database with one network chosen."""

    def __init__(self, reader: Reader, network: str, total: int) -> None:
        self._reader, self._network, self.total = reader, network, total

    async def page(self, after: str, size: int) -> Page:
        """The next people behind this id."""
        people = await self._reader.query(_PEOPLE, self._network, after, size)
        if not people:
            return Page(())
        wanted = (self._network, after, str(people[-1]["id"]))
        rest = [
            await self._reader.query(sql, *wanted)
            for sql in (_CREDENTIALS, _IDENTIFIERS, _VERIFIABLE, _RECOVERY, _SESSIONS, _DEVICES)
        ]
        return Page(people, *rest)

    async def close(self) -> None:
        await self._reader.close()


async def open_database(dsn: str, network: str = "") -> KratosDatabase:
    """:raises SourceError: it cannot be read, is none of Kratos', or has several networks and none was chosen"""
    reader = await _reader(dsn)
    try:
        networks = [str(row["id"]) for row in await reader.query("select id from networks order by created_at")]
        chosen = network or (networks[0] if len(networks) == 1 else "")
        if chosen not in networks:
            raise SourceError(f"Choose the network to copy with --network; there are: {', '.join(networks) or 'none'}.")
        count = await reader.query("select count(*) as n from identities where nid = {1}", chosen)
    except SourceError:
        await reader.close()
        raise
    except Exception as error:
        await reader.close()
        raise SourceError(f"This is no database of Kratos: {error}") from error
    return KratosDatabase(reader, chosen, int(count[0]["n"]))


async def _reader(dsn: str) -> Reader:
    scheme, _, rest = dsn.partition("://")
    match scheme:
        case "sqlite":
            return _Sqlite(Path(unquote(rest.partition("?")[0])))
        case "postgres" | "postgresql" | "cockroach":
            return await _Postgres.open("postgres://" + rest)
    raise SourceError(f"{scheme or dsn!r} is not read here: sqlite://, postgres:// and cockroach:// are.")


class _Sqlite:
    def __init__(self, file: Path) -> None:
        if not file.is_file():
            raise SourceError(f"There is no file {file}.")
        self._connection = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row

    async def query(self, sql: str, *values: Any) -> Sequence[Row]:
        return await asyncio.to_thread(self._query, sql.format(*["", "?1", "?2", "?3"]), values)

    def _query(self, sql: str, values: Sequence[Any]) -> Sequence[Row]:
        return [dict(row) for row in self._connection.execute(sql, values)]

    async def close(self) -> None:
        self._connection.close()


class _Postgres:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, dsn: str) -> _Postgres:
        import asyncpg  # noqa: PLC0415 - a server on SQLite does without it

        try:
            return cls(await asyncpg.connect(dsn))
        except (OSError, asyncpg.PostgresError, ValueError) as error:
            raise SourceError(f"It cannot be reached: {error}") from error

    async def query(self, sql: str, *values: Any) -> Sequence[Row]:
        typed = [uuid.UUID(v) if isinstance(v, str) else v for v in values]
        return [dict(row) for row in await self._connection.fetch(sql.format(*["", "$1", "$2", "$3"]), *typed)]

    async def close(self) -> None:
        await self._connection.close()
