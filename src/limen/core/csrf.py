"""The double-submit token: a secret in a cookie, the same secret masked in the form, different each time it is drawn."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets

_LENGTH = 32


def new_secret() -> str:
    return base64.b64encode(secrets.token_bytes(_LENGTH)).decode()


def is_secret(text: str) -> bool:
    return len(_bytes(text)) == _LENGTH


def mask(secret: str) -> str:
    """A one-time pad before the padded secret: a compressed answer never shows the same text twice (BREACH)."""
    pad, raw = secrets.token_bytes(_LENGTH), _bytes(secret)
    return base64.b64encode(pad + _xor(pad, raw)).decode()


def fits(secret: str, token: str) -> bool:
    """Whether the token was made from this secret. The bare secret fits too, as in Kratos."""
    raw, sent = _bytes(secret), _bytes(token)
    if len(raw) != _LENGTH or len(sent) not in (_LENGTH, 2 * _LENGTH):
        return False
    if len(sent) == 2 * _LENGTH:
        sent = _xor(sent[:_LENGTH], sent[_LENGTH:])
    return hmac.compare_digest(raw, sent)


def digest(secret: str) -> str:
    """What a flow remembers of the browser it belongs to."""
    return hashlib.sha256(b"csrf\0" + secret.encode()).hexdigest() if secret else ""


def _xor(a: bytes, b: bytes) -> bytes:
    return (int.from_bytes(a) ^ int.from_bytes(b)).to_bytes(_LENGTH)


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
