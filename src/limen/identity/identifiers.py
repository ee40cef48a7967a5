"""Which identifiers a credential has: from the schema's traits, from its own config, or the person's id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from limen.core import webauthn
from limen.identity import keys
from limen.identity.model import Credential

# All types of credentials there are. Some are only Kratos': they are stored and shown, and sign nobody in.
TYPES = (
    "password", "oidc", "saml", "totp", "lookup_secret", "webauthn", "code", "link_recovery", "code_recovery",
    "deviceauthn", "passkey",
)  # fmt: skip
OWN_ID = ("totp", "lookup_secret")  # credentials whose identifier is the person's id
FEDERATED = ("oidc", "saml")


def identifiers_of(
    type_: str,
    config: Mapping[str, Any],
    identity_id: str,
    from_traits: Mapping[str, Sequence[str]],
    old: Credential | None,
) -> tuple[str, ...]:
    """The identifiers of a credential with this config."""
    if type_ in OWN_ID:
        return (identity_id,)
    if type_ in FEDERATED:
        return tuple(dict.fromkeys(federated(p["provider"], p["subject"]) for p in config.get("providers", ())))
    if type_ in from_traits:
        return tuple(from_traits[type_])
    known = old.identifiers if old else ()
    if type_ == "passkey":
        handle = keys.read(dict(config)).user_handle
        return known if not handle or passkey(handle) in known else (*known, passkey(handle))
    return known if type_ == "deviceauthn" else ()


def federated(provider: str, subject: str) -> str:
    """How an account at a provider is found."""
    return f"{provider}:{subject}"


def passkey(user_handle: bytes) -> str:
    """How a passkey is found: by its user handle, as text where it is any (a database stores no NUL)."""
    name = user_handle.decode("utf8", "replace")
    return name if name.isprintable() and "\ufffd" not in name else webauthn.encode(user_handle)
