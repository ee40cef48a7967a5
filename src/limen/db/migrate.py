"""The schema's life: numbered SQL files, forward only, each applied once, under a lock, so that two nodes may start at once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import resources

from msgspec import Struct

from limen.core import clock
from limen.db.database import DatabaseError, Driver

_TABLE = (
    "create table if not exists migrations (version integer primary key, name text not null, applied_at text not null)"
)
_FILE = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")


class Migration(Struct, frozen=True):
    version: int
    name: str
    statements: tuple[str, ...]


def available() -> list[Migration]:
    """All migrations that came with this version, in order."""
    found = [
        Migration(int(match.group(1)), match.group(2), _statements(file.read_text()))
        for file in resources.files("limen.db").joinpath("migrations").iterdir()
        if (match := _FILE.fullmatch(file.name))
    ]
    return sorted(found, key=lambda m: m.version)


def _statements(text: str) -> tuple[str, ...]:
    plain = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("--"))
    return tuple(part.strip() for part in plain.split(";") if part.strip())


async def applied(driver: Driver) -> set[int]:
    """The versions this database has. An empty database has none."""
    exists = (
        "select name from sqlite_master where type = 'table' and name = 'migrations'"
        if driver.dialect == "sqlite"
        else "select 1 from information_schema.tables where table_schema = current_schema() and table_name = 'migrations'"
    )
    if not await driver.rows(exists, {}):
        return set()
    return {row[0] for row in await driver.rows("select version from migrations", {})}


async def pending(driver: Driver) -> list[Migration]:
    done = await applied(driver)
    return [m for m in available() if m.version not in done]


async def too_new(driver: Driver) -> set[int]:
    """Versions of this database that this program does not know: it was migrated by a later one."""
    return await applied(driver) - {m.version for m in available()}


async def up(driver: Driver) -> list[Migration]:
    """Apply what is missing; returns it. Safe to run on several nodes at once.

    :raises DatabaseError: a statement failed; everything of that migration is undone
    """
    done: list[Migration] = []

    async def work() -> None:
        await driver.script([_TABLE])
        for migration in await pending(driver):
            mark = f"insert into migrations (version, name, applied_at) values ({migration.version}, '{migration.name}', '{clock.text(clock.now())}')"  # noqa: E501 - our own file names
            try:
                # The mark comes first: of two nodes that both found it missing, one fails here and changes nothing.
                await driver.script([mark, *_for(driver.dialect, migration.statements)])
            except Exception as error:
                if migration.version in await applied(driver):
                    continue
                raise DatabaseError(f"migration {migration.version:04} ({migration.name}) failed: {error}") from error
            done.append(migration)

    await driver.locked(work)
    return done


def _for(dialect: str, statements: Sequence[str]) -> list[str]:
    """The statements as this database spells them.

    Text that is compared or sorted is compared by bytes: SQLite always does, PostgreSQL when asked (`/*bytes*/`). A table
    that is nothing but its key is kept once on SQLite, as its own index (`/*clustered*/`).
    """
    words = {"/*bytes*/": "", "/*clustered*/": "without rowid"}
    if dialect != "sqlite":
        words = {"/*bytes*/": ' collate "C"', "/*clustered*/": ""}
    for mark, text in words.items():
        statements = [statement.replace(mark, text) for statement in statements]
    return list(statements)
