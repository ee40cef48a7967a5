"""Deleting what has expired: flows, codes, links, interrupted submits, counted guesses, error pages, sessions. In steps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from limen.db.database import Driver, ProjectDatabase

_PROJECTS = "select id from projects order by id"
TABLES = {  # and when a row is no longer needed
    "flows": "expires_at",
    "proofs": "expires_at",
    "pauses": "expires_at",
    "guesses": "expires_at",
    "page_errors": "created_at",
    "sessions": "expires_at",
    "trusted_devices": "expires_at",
    "traces": "expires_at",
}


async def clean(
    driver: Driver, before: str, *, batch: int, pause: float, told: Callable[[str, int], None] = lambda *_: None
) -> int:
    """Delete all rows of all projects that expired before this time stamp, `batch` at once, with `pause` seconds between
    two tables.

    :returns: how many there were; `told` hears it for each table
    """
    total = 0
    projects = [ProjectDatabase(driver, row[0]) for row in await driver.rows(_PROJECTS, {})]
    for number, table in enumerate(TABLES):
        if number:
            await asyncio.sleep(pause)
        gone = sum([await clean_table(db, table, before, batch=batch) for db in projects])
        told(table, gone)
        total += gone
    return total


async def clean_table(db: ProjectDatabase, table: str, before: str, *, batch: int, pause: float = 0) -> int:
    """Delete what expired in one table, with `pause` seconds between two batches; how much there was."""
    column = TABLES[table]
    sql = f"""
        delete from {table} where project_id = :project and id in (
            select id from {table} where project_id = :project and {column} < :before limit :batch
        ) returning id
    """
    total = 0
    while gone := len(await db.write(sql, before=before, batch=batch)):
        total += gone
        if gone < batch:
            break
        await asyncio.sleep(pause)
    return total
