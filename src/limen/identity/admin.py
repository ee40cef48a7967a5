"""People as operators handle them: created, replaced, with credentials and addresses brought along."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import UNSET, Struct
from msgspec.structs import replace

from limen.audit import record
from limen.context import Context
from limen.core import clock, errors, normalize
from limen.core.errors import ApiError, FormError
from limen.core.ids import parse_id
from limen.core.schema import Extracted
from limen.db.database import UniqueViolation
from limen.identity import importing, service, store
from limen.identity.importing import Configs, Credentials
from limen.identity.model import Identity, VerifiableAddress

STATES = ("active", "inactive")
REGIONS = ("eu-central", "asia-northeast", "us-east", "us-west", "eu", "asia", "us", "global")


class Address(Struct, frozen=True):
    """An address with what an import knows about it. Its id and times are told, and made anew."""

    value: str = ""
    via: str = ""
    verified: bool = False
    status: str = ""
    verified_at: str | None = None
    id: str = ""
    created_at: str = ""
    updated_at: str = ""
    break_glass_for_organization: str = ""

    def __post_init__(self) -> None:
        for time in (self.verified_at, self.created_at, self.updated_at):
            if time:
                clock.parse(time)
        if self.id and parse_id(self.id) is None:
            raise ValueError(f"an address has a UUID for its id, not {self.id!r}")


class Body(Struct, frozen=True, kw_only=True):
    """What is sent to create or replace a person. Ids cannot be chosen."""

    schema_id: str = ""
    traits: Any = {}
    credentials: Credentials | None = None
    verifiable_addresses: tuple[Address, ...] = ()
    recovery_addresses: tuple[Address, ...] = ()
    metadata_public: Any = None
    metadata_admin: Any = UNSET
    state: str = ""
    organization_id: str | None = None
    external_id: str = ""
    region: str = ""

    def __post_init__(self) -> None:
        if self.organization_id is not None and parse_id(self.organization_id) is None:
            raise ValueError(f"organization_id has to be a UUID, not {self.organization_id!r}")


class ReplaceBody(Struct, frozen=True, kw_only=True):
    """What is sent to replace a person."""

    schema_id: str = ""
    traits: Any = {}
    credentials: Credentials | None = None
    metadata_public: Any = None
    metadata_admin: Any = UNSET
    state: str = ""
    external_id: str = ""
    region: str = ""


def conflict() -> ApiError:
    return errors.conflict("Another identity has this identifier, address or external id already.")


def taken() -> ApiError:
    return ApiError(409, "Something that must be unique is stored already.")


async def create(ctx: Context, body: Body) -> Identity:
    """:raises ApiError: 400 for what does not fit, 409 for what belongs to somebody else"""
    identity = build(ctx, body, await credentials(ctx, body))
    commit = ctx.db.begin()
    store.insert(commit, identity)
    record.record(commit, ctx, "auth.identity.create", identity)
    try:
        await ctx.db.commit(commit)
    except UniqueViolation:
        raise conflict() from None
    ctx.events.tell("identity.created", identity.id)
    return identity


async def credentials(ctx: Context, body: Body) -> Configs:
    """The credentials that a body brings along.

    :raises ApiError: 400, one of them, the state or the region cannot be taken
    """
    _must_be_state(body.state)
    _must_be_region(body.region)
    return await importing.configs(ctx, body.credentials, {})


def build(ctx: Context, body: Body, configs: Configs) -> Identity:
    """A person made of a body; not stored yet.

    :raises ApiError: 400, the traits do not fit the schema, or there is no such schema
    """
    schema = ctx.project.schema(body.schema_id)
    identity = service.build(
        ctx,
        schema.id,
        extract(ctx, schema.id, body.traits),
        configs,
        state=body.state or "active",
        metadata_public=body.metadata_public,
        metadata_admin=None if body.metadata_admin is UNSET else body.metadata_admin,
        external_id=body.external_id or None,
        organization_id=parse_id(body.organization_id) if body.organization_id else None,
    )
    identity = as_imported(identity, configs)
    if not body.verifiable_addresses:
        return identity
    known = _imported(ctx, identity.verifiable_addresses, body.verifiable_addresses)
    return replace(identity, verifiable_addresses=known)


def _must_be_state(state: str) -> None:
    if state and state not in STATES:
        raise errors.bad_request(f"{state!r} is no state: active and inactive are.")


def _must_be_region(region: str) -> None:
    """Regions belong to Kratos' hosted product: they are checked and forgotten."""
    if region and region not in REGIONS:
        raise errors.bad_request(f"{region!r} is no region: {', '.join(REGIONS)} are.")


def extract(ctx: Context, schema_id: str, traits: Any) -> Extracted:
    """The traits' identifiers and addresses.

    :raises ApiError: 400, they do not fit the schema; the reason tells what and where
    """
    try:
        extracted = ctx.project.schema(schema_id).extract(traits)
    except FormError as error:
        told = "; ".join(f"{place or 'traits'}: {message.text}" for message, place in error.told)
        raise errors.bad_request(told) from error
    if any("" in found for found in extracted.identifiers.values()):
        raise errors.bad_request("A trait that people sign in with is empty.")
    return extracted


def _imported(
    ctx: Context, derived: Sequence[VerifiableAddress], given: Sequence[Address]
) -> tuple[VerifiableAddress, ...]:
    """The addresses that follow from the traits, with what the import knows about them."""
    known = {(a.via, normalize.identifier(a.value)): a for a in given}

    def mark(address: VerifiableAddress) -> VerifiableAddress:
        found = known.get((address.via, normalize.identifier(address.value)))
        if found is None:
            return address
        proved_at = clock.text(clock.parse(found.verified_at)) if found.verified_at else ctx.stamp
        return replace(
            address,
            verified=found.verified,
            status=found.status or ("completed" if found.verified else "pending"),
            verified_at=proved_at if found.verified else UNSET,
        )

    return tuple(mark(address) for address in derived)


async def put(ctx: Context, id_: str | None, body: ReplaceBody) -> Identity:
    """Replace a person; credentials that are not named stay. What is left out of traits and metadata is cleared."""
    before = await service.must(ctx.db, id_)
    if body.state != before.state:
        _must_be_state(body.state)
    _must_be_region(body.region)
    configs = await importing.configs(ctx, body.credentials, before.credentials)
    schema = ctx.project.schema(body.schema_id or before.schema_id)
    extracted = extract(ctx, schema.id, body.traits)
    base = replace(
        before,
        schema_id=schema.id,
        metadata_public=body.metadata_public,
        metadata_admin=None if body.metadata_admin is UNSET else body.metadata_admin,
        external_id=body.external_id or None,
    )
    after = service.change(ctx, with_state(ctx, base, body.state or before.state), extracted, configs)
    return await save(ctx, before, as_imported(after, configs))


def as_imported(identity: Identity, configs: Configs) -> Identity:
    """Passkeys that were brought along have the version Kratos gives them, which is not that of its own."""
    if "passkey" not in configs:
        return identity
    passkey = replace(identity.credentials["passkey"], version=0)
    return replace(identity, credentials={**identity.credentials, "passkey": passkey})


def with_state(ctx: Context, identity: Identity, state: str) -> Identity:
    if state == identity.state:
        return identity
    return replace(identity, state=state, state_changed_at=ctx.stamp)


async def save(
    ctx: Context, before: Identity, after: Identity, action: str = "auth.identity.update", **detail: Any
) -> Identity:
    """Store what an operator changed, on the record as `action`.

    :raises ApiError: 409, something belongs to somebody else, or another change was faster
    """
    commit = ctx.db.begin()
    service.save(commit, before, after)
    record.record(commit, ctx, action, after, **detail)
    try:
        await ctx.db.commit(commit)
    except UniqueViolation:
        raise taken() from None
    ctx.events.tell("identity.updated", after.id)
    return replace(after, version=before.version + 1)
