"""Stored password hashes: every format an operator may bring along, read with its limits and checked.

A hash that came from elsewhere says itself what checking it costs, so its parameters are bounded before any work.
The formats are those of Ory Kratos (PHC strings and its own `$name$…`); `crypt`, `digests`, `keyed` and `native` hold them.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from msgspec import Struct

from limen.core.hashes import crypt, digests, keyed, native
from limen.core.hashes.reading import MAX_TEXT, Check, HashError, Malformed, TooDear, UnknownFormat

__all__ = ["HashError", "Malformed", "Stored", "TooDear", "UnknownFormat", "algorithm", "read"]


class Format(Struct, frozen=True):
    """`read` takes the text of a hash and returns what checks a password against it."""

    name: str
    prefix: re.Pattern[str]
    read: Callable[[str], Check]


class Stored(Struct, frozen=True):
    """A hash that was read. `check` is slow (up to seconds) and meant for a thread."""

    format: str
    check: Check


FORMATS = tuple(
    Format(name, re.compile(prefix), read)
    for name, prefix, read in (
        ("md5-crypt", r"\$md5-crypt\$", crypt.md5_crypt),
        ("bcrypt", r"\$2[abyz]?\$", native.bcrypt_hash),
        ("sha256-crypt", r"\$sha256-crypt\$", crypt.sha256_crypt),
        ("sha512-crypt", r"\$sha512-crypt\$", crypt.sha512_crypt),
        ("argon2id", r"\$argon2id\$", native.argon2_hash),
        ("argon2i", r"\$argon2i\$", native.argon2_hash),
        ("pbkdf2", r"\$pbkdf2-sha\d{1,3}\$", keyed.pbkdf2),
        ("scrypt", r"\$scrypt\$", keyed.scrypt),
        ("ssha", r"\{SSHA(256|512)?\}", digests.ssha),
        ("sha", r"\$sha(1|256|512)\$", digests.sha),
        ("firescrypt", r"\$firescrypt\$", keyed.firescrypt),
        ("md5", r"\$md5\$", digests.md5),
        ("hmac", r"\$hmac-(md4|md5|sha1|sha224|sha256|sha384|sha512)\$", digests.hmac_hash),
    )
)


def _format(text: str) -> Format | None:
    return next((known for known in FORMATS if known.prefix.match(text)), None)


def algorithm(text: str) -> str:
    """The name of a hash's format, by its prefix; "" for none we know."""
    found = _format(text)
    return found.name if found else ""


def read(text: str) -> Stored:
    """Take a hash apart.

    :raises UnknownFormat: its beginning is that of no format we know
    :raises Malformed: nobody could ever sign in with it
    :raises TooDear: checking it would cost more than we let anybody ask for
    """
    found = _format(text)
    if found is None:
        raise UnknownFormat("its format is none that can be imported")
    if len(text) > MAX_TEXT:
        raise Malformed(f"it is longer than {MAX_TEXT} characters")
    return Stored(found.name, found.read(text))
