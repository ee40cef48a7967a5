"""`limen users`: many people in and out, as the operator's API does it, without a server and without its limits."""

from __future__ import annotations

import contextlib
import csv
import os
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any

import click
import msgspec
from msgspec.structs import replace

from limen.app import App
from limen.commands.access import context
from limen.commands.loading import CONFIG, complain, with_app
from limen.context import Context
from limen.core.events import Events
from limen.core.sheets import harmless
from limen.identity import listing, outgoing
from limen.identity.incoming import Count
from limen.moving import userfile
from limen.moving import users as moving
from limen.moving.files import lines_of
from limen.moving.model import FileError
from limen.moving.users import Told

_SHOWN = 20  # refusals that are listed one by one
_COLUMNS = ("row", "line", "email", "outcome", "id", "error")


def _quiet(app: App) -> Context:
    """Without a line in the log for everybody who is stored."""
    return replace(context(app), events=Events())


def _bar(length: int, label: str) -> Any:
    """On a terminal only."""
    return click.progressbar(length=length, label=label, file=sys.stderr, hidden=not sys.stderr.isatty())


# --- in -----------------------------------------------------------------------------------------------------------------


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option(
    "--format", "form", type=click.Choice(["csv", "json", "jsonl"]), help="By default what the file's name ends in."
)
@click.option("--dry-run", is_flag=True, help="Only say what would fit and what would not.")
@click.option(
    "--results", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    help="Write there what became of each row: as CSV if the name ends so, else as JSON lines.",
)  # fmt: skip
@CONFIG
def import_(
    file: Path, form: userfile.Form | None, dry_run: bool, results: Path | None, config: tuple[str, ...]
) -> None:
    """Take people in from a file, or from the input if it is -. May be repeated: who is here is left alone.

    The file is what the operator's API takes and gives out: CSV whose first line names the columns, or JSON.
    Ends with 1 when somebody did not fit.
    """
    read = Path("/dev/stdin") if str(file) == "-" else file
    refused: list[Told] = []

    async def work(app: App) -> Count:
        rows = userfile.people(read, form or userfile.form_of(file), app.site.project)
        length = 0 if read is not file else lines_of(file)
        with _results(results) as write, _bar(length, "Checking" if dry_run else "Importing") as bar:

            def tell(told: Sequence[Told]) -> None:
                write(told)
                failed = (one for one in told if one.result.outcome == "refused")
                refused.extend(islice(failed, _SHOWN - len(refused)))
                bar.update(told[-1].line - bar.pos)

            return await (moving.check if dry_run else moving.take)(lambda: _quiet(app), rows, tell)

    try:
        count = with_app(config, work, dry_run=dry_run)
    except OSError as error:
        raise click.ClickException(f"{results or file} cannot be used: {error.strerror}.") from error
    except FileError as error:
        complain(f"Stopped. {error} Who was imported before that stays; repeat the command once it is mended.")
        sys.exit(1)
    _report(count, refused, dry_run=dry_run, to_errors=str(results) == "-")
    sys.exit(1 if count.refused else 0)


def _report(count: Count, refused: Sequence[Told], *, dry_run: bool, to_errors: bool) -> None:
    lines = [f"{count.created} people {'fit' if dry_run else 'imported'}."]
    if count.exists:
        lines.append(f"{count.exists} are here already and left alone.")
    if count.refused:
        lines.append(f"{count.refused} do not fit:")
        lines += [f"  line {one.line}: {one.result.error}" for one in refused]
        if count.refused > len(refused):
            lines.append(f"  and {count.refused - len(refused)} more: --results FILE lists them all")
    click.echo("\n".join(lines), err=to_errors)


@contextlib.contextmanager
def _results(file: Path | None) -> Iterator[moving.Tell]:
    """What hears of each page, and writes down what became of its rows as soon as it is known."""
    if file is None:
        yield lambda _: None
        return
    with _opened(file) as out:
        rows = csv.writer(out)
        is_table = file.suffix.lower() == ".csv"
        if is_table:
            rows.writerow(_COLUMNS)

        def tell(told: Sequence[Told]) -> None:
            if is_table:
                rows.writerows([harmless(str(cell or "")) for cell in _cells(one).values()] for one in told)
            else:
                out.write("".join(f"{msgspec.json.encode(_cells(one)).decode()}\n" for one in told))
            out.flush()

        yield tell


def _cells(one: Told) -> dict[str, Any]:
    values = (one.row, one.line, one.email, one.result.outcome, one.result.id, one.result.error)
    return dict(zip(_COLUMNS, values, strict=True))


def _opened(file: Path) -> contextlib.AbstractContextManager[IO[str]]:
    """The file, for its owner alone, or the output."""
    if str(file) == "-":
        return contextlib.nullcontext(sys.stdout)
    return open(file, "w", encoding="utf-8", newline="", opener=_owned)


def _owned(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)


# --- out ----------------------------------------------------------------------------------------------------------------


@click.command("export")
@click.option("--format", "form", type=click.Choice(outgoing.FORMS), default="json", show_default=True)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="A file, instead of the output.")
@CONFIG
def export(form: outgoing.Form, output: Path | None, config: tuple[str, ...]) -> None:
    """Give everybody out, without anything secret. A file is there when it is whole, and its owner's alone."""

    async def work(app: App) -> None:
        ctx = _quiet(app)
        await outgoing.note(ctx, form)
        with _bar(await listing.count(ctx.db), "Exporting") as bar, _whole(output) as out:
            async for part in outgoing.everybody(ctx.db, form, bar.update):
                out.write(part)

    try:
        with_app(config, work)
    except BrokenPipeError:  # whoever read has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        raise click.ClickException(f"{output or 'The output'} cannot be written: {error.strerror}.") from error


@contextlib.contextmanager
def _whole(output: Path | None) -> Iterator[IO[bytes]]:
    """Where to write. A file gets its name when all is in it."""
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    part = output.with_name(f"{output.name}.part")
    with open(part, "wb", opener=_owned) as out:
        yield out
        out.flush()
        os.fsync(out.fileno())
    part.replace(output)


COMMANDS = (import_, export)
