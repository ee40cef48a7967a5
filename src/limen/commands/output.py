"""What commands print: a readable table, or JSON and YAML for programs, as `--format` says."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click
import yaml

NONE = "<none>"
Rows = Sequence[Sequence[str]]
F = TypeVar("F", bound=Callable[..., Any])


def options(command: F) -> F:
    """`--format` and `--quiet`, as every command has them that prints what it found."""
    quiet = click.option("-q", "--quiet", is_flag=True, help="Print ids only.")
    shape = click.option(
        "-f", "--format", "form", default="table", metavar="FORMAT", show_default=True,
        help="table, json, json-pretty, yaml, jsonpath=PATH or jsonpointer=POINTER.",
    )  # fmt: skip
    return shape(quiet(command))


def show(data: Any, form: str, *, quiet: bool, table: Callable[[], str], ids: Callable[[], Sequence[str]]) -> None:
    """Print `data` in the format asked for. A format that is none means the table."""
    if quiet:
        for line in ids():
            click.echo(line)
        return
    kind, _, argument = form.partition("=")
    match kind:
        case "json":
            click.echo(_json(data))
        case "json-pretty":
            click.echo(json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False))
        case "yaml":
            click.echo(yaml.safe_dump(data, allow_unicode=True), nl=False)
        case "jsonpath":
            click.echo(_json(_reached(data, argument.split("."))))
        case "jsonpointer":
            steps = [step.replace("~1", "/").replace("~0", "~") for step in argument.split("/")[1:]]
            click.echo(_json(_reached(data, steps)))
        case _:
            click.echo(table())


def _json(data: Any) -> str:
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _reached(data: Any, steps: Sequence[str]) -> Any:
    """What stands at these steps; nothing is null, and `#` counts a list."""
    for step in steps:
        if isinstance(data, Mapping):
            data = data.get(step)
        elif isinstance(data, list) and step == "#":
            data = len(data)
        elif isinstance(data, list) and step.isdecimal() and int(step) < len(data):
            data = data[int(step)]
        else:
            return None
    return data


def columns(head: Sequence[str], rows: Rows) -> str:
    """A table: a heading, then a line for each; columns are as wide as they need to be."""
    whole = [head, *rows]
    widths = [max(len(row[index]) for row in whole) for index in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in whole]
    return "\n".join(lines)


def pairs(facts: Sequence[tuple[str, str]]) -> str:
    """One thing: a line for each of its facts."""
    width = max((len(name) for name, _ in facts), default=0)
    return "\n".join(f"{name.ljust(width)}  {value}".rstrip() for name, value in facts)
