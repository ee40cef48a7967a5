"""People as operators handle them: created, replaced, patched, deleted, with credentials brought along."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from limen.context import Context
from limen.core import clock, errors, jsonpatch, normalize, passwords
from limen.core.errors import ApiError, FormError
from limen.core.ids import new_id, parse_id
from limen.db.database import UniqueViolation
from limen.identity import service, store
from limen.identity.model import Credential, Identity, RecoveryAddress, VerifiableAddress

STATES = ("active", "inactive")
REGIONS = ("eu-central", "asia-northeast", "us-east", "us-west", "eu", "asia", "us", "global")
# Names nobody may patch; credentials of providers hold tokens that only a sign-in can bring.
DENIED = (
    "/id", "/stateChangedAt",
    "/credentials", "/credentials/oidc", "/credentials/oidc/*", "/credentials/saml", "/credentials/saml/*",
)  # fmt: skip


class PasswordConfig(Struct, frozen=True):
    password: str = ""
    hashed_password: str = ""
    use_password_migration_hook: bool = False


class PasswordImport(Struct, frozen=True):
    config: PasswordConfig = PasswordConfig()


class Credentials(Struct, frozen=True, forbid_unknown_fields=True):
    password: PasswordImport | None = None


class Address(Struct, frozen=True):
    value: str
    via: str = "email"
    verified: bool = False
    status: str = ""
    verified_at: str | None = None


class Body(Struct, frozen=True, kw_only=True):
    """What is sent to replace a person; unknown fields are passed over."""

    schema_id: str = ""
    traits: dict[str, Any] = {}
    credentials: Credentials | None = None
    verifiable_addresses: tuple[Address, ...] = ()
    recovery_addresses: tuple[Address, ...] = ()
    metadata_public: Any = None
    metadata_admin: Any = None
    state: str = ""
    organization_id: str | None = None
    external_id: str = ""
    region: str = ""


class CreateBody(Body, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is sent to create a person; ids cannot be chosen, so an `id` in it is a mistake."""


def conflict() -> ApiError:
    return errors.conflict("Another identity has this identifier, address or external id already.")


def taken() -> ApiError:
    return ApiError(409, "Something that must be unique is stored already.")


async def create(ctx: Context, body: Body) -> Identity:
    """:raises ApiError: 400 for what does not fit, 409 for what belongs to somebody else"""
    identity = await prepare(ctx, body)
    commit = ctx.db.begin()
    store.insert(commit, identity)
    try:
        await ctx.db.commit(commit)
    except UniqueViolation:
        raise conflict() from None
    ctx.events.tell("identity.created", identity.id)
    return identity


async def prepare(ctx: Context, body: Body) -> Identity:
    """A person made of a body; not stored yet."""
    if body.state and body.state not in STATES:
        raise errors.bad_request(f"{body.state!r} is no state: active and inactive are.")
    if body.region and body.region not in REGIONS:
        raise errors.bad_request(f"{body.region!r} is no region.")
    schema = ctx.project.schema(body.schema_id)
    configs = await _import(ctx, body.credentials)
    extracted = _extract(ctx, schema.id, body.traits)
    identity = service.build(
        ctx,
        schema.id,
        extracted,
        configs,
        state=body.state or "active",
        metadata_public=body.metadata_public,
        metadata_admin=body.metadata_admin,
        external_id=body.external_id or None,
        organization_id=_uuid(body.organization_id),
    )
    return replace(
        identity, verifiable_addresses=_imported(ctx, identity.verifiable_addresses, body.verifiable_addresses)
    )


def _uuid(text: str | None) -> str | None:
    if not text:
        return None
    found = parse_id(text)
    if found is None:
        raise errors.bad_request(f"{text!r} is no UUID.")
    return found


def _extract(ctx: Context, schema_id: str, traits: Any) -> Any:
    """The traits' identifiers and addresses; what does not fit is told as an API error, with its place."""
    try:
        return ctx.project.schema(schema_id).extract(traits)
    except FormError as error:
        told = "; ".join(f"{place or 'traits'}: {message.text}" for message, place in error.told)
        raise errors.bad_request(told) from error


async def _import(ctx: Context, credentials: Credentials | None) -> dict[str, dict[str, Any]]:
    """The configs of credentials brought along. A password is hashed without asking the policy: it exists already."""
    if credentials is None or credentials.password is None:
        return {}
    given = credentials.password.config
    if given.hashed_password:
        _check_hash(given.hashed_password)
        return {"password": {"hashed_password": given.hashed_password}}
    if given.password:
        if len(given.password.encode()) > passwords.BCRYPT_LIMIT and ctx.project.hasher.algorithm == "bcrypt":
            raise errors.bad_request(f"A password may have at most {passwords.BCRYPT_LIMIT} bytes with bcrypt.")
        return {"password": {"hashed_password": await ctx.passwords.make(ctx.project.hasher, given.password)}}
    return {"password": {"use_password_migration_hook": True}} if given.use_password_migration_hook else {}


def _check_hash(hashed: str) -> None:
    """:raises ApiError: 400, nobody could ever sign in with it"""
    if not passwords.algorithm(hashed):
        raise errors.bad_request("The imported password does not match any known hash format.")
    if not passwords.is_affordable(hashed):
        raise errors.bad_request(
            "The parameters of the imported hash exceed the bounds: it would cost too much to check."
        )


def _imported(
    ctx: Context, derived: Sequence[VerifiableAddress], given: Sequence[Address]
) -> tuple[VerifiableAddress, ...]:
    """The addresses that follow from the traits, with what the import knows about them."""
    known = {(a.via, normalize.identifier(a.value)): a for a in given}

    def mark(address: VerifiableAddress) -> VerifiableAddress:
        found = known.get((address.via, normalize.identifier(address.value)))
        if found is None:
            return address
        return replace(
            address,
            verified=found.verified,
            status=found.status or ("completed" if found.verified else "pending"),
            verified_at=(_stamp(found.verified_at) or ctx.stamp) if found.verified else UNSET,
        )

    return tuple(mark(address) for address in derived)


def _stamp(text: str | None) -> str | None:
    if not text:
        return None
    try:
        return clock.text(clock.parse(text))
    except ValueError as error:
        raise errors.bad_request(f"{text!r} is no RFC 3339 time.") from error


async def put(ctx: Context, id_: str | None, body: Body) -> Identity:
    """Replace a person; credentials that are not named stay. What is left out of traits and metadata is cleared."""
    before = await service.must(ctx.db, id_)
    if body.state and body.state not in STATES:
        raise errors.bad_request(f"{body.state!r} is no state: active and inactive are.")
    schema = ctx.project.schema(body.schema_id or before.schema_id)
    configs = await _import(ctx, body.credentials)
    extracted = _extract(ctx, schema.id, body.traits)
    base = replace(
        before,
        schema_id=schema.id,
        metadata_public=body.metadata_public,
        metadata_admin=body.metadata_admin,
        external_id=body.external_id or None,
    )
    after = service.change(ctx, _with_state(ctx, base, body.state or before.state), extracted, configs)
    return await _store(ctx, before, after)


def _with_state(ctx: Context, identity: Identity, state: str) -> Identity:
    if state == identity.state:
        return identity
    return replace(identity, state=state, state_changed_at=ctx.stamp)


async def _store(ctx: Context, before: Identity, after: Identity) -> Identity:
    commit = ctx.db.begin()
    service.save(commit, before, after)
    try:
        await ctx.db.commit(commit)
    except UniqueViolation:
        raise taken() from None
    ctx.events.tell("identity.updated", after.id)
    return replace(after, version=before.version + 1)


# --- patch --------------------------------------------------------------------------------------------------------------


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
    metadata_admin: Any = None
    external_id: str | None = None
    organization_id: str | None = None
    verifiable_addresses: tuple[_PatchedAddress, ...] = ()
    recovery_addresses: tuple[RecoveryAddress, ...] = ()
    credentials: dict[str, _PatchedCredential] = {}


async def patch(ctx: Context, before: Identity, shown: Mapping[str, Any], raw: bytes) -> Identity:
    """Apply a JSON Patch to a person.

    :raises ApiError: 400, the patch is none, is denied, or makes something that does not fit; 409
    """
    try:
        operations = [op for op in jsonpatch.parse(raw) if not _is_region(op)]
        result = jsonpatch.apply(document(before, shown), operations, DENIED)
        patched = msgspec.convert(result, _Patched)
    except (jsonpatch.PatchError, msgspec.ValidationError) as error:
        raise ApiError(400, str(error), reason="The JSON Patch cannot be applied.") from error
    if patched.state != before.state and patched.state not in STATES:
        raise ApiError(
            400, "The state is not valid.", reason=f"{patched.state!r} is no state: active and inactive are."
        )
    credentials = _patched_credentials(ctx, before, patched.credentials)
    extracted = _extract(ctx, ctx.project.schema(patched.schema_id).id, patched.traits)
    base = replace(
        before,
        schema_id=patched.schema_id,
        metadata_public=patched.metadata_public,
        metadata_admin=patched.metadata_admin,
        external_id=patched.external_id or None,
        organization_id=_uuid(patched.organization_id),
        verifiable_addresses=tuple(_patched_address(ctx, before, a) for a in patched.verifiable_addresses),
        recovery_addresses=patched.recovery_addresses,
        credentials=credentials,
    )
    return await _store(ctx, before, service.change(ctx, _with_state(ctx, base, patched.state), extracted))


def _is_region(operation: jsonpatch.Operation) -> bool:
    """Regions belong to Kratos' hosted product: they are checked and forgotten."""
    if operation.path != "/region":
        return False
    if operation.op not in ("add", "replace") or operation.value not in REGIONS:
        raise errors.bad_request("A region can only be set, and only to one there is.")
    return True


def _patched_credentials(
    ctx: Context, before: Identity, given: Mapping[str, _PatchedCredential]
) -> dict[str, Credential]:
    found: dict[str, Credential] = {}
    for type_, wanted in given.items():
        if wanted.type != type_:
            raise errors.bad_request(f'credentials.{type_}.type must equal "{type_}", got "{wanted.type}"')
        old = before.credentials.get(type_)
        config, identifiers = wanted.config or {}, wanted.identifiers or ()
        if old and old.config == config and old.identifiers == identifiers:
            found[type_] = old
            continue
        try:
            hashed = msgspec.convert(config, _PatchedConfig).hashed_password
        except msgspec.ValidationError as error:
            raise errors.bad_request(f"credentials.{type_}.config: {error}") from error
        if type_ == "password" and hashed:
            _check_hash(hashed)
        found[type_] = Credential(
            type=type_,
            identifiers=identifiers,
            config=config,
            version=service.VERSIONS.get(type_, 0),
            created_at=old.created_at if old else ctx.stamp,
            updated_at=ctx.stamp,
        )
    return found


def _patched_address(ctx: Context, before: Identity, given: _PatchedAddress) -> VerifiableAddress:
    old = next((a for a in before.verifiable_addresses if a.id == given.id), None)
    proved_at = given.verified_at if isinstance(given.verified_at, str) else None
    if given.verified and (old is None or not old.verified) and not proved_at:
        proved_at = ctx.stamp
    return VerifiableAddress(
        id=given.id or new_id(),
        value=given.value,
        verified=given.verified,
        via=given.via,
        status=given.status,
        created_at=given.created_at or ctx.stamp,
        updated_at=given.updated_at or ctx.stamp,
        verified_at=(_stamp(proved_at) or ctx.stamp) if given.verified else UNSET,
    )
