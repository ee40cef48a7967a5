"""What a person has to sign in with: how many first and second factors, and the level they reach. Pure.

A method that is switched off still counts: what somebody set up does not vanish, and is not skipped, with a setting.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from limen.core.config import Config
from limen.identity import keys
from limen.identity.model import Credential, Identity

Count = Callable[[Config, Credential], int]


def _password(_: Config, credential: Credential) -> int:
    usable = credential.config.get("hashed_password") or credential.config.get("use_password_migration_hook")
    return int(bool(usable) and any(credential.identifiers))


def _passkeys(_: Config, credential: Credential) -> int:
    return len(keys.read(credential.config).credentials) if any(credential.identifiers) else 0


def _keys_alone(_: Config, credential: Credential) -> int:
    return len(keys.first(keys.read(credential.config))) if any(credential.identifiers) else 0


def _keys_beside(_: Config, credential: Credential) -> int:
    return len(keys.second(keys.read(credential.config)))


def _providers(_: Config, credential: Credential) -> int:
    own = [p for p in credential.config.get("providers") or () if not p.get("organization")]  # others can be taken away
    linked = {f"{p.get('provider')}:{p.get('subject')}" for p in own}
    return sum(identifier in linked for identifier in credential.identifiers)


def _code(credential: Credential) -> bool:
    if "address_type" in credential.config:  # as older versions of Kratos wrote it
        return bool(credential.config["address_type"] and any(credential.identifiers))
    return any(a.get("address") for a in credential.config.get("addresses") or ())


FIRST: Final[Mapping[str, Count]] = MappingProxyType(
    {
        "password": _password,
        "passkey": _passkeys,
        "webauthn": _keys_alone,
        "oidc": _providers,
        "code": lambda config, c: int(config.selfservice.methods.code.passwordless_enabled and _code(c)),
    }
)
SECOND: Final[Mapping[str, Count]] = MappingProxyType(
    {
        "totp": lambda _, c: int(bool(c.config.get("totp_url"))),
        "lookup_secret": lambda _, c: int(bool(c.config.get("recovery_codes"))),
        "webauthn": _keys_beside,
        "code": lambda config, c: int(config.selfservice.methods.code.mfa_enabled and _code(c)),
    }
)


def proves(identity: Identity) -> dict[str, Any]:
    """What a person proves with, by type, without what each use of it changes (counters, used codes)."""
    return {type_: _OWN.get(type_, _all)(credential) for type_, credential in identity.credentials.items()}


def _all(credential: Credential) -> Any:
    return credential.config


def _keys(credential: Credential) -> Any:
    return {(key.id, key.is_passwordless) for key in keys.read(credential.config).credentials}


_OWN: Final[Mapping[str, Callable[[Credential], Any]]] = MappingProxyType(
    {
        "password": lambda c: c.config.get("hashed_password") or bool(c.config.get("use_password_migration_hook")),
        "totp": lambda c: c.config.get("totp_url"),
        "lookup_secret": lambda c: [code.get("code") for code in c.config.get("recovery_codes") or ()],
        "webauthn": _keys,
        "passkey": _keys,
        "oidc": lambda c: set(c.identifiers),
        "saml": lambda c: set(c.identifiers),
    }
)


def first(config: Config, identity: Identity) -> int:
    """How many things the person can sign in with."""
    return _count(FIRST, config, identity)


def second(config: Config, identity: Identity) -> int:
    """How many things the person has for the second step."""
    return _count(SECOND, config, identity)


def _count(counts: Mapping[str, Count], config: Config, identity: Identity) -> int:
    return sum(counts[type_](config, held) for type_, held in identity.credentials.items() if type_ in counts)


def available_aal(config: Config, identity: Identity) -> str:
    """The highest level this person can reach: aal2 as soon as there is a second factor, aal0 with nothing at all."""
    if second(config, identity):
        return "aal2"
    return "aal1" if first(config, identity) else "aal0"
