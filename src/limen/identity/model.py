"""What a person is: an `Identity` with traits, addresses and credentials, and how it looks from outside."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

State = Literal["active", "inactive"]
Via = Literal["email", "sms"]


class VerifiableAddress(Struct, frozen=True, omit_defaults=True):
    """An address that can be proved to be one's own. `status` is pending, sent or completed."""

    id: str
    value: str
    verified: bool
    via: str
    status: str
    created_at: str
    updated_at: str
    verified_at: str | UnsetType = UNSET


class RecoveryAddress(Struct, frozen=True):
    id: str
    value: str
    via: str
    created_at: str
    updated_at: str


class Credential(Struct, frozen=True, omit_defaults=True):
    """One way to prove who one is. `config` is the method's own (a hash, keys, addresses).

    `unproved`: set up by somebody who had proved no address of the account, see unproved.py.
    """

    type: str
    identifiers: tuple[str, ...]
    config: dict[str, Any]
    version: int
    created_at: str
    updated_at: str
    unproved: bool = False


class Public(Struct, frozen=True, omit_defaults=True):
    """An identity as everybody may see it who may see it at all; `schema_url` is added when it is sent."""

    id: str
    schema_id: str
    state: str
    traits: Any
    metadata_public: Any
    created_at: str
    updated_at: str
    organization_id: str | None
    state_changed_at: str | UnsetType = UNSET
    external_id: str | UnsetType = UNSET
    verifiable_addresses: tuple[VerifiableAddress, ...] = ()
    recovery_addresses: tuple[RecoveryAddress, ...] = ()


class Identity(Struct, frozen=True, kw_only=True):
    """A person. `version` counts changes, so that of two at once one fails instead of being lost."""

    id: str
    version: int
    schema_id: str
    state: str
    traits: dict[str, Any]
    created_at: str
    updated_at: str
    state_changed_at: str | None = None
    external_id: str | None = None
    organization_id: str | None = None
    verifiable_addresses: tuple[VerifiableAddress, ...] = ()
    recovery_addresses: tuple[RecoveryAddress, ...] = ()
    metadata_public: Any = None
    metadata_admin: Any = None
    credentials: dict[str, Credential] = {}

    @property
    def called(self) -> str:
        """What this person is called where there is room for one word: an address, or a name to sign in with."""
        addresses: list[VerifiableAddress | RecoveryAddress] = [*self.verifiable_addresses, *self.recovery_addresses]
        for address in addresses:
            if address.via == "email":
                return address.value
        for type_ in ("password", "code"):
            if (found := self.credentials.get(type_)) and found.identifiers:
                return found.identifiers[0]
        return ""

    available_aal: str = "aal0"

    @property
    def is_active(self) -> bool:
        return self.state == "active"

    def public(self) -> Public:
        return Public(
            id=self.id,
            schema_id=self.schema_id,
            state=self.state,
            traits=self.traits,
            metadata_public=self.metadata_public,
            created_at=self.created_at,
            updated_at=self.updated_at,
            organization_id=self.organization_id,
            state_changed_at=self.state_changed_at or UNSET,
            external_id=self.external_id or UNSET,
            verifiable_addresses=self.verifiable_addresses,
            recovery_addresses=self.recovery_addresses,
        )

    def has_verified_address(self) -> bool:
        return any(address.verified for address in self.verifiable_addresses)

    def only_claims(self, value: str) -> bool:
        """Whether this is an address of theirs that they never proved to be theirs: anybody may have signed up with it."""
        return any(address.value == value and not address.verified for address in self.verifiable_addresses)


_public = msgspec.json.Decoder(Public)
_credentials = msgspec.json.Decoder(dict[str, Credential])


def decode(public: str, version: int, available_aal: str, metadata_admin: str | None, credentials: str) -> Identity:
    """An identity from the columns it is stored in."""
    p = _public.decode(public)
    return Identity(
        id=p.id,
        version=version,
        schema_id=p.schema_id,
        state=p.state,
        traits=p.traits,
        created_at=p.created_at,
        updated_at=p.updated_at,
        state_changed_at=None if isinstance(p.state_changed_at, UnsetType) else p.state_changed_at,
        external_id=None if isinstance(p.external_id, UnsetType) else p.external_id,
        organization_id=p.organization_id,
        verifiable_addresses=p.verifiable_addresses,
        recovery_addresses=p.recovery_addresses,
        metadata_public=p.metadata_public,
        metadata_admin=msgspec.json.decode(metadata_admin) if metadata_admin else None,
        credentials=_credentials.decode(credentials) if credentials else {},
        available_aal=available_aal,
    )
