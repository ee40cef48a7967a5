"""Checking what security keys and passkeys answer (W3C Web Authentication, Level 3, §7).

`webauthnoptions` makes the questions. An answer is a text: the JSON of a `PublicKeyCredential`, bytes in base64url.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING, Any, Literal, cast

import cbor2
import msgspec
from msgspec import Struct
from msgspec.structs import replace

from limen.core import cose

if TYPE_CHECKING:
    from webauthn.helpers.cose import COSEAlgorithmIdentifier
    from webauthn.registration.verify_registration_response import VerifiedRegistration

Verification = Literal["required", "preferred", "discouraged"]
MAX_ID = 1023  # bytes of a credential's id (§4, "credential ID")
_UP, _UV, _BE, _BS, _AT, _ED = 1, 4, 8, 16, 64, 128  # flags of the authenticator data (§6.1)
_HEAD = 37  # hash of the relying party's id, flags, counter
_BASE64 = re.compile(r"[A-Za-z0-9_-]*")


class Malformed(Exception):
    """The answer is not what a browser sends."""


class Refused(Exception):
    """The answer can be read, but proves nothing: says why, for the log."""


class RelyingParty(Struct, frozen=True, kw_only=True):
    """Who asks: the domain that keys are bound to, and the addresses they may be used on."""

    id: str
    name: str
    origins: tuple[str, ...]
    user_verification: Verification = "discouraged"


class Flags(Struct, frozen=True):
    """What the authenticator says of the person and of itself. `backup_eligible` never changes for a key."""

    user_present: bool = False
    user_verified: bool = False
    backup_eligible: bool = False
    backup_state: bool = False


class NewKey(Struct, frozen=True, kw_only=True):
    """A key as it was registered. `public_key` is a COSE key (RFC 9052), `format` that of its attestation."""

    id: bytes
    public_key: bytes
    format: str
    aaguid: bytes
    sign_count: int
    flags: Flags
    transports: tuple[str, ...] = ()


class Used(Struct, frozen=True):
    """A key as it answered."""

    sign_count: int
    flags: Flags


class _Response(Struct, frozen=True, kw_only=True):
    clientDataJSON: str  # noqa: N815 - the standard's names
    attestationObject: str = ""  # noqa: N815
    authenticatorData: str = ""  # noqa: N815
    signature: str = ""
    userHandle: str | None = None  # noqa: N815
    transports: tuple[str, ...] | None = None


class _Credential(Struct, frozen=True, kw_only=True):
    id: str
    rawId: str  # noqa: N815
    type: str
    response: _Response


class _ClientData(Struct, frozen=True, kw_only=True):
    type: str = ""
    challenge: str = ""
    origin: str = ""
    crossOrigin: bool = False  # noqa: N815


class Answer(Struct, frozen=True, kw_only=True):
    """An answer taken apart. `handle` is whom the authenticator says the key belongs to; empty when it does not say."""

    id: bytes
    client_data: bytes
    attestation: bytes = b""
    authenticator_data: bytes = b""
    signature: bytes = b""
    handle: bytes = b""
    transports: tuple[str, ...] = ()


def read(text: str) -> Answer:
    """:raises Malformed: it is not the JSON of a public key credential"""
    try:
        given = msgspec.json.decode(text, type=_Credential)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Malformed(str(error)) from error
    if given.type != "public-key" or not _bytes(given.id):
        raise Malformed("no public key credential")
    response = given.response
    return Answer(
        id=_bytes(given.rawId),
        client_data=_bytes(response.clientDataJSON),
        attestation=_bytes(response.attestationObject),
        authenticator_data=_bytes(response.authenticatorData),
        signature=_bytes(response.signature),
        handle=_bytes(response.userHandle or ""),
        transports=response.transports or (),
    )


def encode(raw: bytes) -> str:
    """base64url without padding, as browsers and options have it."""
    return urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    plain = text.rstrip("=")
    if not _BASE64.fullmatch(plain) or len(plain) % 4 == 1:
        raise Malformed("bytes that are not in base64url")
    return urlsafe_b64decode(plain + "=" * (-len(plain) % 4))


# --- registration (§7.1) --------------------------------------------------------------------------------------------


def verify_registration(rp: RelyingParty, challenge: str, answer: Answer) -> NewKey:
    """The key that was made for this challenge.

    An attestation is checked as far as it goes, without asking who the manufacturer is: what is wanted is a key, not a brand.

    :raises Malformed: client data or attestation are not what they should be
    :raises Refused: it is for another challenge, address or domain, or its signature is wrong
    """
    statement = _read_attestation(answer)
    origin = _check_client_data(rp, challenge, answer, "webauthn.create")
    verified = _check_attestation(rp, challenge, answer, origin, statement)
    if not 0 < len(verified.credential_id) <= MAX_ID or verified.credential_id != answer.id:
        raise Refused("the id is not that of the key, or too long")
    try:
        cose.load(verified.credential_public_key)
    except cose.BadKey as error:
        raise Refused(str(error)) from error
    raw = bytes(statement["authData"])
    flags = _flags(raw)
    return NewKey(
        id=verified.credential_id,
        public_key=verified.credential_public_key,
        format=str(statement["fmt"]),
        aaguid=raw[_HEAD : _HEAD + 16],
        sign_count=verified.sign_count,
        flags=flags,
        transports=tuple(dict.fromkeys(answer.transports[:8])),
    )


# The parsers of bytes that a stranger made, in five formats, raise what they like: hence the broad `except`.


def _read_attestation(answer: Answer) -> dict[str, Any]:
    from webauthn.helpers import parse_attestation_object, parse_cbor  # noqa: PLC0415 - see below

    try:
        parse_attestation_object(answer.attestation)
        statement: dict[str, Any] = parse_cbor(answer.attestation)
    except Exception as error:
        raise Malformed(f"{type(error).__name__}: {error}") from error
    return statement


def _check_attestation(
    rp: RelyingParty, challenge: str, answer: Answer, origin: str, statement: dict[str, Any]
) -> VerifiedRegistration:
    """What the library makes of it; of two formats we check the statement, and it the rest."""
    from limen.core import attestation  # noqa: PLC0415 - certificates are slow to load, and few keys bring one

    if statement["fmt"] not in attestation.FORMATS:
        return _check_by_library(rp, challenge, answer, origin)
    rest = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": statement["authData"]})
    verified = _check_by_library(rp, challenge, replace(answer, attestation=rest), origin)
    hashed = hashlib.sha256(answer.client_data).digest()
    data, key = bytes(statement["authData"]), verified.credential_public_key
    try:
        attestation.check(statement["fmt"], statement["attStmt"], data, hashed, key)
    except attestation.Unproved as error:
        raise Refused(str(error)) from error
    return verified


def _check_by_library(rp: RelyingParty, challenge: str, answer: Answer, origin: str) -> VerifiedRegistration:
    from webauthn import verify_registration_response  # noqa: PLC0415 - 0.2 s, and keys are registered rarely
    from webauthn.helpers.structs import AuthenticatorAttestationResponse, RegistrationCredential  # noqa: PLC0415

    response = AuthenticatorAttestationResponse(
        client_data_json=answer.client_data, attestation_object=answer.attestation
    )
    try:
        return verify_registration_response(
            credential=RegistrationCredential(id=encode(answer.id), raw_id=answer.id, response=response),
            expected_challenge=_bytes(challenge),
            expected_rp_id=rp.id,
            expected_origin=origin,
            require_user_verification=rp.user_verification == "required",
            # ES384 is no name of the library's, but a number that it compares like any other.
            supported_pub_key_algs=cast("list[COSEAlgorithmIdentifier]", list(cose.ALGORITHMS)),
        )
    except Exception as error:
        raise Refused(f"{type(error).__name__}: {error}") from error


# --- sign-in (§7.2) -------------------------------------------------------------------------------------------------


def verify_use(
    rp: RelyingParty, challenge: str, answer: Answer, public_key: bytes, *, backup_eligible: bool | None
) -> Used:
    """What the holder of this key answered to this challenge. `backup_eligible`: None when it is not known of an older key.

    The counter is handed back unjudged: synchronised passkeys have none, and what to make of a copy is a policy.

    :raises Malformed: client data or authenticator data are not what they should be
    :raises Refused: it is for another challenge, address or domain, or not signed by this key
    """
    _check_client_data(rp, challenge, answer, "webauthn.get")
    raw = answer.authenticator_data
    if len(raw) < _HEAD or (len(raw) > _HEAD and not raw[32] & (_AT | _ED)):
        raise Malformed("authenticator data of a wrong length")
    flags = _flags(raw)
    if not hmac.compare_digest(raw[:32], hashlib.sha256(rp.id.encode()).digest()):
        raise Refused("for another domain")
    if not flags.user_present:
        raise Refused("nobody touched the key")
    if rp.user_verification == "required" and not flags.user_verified:
        raise Refused("the key did not check who holds it")
    if backup_eligible is not None and flags.backup_eligible != backup_eligible:
        raise Refused("the key says otherwise than before whether it can be backed up")
    try:
        key = cose.load(public_key)
    except cose.BadKey as error:
        raise Refused(str(error)) from error
    if not cose.is_signed(key, answer.signature, raw + hashlib.sha256(answer.client_data).digest()):
        raise Refused("the signature is not this key's")
    return Used(int.from_bytes(raw[33:37], "big"), flags)


# --- both -----------------------------------------------------------------------------------------------------------


def _check_client_data(rp: RelyingParty, challenge: str, answer: Answer, ceremony: str) -> str:
    """What the browser vouches for; returns the address it was on."""
    try:
        told = msgspec.json.decode(answer.client_data, type=_ClientData)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Malformed(f"client data that cannot be read: {error}") from error
    if told.type != ceremony:
        raise Refused(f"an answer of {told.type!r}, not of {ceremony!r}")
    if not hmac.compare_digest(told.challenge.rstrip("=").encode(), challenge.encode()):
        raise Refused("for another challenge")
    if told.origin.lower() not in {origin.lower().rstrip("/") for origin in rp.origins}:
        raise Refused(f"made on {told.origin!r}, which is not one of the origins configured")
    if told.crossOrigin:
        raise Refused("made in a frame of another site")
    return told.origin


def _flags(raw: bytes) -> Flags:
    """:raises Refused: a combination that cannot be: backed up, but not eligible for it (§6.1.3)"""
    bits = raw[32]
    if bits & _BS and not bits & _BE:
        raise Refused("backed up without being eligible for it")
    return Flags(bool(bits & _UP), bool(bits & _UV), bool(bits & _BE), bool(bits & _BS))
