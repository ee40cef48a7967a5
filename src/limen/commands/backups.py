"""`limen backup`: a copy of the SQLite database, made while the server runs."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from limen.core import configload, configreport
from limen.core.configload import ConfigMistakes, Loaded
from limen.reload import paths_of
from limen.settings import DATA_FOLDER, data_source, stand_in

_PG = "PostgreSQL is copied by its own means: `pg_dump --format=custom --file=limen.dump` and the dsn, while the server runs."


@click.command()
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
@click.option("-c", "--config", multiple=True, metavar="FILE", help="A configuration file; may be repeated.")
def backup(target: Path, config: tuple[str, ...]) -> None:
    """Copy the SQLite database into a new file, while servers go on writing.

    The copy is what was committed at one moment, whole and checked. To restore it: stop the server, put the copy in the
    database's place, remove the files beside it that end in -wal and -shm, and start.
    """
    loaded = _load(config)
    source = data_source(loaded.config.dsn, loaded.config)
    if source.sqlite is None:
        raise click.ClickException(_PG)
    if source.sqlite.path is None or not source.sqlite.path.exists():
        raise click.ClickException("There is nothing to copy: the database is in memory, or not made yet.")
    if target.exists():
        raise click.ClickException(f"{target} is there already: name a new file.")
    try:
        people = copy(source.sqlite.path, target)
    except (sqlite3.Error, OSError) as error:
        target.unlink(missing_ok=True)
        raise click.ClickException(f"The copy failed: {error}.") from error
    click.echo(f"{target}: {people} people, {target.stat().st_size >> 10} KiB.")


def copy(source: Path, target: Path) -> int:
    """The copy itself (https://sqlite.org/lang_vacuum.html#vacuuminto); returns how many people are in it.

    :raises sqlite3.Error: it could not be made, or is not whole
    """
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))  # nobody else may read it
    connection = sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, timeout=60)
    try:
        connection.execute("vacuum into ?", (str(target),))
    finally:
        connection.close()
    made = sqlite3.connect(f"{target.absolute().as_uri()}?mode=ro", uri=True)
    try:
        state = made.execute("pragma quick_check").fetchone()[0]
        if state != "ok":
            raise sqlite3.DatabaseError(f"it is not whole: {state}")
        return int(made.execute("select count(*) from identities").fetchone()[0])
    finally:
        made.close()


def _load(config: Sequence[str]) -> Loaded:
    paths = paths_of(config)
    try:
        base = {} if paths else stand_in(DATA_FOLDER, with_secrets=False)
        return configload.load(paths, env=os.environ, flags={}, base=base)
    except ConfigMistakes as mistakes:
        click.echo(configreport.render(mistakes.problems, colour=sys.stderr.isatty()), err=True)
        sys.exit(1)
