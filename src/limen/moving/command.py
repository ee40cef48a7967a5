"""`limen import …`: what the command line says while people move in."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import click
from msgspec import Struct

from limen.context import Client
from limen.core.configload import Loaded
from limen.core.errors import ApiError
from limen.core.schemaload import Schemas
from limen.listen import StartError
from limen.moving import files, kratos, rehearsal
from limen.moving.fit import Fit
from limen.moving.model import Brought, FileError, Unreadable
from limen.moving.source import SourceError, open_database

_SHOWN = 20  # refusals that are listed one by one
_LINES = 5  # lines that are named of what was left behind


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
    app = await rehearsal.app(loaded.config, schemas, dry_run=dry_run)
    source = await open_database(dsn, network)
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


class FileJob(Struct, frozen=True):
    """`open_` reads the file anew each time: its iterator is used up by one run."""

    kind: str
    file: Path
    open_: Callable[[], Iterator[Brought | Unreadable]]
    schema_id: str
    map_: Mapping[str, str]
    providers: Mapping[str, str]
    dry_run: bool


def run_file(loaded: Loaded, schemas: Schemas, job: FileJob) -> None:
    """Copy everybody of a file and print what became of it. Ends the program with 1 when somebody did not fit."""
    try:
        report = asyncio.run(_copy_file(loaded, schemas, job))
    except (FileError, StartError) as error:
        click.echo(
            f"Stopped. {error} Who was copied before that stays; repeat the command once it is mended.", err=True
        )
        sys.exit(1)
    except ApiError as error:
        click.echo(f"Nobody was copied. {error.reason}", err=True)
        sys.exit(1)
    _print_file(report, dry_run=job.dry_run)
    sys.exit(1 if report.refused else 0)


async def _copy_file(loaded: Loaded, schemas: Schemas, job: FileJob) -> files.Report:
    app = await rehearsal.app(loaded.config, schemas, dry_run=job.dry_run)
    await app.open()
    try:
        ctx = app.site.context(Client(url=app.site.project.public_url))
        fit = Fit(ctx, job.kind, job.schema_id, job.map_, job.providers)
        bar = click.progressbar(
            length=files.lines_of(job.file), label="Checking" if job.dry_run else "Copying", file=sys.stderr
        )
        with bar:
            return await files.copy(
                ctx, fit, job.open_(), dry_run=job.dry_run, told=lambda line: bar.update(line - bar.pos)
            )
    finally:
        await app.stop()


def _print_file(report: files.Report, *, dry_run: bool) -> None:
    click.echo(f"{report.copied} people {'fit' if dry_run else 'copied'}.")
    if report.here_already:
        click.echo(f"{report.here_already} are here already and left alone.")
    for doubt, lines in sorted(report.doubts.items()):
        more = f" and {len(lines) - _LINES} more" if len(lines) > _LINES else ""
        click.echo(f"{len(lines)} with a remark: {doubt} (line {', '.join(map(str, lines[:_LINES]))}{more}).")
    if report.refused:
        click.echo(f"{len(report.refused)} do not fit:")
        shown = report.refused if dry_run else report.refused[:_SHOWN]
        for line, reason in shown:
            click.echo(f"  line {line}: {reason}")
        if len(report.refused) > len(shown):
            click.echo(f"  and {len(report.refused) - len(shown)} more: --dry-run lists them all")
