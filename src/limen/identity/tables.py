"""People as rows of a CSV: those we give out, and those we take in, which may be the same ones."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from limen.core.errors import ApiError
from limen.core.schema import Path
from limen.core.sheets import harmless, plain
from limen.identity.admin import Address
from limen.identity.incoming import User
from limen.identity.listing import Listed
from limen.project.model import Project

COLUMNS = (
    "id", "external_id", "state", "schema_id", "email", "verified", "created_at", "updated_at", "traits", "metadata_public",
)  # fmt: skip
_MADE_HERE = ("id", "created_at", "updated_at")  # nobody chooses them
_OWN = ("email", "password", "hashed_password", "hash_format", "schema_id", "external_id", "state")
_JSON = ("traits", "metadata_public", "metadata_admin")
_DEPTH = 10  # traits inside of one another
_SHOWN = 100  # characters of a column's name
_YES = ("1", "true", "yes")


class TableError(Exception):
    """It is no CSV; the text says why."""


class BadRow(Struct, frozen=True):
    """A row of which nobody can be made."""

    reason: str


# --- in -----------------------------------------------------------------------------------------------------------------


def read(lines: Iterable[str], project: Project) -> Iterator[tuple[int, User | BadRow]]:
    """Each row with the line it ends on. The first line names the columns; one that is not ours is a trait, `a.b` one inside
    another; `traits` has all of them, as JSON.

    :raises TableError: it is no CSV, or its first line names no columns
    """
    rows = csv.DictReader(lines, strict=True)
    try:
        if not any(rows.fieldnames or ()):
            raise TableError("The first line has to name the columns, such as email.")
        for row in rows:
            yield rows.line_num, _user(row, project)
    except csv.Error as error:
        raise TableError(f"Line {rows.line_num}: {error}.") from error


def _user(row: Mapping[str | None, Any], project: Project) -> User | BadRow:
    if None in row or None in row.values():
        return BadRow("It has more or fewer fields than the first line.")
    cells = {name: plain(value) for name, value in row.items() if name and value and name not in _MADE_HERE}
    own: dict[str, Any] = {name: cells.pop(name) for name in _OWN if name in cells}
    is_verified = cells.pop("verified", "").strip().lower() in _YES
    try:
        for name in _JSON:
            if name in cells:
                own[name] = msgspec.json.decode(cells.pop(name), type=dict[str, Any])
        if cells:
            own["traits"] = _traits(cells, own.get("traits", {}), _kinds(project, own.get("schema_id", "")))
        elif "traits" in own:  # they say where the address belongs
            return _given_out(own, is_verified=is_verified)
    except (msgspec.DecodeError, RecursionError) as error:
        return BadRow(f"{name}: {error}.")
    except _Clash as clash:
        return BadRow(f"{str(clash)[:_SHOWN]}: a trait cannot be a text and have parts, nor lie that deep.")
    return User(verified=is_verified, **own)


def _given_out(own: dict[str, Any], *, is_verified: bool) -> User:
    email = own.pop("email", "")
    proved = (Address(email, "email", verified=True, status="completed"),) if is_verified and email else ()
    return User(verifiable_addresses=proved, **own)


class _Clash(Exception):
    """A column cannot be the trait it wants to be; the text is its name."""


def _traits(cells: Mapping[str, str], traits: dict[str, Any], kinds: Mapping[str, Path]) -> dict[str, Any]:
    for name, value in cells.items():
        *path, last = name.removeprefix("traits.").split(".")
        if len(path) > _DEPTH:
            raise _Clash(name)
        place = traits
        for step in path:
            place = place.setdefault(step, {})
            if not isinstance(place, dict):
                raise _Clash(name)
        if isinstance(place.get(last), dict):
            raise _Clash(name)
        place[last] = typed(value, kinds.get(name.removeprefix("traits.")))
    return traits


def _kinds(project: Project, schema_id: str) -> Mapping[str, Path]:
    try:
        return {path.name.removeprefix("traits."): path for path in project.schema(schema_id).trait_paths}
    except ApiError:
        return {}  # that there is no such schema is told with the person


def typed(value: Any, path: Path | None) -> Any:
    """A text from a table as what the schema wants there; what it cannot be stays, for the schema to complain of."""
    if path is None or not isinstance(value, str):
        return value
    if path.kind == "boolean":
        return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}.get(value.lower(), value)
    if path.kind == "number":
        try:
            return int(value) if value.lstrip("-").isdigit() else float(value)
        except ValueError:
            return value
    return value


# --- out ----------------------------------------------------------------------------------------------------------------


def row(one: Listed) -> list[str]:
    """The cells of a person, in the order of `COLUMNS`; nothing secret is among them."""
    public = msgspec.json.decode(one.public)
    traits = public["traits"]
    emails = [address for address in public.get("verifiable_addresses", ()) if address["via"] == "email"]
    metadata = public["metadata_public"]
    cells = [
        public["id"], public.get("external_id") or "", public["state"], public["schema_id"],
        emails[0]["value"] if emails else str(traits.get("email", "")) if isinstance(traits, dict) else "",
        str(bool(emails and emails[0]["verified"])).lower(), public["created_at"], public["updated_at"],
        msgspec.json.encode(traits).decode(),
        "" if metadata is None else msgspec.json.encode(metadata).decode(),
    ]  # fmt: skip
    return [harmless(cell) for cell in cells]
