"""`limen doctor`: a list of what is wrong, each with what to do about it."""

from __future__ import annotations

import asyncio
import os
import sys

import click

from limen import doctor as checks
from limen.core import configload, findings, schemaload
from limen.core.configload import ConfigMistakes
from limen.core.findings import Finding, trouble
from limen.core.schemaload import SchemaMistakes
from limen.doctor import configuration
from limen.reload import paths_of
from limen.settings import DATA_FOLDER, FolderError, stand_in


@click.command()
@click.option("-c", "--config", multiple=True, metavar="FILE", help="A configuration file; may be repeated.")
@click.option("--dev", is_flag=True, help="As the server is started: in development.")
@click.option("-f", "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def doctor(config: tuple[str, ...], dev: bool, form: str) -> None:
    """Check how things stand: configuration, database, addresses, cookies, messages and more.

    Says what is wrong and what to do about it. Changes nothing and sends nothing. Ends with 1 when something is in the
    way of people, else with 0.
    """
    found = _examine(config, {"dev": True} if dev else {})
    click.echo(findings.as_json(found) if form == "json" else findings.render(found, colour=sys.stdout.isatty()))
    sys.exit(1 if any(one.grade == "trouble" for one in found) else 0)


def _examine(files: tuple[str, ...], flags: dict[str, object]) -> list[Finding]:
    paths = paths_of(files)
    try:
        base = {} if paths else stand_in(DATA_FOLDER, with_secrets=(DATA_FOLDER / "secrets.json").exists())
        loaded = configload.load(paths, env=os.environ, flags=flags, base=base)
        schemas = schemaload.load(loaded.config, loaded.places, loaded.lines)
    except (ConfigMistakes, SchemaMistakes) as mistakes:
        return configuration.refused(mistakes.problems)
    except FolderError as error:
        return [trouble(f"The server's data cannot be kept: {error}.")]
    return asyncio.run(checks.examine(loaded, schemas))
