"""The signature by which a receiver knows that a call is ours: Standard Webhooks 1.0, https://www.standardwebhooks.com."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

PREFIX = "whsec_"
LEAST, MOST = 24, 64  # bytes of a secret, as the specification has it


def key(secret: str) -> bytes | None:
    """The key that a secret stands for, written `whsec_` and base64; None when it is written otherwise."""
    if not secret.startswith(PREFIX):
        return None
    try:
        found = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return None
    return found if LEAST <= len(found) <= MOST else None


def sign(secrets: Sequence[str], id_: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers of one attempt. `id_` is the same for every attempt, so that a receiver can tell a repeated call.

    With several secrets there is a signature for each: while one replaces another, receivers know either. Without one,
    there are no headers.
    """
    if not secrets:
        return {}
    signed = b".".join((id_.encode(), str(timestamp).encode(), body))
    made = [hmac.digest(found, signed, hashlib.sha256) for secret in secrets if (found := key(secret))]
    return {
        "webhook-id": id_,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{base64.b64encode(one).decode()}" for one in made),
    }
