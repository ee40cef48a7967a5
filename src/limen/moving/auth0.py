"""Auth0's files: the users export, the bulk import format, and the password hashes that the support hands out.

https://auth0.com/docs/manage-users/user-migration/bulk-user-import-schema
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from limen.moving import foreignhash, jsonfile
from limen.moving.foreignhash import ForeignHash
from limen.moving.model import Brought, Unreadable

_FIELDS = ("email", "username", "name", "given_name", "family_name", "nickname", "picture", "locale")
_DATABASE = "auth0"  # the provider whose accounts are Auth0's own


def people(file: Path, hashes: Path | None = None) -> Iterator[Brought | Unreadable]:
    """The users of one file; `hashes` is the other one, when the two are apart.

    :raises FileError: a file is not what it should be
    """
    known = _hashes(hashes) if hashes else {}
    for line, entry in jsonfile.entries(file):
        if not isinstance(entry, dict) or not (id_ := _id(entry)):
            yield Unreadable(line, "it has neither user_id nor _id")
            continue
        yield _person(line, id_, entry, known.get(id_))


def _hashes(file: Path) -> dict[str, Mapping[str, Any]]:
    """By id. Passwords take some hundred bytes each, which is little for a computer that has to check them."""
    kept = ("passwordHash", "password_hash", "custom_password_hash", "email_verified")
    found = ((_id(e), e) for _, e in jsonfile.entries(file) if isinstance(e, dict))
    return {id_: {name: e[name] for name in kept if name in e} for id_, e in found if id_}


def _id(entry: Mapping[str, Any]) -> str:
    """`auth0|…` as in tokens, however the file spells it."""
    if given := entry.get("user_id"):
        return str(given) if "|" in str(given) else f"{_DATABASE}|{given}"
    internal = entry.get("_id")
    own = entry.get("alt_id") or (internal.get("$oid") if isinstance(internal, dict) else internal)
    return f"{_DATABASE}|{own}" if own else ""


def _person(line: int, id_: str, entry: Mapping[str, Any], apart: Mapping[str, Any] | None) -> Brought:
    told = {**entry, **(apart or {})}
    fields = {name: told[name] for name in _FIELDS if told.get(name)}
    if phone := told.get("phone_number"):
        fields["phone"] = phone
    verified = [via for via, mark in (("email", "email_verified"), ("phone", "phone_verified")) if told.get(mark)]
    for identifier in told.get("identifiers") or ():  # newer exports say it here
        kind = identifier.get("type")
        fields.setdefault("phone" if kind == "phone_number" else str(kind), identifier.get("value"))
        if identifier.get("verified"):
            verified.append("phone" if kind == "phone_number" else str(kind))
    hashed, doubts = _password(told)
    if told.get("mfa_factors") or told.get("multifactor"):
        doubts.append("second factors are not in this file; they are set up again")
    return Brought(
        line=line,
        id=id_,
        external_id=id_,
        fields=fields,
        verified=verified,
        hashed=hashed,
        providers=tuple(_providers(id_, told)),
        active=not told.get("blocked"),
        created_at=_time(told.get("created_at")),
        last_login_at=_time(told.get("last_login")),
        metadata_public=told.get("user_metadata") or None,
        metadata_admin=told.get("app_metadata") or None,
        doubts=doubts,
    )


def _time(value: Any) -> str:
    return str(value.get("$date", "")) if isinstance(value, dict) else str(value or "")


def _password(told: Mapping[str, Any]) -> tuple[str, list[str]]:
    if plain := told.get("passwordHash") or told.get("password_hash"):
        return foreignhash.bcrypt_or_phc(str(plain)), []
    try:
        return (foreignhash.auth0(custom), []) if (custom := told.get("custom_password_hash")) else ("", [])
    except (ForeignHash, ValueError, TypeError, AttributeError) as error:
        return "", [f"the password hash cannot be checked: {error}"]


def _providers(id_: str, told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Accounts elsewhere: the main one is in the id, others are linked."""
    given = [(str(i.get("provider")), str(i.get("user_id"))) for i in told.get("identities") or ()]
    name, _, subject = id_.partition("|")
    for provider, account in dict.fromkeys([*given, (name, subject)]):
        if provider != _DATABASE and account:
            yield provider, account.rpartition("|")[2]
