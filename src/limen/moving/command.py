"""`limen import …`: what the command line says while people move in."""

from __future__ import annotations

import asyncio
import sys

import click

from limen.app import App
from limen.context import Client
from limen.core.configload import Loaded
from limen.core.schemaload import Schemas
from limen.listen import StartError
from limen.moving import kratos
from limen.moving.source import SourceError, open_database

_SHOWN = 20  # refusals that are listed one by one


def run_kratos(loaded: Loaded, schemas: Schemas, dsn: str, *, network: str, dry_run: bool) -> None:
    """Copy everybody and print what became of it. Ends the program with 1 when somebody did not fit."""
    try:
        report = asyncio.run(_copy(loaded, schemas, dsn, network=network, dry_run=dry_run))
    except (SourceError, StartError) as error:
        click.echo(f"Nobody was copied. {error}", err=True)
        sys.exit(1)
    _print(report, dry_run=dry_run)
    sys.exit(1 if report.refused else 0)


async def _copy(loaded: Loaded, schemas: Schemas, dsn: str, *, network: str, dry_run: bool) -> kratos.Report:
    source = await open_database(dsn, network)
    app = App(loaded.config, schemas.by_id)
    try:
        await app.open()
        ctx = app.site.context(Client(url=app.site.project.public_url))
        bar = click.progressbar(length=source.total, label="Checking" if dry_run else "Copying", file=sys.stderr)
        with bar:
            return await kratos.copy(ctx, source, dry_run=dry_run, told=bar.update)
    finally:
        await source.close()
        if hasattr(app, "site"):
            await app.stop()


def _print(report: kratos.Report, *, dry_run: bool) -> None:
    done = "fit" if dry_run else "copied"
    click.echo(f"{report.copied} people {done}, with {report.sessions} live sessions.")
    if report.here_already:
        click.echo(f"{report.here_already} were here already and are left alone.")
    for doubt, count in sorted(report.doubts.items()):
        click.echo(f"{count} {doubt}.")
    if report.refused:
        click.echo(f"{len(report.refused)} do not fit:")
        for refusal in report.refused[:_SHOWN]:
            click.echo(f"  {refusal}")
        if len(report.refused) > _SHOWN:
            click.echo(f"  and {len(report.refused) - _SHOWN} more")
