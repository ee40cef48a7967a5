"""The configuration from the command line: check files, and explain keys."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path as FilePath

import click

from limen.commands.output import pairs
from limen.core import configload, configreport, configtell, schemaload
from limen.core.configdoc import default_of
from limen.core.configkeys import Key, Path, dotted, everything, keys, variable
from limen.core.configload import ConfigMistakes
from limen.core.configvalues import nearest
from limen.core.schemaload import SchemaMistakes
from limen.reload import paths_of


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option("--environment", is_flag=True, help="With the environment laid over the files, as a server would.")
def check(files: tuple[str, ...], environment: bool) -> None:
    """Check a configuration, of one file or several merged, and the identity schemas it names."""
    colour = sys.stderr.isatty()
    try:
        loaded = configload.load([FilePath(name) for name in files], env=os.environ if environment else {}, flags={})
        schemas = schemaload.load(loaded.config, loaded.places, loaded.lines)
    except (ConfigMistakes, SchemaMistakes) as mistakes:
        click.echo(configreport.render(mistakes.problems, colour=colour), err=True)
        sys.exit(1)
    if warnings := [*loaded.warnings, *schemas.warnings]:
        click.echo(configreport.render(warnings, colour=colour, kind="warning"), err=True)
    click.echo("The configuration is valid.")


@click.command()
@click.argument("key")
@click.option("-c", "--config", multiple=True, metavar="FILE", help="Say what it holds in this file, and where from.")
@click.option("--dev", is_flag=True, help="As the server is started: in development.")
def explain(key: str, config: tuple[str, ...], dev: bool) -> None:
    """Say what a key is for, what it takes, and how to set it without a file; with -c, what it holds and where from.

    Entries of lists are named by their numbers: selfservice.methods.oidc.config.providers.0.client_id. What may be a
    secret is not shown.
    """
    path = configtell.steps(key)
    found = configtell.find(path)
    if found is None:
        guess = nearest(key, [dotted(known) for known, _ in everything()], 0.6)
        raise click.ClickException(f"There is no key {key}." + (f" Did you mean {guess}?" if guess else ""))
    click.echo(f"{dotted(path)}: {found.about}" if found.about else dotted(path))
    click.echo(pairs([*(_held(path, found, config, dev) if config else ()), *_facts(path, found)]))


def _held(path: Path, key: Key, config: Sequence[str], dev: bool) -> Iterator[tuple[str, str]]:
    """What it holds, and where from: files, flags and the environment, as a server would see them."""
    try:
        loaded = configload.load(paths_of(config), env=os.environ, flags={"dev": True} if dev else {})
    except ConfigMistakes as mistakes:
        click.echo(configreport.render(mistakes.problems, colour=sys.stderr.isatty()), err=True)
        sys.exit(1)
    place = configtell.origin(loaded, path)
    yield "Holds", configtell.value(loaded, path) if place else _default(key)
    yield "From", str(place) if place else "its default"
    for other in configtell.overridden(loaded, path):
        yield "Instead of", str(other)


def _facts(path: Path, key: Key) -> Iterator[tuple[str, str]]:
    yield "Takes", key.expects()
    if key.kind != "map":
        yield "Default", _default(key)
    yield "Variable", variable(path)
    if below := list(keys(key.section)) if key.kind == "map" else []:
        yield "Below it", ", ".join(below)
    if key.deprecated:
        yield "Outdated", key.deprecated
    if key.pending:
        yield "Not yet", key.pending


def _default(key: Key) -> str:
    return "each of its keys has its own" if key.kind == "map" else default_of(key).strip("`")
