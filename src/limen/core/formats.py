"""The string formats of identity schemas, as Kratos checks them (RFC 3339, 5321, 1123, 3986; phone numbers as E.164)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from datetime import date, datetime

from limen.core import normalize

_HOSTNAME = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)(?:\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*")
_BLANK = re.compile(r"\s")
_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\U0010ffff-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\U0010ffff-]+)*")
_QUOTED = re.compile(r'"(\\.|[^"\\\x00-\x1f])*"')
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_NOT_IN_URI = re.compile(r"[\x00-\x1f\x7f]|%(?![0-9A-Fa-f]{2})")


def hostname(value: str) -> bool:
    value = value.removesuffix(".")
    return len(value) <= 253 and _HOSTNAME.fullmatch(value) is not None


def email(value: str) -> bool:
    """`a@localhost` and `a@x.test` are fine: whether a name resolves is the mail server's business.

    An address is used in its canonical spelling, so that has to be one as well: a wide @ or comma becomes a plain one there.
    """
    if value.isascii():
        return _email(value)
    canonical = normalize.canonical(value)
    return _email(value) and _email(canonical) and not _BLANK.search(canonical)


def _email(value: str) -> bool:
    local, at, domain = value.lstrip(" \t").rpartition("@")
    return (
        bool(at)
        and len(value.encode()) <= 254
        and len(local.encode()) <= 64
        and hostname(domain)
        and bool(_ATOM.fullmatch(local) or _QUOTED.fullmatch(local))
    )


def email_loose(value: str) -> bool:
    """Like `email`, but longer, and the domain may be written in any script."""
    local, at, domain = value.rpartition("@")
    if not (at and local and domain and len(value.encode()) <= 320) or _BLANK.search(value):
        return False
    if domain.isascii():
        return hostname(domain)
    try:
        return hostname(domain.encode("idna").decode())
    except UnicodeError:
        return False


def tel(value: str) -> bool:
    return normalize.phone(value) is not None


def full_date(value: str) -> bool:
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return len(value) == len("2006-01-02")


def date_time(value: str) -> bool:
    if not _DATE_TIME.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(re.sub(r"\.\d+", "", value))
    except ValueError:
        return False
    return True


def time(value: str) -> bool:
    return bool(_TIME.fullmatch(value))


def uri(value: str) -> bool:
    return bool(_SCHEME.match(value)) and uri_reference(value)


def uri_reference(value: str) -> bool:
    first = value.split("/", 1)[0]
    return not _NOT_IN_URI.search(value) and not (":" in first and not _SCHEME.match(value))


def ipv4(value: str) -> bool:
    groups = value.split(".")
    return len(groups) == 4 and all(g.isascii() and g.isdigit() and int(g) <= 255 for g in groups)


def ipv6(value: str) -> bool:
    try:
        ipaddress.IPv6Address(value)
    except ValueError:
        return False
    return True


def anything(_: str) -> bool:
    return True


FORMATS: dict[str, Callable[[str], bool]] = {
    "date": full_date,
    "date-time": date_time,
    "time": time,
    "email": email,
    "email_loose": email_loose,
    "hostname": hostname,
    "ip-address": ipv4,
    "ipv4": ipv4,
    "ipv6": ipv6,
    "iri": uri,
    "iri-reference": uri_reference,
    "no-validate": anything,
    "tel": tel,
    "uri": uri,
    "uri-reference": uri_reference,
    "uriref": uri_reference,
}
