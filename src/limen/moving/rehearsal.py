"""What a dry run looks at: the database as it is; or an empty one of its own, where no table was made yet."""

from __future__ import annotations

import click
from msgspec.structs import replace

from limen.app import App
from limen.core.config import Config
from limen.core.schemaload import Schemas
from limen.db import migrate
from limen.db.database import DatabaseError
from limen.listen import StartError
from limen.project import store as projects
from limen.settings import data_source


async def app(config: Config, schemas: Schemas, *, dry_run: bool, dev: bool = False) -> App:
    """An app to move people in with, or to look whether they would fit.

    :raises StartError: a dry run cannot look at the database
    """
    if not dry_run:
        return App(config, schemas.by_id, dev=dev)
    if not await is_blank(config):
        return App(config, schemas.by_id, dev=dev, read_only=True)
    click.echo("Nobody is in the database yet, and it stays as it is.", err=True)
    return App(in_memory(config), schemas.by_id, dev=dev)


async def is_blank(config: Config) -> bool:
    """Whether there is nothing to compare with: no file, no table, or no project.

    :raises StartError: it cannot be looked at
    """
    try:
        source = data_source(config.dsn, config)
        if source.sqlite and (source.sqlite.path is None or not source.sqlite.path.exists()):
            return True
        driver = await source.for_reading().open()
        try:
            return not await migrate.applied(driver) or not await projects.is_there(driver)
        finally:
            await driver.close()
    except DatabaseError as error:
        raise StartError(f"The data source cannot be used: {error}.") from error


def in_memory(config: Config) -> Config:
    """The same configuration on a database that is gone afterwards."""
    database = replace(config.limen.database, auto_migrate=True)
    return replace(config, dsn="memory", limen=replace(config.limen, database=database))
