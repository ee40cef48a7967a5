"""Taking a credential away from a person, as an operator: the last way in stays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from limen.context import Context
from limen.core import errors
from limen.identity import admin, factors, identifiers, service
from limen.identity.model import Credential, Identity


async def credential(ctx: Context, id_: str | None, type_: str, identifier: str) -> None:
    """Remove a person's credential of this type; of providers and devices, the one with this identifier.

    :raises ApiError: 404, the person has none; 400, it cannot be removed, or nobody could sign in any more
    """
    if type_ == "deviceauthn" and not identifier:
        raise _no_identifier()
    before = await service.must(ctx.db, id_)
    found = before.credentials.get(type_)
    if found is None and type_ == "deviceauthn":
        raise errors.row_not_found()
    if found is None:
        raise errors.not_found(f"There is no {type_} credential to remove.")
    after = _without(ctx, before, found, identifier)
    kept = {name: known for name, known in before.credentials.items() if name != type_}
    changed = replace(before, credentials=kept if after is None else {**kept, type_: after})
    extracted = admin.extract(ctx, before.schema_id, before.traits)
    await admin.save(ctx, before, service.change(ctx, changed, extracted))


def _without(ctx: Context, identity: Identity, found: Credential, identifier: str) -> Credential | None:
    match found.type:
        case "totp" | "lookup_secret":
            return None
        case "webauthn":
            return _passwordless_only(ctx, found)
        case "deviceauthn":
            return _without_key(ctx, found, identifier)
        case "password" | "oidc" | "saml":
            if factors.first(ctx.project.config, identity) < 2:
                raise errors.bad_request("This is the last way to sign in; it cannot be removed.")
            return _changed(ctx, found, {}) if found.type == "password" else _unlinked(ctx, found, identifier)
    raise errors.bad_request(f"A credential of type {found.type} cannot be removed.")


def _passwordless_only(ctx: Context, found: Credential) -> Credential | None:
    """Security keys that are a second factor go; those that are a way to sign in stay."""
    kept = [key for key in found.config.get("credentials", ()) if key.get("is_passwordless")]
    return _changed(ctx, found, {**found.config, "credentials": kept}) if kept else None


def _without_key(ctx: Context, found: Credential, identifier: str) -> Credential:
    keys = found.config.get("credentials", ())
    kept = [key for key in keys if key.get("client_key_id") != identifier]
    if len(kept) == len(keys):
        raise errors.not_found(f"There is no device key {identifier!r} to remove.")
    names = tuple(str(key["client_key_id"]) for key in kept)
    return replace(_changed(ctx, found, {**found.config, "credentials": kept}), identifiers=names)


def _unlinked(ctx: Context, found: Credential, identifier: str) -> Credential:
    if not identifier:
        raise _no_identifier()
    providers = found.config.get("providers", ())
    kept = [p for p in providers if identifiers.federated(p["provider"], p["subject"]) != identifier]
    if len(kept) == len(providers):
        raise errors.not_found(f"There is no account {identifier!r} to unlink.")
    names = tuple(identifiers.federated(p["provider"], p["subject"]) for p in kept)
    return replace(_changed(ctx, found, {"providers": kept}), identifiers=names)


def _changed(ctx: Context, found: Credential, config: Mapping[str, Any]) -> Credential:
    return replace(found, config=dict(config), updated_at=ctx.stamp)


def _no_identifier() -> Exception:
    return errors.bad_request("Say which one with the query parameter identifier, such as provider:subject.")
