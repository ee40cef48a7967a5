"""Projects in the database."""

from __future__ import annotations

import uuid

from limen.db.database import Driver
from limen.project.model import Identifiers

DEFAULT_SLUG = "default"


_DEFAULT = "select id, slug, name from projects where slug = :slug"


async def is_there(driver: Driver) -> bool:
    """Whether somebody used this database before."""
    return bool(await driver.rows(_DEFAULT, {"slug": DEFAULT_SLUG}))


async def default(driver: Driver, now: str) -> Identifiers:
    """The project a single-tenant server serves; made on first use. Two nodes that start at once find the same one."""
    rows = await driver.rows(_DEFAULT, {"slug": DEFAULT_SLUG})
    if not rows:
        insert = """
            insert into projects (id, slug, name, created_at) values (:id, :slug, :name, :now)
            on conflict (slug) do nothing
        """
        await driver.write(insert, {"id": str(uuid.uuid4()), "slug": DEFAULT_SLUG, "name": "Default", "now": now})
        rows = await driver.rows(_DEFAULT, {"slug": DEFAULT_SLUG})
    return Identifiers(*rows[0])
