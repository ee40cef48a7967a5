"""A way to the database around Limen: to look at what it wrote, and to bring about what it must cope with."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg

from limen.audit.store import WRITTEN
from tests.support.server import PATIENCE

# The audit log, sealed or not, to select from.
LOG = f"(select {WRITTEN} from audit union all select {WRITTEN} from audit_waiting) log"


def ask(dsn: str, sql: str) -> Sequence[Sequence[Any]]:
    """Run one statement; its rows."""
    return ask_each(dsn, [sql])[0]


def ask_each(dsn: str, statements: Sequence[str]) -> list[Sequence[Sequence[Any]]]:
    """Run these statements over one connection; the rows of each."""
    if dsn.startswith("sqlite"):
        with contextlib.closing(sqlite3.connect(file_of(dsn), timeout=PATIENCE)) as db, db:
            return [db.execute(sql).fetchall() for sql in statements]
    return asyncio.run(_ask_postgres(dsn, statements))


async def _ask_postgres(dsn: str, statements: Sequence[str]) -> list[Sequence[Sequence[Any]]]:
    connection = await asyncpg.connect(dsn)
    try:
        return [[tuple(row) for row in await connection.fetch(sql)] for sql in statements]
    finally:
        await connection.close()


def file_of(dsn: str) -> Path:
    """The file of a SQLite data source."""
    return Path(dsn.removeprefix("sqlite://"))
