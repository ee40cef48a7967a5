"""Making and changing people: traits become identifiers and addresses, and what was proved stays proved."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from limen.context import Context
from limen.core import errors, normalize
from limen.core.ids import new_id
from limen.core.schema import Extracted
from limen.db.database import Commit, ProjectDatabase
from limen.identity import factors, store
from limen.identity.identifiers import identifiers_of
from limen.identity.model import Credential, Identity, RecoveryAddress, VerifiableAddress

VERSIONS = {
    "password": 1,
    "code": 1,
    "webauthn": 1,
    "passkey": 1,
}  # the shape of a credential's config, as Kratos counts it


async def must(db: ProjectDatabase, id_: str | None) -> Identity:
    """:raises ApiError: 404, there is no such person"""
    identity = await store.by_id(db, id_) if id_ else None
    if identity is None:
        raise errors.row_not_found()
    return identity


def build(
    ctx: Context,
    schema_id: str,
    extracted: Extracted,
    configs: Mapping[str, dict[str, Any]],
    *,
    identifiers: Mapping[str, tuple[str, ...]] | None = None,
    verified: Iterable[tuple[str, str]] = (),
    **more: Any,
) -> Identity:
    """A new person of this schema, with the credentials whose configs are given. `more` are fields of `Identity`."""
    blank = Identity(
        id=new_id(),
        version=1,
        schema_id=schema_id,
        state="active",
        state_changed_at=ctx.stamp,
        traits={},
        created_at=ctx.stamp,
        updated_at=ctx.stamp,
    )
    return change(ctx, replace(blank, **more), extracted, configs, identifiers=identifiers, verified=verified)


def change(
    ctx: Context,
    before: Identity,
    extracted: Extracted,
    configs: Mapping[str, dict[str, Any]] | None = None,
    *,
    identifiers: Mapping[str, tuple[str, ...]] | None = None,
    verified: Iterable[tuple[str, str]] = (),
    removed: Iterable[str] = (),
) -> Identity:
    """The person with these traits and credential configs. An address that was proved stays proved.

    `identifiers` are those of credentials that no trait gives one.
    """
    proved = set(verified)
    kept = {type_: c for type_, c in before.credentials.items() if type_ not in set(removed)}
    after = replace(
        before,
        traits=extracted.traits,
        updated_at=ctx.stamp,
        credentials=_credentials(ctx, before.id, kept, extracted, configs or {}, identifiers or {}),
        verifiable_addresses=tuple(_verifiable(ctx, before, via, value, proved) for via, value in extracted.verifiable),
        recovery_addresses=tuple(_recovery(ctx, before, via, value) for via, value in extracted.recovery),
    )
    return with_level(ctx, after)


def with_level(ctx: Context, identity: Identity) -> Identity:
    """The person with the highest level they can reach now."""
    return replace(identity, available_aal=factors.available_aal(ctx.project.config, identity))


def _credentials(
    ctx: Context,
    identity_id: str,
    before: Mapping[str, Credential],
    extracted: Extracted,
    configs: Mapping[str, dict[str, Any]],
    given: Mapping[str, tuple[str, ...]],
) -> dict[str, Credential]:
    """Every type that the schema gives an identifier is a credential, also before anything is set up in it."""
    kept = {type_: c for type_, c in before.items() if type_ not in ("password", "webauthn", "code")}
    types = dict.fromkeys([*before, *extracted.identifiers, *configs])
    for type_ in types:
        old = before.get(type_)
        config = configs.get(type_, old.config if old else {})
        if type_ == "code":
            config = {"addresses": [{"channel": via, "address": address} for via, address in extracted.code_addresses]}
        named = given.get(type_) or identifiers_of(type_, config, identity_id, extracted.identifiers, old)
        if type_ in kept and type_ not in configs:
            continue
        if old and old.config == config and old.identifiers == named:
            kept[type_] = old
        else:
            kept[type_] = Credential(
                type=type_,
                identifiers=named,
                config=config,
                version=VERSIONS.get(type_, 0),
                created_at=old.created_at if old else ctx.stamp,
                updated_at=ctx.stamp,
                unproved=old is not None and old.unproved and old.config == config,
            )
    return kept


def with_credential(
    ctx: Context, identity: Identity, type_: str, config: dict[str, Any], identifiers: tuple[str, ...] | None = None
) -> Identity:
    """The person with another config in one credential; identifiers stay unless others are given."""
    old = identity.credentials.get(type_)
    new = Credential(
        type=type_,
        identifiers=identifiers if identifiers is not None else old.identifiers if old else (),
        config=config,
        version=VERSIONS.get(type_, 0),
        created_at=old.created_at if old else ctx.stamp,
        updated_at=ctx.stamp,
        unproved=old is not None and old.unproved,
    )
    after = replace(identity, credentials={**identity.credentials, type_: new}, updated_at=ctx.stamp)
    return with_level(ctx, after)


def _verifiable(
    ctx: Context, before: Identity, via: str, value: str, proved: set[tuple[str, str]]
) -> VerifiableAddress:
    old = next((a for a in before.verifiable_addresses if a.via == via and _same(a.value, value)), None)
    address = old or VerifiableAddress(
        id=new_id(), value=value, verified=False, via=via, status="pending", created_at=ctx.stamp, updated_at=ctx.stamp
    )
    return _completed(ctx, address) if (via, value) in proved and not address.verified else address


def _completed(ctx: Context, address: VerifiableAddress) -> VerifiableAddress:
    return replace(address, verified=True, status="completed", verified_at=ctx.stamp, updated_at=ctx.stamp)


def _recovery(ctx: Context, before: Identity, via: str, value: str) -> RecoveryAddress:
    old = next((a for a in before.recovery_addresses if a.via == via and _same(a.value, value)), None)
    return old or RecoveryAddress(id=new_id(), value=value, via=via, created_at=ctx.stamp, updated_at=ctx.stamp)


def _same(a: str, b: str) -> bool:
    return a == b or normalize.identifier(a) == normalize.identifier(b)


def mark_address(ctx: Context, identity: Identity, via: str, value: str, *, status: str) -> Identity:
    """The person with one address marked: `sent` when a message went there, `completed` when it was proved."""

    def marked(address: VerifiableAddress) -> VerifiableAddress:
        if address.via != via or not _same(address.value, value):
            return address
        if status == "completed":
            return _completed(ctx, address)
        return address if address.verified else replace(address, status=status, updated_at=ctx.stamp)

    addresses = tuple(marked(a) for a in identity.verifiable_addresses)
    return replace(identity, verifiable_addresses=addresses) if addresses != identity.verifiable_addresses else identity


def save(commit: Commit, before: Identity, after: Identity, otherwise: Callable[[], Exception] | None = None) -> None:
    """Store a change; `otherwise` makes the error for somebody else having been faster."""
    store.update(commit, before, after, otherwise or overtaken)


def overtaken() -> Exception:
    """The person was changed or deleted between the read and the write."""
    return errors.conflict("This account was changed by someone else at the same moment. Try again.")
