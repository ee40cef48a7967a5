"""An authenticator in software (CTAP 2): keys of every algorithm, attestations of several formats, and a counter.

What a real one would refuse can be asked of it: another origin, another challenge, an answer nobody touched it for.
"""

from __future__ import annotations

import hashlib
import json
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

ES256, ES384, ES512, EDDSA, RS256, PS256 = -7, -35, -36, -8, -257, -37
UP, UV, BE, BS, AT = 1, 4, 8, 16, 64
CURVES: dict[int, tuple[int, ec.EllipticCurve, hashes.HashAlgorithm]] = {
    ES256: (1, ec.SECP256R1(), hashes.SHA256()),
    ES384: (2, ec.SECP384R1(), hashes.SHA384()),
    ES512: (3, ec.SECP521R1(), hashes.SHA512()),
}
ORIGIN, RP = "http://localhost:4455", "localhost"
NO_AAGUID = bytes(16)


def b64u(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def unb64u(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def options_of(asked: Any) -> dict[str, Any]:
    """The `publicKey` of options, as a form carries them: JSON in a text, sometimes with something around."""
    found = json.loads(asked) if isinstance(asked, str) else asked
    found = found.get("credentialOptions", found)
    return dict(found.get("publicKey", found))


class Authenticator:
    """One device with one key. `handle` is whose it is, once the key is made."""

    def __init__(self, algorithm: int = ES256, *, origin: str = ORIGIN, rp: str = RP, id_: bytes | None = None) -> None:
        self.algorithm, self.origin, self.rp = algorithm, origin, rp
        self.key: Any = self._new_key()
        self.id = id_ or hashlib.sha256(self.cose()).digest()[:20]
        self.count = 0
        self.handle = ""

    def _new_key(self) -> Any:
        if self.algorithm in CURVES:
            return ec.generate_private_key(CURVES[self.algorithm][1])
        if self.algorithm == EDDSA:
            return ed25519.Ed25519PrivateKey.generate()
        return rsa.generate_private_key(65537, 2048)

    def cose(self) -> bytes:
        """The public key (RFC 9052)."""
        public = self.key.public_key()
        if self.algorithm in CURVES:
            curve, kind, _ = CURVES[self.algorithm]
            size = (kind.key_size + 7) // 8
            n = public.public_numbers()
            fields = {1: 2, 3: self.algorithm, -1: curve, -2: n.x.to_bytes(size, "big"), -3: n.y.to_bytes(size, "big")}
        elif self.algorithm == EDDSA:
            fields = {1: 1, 3: EDDSA, -1: 6, -2: public.public_bytes_raw()}
        else:
            n = public.public_numbers()
            fields = {1: 3, 3: self.algorithm, -1: n.n.to_bytes(256, "big"), -2: n.e.to_bytes(3, "big")}
        return cbor2.dumps(fields)

    def sign(self, data: bytes) -> bytes:
        if self.algorithm in CURVES:
            signed: bytes = self.key.sign(data, ec.ECDSA(CURVES[self.algorithm][2]))
        elif self.algorithm == EDDSA:
            signed = self.key.sign(data)
        elif self.algorithm == PS256:
            pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
            signed = self.key.sign(data, pss, hashes.SHA256())
        else:
            signed = self.key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        return signed

    # --- ceremonies -------------------------------------------------------------------------------------------------

    def client_data(self, kind: str, challenge: str, **other: Any) -> bytes:
        told = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False, **other}
        return json.dumps(told).encode()

    def auth_data(self, flags: int, rest: bytes = b"", *, rp: str = "") -> bytes:
        self.count += 1
        return hashlib.sha256((rp or self.rp).encode()).digest() + bytes([flags]) + struct.pack(">I", self.count) + rest

    def attested(self, flags: int = UP | UV, aaguid: bytes = NO_AAGUID, **other: Any) -> bytes:
        rest = aaguid + struct.pack(">H", len(self.id)) + self.id + self.cose()
        return self.auth_data(flags | AT, rest, **other)

    def create(
        self,
        asked: Any,
        *,
        flags: int = UP | UV,
        rp: str = "",
        aaguid: bytes = NO_AAGUID,
        transports: Any = None,
        **told: Any,
    ) -> str:
        """The answer to `navigator.credentials.create`, without attestation. `told` are fields of the client data."""
        options = options_of(asked)
        self.handle = options["user"]["id"]
        client = self.client_data("webauthn.create", **{"challenge": options["challenge"], **told})
        statement = {"fmt": "none", "attStmt": {}, "authData": self.attested(flags, aaguid, rp=rp)}
        return self.answer(client, transports, attestationObject=b64u(cbor2.dumps(statement)))

    def get(
        self,
        asked: Any,
        *,
        flags: int = UP | UV,
        rp: str = "",
        handle: str | None = None,
        signer: Any = None,
        **told: Any,
    ) -> str:
        """The answer to `navigator.credentials.get`."""
        options = options_of(asked)
        client = self.client_data("webauthn.get", **{"challenge": options["challenge"], **told})
        auth = self.auth_data(flags, rp=rp)
        signature = (signer or self).sign(auth + hashlib.sha256(client).digest())
        named = self.handle if handle is None else handle
        more = {"userHandle": named} if named else {}
        return self.answer(client, authenticatorData=b64u(auth), signature=b64u(signature), **more)

    def answer(self, client_data: bytes, transports: Any = None, **response: Any) -> str:
        named = {"transports": transports} if transports else {}
        return json.dumps(
            {
                "id": b64u(self.id),
                "rawId": b64u(self.id),
                "type": "public-key",
                "response": {"clientDataJSON": b64u(client_data), **named, **response},
            }
        )
