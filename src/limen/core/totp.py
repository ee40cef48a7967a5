"""Time-based one-time codes (RFC 6238 over RFC 4226): SHA-1, six digits, thirty seconds, as authenticator apps expect."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import UTC, datetime
from urllib.parse import parse_qs, quote, urlencode

PERIOD, DIGITS, SKEW = 30, 6, 1
_SECRET_BYTES = 20
_DRIFT = 20  # steps


def new_secret() -> str:
    """160 random bits in base32, without padding."""
    return base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode().rstrip("=")


def url(secret: str, issuer: str, account: str) -> str:
    """The `otpauth://` address that apps read from a QR code."""
    query = {"algorithm": "SHA1", "digits": DIGITS, "issuer": issuer, "period": PERIOD, "secret": secret}
    return f"otpauth://totp/{quote(issuer, safe='')}:{quote(account, safe='@')}?{urlencode(query, quote_via=quote)}"


def secret_of(url_: str) -> str:
    """The secret in an `otpauth://` address; empty when there is none."""
    return parse_qs(url_.partition("?")[2]).get("secret", [""])[0]


def matching_step(secret: str, code: str, now: float, after: int = -1) -> int | None:
    """Which time step this code is of, within one step of `now` (Unix seconds); None when it fits none.

    Steps up to `after` are used up: a code is good once (RFC 6238 §5.2).
    """
    current = int(now) // PERIOD
    try:
        codes = {step: at(secret, step) for step in range(current - SKEW, current + SKEW + 1)}
    except ValueError:  # an imported secret that is no base32
        return None
    given = code.strip().encode()
    return max(
        (step for step, right in codes.items() if hmac.compare_digest(right, given) and step > after), default=None
    )


def moment(step: int) -> datetime:
    """When this step begins."""
    return datetime.fromtimestamp(step * PERIOD, UTC)


def drift(secret: str, code: str, now: float) -> int | None:
    """How many seconds ahead of `now` a code was good, within ten minutes; None when it never was.

    Only to tell an operator that a clock is wrong: such a code proves nothing.
    """
    current, given = int(now) // PERIOD, code.strip().encode()
    try:
        found = [away for away in range(-_DRIFT, _DRIFT + 1) if hmac.compare_digest(at(secret, current + away), given)]
    except ValueError:
        return None
    return min(found, key=abs) * PERIOD if found else None


def at(secret: str, step: int) -> bytes:
    """The code of one step (RFC 4226 §5.3)."""
    key = base64.b32decode(secret.upper() + "=" * (-len(secret) % 8))
    mac = hmac.digest(key, step.to_bytes(8, "big"), hashlib.sha1)
    offset = mac[-1] & 15
    number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFFFFFF
    return b"%0*d" % (DIGITS, number % 10**DIGITS)
