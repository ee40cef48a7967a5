"""Whether files of people could be imported, without creating anybody."""

from __future__ import annotations

import sys
from typing import Any
from urllib.parse import quote

import click
import msgspec

from limen.commands.client import Refused, Server, endpoint
from limen.commands.output import options
from limen.commands.people import from_files
from limen.core.errors import FormError
from limen.core.schema import IdentitySchema
from limen.http.bodies import BodyError, fit
from limen.identity.admin import Body


@click.command("identity")
@click.argument("files", nargs=-1, type=click.Path(dir_okay=False))
@endpoint
@options
def validate(files: tuple[str, ...], endpoint: str | None, form: str, quiet: bool) -> None:
    """Check people in JSON files against the API and the server's identity schemas; without files, from the input."""
    schemas: dict[str, IdentitySchema] = {}
    failed = False
    with Server(endpoint) as server:
        for place, person in from_files(files):
            for line in _wrong(server, schemas, person):
                failed = True
                click.echo(f"{place}: {line}", err=True)
    if failed:
        sys.exit(1)
    if not quiet:
        click.echo("All identity files are valid.")


def _wrong(server: Server, schemas: dict[str, IdentitySchema], person: Any) -> list[str]:
    """What is wrong with one; nothing when it can be imported as far as it can be told without the people there are."""
    if not isinstance(person, dict) or not isinstance(person.get("schema_id"), str):
        return ["It has no schema_id, so nobody knows what it has to look like."]
    try:
        body = fit(person, Body, strict=True)
        schema = _schema(server, schemas, person["schema_id"])
        schema.extract(body.traits)
    except FormError as error:
        return [f"{where or 'traits'}: {message.text}" for message, where in error.told]
    except (BodyError, Refused) as error:
        return [str(error)]
    return []


def _schema(server: Server, schemas: dict[str, IdentitySchema], id_: str) -> IdentitySchema:
    if id_ not in schemas:
        document = server.public(f"schemas/{quote(id_, safe='')}")
        try:
            schemas[id_] = IdentitySchema(id_, msgspec.json.encode(document))
        except ValueError as error:
            raise Refused(f"The schema {id_} needs documents from elsewhere, or cannot be read: {error}") from error
    return schemas[id_]
