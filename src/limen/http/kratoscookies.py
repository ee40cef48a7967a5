"""Session cookies that Kratos made, for browsers that come along when people move in.

They are of the Go package gorilla/securecookie: base64 of `time|payload|mac`, the payload encrypted with AES-256 in counter
mode under the SHA-256 of the secret, or, in older versions, with the secret that follows, or not at all. The payload is a
Go gob; the two texts wanted are taken from it only after the MAC was found to be right.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterator, Sequence

from limen.core import clock

_MAC, _IV = 32, 16
_TOKEN = re.compile(rb"ory_st_[A-Za-z0-9]{32}")
_UNTIL = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z")
_LONGEST = 4096


def read(name: str, value: str, secrets: Sequence[str]) -> tuple[str, str] | None:
    """The session token and the end of the session; None when the cookie was not made with one of the secrets."""
    raw = _decoded(value.encode()) if len(value) <= _LONGEST else None
    if raw is None or raw[:10].isdigit() is False or len(raw) < _MAC or raw[-_MAC - 1 : -_MAC] != b"|":
        return None
    signed, mac = raw[: -_MAC - 1], raw[-_MAC:]
    for hash_key, block_keys in _keys(secrets):
        if not hmac.compare_digest(hmac.digest(hash_key, f"{name}|".encode() + signed, hashlib.sha256), mac):
            continue
        payload = _decoded(signed.partition(b"|")[2])
        for block_key in block_keys:
            if payload and (found := _found(_decrypted(payload, block_key))):
                return found
    return None


def _keys(secrets: Sequence[str]) -> Iterator[tuple[bytes, tuple[bytes, ...]]]:
    """Signing keys, each with the keys its payload may be encrypted with; an empty one stands for none."""
    for secret, following in zip(secrets, [*secrets[1:], ""], strict=True):
        key = secret.encode()
        yield key, (hashlib.sha256(key).digest(), following.encode(), b"")


def _decoded(text: bytes) -> bytes | None:
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None


def _decrypted(payload: bytes, key: bytes) -> bytes:
    if len(key) not in (16, 24, 32):
        return payload
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # noqa: PLC0415 - for strangers' cookies only

    decryptor = Cipher(algorithms.AES(key), modes.CTR(payload[:_IV])).decryptor()
    return decryptor.update(payload[_IV:]) + decryptor.finalize()


def _found(gob: bytes) -> tuple[str, str] | None:
    token, until = _TOKEN.search(gob), _UNTIL.search(gob)
    if not token or not until:
        return None
    return token[0].decode(), clock.text(clock.parse(until[0].decode()))
