"""How a running server is: alive, ready, and of which version."""

from __future__ import annotations

import click

from limen.commands.client import Refused, Server, endpoint
from limen.commands.output import options, pairs, show


@click.command("status")
@endpoint
@options
def status(endpoint: str | None, form: str, quiet: bool) -> None:
    """Say whether a server is alive and ready."""
    told, trouble = {"alive": False, "ready": False}, ""
    with Server(endpoint) as server:
        try:
            for name in told:
                server.ask("GET", f"health/{name}")
                told[name] = True
        except Refused as error:
            trouble = str(error)
    words = {name: str(well).lower() for name, well in told.items()}
    show(
        told,
        form,
        quiet=quiet,
        table=lambda: pairs([(name.upper(), word) for name, word in words.items()]),
        ids=lambda: [words["ready"]],
    )
    if trouble:
        raise click.ClickException(trouble)


@click.command("version")
@endpoint
@options
def version(endpoint: str | None, form: str, quiet: bool) -> None:
    """Print a server's version."""
    with Server(endpoint) as server:
        try:
            told = server.json("GET", "version")
        except Refused as error:
            raise click.ClickException(str(error)) from error
    number = str(told.get("version", ""))
    show(told, form, quiet=quiet, table=lambda: pairs([("VERSION", number)]), ids=lambda: [number])
