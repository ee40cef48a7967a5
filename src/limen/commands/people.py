"""Identities from the command line: list, get, import, validate, patch, delete."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import click

from limen.commands.client import Refused, Server, endpoint
from limen.commands.output import NONE, columns, options, pairs, show

HEAD = ("ID", "EXTERNAL ID", "VERIFIED ADDRESSES", "RECOVERY ADDRESSES", "SCHEMA ID", "SCHEMA URL")
CHUNK = 200  # people sent at once: as many as may bring passwords in the clear
_IDS = click.argument("ids", nargs=-1, required=True)
_FILES = click.argument("files", nargs=-1, type=click.Path(dir_okay=False))
Person = dict[str, Any]


def _row(person: Person) -> tuple[str, ...]:
    def values(name: str) -> str:
        return ", ".join(address["value"] for address in person.get(name) or ()) or NONE

    return (
        person["id"], person.get("external_id") or NONE, values("verifiable_addresses"), values("recovery_addresses"),
        person.get("schema_id", ""), person.get("schema_url", ""),
    )  # fmt: skip


def _show(people: Sequence[Person], form: str, *, quiet: bool) -> None:
    """One person as a list of facts, several as a table."""
    if not people:
        return
    one = len(people) == 1
    show(
        people[0] if one else list(people),
        form,
        quiet=quiet,
        table=lambda: (
            pairs(list(zip(HEAD, _row(people[0]), strict=True))) if one else columns(HEAD, [*map(_row, people)])
        ),
        ids=lambda: [person["id"] for person in people],
    )


def _each(names: Sequence[str], do: Callable[[str], Person], form: str, *, quiet: bool) -> None:
    """Do it for each; print what worked, tell what did not, and end with 1 when anything did not."""
    done, failed = [], False
    for name in names:
        try:
            done.append(do(name))
        except Refused as error:
            failed = True
            click.echo(f"{name}: {error}", err=True)
    _show(done, form, quiet=quiet)
    if failed:
        sys.exit(1)


@click.command("identities")
@click.option("--page-size", type=int, default=100, show_default=True, help="How many at most.")
@click.option("--page-token", default="", help="Where the list goes on, as an earlier one said.")
@click.option("--consistency", default="eventual", show_default=True, help="Taken for compatibility: reads are strong.")
@endpoint
@options
def list_(page_size: int, page_token: str, consistency: str, endpoint: str | None, form: str, quiet: bool) -> None:
    """List people."""
    query = {"page_size": page_size, "consistency": consistency, **({"page_token": page_token} if page_token else {})}
    with Server(endpoint) as server:
        answer = _must(lambda: server.ask("GET", "identities", query=query))
    people: list[Person] = answer.json()
    following = parse_qs(urlsplit(answer.links.get("next", {}).get("url", "")).query).get("page_token", [""])[0]
    show(
        {"identities": people, "next_page_token": following},
        form,
        quiet=quiet,
        table=lambda: columns(HEAD, [*map(_row, people)]) + (f"\n\nNEXT PAGE TOKEN  {following}" if following else ""),
        ids=lambda: [person["id"] for person in people],
    )


def _must(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except Refused as error:
        raise click.ClickException(str(error)) from error


@click.command("identity")
@_IDS
@click.option("--external-id", is_flag=True, help="What is given are external ids.")
@click.option(
    "-i", "--include-credentials", multiple=True, type=click.Choice(["oidc"]), help="Show tokens of providers."
)
@endpoint
@options
def get(
    ids: tuple[str, ...],
    external_id: bool,
    include_credentials: tuple[str, ...],
    endpoint: str | None,
    form: str,
    quiet: bool,
) -> None:
    """Show people by their ids."""
    above = "identities/by/external/" if external_id else "identities/"
    query = [("include_credential", type_) for type_ in include_credentials]
    with Server(endpoint) as server:
        _each(ids, lambda id_: server.json("GET", above + quote(id_, safe=""), query=query), form, quiet=quiet)


@click.command("identity")
@_IDS
@endpoint
@options
def delete(ids: tuple[str, ...], endpoint: str | None, form: str, quiet: bool) -> None:
    """Delete people for good."""
    failed = False
    with Server(endpoint) as server:
        for id_ in ids:
            try:
                server.ask("DELETE", f"identities/{quote(id_, safe='')}")
                show(id_, form, quiet=quiet, table=lambda: id_, ids=lambda: [id_])  # noqa: B023 - called at once
            except Refused as error:
                failed = True
                click.echo(f"{id_}: {error}", err=True)
    if failed:
        sys.exit(1)


@click.command("identity")
@click.argument("id_", metavar="ID")
@click.argument("patch", metavar="JSON_PATCH")
@endpoint
@options
def patch(id_: str, patch: str, endpoint: str | None, form: str, quiet: bool) -> None:
    """Change a person by a JSON Patch, given as text or as a file's name; - reads it from the input."""
    operations = _decoded(_text(patch), patch)
    with Server(endpoint) as server:
        _each(
            [id_], lambda one: server.json("PATCH", f"identities/{quote(one, safe='')}", body=operations), form, quiet=quiet
        )  # fmt: skip


def _text(given: str) -> str:
    if given == "-":
        return sys.stdin.read()
    return given if given.lstrip().startswith(("[", "{")) else _read(given)


def _read(name: str) -> str:
    try:
        return Path(name).read_text("utf8")
    except (OSError, UnicodeDecodeError) as error:
        raise click.ClickException(f"{name} cannot be read: {getattr(error, 'strerror', None) or error}.") from error


def _decoded(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise click.ClickException(f"{name} is not JSON: {error}.") from error


# --- from files ---------------------------------------------------------------------------------------------------------


def from_files(files: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """Each person in the files, or in the input when there are none, with where it stands."""
    for name in files or ("-",):
        data = _decoded(sys.stdin.read() if name == "-" else _read(name), "STD_IN" if name == "-" else name)
        for index, person in enumerate(data if isinstance(data, list) else [data]):
            yield f"{'STD_IN' if name == '-' else name}[{index}]", person


@click.command("identities")
@_FILES
@endpoint
@options
def import_(files: tuple[str, ...], endpoint: str | None, form: str, quiet: bool) -> None:
    """Create people from JSON files, each with one person or a list of them; without files, from the input."""
    found = list(from_files(files))
    made: list[Person] = []
    failed = 0
    with Server(endpoint) as server, click.progressbar(length=len(found), label="Creating", file=sys.stderr) as bar:
        for at in range(0, len(found), CHUNK):
            chunk = found[at : at + CHUNK]
            ids, told = _create(server, chunk)
            failed += len(told)
            for line in told:
                click.echo(line, err=True)
            if ids:
                made += server.json("GET", "identities", query=[("ids", id_) for id_ in ids] + [("page_size", "500")])
            bar.update(len(chunk))
    _show(made, form, quiet=quiet)
    if failed:
        sys.exit(1)


def _create(server: Server, chunk: Sequence[tuple[str, Any]]) -> tuple[list[str], list[str]]:
    """Who was created, and what was wrong with the others. A chunk that is refused whole is sent one by one."""
    body = {"identities": [{"create": person} for _, person in chunk]}
    try:
        results = server.json("PATCH", "identities", body=body)["identities"]
    except Refused as error:
        if len(chunk) == 1:
            return [], [f"{chunk[0][0]}: {error}"]
        apart = [_create(server, [one]) for one in chunk]
        return [id_ for ids, _ in apart for id_ in ids], [line for _, told in apart for line in told]
    told = [f"{place}: {_why(result)}" for (place, _), result in zip(chunk, results, strict=True) if _why(result)]
    return [result["identity"] for result in results if result and "identity" in result], told


def _why(result: Mapping[str, Any] | None) -> str:
    """What is wrong with one of a batch; "" when nothing is."""
    if result is None:
        return "There is nobody here: an object was expected."
    error = result.get("error")
    return " ".join(str(error[name]) for name in ("message", "reason") if error.get(name)) if error else ""
