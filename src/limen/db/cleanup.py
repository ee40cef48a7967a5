"""Deleting what has expired: flows, codes, links, interrupted submits, counted guesses, error pages, sessions. In steps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from limen.db.database import Driver, ProjectDatabase

_PROJECTS = "select id from projects order by id"
_TABLES = {
    "flows": "expires_at",
    "proofs": "expires_at",
    "pauses": "expires_at",
    "guesses": "expires_at",
    "page_errors": "created_at",
    "sessions": "expires_at",
}


async def clean(
    driver: Driver, before: str, *, batch: int, pause: float, told: Callable[[str, int], None] = lambda *_: None
) -> int:
    """Delete all rows that expired before this time stamp, `batch` at once, with `pause` seconds between two tables.

    :returns: how many there were; `told` hears it for each table
    """
    total = 0
    projects = [ProjectDatabase(driver, row[0]) for row in await driver.rows(_PROJECTS, {})]
    for number, (table, column) in enumerate(_TABLES.items()):
        if number:
            await asyncio.sleep(pause)
        gone = sum([await _clean(db, table, column, before, batch) for db in projects])
        told(table, gone)
        total += gone
    return total


async def _clean(db: ProjectDatabase, table: str, column: str, before: str, batch: int) -> int:
    sql = f"""
        delete from {table} where project_id = :project and id in (
            select id from {table} where project_id = :project and {column} < :before limit :batch
        ) returning id
    """
    total = 0
    while gone := len(await db.write(sql, before=before, batch=batch)):
        total += gone
    return total
