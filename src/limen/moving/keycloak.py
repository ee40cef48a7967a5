"""Keycloak's realm export (`kc.sh export --users realm_file`, or the users files beside it).

https://www.keycloak.org/server/importExport
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from limen.core import totp
from limen.moving import foreignhash, jsonfile
from limen.moving.foreignhash import ForeignHash
from limen.moving.model import Brought, Unreadable

_FIELDS = {"email": "email", "username": "username", "firstName": "given_name", "lastName": "family_name"}
_LEFT = {"webauthn": "security keys", "webauthn-passwordless": "passkeys", "recovery-authn-codes": "backup codes"}


def people(file: Path) -> Iterator[Brought | Unreadable]:
    """:raises FileError: the file is not what it should be"""
    for line, entry in jsonfile.entries(file, "users"):
        if not isinstance(entry, dict) or not entry.get("username"):
            yield Unreadable(line, "it has no username")
        elif entry.get("serviceAccountClientId"):
            continue  # a program, not a person
        else:
            yield _person(line, entry)


def _person(line: int, entry: Mapping[str, Any]) -> Brought:
    fields = {ours: entry[theirs] for theirs, ours in _FIELDS.items() if entry.get(theirs)}
    for name, values in (entry.get("attributes") or {}).items():
        if values:
            fields.setdefault(name, values[0] if len(values) == 1 else values)
    for name in ("phoneNumber", "phone_number"):
        if name in fields:
            fields.setdefault("phone", fields.pop(name))
    hashed, totp_url, doubts = "", "", []
    for credential in entry.get("credentials") or ():
        try:
            data, secret = _parts(credential)
            match credential.get("type"):
                case "password":
                    hashed = foreignhash.keycloak(data, secret)
                case "otp" | "totp":
                    totp_url = _totp(str(entry["username"]), data, secret)
                case kind:
                    doubts.append(f"{_LEFT.get(str(kind), f'credentials of the type {kind}')} have to be set up again")
        except (ForeignHash, ValueError, TypeError, KeyError, AttributeError) as error:
            doubts.append(f"the {credential.get('type')} cannot be checked: {error}")
    created = entry.get("createdTimestamp")
    return Brought(
        line=line,
        id=str(entry.get("id") or entry["username"]),
        fields=fields,
        verified=["email"] if entry.get("emailVerified") else [],
        hashed=hashed,
        totp_url=totp_url,
        providers=[(str(f["identityProvider"]), str(f["userId"])) for f in entry.get("federatedIdentities") or ()],
        active=entry.get("enabled", True) is not False,
        created_at=str(created) if created else "",
        doubts=doubts,
    )


def _parts(credential: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """`credentialData` and `secretData` are JSON in a text; versions before 8 had the same beside each other."""
    if "secretData" in credential:
        return json.loads(credential.get("credentialData") or "{}"), json.loads(credential["secretData"])
    secret = {"salt": credential.get("salt"), "value": credential.get("hashedSaltedValue") or credential.get("value")}
    return dict(credential), secret


def _totp(account: str, data: Mapping[str, Any], secret: Mapping[str, Any]) -> str:
    kind = data.get("subType", "totp"), data.get("algorithm", "HmacSHA1"), data.get("digits", 6), data.get("period", 30)
    if kind != ("totp", "HmacSHA1", totp.DIGITS, totp.PERIOD):
        raise ForeignHash("it makes other codes than authenticator apps do here")
    value = str(secret["value"])
    # The characters of the secret are its bytes, unless it says otherwise.
    plain = value if data.get("secretEncoding") == "BASE32" else base64.b32encode(value.encode()).decode().rstrip("=")
    return totp.url(plain, "Keycloak", quote(account, safe="@"))
