"""A table of people as CSV with headers. Usual headers are known; others are named with --map."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from limen.moving.model import Brought, Unreadable
from limen.moving.supabase import Row, csv_rows

_NAMES = {
    "id": "id", "user_id": "id", "uuid": "id", "external_id": "id",
    "email": "email", "e-mail": "email", "mail": "email", "email_address": "email",
    "phone": "phone", "phone_number": "phone", "mobile": "phone",
    "username": "username", "login": "username", "user_name": "username",
    "name": "name", "full_name": "name", "display_name": "name",
    "first_name": "given_name", "firstname": "given_name", "given_name": "given_name",
    "last_name": "family_name", "lastname": "family_name", "family_name": "family_name", "surname": "family_name",
    "password": "password", "password_hash": "hashed", "hashed_password": "hashed",
    "email_verified": "email_verified", "phone_verified": "phone_verified",
    "active": "active", "state": "active", "created_at": "created_at",
}  # fmt: skip
_OWN = ("id", "password", "hashed", "email_verified", "phone_verified", "active", "created_at")
_YES = ("1", "t", "true", "yes", "y", "active", "x")


def people(file: Path) -> Iterator[Brought | Unreadable]:
    """:raises FileError: the file is not what it should be"""
    for line, row in csv_rows(file):
        if not any(value.strip() for value in row.values()):
            continue
        yield _person(line, row)


def _person(line: int, row: Row) -> Brought:
    fields: dict[str, str] = {}
    own = dict.fromkeys(_OWN, "")
    for header, value in row.items():
        text = value.strip()
        name = _NAMES.get(header.strip().lower().replace(" ", "_"), header)
        if name in own:
            own[name] = own[name] or text
        elif text:
            fields.setdefault(name, text)
    return Brought(
        line=line,
        # Without ids, who somebody is follows from what they sign in with, so that a repeated run knows them again.
        id=own["id"] or str(next((fields[n] for n in ("email", "username", "phone") if n in fields), f"line {line}")),
        external_id=own["id"],
        fields=fields,
        verified=[via for via in ("email", "phone") if own[f"{via}_verified"].lower() in _YES],
        hashed=own["hashed"],
        password=own["password"],
        active=not own["active"] or own["active"].lower() in _YES,
        created_at=own["created_at"],
    )
