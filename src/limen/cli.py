"""The command line: Kratos' commands with Kratos' flags, and our own."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import uvloop
from click import shell_completion

from limen import __version__, log
from limen.app import App, run_until_signal, watch_until_signal
from limen.commands.loading import CONFIG, DURATION, complain, load, schemas_of, source_of, stop
from limen.commands.output import columns, options, show
from limen.core import clock, configreport, hookload
from limen.core.config import Config
from limen.core.configload import Loaded
from limen.courier import mailbox
from limen.db import cleanup as cleaning
from limen.db import migrate as migrations
from limen.db.database import DatabaseError, Driver
from limen.listen import StartError, bind_all, listeners
from limen.project.model import console_url
from limen.settings import data_source


class _Group(click.Group):
    """Commands before which `-c FILE` may stand, as scripts and compose files for Kratos write it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ahead = 0
        while ahead < len(args) and (args[ahead] in ("-c", "--config") or args[ahead].startswith("--config=")):
            ahead += 1 if "=" in args[ahead] else 2
        files, rest = args[:ahead], args[ahead:]
        return super().parse_args(ctx, [*rest[:1], *files, *rest[1:]] if rest else args)


class _Program(_Group):
    """Every failure ends with 1, also a command that is none, as with Kratos.

    The commands of `limen.commands` are loaded when one is wanted that is not in this file: a server starts without them.
    """

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.commands or cmd_name == "import":
            self._load()
        return super().get_command(ctx, cmd_name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        self._load()
        return super().list_commands(ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from limen.commands import tree  # noqa: PLC0415

        self._load()
        tree.tell(self, formatter)

    def _load(self) -> None:
        from limen.commands import tree  # noqa: PLC0415

        if not self._is_loaded:
            self._is_loaded = True
            tree.grow(main, import_, _run_file)

    _is_loaded = False
    group_class = _Group

    def main(self, *args: Any, **more: Any) -> Any:
        try:
            return super().main(*args, **{**more, "standalone_mode": False})
        except click.ClickException as error:
            error.show()
        except click.Abort:
            complain("Aborted.")
        sys.exit(1)


@click.group(cls=_Program, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Limen, an identity server that speaks the Ory Kratos API.

    `limen serve` starts it, without a configuration or with `-c kratos.yml`; `limen COMMAND --help` tells more of each.
    """


@main.command()
@CONFIG
@click.option("--dev", is_flag=True, help="Development: insecure cookies, low hash costs allowed.")
@click.option("--watch-courier", is_flag=True, help="Deliver messages in this process.")
@click.option("--sqa-opt-out", is_flag=True, help="Taken for compatibility: Limen sends no telemetry.")
def serve(config: tuple[str, ...], dev: bool, watch_courier: bool, sqa_opt_out: bool) -> None:
    """Start the server."""
    flags = {name: True for name, on in (("dev", dev), ("watch-courier", watch_courier)) if on}
    source = source_of(config, flags)
    loaded, own = source.loaded, source.loaded.config
    log.configure(own)
    schemas = schemas_of(loaded)
    templates = hookload.check(own, loaded.places, loaded.lines)
    if warnings := [*loaded.warnings, *schemas.warnings, *templates]:
        complain(configreport.render(warnings, colour=sys.stderr.isatty(), kind="warning"))
    if loaded.pending:
        complain(pending_notice(loaded))
    try:
        opened, without = bind_all(listeners(own))
        for text in without:
            complain(text)
        app = App(own, schemas.by_id, dev=own.dev, watch_courier=own.watch_courier, source=source)
        uvloop.run(run_until_signal(app, opened, lambda link: _greet(loaded, app, link, console=not without)))
    except StartError as error:
        stop(str(error))


def pending_notice(loaded: Loaded) -> str:
    """One warning for all keys that are valid but do nothing yet."""
    keys = ", ".join(p.path for p in loaded.pending)
    return f"Not available yet, and without effect: {keys}."


def _console_line(config: Config) -> str:
    open_to_all = (
        "" if config.limen.console.auth_required else "  (without sign-in, from this machine: keep proxies away)"
    )
    return f"  operators  {console_url(config)}api/{open_to_all}"


def _greet(loaded: Loaded, app: App, setup_link: str, *, console: bool) -> None:
    """The lines one wants to read after a start."""
    config, project = loaded.config, app.site.project
    if config.log.level in ("error", "fatal", "panic"):
        return
    public = project.public_url.rstrip("/")
    lines = [
        f"Limen {__version__} is ready.",
        f"  sign in    {public}/ui/login",
        f"  public API {public}/",
        f"  admin API  {project.admin_url}  (no authentication: keep it private)",
        *([_console_line(config)] if console and config.limen.console.enabled is not False else []),
        *([f"  set-up     {setup_link}  (makes the first operator, once)"] if setup_link else []),
        f"  data       {_shown_dsn(config.dsn)}",
        *(
            [f"  mailbox    {mailbox.address(project)}  (no mail leaves this machine)"]
            if mailbox.is_only(project)
            else []
        ),
    ]
    click.echo("\n".join(lines), err=True)


def _shown_dsn(dsn: str) -> str:
    """A data source without its password."""
    scheme, separator, rest = dsn.partition("://")
    return scheme + separator + rest.rpartition("@")[2].partition("?")[0]


@main.group()
def migrate() -> None:
    """Look after the database's schema."""


class _Sql(_Group):
    """`migrate sql` alone, or with a data source, is the older spelling of `migrate sql up`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        named = next((index for index, arg in enumerate(args) if arg in self.commands), None)
        if named is not None:  # flags may stand before the command, too
            args = [args[named], *args[:named], *args[named + 1 :]]
        elif not any(arg in ("-h", "--help") for arg in args):
            args = ["up", *args]
        return super().parse_args(ctx, args)


@migrate.group(cls=_Sql)
def sql() -> None:
    """Bring the database up to date (`up`), or say what it has (`status`)."""


_ENV = click.option("-e", "--read-from-env", is_flag=True, help="Take the data source from DSN or the configuration.")


@sql.command()
@click.argument("dsn", required=False)
@_ENV
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@CONFIG
def up(dsn: str | None, read_from_env: bool, yes: bool, config: tuple[str, ...]) -> None:
    """Apply what is missing."""
    _up(_dsn(dsn, config), yes=yes)


@sql.command()
@click.argument("dsn", required=False)
@_ENV
@click.option("--steps", type=int, default=1, help="Taken for compatibility.")
@click.option("-y", "--yes", is_flag=True, help="Taken for compatibility.")
@CONFIG
def down(dsn: str | None, read_from_env: bool, steps: int, yes: bool, config: tuple[str, ...]) -> None:
    """Nothing goes back: says what to do instead."""
    raise click.ClickException("Migrations go forward only. To go back, bring the database back from a backup.")


@sql.command()
@click.argument("dsn", required=False)
@_ENV
@click.option("--block", is_flag=True, help="Wait until everything is applied.")
@options
@CONFIG
def status(dsn: str | None, read_from_env: bool, block: bool, form: str, quiet: bool, config: tuple[str, ...]) -> None:
    """List all migrations and whether they are applied."""

    async def work(driver: Driver) -> None:
        while block and await migrations.pending(driver):  # noqa: ASYNC110 - another process applies them
            await asyncio.sleep(1)
        await _status(driver, form, quiet=quiet)

    _run(_dsn(dsn, config), work)


@migrate.command("normalize-phone-numbers", context_settings={"ignore_unknown_options": True})
@click.argument("anything", nargs=-1, type=click.UNPROCESSED)
def normalize_phone_numbers(anything: tuple[str, ...]) -> None:
    """Nothing to do, and that is said: phone numbers are kept in one form from the start."""
    click.echo("Every phone number is stored in E.164 form already: there is nothing to do.")


DataOf = tuple[str, Loaded]


def _dsn(dsn: str | None, files: Sequence[str]) -> DataOf:
    flags: dict[str, object] = {"dsn": dsn} if dsn else {}
    loaded = load(files, flags, with_secrets=False)  # a job that migrates has no folder to keep any in
    return loaded.config.dsn, loaded


def _run(source: DataOf, work: Callable[[Driver], Awaitable[None]]) -> None:
    dsn, loaded = source

    async def go() -> None:
        driver = await data_source(dsn, loaded.config).open()
        try:
            await work(driver)
        finally:
            await driver.close()

    try:
        asyncio.run(go())
    except DatabaseError as error:
        complain(f"The data source cannot be used: {error}.")
        sys.exit(1)


def _up(source: DataOf, *, yes: bool) -> None:
    async def work(driver: Driver) -> None:
        missing = await migrations.pending(driver)
        if not missing:
            click.echo("The database is up to date.")
            return
        for one in missing:
            click.echo(f"{one.version:04}  {one.name}")
        if not yes:
            click.confirm("Apply these migrations?", abort=True)
        done = await migrations.up(driver)
        click.echo(f"Applied {len(done)}.")

    _run(source, work)


async def _status(driver: Driver, form: str, *, quiet: bool) -> None:
    done = await migrations.applied(driver)
    found = [(f"{m.version:04}", m.name, "Applied" if m.version in done else "Pending") for m in migrations.available()]
    show(
        [{"version": version, "name": name, "status": state} for version, name, state in found],
        form,
        quiet=quiet,
        table=lambda: columns(("Version", "Name", "Status"), found),
        ids=lambda: [version for version, _, _ in found],
    )


@main.group()
def courier() -> None:
    """Deliver messages (`watch`)."""


@courier.command()
@CONFIG
@click.option("--expose-metrics-port", type=int, default=0, help="Serve /metrics/prometheus there.")
def watch(config: tuple[str, ...], expose_metrics_port: int) -> None:
    """Deliver messages until stopped; beside servers that run without --watch-courier."""
    flags: dict[str, object] = {"expose-metrics-port": expose_metrics_port} if expose_metrics_port else {}
    source = source_of(config, flags)
    loaded = source.loaded
    log.configure(loaded.config)
    app = App(loaded.config, schemas_of(loaded).by_id, dev=loaded.config.dev, watch_courier=True, source=source)
    try:
        uvloop.run(watch_until_signal(app, lambda: complain("The courier is at work.")))
    except StartError as error:
        stop(str(error))


@main.group()
def cleanup() -> None:
    """Delete what is not needed any more (`sql`)."""


@cleanup.command("sql")
@click.argument("dsn", required=False)
@_ENV
@click.option("-b", "--database.cleanup.batch_size", "batch", type=click.IntRange(1), help="Rows deleted at once.")
@click.option("--database.cleanup.sleep.tables", "pause", type=DURATION, help="Pause between two tables, as in 1m.")
@click.option("--keep-last", type=DURATION, help="Keep what expired less than this ago, as in 24h.")
@CONFIG
def cleanup_sql(
    dsn: str | None,
    read_from_env: bool,
    batch: int | None,
    pause: float | None,
    keep_last: float | None,
    config: tuple[str, ...],
) -> None:
    """Delete flows, codes, links, interrupted submits, error pages and sessions that have expired."""
    source = _dsn(dsn, config)
    own = source[1].config.database.cleanup
    before = clock.text(clock.now() - timedelta(seconds=own.older_than if keep_last is None else keep_last))

    async def work(driver: Driver) -> None:
        total = await cleaning.clean(
            driver,
            before,
            batch=batch or own.batch_size,
            pause=own.sleep.tables if pause is None else pause,
            told=lambda table, gone: click.echo(f"{table:12} {gone}"),
        )
        click.echo(f"{total} rows deleted.")

    _run(source, work)


@main.group("import")
def import_() -> None:
    """Move people in from another identity server."""


@import_.command()
@click.option("--from", "source", required=True, metavar="DSN", help="Kratos' database: sqlite://… or postgres://…")
@click.option("--network", default="", help="Which network to copy, when there are several.")
@click.option("--dry-run", is_flag=True, help="Only say what would fit and what would not.")
@CONFIG
def kratos(source: str, network: str, dry_run: bool, config: tuple[str, ...]) -> None:
    """Copy people, credentials, addresses and live sessions. May be repeated: who is here is left alone."""
    from limen.moving.command import run_kratos  # noqa: PLC0415 - for the one who moves in, once

    loaded = load(config, {}, with_secrets=not dry_run)
    run_kratos(loaded, schemas_of(loaded), source, network=network, dry_run=dry_run)


def _run_file(
    kind: str, file: Path, own: Mapping[str, Path | None], config: tuple[str, ...], common: Mapping[str, Any]
) -> None:
    from limen.moving.command import run_file  # noqa: PLC0415 - likewise
    from limen.moving.sources import job  # noqa: PLC0415

    loaded = load(config, {}, with_secrets=not common["dry_run"])
    run_file(loaded, schemas_of(loaded), job(kind, file, own, common))


@main.command()
@click.argument("shell", type=click.Choice(["bash", "fish", "zsh"]))
def completion(shell: str) -> None:
    """Print what makes a shell complete these commands, as in `source <(limen completion bash)`."""
    found = shell_completion.get_completion_class(shell)
    if found is not None:
        click.echo(found(main, {}, "limen", "_LIMEN_COMPLETE").source())


@main.command("help")
@click.argument("words", nargs=-1)
@click.pass_context
def help_(ctx: click.Context, words: tuple[str, ...]) -> None:
    """Say what a command is for."""
    context = ctx.find_root()
    for word in words:
        command = context.command
        below = command.get_command(context, word) if isinstance(command, click.Group) else None
        if below is None:
            raise click.ClickException(f"There is no command {' '.join(words)}.")
        context = click.Context(below, info_name=word, parent=context)
    click.echo(context.get_help())


@main.command()
def version() -> None:
    """Print the version."""
    click.echo(f"Version:    v{__version__}")


if __name__ == "__main__":
    main()
