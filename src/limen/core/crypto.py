"""Secrets at work: random tokens, digests that carry their purpose, sealed values, and the rotation of keys."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import string
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_ALPHANUMERIC = (string.ascii_letters + string.digits).encode()
_FAIR = 256 - 256 % len(_ALPHANUMERIC)  # bytes from here on are left out, or the first letters would come more often
_LETTERS = bytes(_ALPHANUMERIC[n % len(_ALPHANUMERIC)] for n in range(256))
_UNFAIR = bytes(range(_FAIR, 256))

SESSION_PREFIX = "ory_st_"
LOGOUT_PREFIX = "ory_lo_"


def token(prefix: str = "", length: int = 32) -> str:
    """A random text of letters and digits: 32 of them carry 190 bits."""
    letters = b""
    while len(letters) < length:
        letters += secrets.token_bytes(length + 8).translate(_LETTERS, _UNFAIR)
    return prefix + letters[:length].decode()


def session_token() -> str:
    return token(SESSION_PREFIX)


def numeric_code(digits: int = 6) -> str:
    return f"{secrets.randbelow(10**digits):0{digits}d}"


def digest(value: str) -> str:
    """SHA-256 in hex. Only for values that cannot be guessed (tokens); codes take `Keys.digest`."""
    return hashlib.sha256(value.encode()).hexdigest()


def same(a: str, b: str) -> bool:
    """Compare without telling, by the time it takes, where two texts differ."""
    return hmac.compare_digest(a.encode(), b.encode())


class Keys:
    """The keys made of a list of secrets: the first one signs and seals, all of them verify and open (rotation)."""

    __slots__ = ("_hmac", "_seals")

    def __init__(self, secret_texts: Sequence[str]) -> None:
        if not secret_texts:
            raise ValueError("at least one secret is needed")
        self._hmac = [hashlib.sha256(b"limen digest\0" + text.encode()).digest() for text in secret_texts]
        self._seals = [AESGCM(hashlib.sha256(b"limen seal\0" + text.encode()).digest()) for text in secret_texts]

    def digest(self, purpose: str, *parts: str) -> str:
        """HMAC-SHA256 in hex over a purpose and its parts, each with its length, so that no two lists collide."""
        return self._digest(self._hmac[0], purpose, parts)

    def digests(self, purpose: str, *parts: str) -> list[str]:
        """The same under every key, for a look-up that must also find what an older key wrote."""
        return [self._digest(key, purpose, parts) for key in self._hmac]

    @staticmethod
    def _digest(key: bytes, purpose: str, parts: tuple[str, ...]) -> str:
        texts = [part.encode() for part in (purpose, *parts)]
        return hmac.digest(key, b"".join([len(raw).to_bytes(4, "big") + raw for raw in texts]), "sha256").hex()

    def seal(self, purpose: str, value: bytes) -> str:
        """AES-256-GCM (NIST SP 800-38D) with a random nonce, base64url; opens only for the same purpose."""
        nonce = secrets.token_bytes(12)
        return base64.urlsafe_b64encode(nonce + self._seals[0].encrypt(nonce, value, purpose.encode())).decode()

    def open(self, purpose: str, sealed: str) -> bytes | None:
        """What was sealed, or None when it was not sealed by one of these keys for this purpose."""
        try:
            raw = base64.urlsafe_b64decode(sealed.encode())
        except ValueError:
            return None
        if len(raw) < 12 + 16 or base64.urlsafe_b64encode(raw).decode() != sealed:  # one spelling only
            return None
        for seal in self._seals:
            try:
                return seal.decrypt(raw[:12], raw[12:], purpose.encode())
            except InvalidTag:
                continue
        return None
