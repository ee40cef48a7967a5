"""A session, its proofs and its devices; and what level of assurance they add up to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from limen.identity.model import Identity

NOT_STORED = "00000000-0000-0000-0000-000000000000"  # the id of a device that is told but known already
FEDERATED = ("oidc", "saml")  # an upstream sign-in at aal2 stands for both factors


class Proof(Struct, frozen=True, omit_defaults=True):
    """One method by which the person of a session proved to be that person (an entry of `authentication_methods`)."""

    method: str
    aal: str
    completed_at: str
    provider: str = ""
    organization: str = ""
    upstream_acr: str | UnsetType = UNSET
    upstream_amr: tuple[str, ...] | UnsetType = UNSET


class Device(Struct, frozen=True):
    id: str
    ip_address: str
    user_agent: str
    location: str


class Metadata(Struct, frozen=True):
    """What only an impersonated session has: the operator who acts in it."""

    impersonated_by: str


class Document(Struct, frozen=True):
    """A session as it is sent, without what is checked on every request: those are columns."""

    id: str
    authenticated_at: str
    authenticator_assurance_level: str
    authentication_methods: tuple[Proof, ...]
    issued_at: str
    devices: tuple[Device, ...]
    metadata: Metadata | UnsetType = UNSET


class Session(Struct, frozen=True, kw_only=True):
    id: str
    identity_id: str
    active: bool
    created_at: str
    expires_at: str
    authenticated_at: str
    issued_at: str
    proofs: tuple[Proof, ...]
    devices: tuple[Device, ...]
    impersonated_by: str = ""  # the id of the operator who acts as this person (see impersonation.py)
    trusted_device: str = ""  # the id of the trusted browser it lives in (see trusted.py)

    @property
    def aal(self) -> str:
        return level(self.proofs)

    def document(self, *, stored: bool = False) -> Document:
        devices = tuple(d for d in self.devices if d.id != NOT_STORED) if stored else self.devices
        metadata = Metadata(self.impersonated_by) if self.impersonated_by else UNSET
        return Document(self.id, self.authenticated_at, self.aal, self.proofs, self.issued_at, devices, metadata)

    def is_active(self, now: str, identity: Identity | None) -> bool:
        return self.active and self.expires_at > now and (identity is None or identity.is_active)


class Subject(Struct, frozen=True):
    """The caller's session and who it belongs to."""

    session: Session
    identity: Identity


def level(proofs: Iterable[Proof]) -> str:
    """aal0 with no proof, aal2 with one of each level (or an upstream aal2), otherwise aal1.

    A lone second factor is aal1, as is a recovery: neither says more than that somebody holds one thing.
    """
    levels = {p.aal for p in proofs}
    if not levels:
        return "aal0"
    if "aal2" in levels and ("aal1" in levels or any(p.aal == "aal2" and p.method in FEDERATED for p in proofs)):
        return "aal2"
    return "aal1"


_document = msgspec.json.Decoder(Document)


def decode(
    public: str, identity_id: str, active: int, created_at: str, expires_at: str, trusted_device: str | None
) -> Session:
    d = _document.decode(public)
    return Session(
        id=d.id,
        identity_id=identity_id,
        active=bool(active),
        created_at=created_at,
        expires_at=expires_at,
        authenticated_at=d.authenticated_at,
        issued_at=d.issued_at,
        proofs=d.authentication_methods,
        devices=d.devices,
        impersonated_by=d.metadata.impersonated_by if isinstance(d.metadata, Metadata) else "",
        trusted_device=trusted_device or "",
    )


def body(session: Session, identity: dict[str, Any] | None, *, active: bool, devices: bool = True) -> dict[str, Any]:
    """The JSON of a session. `identity` None is sent as null where the wire has it so."""
    document: dict[str, Any] = msgspec.to_builtins(session.document())
    if not devices:
        document["devices"] = None
    return {**document, "active": active, "expires_at": session.expires_at, "identity": identity}
