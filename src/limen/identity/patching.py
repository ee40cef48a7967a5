"""Changing a person by JSON Patch (RFC 6902), as far as Kratos takes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from limen.context import Context
from limen.core import clock, errors, jsonpatch
from limen.core.errors import ApiError
from limen.core.ids import new_id, parse_id
from limen.identity import service
from limen.identity.admin import REGIONS, STATES, extract, save, with_state
from limen.identity.identifiers import TYPES, identifiers_of
from limen.identity.importing import must_be_usable
from limen.identity.keys import Keys
from limen.identity.model import Credential, Identity, RecoveryAddress, VerifiableAddress

# Names nobody may patch; credentials of providers hold tokens that only a sign-in can bring.
DENIED = (
    "/id", "/stateChangedAt",
    "/credentials", "/credentials/oidc", "/credentials/oidc/*", "/credentials/saml", "/credentials/saml/*",
)  # fmt: skip


def document(identity: Identity, body: Mapping[str, Any]) -> dict[str, Any]:
    """The document a patch is applied to: the identity as the admin API shows it, with the configs of credentials."""
    return {**body, "credentials": msgspec.to_builtins(identity.credentials)}


class _PatchedAddress(Struct, frozen=True):
    id: str = ""
    value: str = ""
    verified: bool = False
    via: str = "email"
    status: str = "pending"
    created_at: str = ""
    updated_at: str = ""
    verified_at: str | UnsetType | None = UNSET

    def __post_init__(self) -> None:
        for time in (self.verified_at, self.created_at, self.updated_at):
            if isinstance(time, str) and time:
                clock.parse(time)


class _PatchedCredential(Struct, frozen=True):
    type: str = ""
    identifiers: tuple[str, ...] | None = None
    config: dict[str, Any] | None = None


class _PatchedConfig(Struct, frozen=True):
    """What the methods read of a credential's config has to have its shape; the rest is stored as it comes."""

    hashed_password: str = ""
    totp_url: str = ""
    recovery_codes: tuple[dict[str, Any], ...] = ()
    addresses: tuple[dict[str, Any], ...] = ()
    credentials: tuple[dict[str, Any], ...] = ()


class _Patched(Struct, frozen=True, kw_only=True):
    schema_id: str = ""
    traits: dict[str, Any] = {}
    state: str = ""
    metadata_public: Any = None
    metadata_admin: Any = UNSET
    external_id: str | None = None
    organization_id: str | None = None
    verifiable_addresses: tuple[_PatchedAddress, ...] = ()
    recovery_addresses: tuple[RecoveryAddress, ...] = ()
    credentials: dict[str, _PatchedCredential] = {}

    def __post_init__(self) -> None:
        addresses = [a.id for a in self.verifiable_addresses] + [a.id for a in self.recovery_addresses]
        for id_ in (self.organization_id, *addresses):
            if id_ and parse_id(id_) is None:
                raise ValueError(f"{id_!r} is no UUID")


_MEMBERS = frozenset(_Patched.__struct_fields__)


class Result(Struct, frozen=True):
    """What was made, and what the answer says beside it: a region that was set, private metadata unless taken away."""

    identity: Identity
    region: str
    has_metadata_admin: bool


async def patch(ctx: Context, before: Identity, shown: Mapping[str, Any], raw: bytes) -> Result:
    """Apply a JSON Patch to a person.

    :raises ApiError: 400, the patch is none, is denied, or makes something that does not fit; 409
    """
    try:
        asked = jsonpatch.parse(raw)
        regions = [_region(op) for op in asked if op.path == "/region"]
        operations = [_named(op) for op in asked if op.path != "/region"]
        patched = msgspec.convert(jsonpatch.apply(document(before, shown), operations, DENIED), _Patched)
    except (jsonpatch.PatchError, msgspec.ValidationError) as error:
        raise ApiError(400, str(error), reason="The JSON Patch cannot be applied.") from error
    if patched.state != before.state and patched.state not in STATES:
        raise ApiError(
            400, "The state is not valid.", reason=f"{patched.state!r} is no state: active and inactive are."
        )
    credentials = _patched_credentials(ctx, before, patched.credentials)
    extracted = extract(ctx, ctx.project.schema(patched.schema_id).id, patched.traits)
    base = replace(
        before,
        schema_id=patched.schema_id,
        metadata_public=patched.metadata_public,
        metadata_admin=None if patched.metadata_admin is UNSET else patched.metadata_admin,
        external_id=patched.external_id or None,
        organization_id=parse_id(patched.organization_id) if patched.organization_id else None,
        verifiable_addresses=tuple(_patched_address(ctx, a) for a in patched.verifiable_addresses),
        recovery_addresses=patched.recovery_addresses,
        credentials=credentials,
    )
    after = service.change(ctx, with_state(ctx, base, patched.state), extracted)
    stored = await save(ctx, before, _with_kept_addresses(before, after))
    return Result(stored, regions[-1] if regions else "", patched.metadata_admin is not UNSET)


def _with_kept_addresses(before: Identity, after: Identity) -> Identity:
    """An address that was taken out and follows from the traits all the same is the one that was there."""
    verifiable = {(a.via, a.value, a.status, a.verified_at): a for a in before.verifiable_addresses}
    recovery = {(a.via, a.value): a for a in before.recovery_addresses}
    return replace(
        after,
        verifiable_addresses=tuple(
            verifiable.get((a.via, a.value, a.status, a.verified_at), a) for a in after.verifiable_addresses
        ),
        recovery_addresses=tuple(recovery.get((a.via, a.value), a) for a in after.recovery_addresses),
    )


def _named(operation: jsonpatch.Operation) -> jsonpatch.Operation:
    """The operation with the member of the identity that it means in any case: `/Traits/email` is `/traits/email`."""
    before, name, *rest = operation.path.split("/") if "/" in operation.path else (operation.path, "")
    return replace(operation, path="/".join((before, name.lower(), *rest))) if name.lower() in _MEMBERS else operation


def _region(operation: jsonpatch.Operation) -> str:
    """Regions belong to Kratos' hosted product: they are checked, told, and forgotten."""
    if operation.op not in ("add", "replace") or operation.value not in REGIONS:
        raise errors.bad_request("A region can only be set, and only to one there is.")
    return str(operation.value)


def _patched_credentials(
    ctx: Context, before: Identity, given: Mapping[str, _PatchedCredential]
) -> dict[str, Credential]:
    found: dict[str, Credential] = {}
    for type_, wanted in given.items():
        if wanted.type != type_:
            raise errors.bad_request(f'credentials.{type_}.type must equal "{type_}", got "{wanted.type}"')
        old = before.credentials.get(type_)
        if old is None and type_ not in TYPES:
            raise errors.bad_request(f"There are no credentials of type {type_!r}.")
        config = wanted.config or {}
        identifiers = wanted.identifiers or identifiers_of(type_, config, before.id, {}, None)
        if old and old.config == config and old.identifiers == identifiers:
            found[type_] = old
            continue
        try:
            hashed = msgspec.convert(config, _PatchedConfig).hashed_password
            if type_ in ("webauthn", "passkey"):
                msgspec.convert(config, Keys)
        except msgspec.ValidationError as error:
            raise errors.bad_request(f"credentials.{type_}.config: {error}") from error
        if type_ == "password" and hashed:
            must_be_usable(hashed)
        found[type_] = Credential(
            type=type_,
            identifiers=identifiers,
            config=config,
            version=service.VERSIONS.get(type_, 0),
            created_at=old.created_at if old else ctx.stamp,
            updated_at=ctx.stamp,
        )
    return found


def _patched_address(ctx: Context, given: _PatchedAddress) -> VerifiableAddress:
    proved_at = (
        clock.text(clock.parse(given.verified_at))
        if isinstance(given.verified_at, str) and given.verified_at
        else ctx.stamp
    )
    return VerifiableAddress(
        id=given.id or new_id(),
        value=given.value,
        verified=given.verified,
        via=given.via,
        status=given.status,
        created_at=given.created_at or ctx.stamp,
        updated_at=given.updated_at or ctx.stamp,
        verified_at=clock.text(clock.parse(proved_at)) if given.verified else UNSET,
    )
