"""Jsonnet files: whether they can be read, with the place where they cannot; and evenly written."""

from __future__ import annotations

import asyncio
import glob
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from limen.core import jsonnet
from limen.core.jsonnet import JsonnetError
from limen.core.jsonnetformat import formatted


@click.command()
@click.argument("patterns", nargs=-1, required=True)
def lint(patterns: tuple[str, ...]) -> None:
    """Check Jsonnet files: their syntax, and names that nothing is known by. Nothing is evaluated."""
    trouble = False
    for file in _files(patterns):
        try:
            asyncio.run(_check(file.read_text("utf8"), str(file)))
        except (JsonnetError, OSError, UnicodeDecodeError) as error:
            trouble = True
            click.echo(f"{file}: {error}", err=True)
    if trouble:
        sys.exit(1)


@click.command("jsonnet")
@click.argument("patterns", nargs=-1, required=True)
@click.option("-w", "--write", is_flag=True, help="Write it back into the files; otherwise it is printed.")
def format_(patterns: tuple[str, ...], write: bool) -> None:
    """Write Jsonnet files evenly. What they mean stays as it is; a file that cannot be read is left alone."""
    trouble = False
    for file in _files(patterns):
        try:
            source = file.read_text("utf8")
            text = formatted(source)
            for each in (source, text):
                asyncio.run(_check(each, str(file)))
        except (JsonnetError, OSError, UnicodeDecodeError) as error:
            trouble = True
            click.echo(f"{file}: {error}", err=True)
            continue
        if not write:
            click.echo(text, nl=False)
        elif text != source:
            file.write_text(text, "utf8")
    if trouble:
        sys.exit(1)


def _files(patterns: Sequence[str]) -> Iterator[Path]:
    """The files that match; one that is named outright is there or a mistake."""
    for pattern in patterns:
        found = sorted(glob.glob(pattern, recursive=True))
        if not found and not glob.has_magic(pattern):
            found = [pattern]
        yield from (Path(name) for name in found)


async def _check(snippet: str, name: str) -> None:
    # What is never asked for is read and analysed like anything else; so no input is needed, and nothing runs. Both
    # ways, because a text that closes the one's bracket or ends the other's definition is no snippet of its own.
    await jsonnet.evaluate(f"if false then ({snippet}\n) else 0", name=name)
    await jsonnet.evaluate(f"local it = {snippet}\n; 0", name=name)
