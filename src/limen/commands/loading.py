"""What commands begin with: the configuration they are given, its schemas, and an app on its database."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NoReturn, TypeVar

import click

from limen.app import App
from limen.core import configload, configreport, schemaload
from limen.core.configload import ConfigMistakes, Loaded
from limen.core.configtypes import duration
from limen.core.schemaload import SchemaMistakes, Schemas
from limen.listen import StartError
from limen.moving import rehearsal
from limen.reload import Files, Source, paths_of
from limen.settings import DATA_FOLDER, FolderError, stand_in

T = TypeVar("T")
CONFIG = click.option("-c", "--config", multiple=True, metavar="FILE", help="A configuration file; may be repeated.")


class _Duration(click.ParamType[float]):
    """A time span as Go writes it, in seconds."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, int | float):
            return float(value)
        seconds = duration(str(value))
        if seconds is None:
            self.fail(f"{value!r} is no time span; write it as 90s, 1h30m or 24h.", param, ctx)
        return seconds


DURATION = _Duration()


def load(files: Sequence[str], flags: Mapping[str, object], *, with_secrets: bool = True) -> Loaded:
    return source_of(files, flags, with_secrets=with_secrets).loaded


def source_of(files: Sequence[str], flags: Mapping[str, object], *, with_secrets: bool = True) -> Source:
    """The merged configuration and where it is from; every mistake in it is printed and ends the program with 1."""
    paths = paths_of(files)
    try:
        base = {} if paths else stand_in(DATA_FOLDER, with_secrets=with_secrets)
        found = Files(lambda: configload.load(paths, env=os.environ, flags=flags, base=base), paths)
        return Source(found, found.read())
    except FolderError as error:
        stop(f"Its data cannot be kept: {error}.")
    except ConfigMistakes as mistakes:
        complain(configreport.render(mistakes.problems, colour=sys.stderr.isatty()))
    sys.exit(1)


def schemas_of(loaded: Loaded) -> Schemas:
    """The identity schemas; every mistake in any of them is printed and ends the program with 1."""
    try:
        return schemaload.load(loaded.config, loaded.places, loaded.lines)
    except SchemaMistakes as mistakes:
        complain(configreport.render(mistakes.problems, colour=sys.stderr.isatty()))
        sys.exit(1)


def complain(text: str) -> None:
    click.echo(text, err=True)


def stop(text: str) -> NoReturn:
    red = "\033[31m", "\033[0m"
    lead = f"{red[0]}Limen cannot start.{red[1]}" if sys.stderr.isatty() else "Limen cannot start."
    complain(f"{lead} {text}")
    sys.exit(1)


def with_app(files: Sequence[str], work: Callable[[App], Awaitable[T]], *, dry_run: bool = False) -> T:
    """Work on the configuration's database and project, whether or not a server runs on them."""
    loaded = load(files, {})
    schemas = schemas_of(loaded)

    async def go() -> T:
        app = await rehearsal.app(loaded.config, schemas, dry_run=dry_run, dev=loaded.config.dev)
        await app.open()
        try:
            return await work(app)
        finally:
            await app.stop()

    try:
        return asyncio.run(go())
    except StartError as error:
        stop(str(error))
