"""`limen import …` of files that other systems write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

Run = Callable[..., None]  # (kind, file, reader's options, config files, what all have in common)

_FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
_ABOUT = {
    "auth0": "Auth0: the users export or the bulk import format; password hashes beside it with --passwords.",
    "keycloak": "Keycloak: a realm export with its users.",
    "firebase": "Firebase: `firebase auth:export`, as JSON; passwords need --hash-config.",
    "supabase": "Supabase: auth.users as CSV, JSON, or a dump (.sql).",
    "csv": "A table with headers, as CSV.",
}


class _Pairs(click.ParamType[tuple[str, str]]):
    name = "theirs=ours"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        theirs, equals, ours = str(value).partition("=")
        if not (theirs and equals and ours):
            self.fail(f"{value!r} is not of the form THEIRS=OURS.", param, ctx)
        return theirs, ours.removeprefix("traits.")


def commands(with_config: Callable[[Any], Any], run: Run) -> list[click.Command]:
    """One for each system. `with_config` adds the option `--config`, `run` does the work."""
    return [_command(kind, about, with_config, run) for kind, about in _ABOUT.items()]


def _command(kind: str, about: str, with_config: Callable[[Any], Any], run: Run) -> click.Command:
    def act(
        file: Path,
        schema: str,
        map_: tuple[tuple[str, str], ...],
        provider: tuple[tuple[str, str], ...],
        dry_run: bool,
        config: tuple[str, ...],
        **own: Any,
    ) -> None:
        run(kind, file, own, config, _common(schema, map_, provider, dry_run=dry_run))

    options = [
        _FILE,
        click.option("--schema", default="", metavar="ID", help="The schema they get; by default the default one."),
        click.option("--map", "map_", type=_Pairs(), multiple=True, help="A field's trait, as in Vorname=name.first."),
        click.option(
            "--provider", type=_Pairs(), multiple=True, help="A provider's id here, as in google-oauth2=google."
        ),
        click.option("--dry-run", is_flag=True, help="Only say what would fit and what would not."),
        with_config,
    ]
    if kind == "auth0":
        options.append(click.option("--passwords", type=_EXISTING, help="The file with the password hashes."))
    if kind == "firebase":
        options.append(click.option("--hash-config", type=_EXISTING, help="The console's hash parameters, in a file."))
    for option in reversed(options):
        act = option(act)
    return click.command(kind, help=f"{about} May be repeated: who is here is left alone.")(act)


_EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)


def _common(
    schema: str, map_: tuple[tuple[str, str], ...], provider: tuple[tuple[str, str], ...], *, dry_run: bool
) -> Mapping[str, Any]:
    return {"schema_id": schema, "map_": dict(map_), "providers": dict(provider), "dry_run": dry_run}
