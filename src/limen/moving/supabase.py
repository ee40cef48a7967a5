"""Supabase's `auth.users`: as CSV with headers, as JSON, or as `pg_dump --data-only` writes it (with `auth.identities`)."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from limen.core import clock
from limen.moving import jsonfile
from limen.moving.model import Brought, FileError, Unreadable

_OWN = ("email", "phone")  # no accounts elsewhere
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
Row = Mapping[str, Any]


def people(file: Path) -> Iterator[Brought | Unreadable]:
    """:raises FileError: the file is not what it should be"""
    for line, row in _rows(file):
        if not row.get("id"):
            yield Unreadable(line, "it has no id")
        elif row.get("deleted_at") or _true(row.get("is_anonymous")):
            continue  # nobody who could sign in
        else:
            yield _person(line, row)


def _rows(file: Path) -> Iterator[tuple[int, Row]]:
    if file.suffix == ".csv":
        yield from csv_rows(file)
    elif file.suffix == ".sql":
        yield from _dump(file)
    else:
        yield from ((line, row) for line, row in jsonfile.entries(file, "users") if isinstance(row, dict))


def csv_rows(file: Path) -> Iterator[tuple[int, Row]]:
    """The rows of a CSV file by their headers, with the lines they end on.

    :raises FileError: it cannot be read
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            reader = csv.DictReader(opened, dialect=_dialect(opened.readline()))
            opened.seek(0)
            for row in reader:
                yield reader.line_num, {k: v for k, v in row.items() if k is not None and isinstance(v, str)}
    except OSError as error:
        raise FileError(f"{file} cannot be read: {error.strerror}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise FileError(f"{file} is no CSV file in UTF-8: {error}.") from error


def _dialect(header: str) -> type[csv.Dialect]:
    """Commas; spreadsheets of half of Europe write semicolons."""

    class Dialect(csv.excel):
        delimiter = max(",;\t", key=header.count)

    return Dialect


def _dump(file: Path) -> Iterator[tuple[int, Row]]:
    """The COPY blocks of a dump. Identities come before users there, as tables are in the order of their names."""
    linked: defaultdict[str, list[Row]] = defaultdict(list)
    table, columns = "", []
    try:
        with file.open(encoding="utf-8", newline="\n") as opened:
            for number, raw in enumerate(opened, 1):
                line = raw.rstrip("\n")
                if not table:
                    if line.startswith(("COPY auth.users (", "COPY auth.identities (")):
                        table = line.split(" ")[1]
                        columns = [c.strip(' "') for c in line[line.index("(") + 1 : line.index(")")].split(",")]
                elif line == "\\.":
                    table = ""
                else:
                    row = dict(zip(columns, map(_field, line.split("\t")), strict=False))
                    if table == "auth.identities":
                        linked[str(row.get("user_id"))].append(row)
                    else:
                        yield number, {**row, "identities": linked.pop(str(row.get("id")), [])}
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(f"{file} cannot be read: {error}.") from error


def _field(text: str) -> str | None:
    """A value of PostgreSQL's text format."""
    if text == "\\N":
        return None
    if "\\" not in text:
        return text
    found, escaped = [], False
    for character in text:
        if escaped:
            found.append(_ESCAPES.get(character, character))
        elif character != "\\":
            found.append(character)
        escaped = character == "\\" and not escaped
    return "".join(found)


def _person(line: int, row: Row) -> Brought:
    public, private = (
        _json(row.get("raw_user_meta_data") or row.get("user_metadata")),
        _json(row.get("raw_app_meta_data") or row.get("app_metadata")),
    )
    fields: dict[str, Any] = {name: value for name, value in public.items() if isinstance(value, str)}
    fields.setdefault("name", public.get("full_name") or public.get("display_name"))
    fields |= {"email": row.get("email"), "phone": _phone(row.get("phone"))}
    return Brought(
        line=line,
        id=str(row["id"]),
        fields={name: value for name, value in fields.items() if value},
        verified=[via for via in ("email", "phone") if row.get(f"{via}_confirmed_at")],
        hashed=str(row.get("encrypted_password") or ""),
        providers=tuple(_providers(row)),
        active=not _still(row.get("banned_until")),
        created_at=str(row.get("created_at") or ""),
        last_login_at=str(row.get("last_sign_in_at") or ""),
        metadata_public=public or None,
        metadata_admin=private or None,
        doubts=_doubts(row, private),
    )


def _providers(row: Row) -> Iterator[tuple[str, str]]:
    for identity in row.get("identities") or ():
        data = _json(identity.get("identity_data"))
        provider, subject = (
            identity.get("provider"),
            identity.get("provider_id") or data.get("sub") or identity.get("id"),
        )
        if provider not in _OWN and subject:
            yield str(provider), str(subject)


def _doubts(row: Row, private: Row) -> list[str]:
    names = [p for p in private.get("providers") or () if p not in _OWN]
    if names and not row.get("identities"):
        return [f"accounts at {', '.join(map(str, names))} are in auth.identities, which is not in this file"]
    return []


def _phone(text: Any) -> str:
    """Numbers are stored without their plus."""
    return "" if not text else str(text) if str(text).startswith("+") else f"+{text}"


def _json(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    return value if isinstance(value, dict) else {}


def _true(value: Any) -> bool:
    return value is True or str(value).lower() in ("t", "true")


def _still(moment: Any) -> bool:
    """Whether a ban goes on; one without end is written as a moment far away, or as infinity."""
    text = str(moment or "").strip()
    return bool(text) and (text == "infinity" or text.replace(" ", "T") > clock.text(clock.now()))
