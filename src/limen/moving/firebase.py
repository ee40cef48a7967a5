"""Firebase's users (`firebase auth:export users.json --format=json`), with the hash parameters that its console shows.

https://firebase.google.com/docs/cli/auth
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from limen.moving import foreignhash, jsonfile
from limen.moving.foreignhash import ForeignHash
from limen.moving.model import Brought, FileError, Unreadable

_PARAMETER = re.compile(r"(\w+)\s*[:=]\s*\"?([^\s,\"]+)")
_OWN = ("password", "phone", "emailLink", "anonymous", "firebase")  # no accounts elsewhere


class HashConfig(Struct, frozen=True):
    """What the console's `hash_config { … }` says."""

    signer_key: bytes
    salt_separator: bytes
    rounds: int
    memory_cost: int


def hash_config(file: Path) -> HashConfig:
    """:raises FileError: it is not what the console shows"""
    try:
        told = dict(_PARAMETER.findall(file.read_text("utf-8")))
        if told["algorithm"] != "SCRYPT":
            raise FileError(f"{file}: the algorithm {told['algorithm']} is not read here; SCRYPT is.")
        return HashConfig(
            signer_key=foreignhash.decoded(told["base64_signer_key"], "base64"),
            salt_separator=foreignhash.decoded(told["base64_salt_separator"], "base64"),
            rounds=int(told["rounds"]),
            memory_cost=int(told["mem_cost"]),
        )
    except (OSError, KeyError, ValueError) as error:
        raise FileError(
            f"{file} should hold what the console shows as hash parameters; it is missing {error}."
        ) from error


def people(file: Path, hashing: HashConfig | None = None) -> Iterator[Brought | Unreadable]:
    """:raises FileError: the file is not what it should be"""
    for line, entry in jsonfile.entries(file, "users"):
        if not isinstance(entry, dict) or not entry.get("localId"):
            yield Unreadable(line, "it has no localId")
        else:
            yield _person(line, entry, hashing)


def _person(line: int, entry: Mapping[str, Any], hashing: HashConfig | None) -> Brought:
    names = {"email": "email", "phoneNumber": "phone", "displayName": "name", "photoUrl": "picture"}
    fields = {ours: entry[theirs] for theirs, ours in names.items() if entry.get(theirs)}
    hashed, doubts = _password(entry, hashing)
    if (entry.get("mfaInfo") or ()) != ():
        doubts.append("second factors have to be set up again")
    return Brought(
        line=line,
        id=str(entry["localId"]),
        external_id=str(entry["localId"]),
        fields=fields,
        # A telephone number gets there by a code that was sent to it.
        verified=[*(["email"] if entry.get("emailVerified") else []), *(["phone"] if "phone" in fields else [])],
        hashed=hashed,
        providers=[
            (str(p.get("providerId")), str(p.get("rawId")))
            for p in entry.get("providerUserInfo") or ()
            if p.get("rawId") and p.get("providerId") not in _OWN
        ],
        active=not entry.get("disabled"),
        created_at=str(entry.get("createdAt") or ""),
        last_login_at=str(entry.get("lastSignedInAt") or entry.get("lastLoginAt") or ""),
        metadata_admin=_claims(entry),
        doubts=doubts,
    )


def _password(entry: Mapping[str, Any], hashing: HashConfig | None) -> tuple[str, list[str]]:
    if not entry.get("passwordHash"):
        return "", []
    if hashing is None:
        return "", ["the password hash needs the parameters of the console: --hash-config"]
    try:
        salt, hashed = (foreignhash.decoded(str(entry.get(name, "")), "base64") for name in ("salt", "passwordHash"))
    except ForeignHash as error:
        return "", [f"the password hash cannot be checked: {error}"]
    made = foreignhash.firebase(
        hashing.memory_cost, hashing.rounds, salt, hashed, hashing.salt_separator, hashing.signer_key
    )
    return made, []


def _claims(entry: Mapping[str, Any]) -> Any:
    """Custom claims are JSON in a text; only programs may see them."""
    try:
        return json.loads(entry.get("customAttributes") or "null") or None
    except (TypeError, ValueError):
        return None
