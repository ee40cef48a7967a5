"""Password hashes as other systems write them, in the formats we read (core/hashes)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

_SCRYPT = (("cost", 16384), ("blockSize", 8), ("parallelization", 1))


class ForeignHash(ValueError):
    """It cannot be checked here; the text completes "the password hash cannot be checked: …"."""


def bcrypt_or_phc(value: str) -> str:
    """What is a whole hash already; `$2x$` and the like keep their letters."""
    return value.strip()


def pbkdf2(digest: str, iterations: int, salt: bytes, key: bytes) -> str:
    return f"$pbkdf2-{digest}$i={iterations},l={len(key)}${_bare(salt)}${_bare(key)}"


def argon2(kind: str, memory: int, iterations: int, lanes: int, salt: bytes, key: bytes) -> str:
    return f"$argon2{kind}$v=19$m={memory},t={iterations},p={lanes}${_bare(salt)}${_bare(key)}"


def scrypt(n: int, r: int, p: int, salt: bytes, key: bytes) -> str:
    return f"$scrypt$ln={n},r={r},p={p}${_full(salt)}${_full(key)}"


def firebase(memory_cost: int, rounds: int, salt: bytes, hashed: bytes, separator: bytes, signer: bytes) -> str:
    parts = "$".join(map(_full, (salt, hashed, separator, signer)))
    return f"$firescrypt$ln={memory_cost},r={rounds},p=1${parts}"


def digest(name: str, value: bytes, salt: bytes, *, salt_first: bool) -> str:
    """One quick digest (md5, sha1, sha256, sha512) of the password, with a salt before or behind it, or without."""
    template = b"{SALT}{PASSWORD}" if salt_first else b"{PASSWORD}{SALT}"
    return f"${name}$pf={_full(template if salt else b'{PASSWORD}')}${_full(salt)}${_full(value)}"


def hmac(name: str, value: bytes, key: bytes) -> str:
    return f"$hmac-{name}${_full(value.hex().encode())}${_full(key)}"


def auth0(custom: Mapping[str, Any]) -> str:
    """Auth0's `custom_password_hash`: `{algorithm, hash: {value, encoding, key, digest, keylen, …}, salt: {value, …}}`.

    :raises ForeignHash: nothing can be made of it
    """
    kind, own = str(custom.get("algorithm", "")).lower(), custom.get("hash") or {}
    value, salted = str(own.get("value", "")), custom.get("salt") or {}
    if kind in ("bcrypt", "argon2", "pbkdf2", "ldap"):
        return _pbkdf2_phc(value) if kind == "pbkdf2" else bcrypt_or_phc(value)
    salt = decoded(str(salted.get("value", "")), str(salted.get("encoding", "utf8")))
    raw = decoded(value, str(own.get("encoding", "hex")))
    if kind in ("md5", "sha1", "sha256", "sha512"):
        return digest(kind, raw, salt, salt_first=salted.get("position", "prefix") == "prefix")
    if kind == "hmac":
        key = own.get("key") or {}
        return hmac(
            str(own.get("digest", "")), raw, decoded(str(key.get("value", "")), str(key.get("encoding", "utf8")))
        )
    if kind == "scrypt":
        n, r, p = (int(own.get(name) or usual) for name, usual in _SCRYPT)
        return scrypt(n, r, p, salt, raw)
    raise ForeignHash(f"its algorithm is {kind or 'not named'}")


def _pbkdf2_phc(value: str) -> str:
    """A PHC string; base64 may be padded there, and is not here."""
    *front, salt, key = value.split("$")
    return "$".join([*front, salt.rstrip("="), key.rstrip("=")])


def keycloak(credential: Mapping[str, Any], secret: Mapping[str, Any]) -> str:
    """Keycloak's `credentialData` and `secretData` of a password.

    :raises ForeignHash: nothing can be made of it
    """
    name, iterations = str(credential.get("algorithm", "")), int(credential.get("hashIterations") or 1)
    salt, key = decoded(str(secret.get("salt", "")), "base64"), decoded(str(secret.get("value", "")), "base64")
    more = {k: v[0] for k, v in (credential.get("additionalParameters") or {}).items() if v}
    if name == "argon2":
        memory, lanes = int(more.get("memory", 7168)), int(more.get("parallelism", 1))
        return argon2(str(more.get("type", "id")), memory, iterations, lanes, salt, key)
    if name in ("pbkdf2", "pbkdf2-sha256", "pbkdf2-sha512"):
        return pbkdf2(name.partition("-")[2] or "sha1", iterations, salt, key)
    if name == "bcrypt":  # an extension that many have
        return bcrypt_or_phc(str(secret.get("value", "")))
    raise ForeignHash(f"its algorithm is {name or 'not named'}")


def decoded(text: str, encoding: str) -> bytes:
    """:raises ForeignHash: the text is not what it says"""
    try:
        match encoding.lower():
            case "base64":
                plain = text.replace("-", "+").replace("_", "/").rstrip("=")
                return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
            case "hex":
                return bytes.fromhex(text)
            case "utf8" | "utf-8" | "ascii":
                return text.encode()
    except (binascii.Error, ValueError) as error:
        raise ForeignHash(f"it is not {encoding}") from error
    raise ForeignHash(f"its encoding is {encoding}")


def _full(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _bare(raw: bytes) -> str:
    return _full(raw).rstrip("=")
