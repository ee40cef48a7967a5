"""Addresses of what is called: where a request really goes, how it is named in a log, and when to come back."""

from __future__ import annotations

import base64
from email.utils import parsedate_to_datetime
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from limen.core import clock

_PORTS = {"http": 80, "https": 443}
_SAFE = "%/:?#[]@!$&'()*+,;=-._~"  # what an address may hold as it is; the rest is percent-encoded


class Target(NamedTuple):
    """Scheme, host (IDNA), port (None: the scheme's) and request target, and the headers that the address asks for."""

    scheme: str
    host: str
    port: int | None
    path: str
    headers: dict[str, str]


def of(url: str) -> Target:
    """Its user and password travel in a header.

    :raises ValueError: it is no http:// or https:// address; the text says why
    """
    try:
        parts = urlsplit(url)
        port, host = parts.port, (parts.hostname or "").encode("idna").decode()
    except ValueError as error:
        raise ValueError(f"it is not an address: {error}") from error
    if parts.scheme not in _PORTS or not host:
        raise ValueError("it is not an http:// or https:// address")
    path = quote(urlunsplit(("", "", parts.path or "/", parts.query, "")), safe=_SAFE)
    own: dict[str, str] = {}
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        own["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    return Target(parts.scheme, host, port, path, own)


def origin(url: str) -> tuple[str, str | None, int | None]:
    """:raises ValueError: it is no address"""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)


def shown(url: str) -> str:
    """An address as an error or a log may name it: a query, a user and a password can be secrets."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "the address"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def wanted_pause(retry_after: str | None) -> float:
    """The seconds of a `Retry-After`, a number or a date (RFC 9110 §10.2.3); 0 without a sensible one."""
    if not retry_after:
        return 0
    if retry_after.isascii() and retry_after.isdecimal():
        return float(retry_after[:9])
    try:
        return max(0.0, (parsedate_to_datetime(retry_after) - clock.now()).total_seconds())
    except (TypeError, ValueError):
        return 0
