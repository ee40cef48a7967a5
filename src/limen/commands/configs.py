"""The configuration from the command line: check files, and explain keys."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from limen.commands.output import pairs
from limen.core import configload, configreport, schemaload
from limen.core.configdoc import default_of
from limen.core.configkeys import dotted, everything, variable
from limen.core.configload import ConfigMistakes
from limen.core.configvalues import nearest
from limen.core.schemaload import SchemaMistakes


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option("--environment", is_flag=True, help="With the environment laid over the files, as a server would.")
def check(files: tuple[str, ...], environment: bool) -> None:
    """Check a configuration, of one file or several merged, and the identity schemas it names."""
    colour = sys.stderr.isatty()
    try:
        loaded = configload.load([Path(name) for name in files], env=os.environ if environment else {}, flags={})
        schemas = schemaload.load(loaded.config, loaded.places, loaded.lines)
    except (ConfigMistakes, SchemaMistakes) as mistakes:
        click.echo(configreport.render(mistakes.problems, colour=colour), err=True)
        sys.exit(1)
    if warnings := [*loaded.warnings, *schemas.warnings]:
        click.echo(configreport.render(warnings, colour=colour, kind="warning"), err=True)
    click.echo("The configuration is valid.")


@click.command()
@click.argument("key")
def explain(key: str) -> None:
    """Say what a key is for, what it takes, and how to set it without a file."""
    known = {dotted(path): (path, found) for path, found in everything()}
    if key not in known:
        guess = nearest(key, list(known), 0.6)
        raise click.ClickException(f"There is no key {key}." + (f" Did you mean {guess}?" if guess else ""))
    path, found = known[key]
    below = [name for name in known if name.startswith((f"{key}.", f"{key}[]."))]
    click.echo(f"{key}: {found.about}" if found.about else key)
    click.echo(
        pairs(
            [
                ("Takes", found.expects()),
                ("Default", default_of(found).strip("`")),
                ("Variable", variable(path)),
                *([("Below it", ", ".join(below))] if below else []),
                *([("Instead", found.deprecated)] if found.deprecated else []),
                *([("Not yet", found.pending)] if found.pending else []),
            ]
        )
    )
