"""People in the database: the rows, and the two look-up tables that keep identifiers and addresses unique."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from limen.core import webauthn
from limen.db.database import Commit, ProjectDatabase, Row
from limen.identity import directory, factors, keys
from limen.identity.model import Identity, decode

HANDLE = "webauthn_handle"  # a row of `identifiers` that is no name anybody signs in with

COLUMNS = "i.public, i.version, i.available_aal, i.metadata_admin, i.credentials"

_BY_ID = f"select {COLUMNS} from identities i where i.project_id = :project and i.id = :id"
_BY_EXTERNAL = f"select {COLUMNS} from identities i where i.project_id = :project and i.external_id = :external_id"
_BY_IDENTIFIER = f"""
    select {COLUMNS} from identifiers f
      join identities i on i.project_id = f.project_id and i.id = f.identity_id
     where f.project_id = :project and f.type = :type and f.identifier = :identifier
"""
_KNOWN_BETWEEN = "select id from identities where project_id = :project and id >= :first and id <= :last"
HAS_IDENTIFIER = """
    i.id in (
        select f.identity_id from identifiers f
         where f.project_id = :project and f.identifier = :identifier and f.type <> 'webauthn_handle'
    )
"""
_BY_ANY_IDENTIFIER = f"select {COLUMNS} from identities i where i.project_id = :project and {HAS_IDENTIFIER}"
_BY_ADDRESS = f"""
    select {COLUMNS} from addresses a
      join identities i on i.project_id = a.project_id and i.id = a.identity_id
     where a.project_id = :project and a.kind = :kind and a.via = :via and a.value = :value
"""
_INSERT = """
    insert into identities (project_id, id, version, schema_id, state, available_aal, external_id, organization_id,
                            created_at, updated_at, public, metadata_admin, credentials)
    values (:project, :id, :version, :schema_id, :state, :available_aal, :external_id, :organization_id,
            :created_at, :updated_at, :public, :metadata_admin, :credentials)
"""
_UPDATE = """
    update identities
       set version = :version + 1, schema_id = :schema_id, state = :state, available_aal = :available_aal,
           external_id = :external_id, organization_id = :organization_id, updated_at = :updated_at, public = :public,
           metadata_admin = :metadata_admin, credentials = :credentials
     where project_id = :project and id = :id and version = :version
"""
_DELETE = "delete from identities where project_id = :project and id = :id and version = :version"
_ADD_IDENTIFIER = """
    insert into identifiers (project_id, type, identifier, identity_id) values (:project, :type, :identifier, :identity_id)
"""
_DROP_IDENTIFIER = """
    delete from identifiers
     where project_id = :project and type = :type and identifier = :identifier and identity_id = :identity_id
"""
_DROP_IDENTIFIERS = "delete from identifiers where project_id = :project and identity_id = :identity_id"
_ADD_ADDRESS = """
    insert into addresses (project_id, kind, via, value, identity_id) values (:project, :kind, :via, :value, :identity_id)
"""
_DROP_ADDRESS = """
    delete from addresses
     where project_id = :project and kind = :kind and via = :via and value = :value and identity_id = :identity_id
"""
_DROP_ADDRESSES = "delete from addresses where project_id = :project and identity_id = :identity_id"
# What was mailed to an address dies with it: its next owner, or who reads on there, must not get in by it.
_DROP_PROOFS_TO = "delete from proofs where project_id = :project and identity_id = :identity_id and address = :address"
# Trust in browsers ends with what it was based on: the password, the factors, the person's being let in at all.
_DROP_TRUST = "delete from trusted_devices where project_id = :project and identity_id = :identity_id"
_LEAVE_TRUST = """
    update sessions set trusted_device = null
     where project_id = :project and identity_id = :identity_id and trusted_device is not null
"""
_DROP_PROOFS = "delete from proofs where project_id = :project and identity_id = :identity_id"


def from_row(row: Row) -> Identity:
    return decode(*row[:5])


async def by_id(db: ProjectDatabase, id_: str) -> Identity | None:
    row = await db.row(_BY_ID, id=id_)
    return from_row(row) if row else None


async def by_external_id(db: ProjectDatabase, external_id: str) -> Identity | None:
    row = await db.row(_BY_EXTERNAL, external_id=external_id)
    return from_row(row) if row else None


async def by_identifier(db: ProjectDatabase, type_: str, identifier: str) -> Identity | None:
    """Whose credential of this type has this identifier. The identifier is given as it is stored."""
    row = await db.row(_BY_IDENTIFIER, type=type_, identifier=identifier)
    return from_row(row) if row else None


async def by_key_handle(db: ProjectDatabase, handle: bytes) -> Identity | None:
    """Whose security keys have this user handle. A passkey's handle is an ordinary identifier of its credential."""
    return await by_identifier(db, HANDLE, _handle(handle))


async def by_any_identifier(db: ProjectDatabase, identifier: str) -> list[Identity]:
    """Everybody with a credential of any type with this identifier."""
    return [from_row(row) for row in await db.rows(_BY_ANY_IDENTIFIER, identifier=identifier)]


async def by_address(db: ProjectDatabase, kind: str, via: str, value: str) -> Identity | None:
    """Whose address this is; `kind` is verifiable or recovery."""
    row = await db.row(_BY_ADDRESS, kind=kind, via=via, value=value)
    return from_row(row) if row else None


async def clash(db: ProjectDatabase, identity: Identity) -> str:
    """What of this person belongs to somebody already; "": nothing. The commit decides; this is for who must know before."""
    for type_, identifier in _identifiers(identity):
        if await db.row(_BY_IDENTIFIER, type=type_, identifier=identifier):
            return f"{type_} identifier {identifier!r}"
    for kind, via, value in _addresses(identity):
        if await db.row(_BY_ADDRESS, kind=kind, via=via, value=value):
            return f"{kind} address {value!r}"
    if identity.external_id and await db.row(_BY_EXTERNAL, external_id=identity.external_id):
        return f"external id {identity.external_id!r}"
    return ""


def unique_keys(identity: Identity) -> set[tuple[str, ...]]:
    """Everything of a person that nobody else may have."""
    external = {("external_id", identity.external_id)} if identity.external_id else set[tuple[str, ...]]()
    return {("id", identity.id), *external, *_identifiers(identity), *_addresses(identity)}


async def known_between(db: ProjectDatabase, first: str, last: str) -> set[str]:
    """The ids of all people from the first to the last of these ids."""
    return {row[0] for row in await db.rows(_KNOWN_BETWEEN, first=first, last=last)}


def insert(commit: Commit, identity: Identity) -> None:
    """Store a new person.

    A clash with an identifier or address of somebody else is the commit's `UniqueViolation`.
    """
    commit.add(_INSERT, **_columns(identity))
    commit.add_all(_ADD_IDENTIFIER, [_identifier(identity, *key) for key in _identifiers(identity)])
    commit.add_all(_ADD_ADDRESS, [_address(identity, *key) for key in _addresses(identity)])
    directory.add(commit, identity)


def update(commit: Commit, before: Identity, after: Identity, otherwise: Callable[[], Exception]) -> None:
    """Store a changed person, provided nobody changed it meanwhile."""
    columns = _columns(after)
    del columns["created_at"]
    commit.add(_UPDATE, expect=1, otherwise=otherwise, **{**columns, "version": before.version})
    old, new = set(_identifiers(before)), set(_identifiers(after))
    commit.add_all(_DROP_IDENTIFIER, [_identifier(after, *key) for key in sorted(old - new)])
    commit.add_all(_ADD_IDENTIFIER, [_identifier(after, *key) for key in sorted(new - old)])
    had, has = set(_addresses(before)), set(_addresses(after))
    commit.add_all(_DROP_ADDRESS, [_address(after, *key) for key in sorted(had - has)])
    commit.add_all(_ADD_ADDRESS, [_address(after, *key) for key in sorted(has - had)])
    directory.change(commit, before, after)
    gone = _reached_at(before) - _reached_at(after)
    if factors.proves(before) != factors.proves(after) or not after.is_active:
        end_trust(commit, after.id)
    commit.add_all(_DROP_PROOFS_TO, [{"identity_id": after.id, "address": address} for address in sorted(gone)])


def end_trust(commit: Commit, id_: str) -> None:
    """No browser of this person is trusted any more: the next sign-in makes the second step, and so do sessions without it."""
    commit.add(_DROP_TRUST, identity_id=id_)
    commit.add(_LEAVE_TRUST, identity_id=id_)


def update_if_unchanged(commit: Commit, before: Identity, after: Identity) -> None:
    """Store a change that may as well not happen, and touches neither identifiers nor addresses: a re-hash."""
    columns = _columns(after)
    del columns["created_at"]
    commit.add(_UPDATE, **{**columns, "version": before.version})


def delete(commit: Commit, identity: Identity, otherwise: Callable[[], Exception]) -> None:
    """Delete a person who is still as they were read: what else is stored of them is known by that."""
    commit.add(_DELETE, expect=1, otherwise=otherwise, id=identity.id, version=identity.version)
    commit.add(_DROP_IDENTIFIERS, identity_id=identity.id)
    commit.add(_DROP_ADDRESSES, identity_id=identity.id)
    commit.add(_DROP_PROOFS, identity_id=identity.id)
    directory.remove(commit, identity)
    commit.add(_DROP_TRUST, identity_id=identity.id)


def _identifiers(identity: Identity) -> Iterator[tuple[str, str]]:
    for type_, credential in identity.credentials.items():
        for identifier in credential.identifiers:
            yield type_, identifier
        if type_ == "webauthn" and (handle := keys.handle(credential)):
            yield HANDLE, _handle(handle)


def _handle(handle: bytes) -> str:
    return webauthn.encode(handle)


def _addresses(identity: Identity) -> Iterator[tuple[str, str, str]]:
    for verifiable in identity.verifiable_addresses:
        yield "verifiable", verifiable.via, verifiable.value
    for recovery in identity.recovery_addresses:
        yield "recovery", recovery.via, recovery.value


def _reached_at(identity: Identity) -> set[str]:
    """Everything that a code may have been sent to."""
    return {name for _, name in _identifiers(identity)} | {value for _, _, value in _addresses(identity)}


def _identifier(identity: Identity, type_: str, identifier: str) -> dict[str, str]:
    return {"type": type_, "identifier": identifier, "identity_id": identity.id}


def _address(identity: Identity, kind: str, via: str, value: str) -> dict[str, str]:
    return {"kind": kind, "via": via, "value": value, "identity_id": identity.id}


def _columns(identity: Identity) -> dict[str, Any]:
    """The one place where an identity becomes what is stored, `public` being what is sent."""
    encode = msgspec.json.encode
    return {
        "id": identity.id,
        "version": identity.version,
        "schema_id": identity.schema_id,
        "state": identity.state,
        "available_aal": identity.available_aal,
        "external_id": identity.external_id,
        "organization_id": identity.organization_id,
        "created_at": identity.created_at,
        "updated_at": identity.updated_at,
        "public": encode(identity.public()).decode(),
        "metadata_admin": None if identity.metadata_admin is None else encode(identity.metadata_admin).decode(),
        "credentials": encode(identity.credentials).decode(),
    }
