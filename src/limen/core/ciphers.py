"""Encryption of what is stored and must be read again, such as tokens of providers; the texts are Kratos', so they move.

Every cipher text is hex: nonce, encrypted value, tag. The first secret encrypts, all of them decrypt (rotation).
"""

from __future__ import annotations

import secrets as random
import struct
from collections.abc import Sequence
from typing import Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

Algorithm = Literal["noop", "aes", "xchacha20-poly1305"]
KEY_SIZE = 32
_SIGMA = struct.unpack("<4I", b"expand 32-byte k")
_MASK = 0xFFFFFFFF


class Cipher:
    """`noop` hides nothing: its texts are the values in hex."""

    def __init__(self, algorithm: Algorithm, secrets: Sequence[str]) -> None:
        self._algorithm = algorithm
        self._keys = [text.encode()[:KEY_SIZE] for text in secrets]

    def encrypt(self, value: str) -> str:
        """An empty value stays empty."""
        if not value:
            return ""
        if self._algorithm == "noop":
            return value.encode().hex()
        nonce = random.token_bytes(12 if self._algorithm == "aes" else 24)
        return (nonce + self._aead(self._keys[0], nonce).encrypt(_short(nonce), value.encode(), None)).hex()

    def decrypt(self, text: str) -> str | None:
        """The value, or None when none of the secrets opens it."""
        try:
            raw = bytes.fromhex(text)
        except ValueError:
            return None
        if self._algorithm == "noop" or not raw:
            return _text(raw)
        size = 12 if self._algorithm == "aes" else 24
        if len(raw) < size + 16:
            return None
        nonce, sealed = raw[:size], raw[size:]
        for key in self._keys:
            try:
                return _text(self._aead(key, nonce).decrypt(_short(nonce), sealed, None))
            except InvalidTag:
                continue
        return None

    def _aead(self, key: bytes, nonce: bytes) -> AESGCM | ChaCha20Poly1305:
        return AESGCM(key) if len(nonce) == 12 else ChaCha20Poly1305(hchacha20(key, nonce[:16]))


def _short(nonce: bytes) -> bytes:
    """What the inner cipher takes of an extended nonce: its last eight bytes, behind four zeros."""
    return nonce if len(nonce) == 12 else bytes(4) + nonce[16:]


def _text(raw: bytes) -> str | None:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None


def hchacha20(key: bytes, nonce: bytes) -> bytes:
    """The key of one message (draft-irtf-cfrg-xchacha-03 §2.2), from 32 bytes of key and 16 of nonce."""
    state = [*_SIGMA, *struct.unpack("<8I", key), *struct.unpack("<4I", nonce)]
    for _ in range(10):
        for at in range(4):
            _quarter(state, at, 4 + at, 8 + at, 12 + at)
        for at in range(4):
            _quarter(state, at, 4 + (at + 1) % 4, 8 + (at + 2) % 4, 12 + (at + 3) % 4)
    return struct.pack("<8I", *state[:4], *state[12:])


def _quarter(state: list[int], a: int, b: int, c: int, d: int) -> None:
    for first, second, third, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        state[first] = (state[first] + state[second]) & _MASK
        mixed = state[third] ^ state[first]
        state[third] = (mixed << turn | mixed >> (32 - turn)) & _MASK
