"""The credential of social sign-in: `{"providers": [{"subject", "provider", "initial_…_token", …}]}`, as Kratos has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from limen.context import Context
from limen.identity.identifiers import federated
from limen.identity.model import Identity
from limen.methods.oidc.common import ID
from limen.social.kinds import Token

_NAMES = {"id_token": "initial_id_token", "access": "initial_access_token", "refresh": "initial_refresh_token"}


def seal(ctx: Context, token: Token) -> dict[str, str]:
    """A provider's tokens as they are stored: encrypted, the ones that are missing as empty texts."""
    return {name: ctx.project.cipher.encrypt(getattr(token, own)) for own, name in _NAMES.items()}


def entry(provider: str, subject: str, organization: str | None, tokens: Mapping[str, str]) -> dict[str, Any]:
    """One linked account."""
    own = {name: tokens.get(name, "") for name in _NAMES.values()}
    return {"subject": subject, "provider": provider, **own, **({"organization": organization} if organization else {})}


def entries(identity: Identity) -> list[dict[str, Any]]:
    """A person's linked accounts."""
    credential = identity.credentials.get(ID)
    found = credential.config.get("providers") if credential else None
    return [e for e in found if isinstance(e, dict)] if isinstance(found, list) else []


def linked(identity: Identity) -> set[str]:
    """The ids of the providers a person has linked."""
    return {str(e.get("provider", "")) for e in entries(identity)}


def known_by(identity: Identity) -> tuple[str, ...]:
    """What a person is known by at providers."""
    return identity.credentials[ID].identifiers if ID in identity.credentials else ()


def changed(before: Identity, after: Identity) -> dict[str, Any]:
    """The ids of the providers that were `linked` and `unlinked` in between; nothing when none was."""
    if before.credentials.get(ID) is after.credentials.get(ID):
        return {}
    had, has = linked(before), linked(after)
    found = {"linked": sorted(has - had), "unlinked": sorted(had - has)}
    return {what: ids for what, ids in found.items() if ids}


def with_entry(identity: Identity, new: Mapping[str, Any]) -> dict[str, Any]:
    """The credential's config with one more account. A placeholder that an import left for this provider goes."""
    kept = [e for e in entries(identity) if not (e.get("use_auto_link") and e.get("provider") == new["provider"])]
    return {"providers": [*kept, dict(new)]}


def without_provider(identity: Identity, provider: str) -> dict[str, Any]:
    return {"providers": [e for e in entries(identity) if e.get("provider") != provider]}


def identifiers(config: Mapping[str, Any]) -> tuple[str, ...]:
    """How the accounts are found."""
    return tuple(dict.fromkeys(federated(e["provider"], e["subject"]) for e in config["providers"]))
