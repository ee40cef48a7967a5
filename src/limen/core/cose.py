"""COSE keys (RFC 9052, RFC 9053, RFC 8812): the public keys of authenticators, and the signatures they check."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from msgspec import Struct

ES256, ES384, ES512, EDDSA = -7, -35, -36, -8
RS256, RS384, RS512 = -257, -258, -259
PS256, PS384, PS512 = -37, -38, -39
ALGORITHMS: Final = (ES256, ES384, ES512, RS256, RS384, RS512, PS256, PS384, PS512, EDDSA)  # in the order of preference

_ALG, _KTY = 3, 1
_OKP, _EC2, _RSA = 1, 2, 3  # kinds of keys
_CURVES: Final[Mapping[int, ec.EllipticCurve]] = {1: ec.SECP256R1(), 2: ec.SECP384R1(), 3: ec.SECP521R1()}
_ED25519 = 6
_HASHES: Final[Mapping[int, hashes.HashAlgorithm]] = {
    ES256: hashes.SHA256(), ES384: hashes.SHA384(), ES512: hashes.SHA512(),
    RS256: hashes.SHA256(), RS384: hashes.SHA384(), RS512: hashes.SHA512(),
    PS256: hashes.SHA256(), PS384: hashes.SHA384(), PS512: hashes.SHA512(),
}  # fmt: skip
_UNCOMPRESSED = 4  # the first byte of a bare point, as the first security keys stored it (U2F raw message formats)


class BadKey(ValueError):
    """Bytes that are no public key of a kind that is known here."""


class PublicKey(Struct, frozen=True):
    """A key and the one algorithm it may be used with."""

    algorithm: int
    key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey


def load(raw: bytes) -> PublicKey:
    """:raises BadKey: no COSE key, a point that is not on its curve, or an algorithm that does not fit the key"""
    try:
        if raw[:1] == bytes([_UNCOMPRESSED]):
            return PublicKey(ES256, ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw))
        fields = cbor2.loads(raw)
        return _load(fields[_KTY], fields[_ALG], fields)
    except BadKey:
        raise
    except Exception as error:  # whatever a decoder makes of bytes that a stranger chose
        raise BadKey(f"no COSE key: {error}") from error


def _load(kind: int, algorithm: int, fields: Mapping[int, Any]) -> PublicKey:
    first, second, third = fields.get(-1), fields.get(-2), fields.get(-3)
    match kind, algorithm, first:
        case int(k), int(a), int(curve) if k == _EC2 and a in (ES256, ES384, ES512):
            numbers = ec.EllipticCurvePublicNumbers(_number(second), _number(third), _CURVES[curve])
            return PublicKey(a, numbers.public_key())
        case int(k), int(a), int(curve) if k == _OKP and a == EDDSA and curve == _ED25519 and isinstance(second, bytes):
            return PublicKey(a, ed25519.Ed25519PublicKey.from_public_bytes(second))
        case int(k), int(a), bytes(modulus) if k == _RSA and a in (RS256, RS384, RS512, PS256, PS384, PS512):
            return PublicKey(a, rsa.RSAPublicNumbers(_number(second), _number(modulus)).public_key())
    raise BadKey("the key and its algorithm do not fit, or are not known")


def _number(raw: Any) -> int:
    if not isinstance(raw, bytes):
        raise BadKey("a coordinate that is no string of bytes")
    return int.from_bytes(raw, "big")


def is_signed(public: PublicKey, signature: bytes, data: bytes) -> bool:
    """Whether the signature is this key's. The algorithm is the key's, never one that the signer names."""
    key, algorithm = public.key, public.algorithm
    try:
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, data)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, data, ec.ECDSA(_HASHES[algorithm]))
        elif algorithm in (PS256, PS384, PS512):
            digest = _HASHES[algorithm]
            key.verify(signature, data, padding.PSS(padding.MGF1(digest), padding.PSS.AUTO), digest)
        else:
            key.verify(signature, data, padding.PKCS1v15(), _HASHES[algorithm])
    except InvalidSignature:
        return False
    return True
