"""Formats that are one quick digest: LDAP's {SSHA}, salted SHA and MD5, HMAC. Good for moving in, upgraded at once."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable

from limen.core.hashes.md4 import Md4
from limen.core.hashes.reading import Check, Malformed, limited, padded, parts

_SSHA = {"SSHA": "sha1", "SSHA256": "sha256", "SSHA512": "sha512"}
_HOLES = re.compile(rb"\{SALT\}|\{PASSWORD\}")


def ssha(text: str) -> Check:
    """`{SSHA}…`, `{SSHA256}…`, `{SSHA512}…`: base64 of the digest of password and salt, then the salt."""
    name, _, encoded = text[1:].partition("}")
    try:
        raw = base64.b64decode(encoded.encode(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed(f"what follows {{{name}}} is not base64: {error}") from error
    size = hashlib.new(_SSHA[name]).digest_size
    if len(raw) <= size:
        raise Malformed(f"it has {len(raw)} bytes, which leaves none for the salt")
    wanted, salt = raw[:size], raw[size:]
    return _digest(_SSHA[name], lambda password: password + salt, wanted)


def sha(text: str) -> Check:
    """`$sha256$pf=<base64 of a template>$<salt>$<digest>`; the template says where salt and password stand."""
    return _templated(text.split("$")[1], parts(text, 3))


def md5(text: str) -> Check:
    """`$md5$<digest>`, or with a template as the SHA ones."""
    found = parts(text, 1, 3)
    if len(found) == 3:
        return _templated("md5", found)
    return _digest("md5", lambda password: password, padded(found[0], "digest"))


def _templated(name: str, found: list[str]) -> Check:
    template_text, salt_text, digest_text = found
    if not template_text.startswith("pf="):
        raise Malformed(f"it has {template_text!r} where pf=… belongs")
    template = padded(template_text[3:], "template")
    salt = padded(salt_text, "salt")
    if b"{PASSWORD}" not in template:
        raise Malformed("its template has no {PASSWORD}: every password would fit")

    def salted(password: bytes) -> bytes:
        return _HOLES.sub(lambda hole: salt if hole.group() == b"{SALT}" else password, template)

    return _digest(name, salted, padded(digest_text, "digest"))


def _digest(name: str, salted: Callable[[bytes], bytes], wanted: bytes) -> Check:
    size = hashlib.new(name).digest_size
    if len(wanted) != size:
        raise Malformed(f"its digest has {len(wanted)} bytes, and {name} makes {size}")
    return limited(lambda password: hmac.compare_digest(hashlib.new(name, salted(password)).digest(), wanted))


def hmac_hash(text: str) -> Check:
    """`$hmac-sha256$<base64 of the digest in hex>$<base64 of the key>` (RFC 2104)."""
    digest_text, key_text = parts(text, 2)
    name = text.split("$")[1].removeprefix("hmac-")
    make: Callable[..., object] = Md4 if name == "md4" else getattr(hashlib, name)
    wanted, key = padded(digest_text, "digest"), padded(key_text, "key")
    size = 2 * hmac.new(b"", digestmod=make).digest_size  # type: ignore[arg-type]  # MD4 is a digest by shape only
    if len(wanted) != size:
        raise Malformed(f"its digest has {len(wanted)} characters, and {name} makes {size} in hex")

    def check(password: bytes) -> bool:
        made = hmac.new(key, password, make)  # type: ignore[arg-type]
        return hmac.compare_digest(made.hexdigest().encode(), wanted)

    return limited(check)
