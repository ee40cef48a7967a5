"""The database: reachable, ours, up to date, writable, with room on its disk."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from limen.core.config import Config
from limen.core.findings import Finding, good, notice, trouble
from limen.db import migrate
from limen.db.database import DatabaseError, Driver
from limen.db.sqlite import Sqlite, SqliteOptions
from limen.doctor.patient import Access, Patient
from limen.project.model import Identifiers
from limen.settings import data_source

SCARCE: Final = 1 << 30  # bytes free on the disk below which it is worth a word
FULL: Final = 1 << 27  # and below which writing is about to fail
_MIGRATE: Final = "Run `limen migrate sql up -e --yes` with the same configuration."


async def open_for(config: Config) -> Access:
    """Open the database for a look at it. A file that is not there is not made, and nothing is migrated."""
    try:
        source = data_source(config.dsn, config)
        file = source.sqlite.path if source.sqlite else None
        if source.sqlite and (file is None or not file.exists()):
            return Access()  # it is made at the start
        driver = await (Sqlite.open(_gently(source.sqlite)) if source.sqlite else source.open())
    except DatabaseError as error:
        return Access(why=str(error))
    try:
        state = await _state(driver)
        rows = () if state else await driver.rows("select id, slug, name from projects where slug = 'default'", {})
    except DatabaseError as error:
        state, rows = str(error), ()
    if state:
        await driver.close()
        return Access(why=state)
    return Access(driver, Identifiers(*rows[0]) if rows else None)


def _gently(options: SqliteOptions) -> SqliteOptions:
    file = options.path
    can_write = file is not None and os.access(file, os.W_OK) and os.access(file.absolute().parent, os.W_OK)
    return SqliteOptions(
        file, options.busy_timeout, options.synchronous, options.foreign_keys, read_only=not can_write, create=False
    )


async def _state(driver: Driver) -> str:
    """What keeps the server from working with this database; empty when nothing does."""
    if not await migrate.applied(driver):
        return _KRATOS if await _is_kratos(driver) else _EMPTY
    if missing := await migrate.pending(driver):
        return f"{_BEHIND} {', '.join(one.name for one in missing)}"
    if ahead := await migrate.too_new(driver):
        return f"it was migrated by a newer version of Limen ({max(ahead):04})"
    return ""


_KRATOS: Final = "this is a database of Kratos"
_EMPTY: Final = "it has no tables yet"
_BEHIND: Final = "it is behind this version; missing:"


async def _is_kratos(driver: Driver) -> bool:
    tables = "sqlite_master" if driver.dialect == "sqlite" else "information_schema.tables"
    column = "name" if driver.dialect == "sqlite" else "table_name"
    return bool(await driver.rows(f"select 1 from {tables} where {column} = 'identity_credential_identifiers'", {}))


async def check(patient: Patient) -> Iterable[Finding]:
    config, access = patient.loaded.config, patient.access
    at = patient.at("dsn")
    if access.why:
        return [_unusable(config, at, access.why)]
    source = data_source(config.dsn, config)
    if source.sqlite is None:
        return await _postgres(at, access.driver)
    if source.sqlite.path is None:
        told = f"{at} is memory: everybody and everything is gone with the process."
        return [notice(told, "Outside of experiments, write `dsn: sqlite:///var/lib/limen/limen.sqlite`.")]
    return [*_rights(at, source.sqlite.path, source.sqlite), *_disk(source.sqlite.path)]


def _unusable(config: Config, at: str, why: str) -> Finding:
    told = f"{at}: the database cannot be used: {why}."
    itself = config.limen.database.auto_migrate
    if why == _KRATOS:
        return trouble(told, "Give Limen a database of its own, and run `limen import kratos --from` with this one.")
    if why == _EMPTY or why.startswith(_BEHIND):
        sqlite = config.dsn.startswith("sqlite")
        if itself or (itself is None and sqlite):
            return notice(f"{at}: {why}.", "Nothing to do: the server sees to it when it starts.")
        return trouble(told, _MIGRATE)
    return trouble(told, _hint(why))


def _hint(why: str) -> str:
    """What most often helps."""
    said = why.lower()
    for sign, advice in (
        ("newer version", "Start that version, or bring back the backup from before."),
        (
            "password",
            "User and password stand in the `dsn`, with `@`, `:`, `/` and `#` written as %40, %3A, %2F and %23.",
        ),
        ("role ", "Make the user first (`createuser --pwprompt`), or check its name in the `dsn`."),
        ("does not exist", "Make it first (`createdb`), or check its name in the `dsn`."),
        ("ssl", "Say what the server offers: `?sslmode=require`, or `?sslmode=disable` in a network of your own."),
        (
            "connect call failed",
            "Start the database, and check host and port; in a container `localhost` is the container itself.",
        ),
        ("name or service not known", "Check how the host is spelled in the `dsn`."),
        ("timeout", "A firewall may be in the way, or the database has no connections left."),
        ("not a database", "The file in the `dsn` is something else: check the path."),
        ("unable to open", "The folder has to exist, and the user Limen runs as must be allowed to write in it."),
    ):
        if sign in said:
            return advice
    return "Check the `dsn`, and that the database runs."


def _rights(at: str, file: Path, options: SqliteOptions) -> Iterable[Finding]:
    folder = file.absolute().parent
    if options.read_only:
        yield trouble(f"{at} asks for `mode=ro`: nobody can sign up or in.", "Leave `mode=ro` out.")
    elif not file.exists():
        near = next(place for place in (folder, *folder.parents) if place.exists())
        if os.access(near, os.W_OK):
            yield notice(f"{at}: there is no {file} yet; the server makes it when it starts.")
        else:
            yield trouble(f"{at}: {file} cannot be made: {near} is not writable for this user.", _rights_advice(near))
    else:
        blocked = next((one for one in (file, folder) if not os.access(one, os.W_OK)), None)
        if blocked:
            yield trouble(f"{at}: {blocked} is not writable for this user, so no write works.", _rights_advice(blocked))
        else:
            yield good(f"The database {file} is up to date and writable.")
    if options.synchronous == "off":
        told = f"{at} has `_synchronous=off`: a power cut may lose or break what was answered."
        yield notice(told, "Leave it out, or write `normal`.")


def _rights_advice(place: Path) -> str:
    return (
        f"`chown` {place} to the user Limen runs as, together with the folder; check that the volume is not read-only."
    )


def _disk(file: Path) -> Iterable[Finding]:
    folder = file.absolute().parent
    near = next(place for place in (folder, *folder.parents) if place.exists())
    free = shutil.disk_usage(near).free
    if free < SCARCE:
        told = f"{free >> 20} MiB are free on the disk of {near}."
        advice = "Make room: when it is full, nothing can be written, not even a session."
        yield (trouble if free < FULL else notice)(told, advice)


async def _postgres(at: str, driver: Driver | None) -> Iterable[Finding]:
    if driver is None:
        return []
    read_only = await driver.rows("show transaction_read_only", {})
    if read_only[0][0] == "on":
        told = f"{at}: this server only answers reads: it is a replica, or set to read-only."
        return [trouble(told, "Name the primary in the `dsn`.")]
    may = "select has_table_privilege(current_user, 'identities', 'insert, update, delete')"
    if not (await driver.rows(may, {}))[0][0]:
        return [trouble(f"{at}: this user may not write.", "Grant it insert, update and delete on all tables.")]
    return [good("The database is up to date and writable.")]
