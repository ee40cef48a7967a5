"""What a provider says about a person: one shape for all, that of OpenID Connect (Core 1.0, §5.1), as mappers see it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct


class ClaimError(ValueError):
    """A claim has a type it must not have; the text names the claim, never its value."""


class Claims(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """`std.extVar('claims')` of a mapper. What is empty or false is left out, so that `'email' in claims` tells.

    `email_verified` is true only where the provider said so with a JSON true, or vouches for every address it tells.
    `raw_claims` is the provider's own answer, whole.
    """

    iss: str = ""
    sub: str = ""
    oid: str = ""
    name: str = ""
    given_name: str = ""
    family_name: str = ""
    last_name: str = ""
    middle_name: str = ""
    nickname: str = ""
    preferred_username: str = ""
    profile: str = ""
    picture: str = ""
    website: str = ""
    email: str = ""
    email_verified: bool = False
    gender: str = ""
    birthdate: str = ""
    zoneinfo: str = ""
    locale: str = ""
    phone_number: str = ""
    phone_number_verified: bool = False
    updated_at: int = 0
    hd: str = ""
    team: str = ""
    nonce: str = ""
    nonce_supported: bool = False
    acr: str = ""
    amr: tuple[str, ...] = ()
    raw_claims: dict[str, Any] = {}

    def for_mapper(self) -> dict[str, Any]:
        found: dict[str, Any] = msgspec.to_builtins(self)
        return found


_TEXTS = frozenset(f.name for f in msgspec.structs.fields(Claims) if f.type is str and f.name != "locale")


def read(told: Mapping[str, Any], *, raw: Mapping[str, Any] | None = None, text_is_true: bool = False) -> Claims:
    """Claims under their standard names.

    :param raw: the provider's own answer, where that has other names
    :param text_is_true: take the text "true" for `email_verified` too; for Apple, which sends it
    :raises ClaimError: a claim has the wrong type
    """
    found: dict[str, Any] = {name: _text(name, told[name]) for name in _TEXTS if told.get(name) is not None}
    found["email_verified"] = _is_verified(told.get("email_verified"), text_is_true=text_is_true)
    for name in ("phone_number_verified", "nonce_supported"):
        found[name] = told.get(name) is True
    found["locale"] = _locale(told.get("locale"))
    found["updated_at"] = _moment(told.get("updated_at"))
    found["amr"] = _references(told.get("amr"))
    return Claims(**found, raw_claims=dict(told if raw is None else raw))


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise ClaimError(f"the claim {name} is no text")
    return value


def _is_verified(value: object, *, text_is_true: bool) -> bool:
    """A text is not believed unless the provider is known to write texts; what is neither is a mistake."""
    if value not in (None, True, False, "true", "false") or (isinstance(value, int) and not isinstance(value, bool)):
        raise ClaimError("the claim email_verified is no boolean")
    return value is True or (text_is_true and value == "true")


def _locale(value: object) -> str:
    """A text, or, from LinkedIn, an object of language and country."""
    if isinstance(value, dict):
        return "-".join(str(value[key]) for key in ("language", "country") if value.get(key))
    return value if isinstance(value, str) else ""


def _moment(value: object) -> int:
    """Seconds since 1970, or, from Auth0 and Salesforce, a date; anything else is not worth failing for."""
    if isinstance(value, str):
        try:
            return int(datetime.fromisoformat(value).timestamp())
        except ValueError:
            return 0
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0


def _references(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(entry for entry in value if isinstance(entry, str)) if isinstance(value, list) else ()
