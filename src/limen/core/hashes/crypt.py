"""crypt(3) of old: MD5-crypt and SHA-crypt, under the names Kratos gives them (`$md5-crypt$` for `$1$`, and so on)."""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import Callable, Sequence

from limen.core.hashes.reading import Check, Malformed, limited, within

DEFAULT_ROUNDS, MAX_ROUNDS = (
    5000,
    1_000_000,
)  # a million takes three seconds here; the usual numbers are 5,000 to 656,000
_BREATH = (
    256  # rounds between two moments at which other threads may run: digests this small do not let go by themselves
)
_LETTERS = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SALTED = re.compile(r"\$[a-z0-9-]+\$(?:rounds=(\d{1,10})\$)?([^$:\s]{0,16})\$([./0-9A-Za-z]+)", re.ASCII)
# In which order the bytes of the digest are written, three by three, each three as four letters.
_ORDER_MD5 = (12, 6, 0, 13, 7, 1, 14, 8, 2, 15, 9, 3, 5, 10, 4, 11)
_ORDER_256 = (
    20, 10, 0, 11, 1, 21, 2, 22, 12, 23, 13, 3, 14, 4, 24, 5, 25, 15, 26, 16, 6, 17, 7, 27, 8, 28, 18, 29, 19, 9, 30, 31
)  # fmt: skip
_ORDER_512 = (
    42, 21, 0, 1, 43, 22, 23, 2, 44, 45, 24, 3, 4, 46, 25, 26, 5, 47, 48, 27, 6, 7, 49, 28, 29, 8, 50, 51, 30, 9, 10, 52,
    31, 32, 11, 53, 54, 33, 12, 13, 55, 34, 35, 14, 56, 57, 36, 15, 16, 58, 37, 38, 17, 59, 60, 39, 18, 19, 61, 40, 41, 20,
    62, 63,
)  # fmt: skip

Digest = Callable[[bytes], bytes]


def md5_crypt(text: str) -> Check:
    """`$md5-crypt$<salt>$<digest>`: a thousand rounds of MD5, by Poul-Henning Kamp."""
    rounds, salt, wanted = _read(text, 22)
    if rounds is not None or len(salt) > 8:
        raise Malformed("MD5-crypt has a salt of up to 8 characters and no rounds")
    return limited(lambda password: hmac.compare_digest(_letters(_md5(password, salt), _ORDER_MD5), wanted))


def sha256_crypt(text: str) -> Check:
    """`$sha256-crypt$rounds=<n>$<salt>$<digest>`, by Ulrich Drepper."""
    return _sha_crypt(text, 43, lambda data: hashlib.sha256(data).digest(), _ORDER_256)


def sha512_crypt(text: str) -> Check:
    return _sha_crypt(text, 86, lambda data: hashlib.sha512(data).digest(), _ORDER_512)


def _sha_crypt(text: str, length: int, digest: Digest, order: Sequence[int]) -> Check:
    given, salt, wanted = _read(text, length)
    rounds = DEFAULT_ROUNDS if given is None else given
    within("rounds", rounds, 1, MAX_ROUNDS)
    return limited(lambda password: hmac.compare_digest(_letters(_sha(password, salt, rounds, digest), order), wanted))


def _read(text: str, length: int) -> tuple[int | None, bytes, bytes]:
    match = _SALTED.fullmatch(text)
    if match is None or len(match[3]) != length:
        raise Malformed(f"it is not $name$salt$digest with a digest of {length} characters")
    return (int(match[1]) if match[1] else None), match[2].encode(), match[3].encode()


def _letters(raw: bytes, order: Sequence[int]) -> bytes:
    """Six bits a letter, the lowest first."""
    text = ""
    for at in range(0, len(order), 3):
        group = bytes(raw[index] for index in order[at : at + 3])
        number = int.from_bytes(group, "little")
        for _ in range(len(group) + 1):
            text += _LETTERS[number & 63]
            number >>= 6
    return text.encode()


def _md5(password: bytes, salt: bytes) -> bytes:
    def digest(data: bytes) -> bytes:
        return hashlib.md5(data, usedforsecurity=False).digest()

    inner = digest(password + salt + password)
    first = password + b"$1$" + salt + _cycled(inner, len(password))
    bits = len(password)
    while bits:
        first += b"\0" if bits & 1 else password[:1]
        bits >>= 1
    return _turned(digest(first), password, salt, 1000, digest)


def _sha(password: bytes, salt: bytes, rounds: int, digest: Digest) -> bytes:
    inner = digest(password + salt + password)
    first = password + salt + _cycled(inner, len(password))
    bits = len(password)
    while bits:
        first += inner if bits & 1 else password
        bits >>= 1
    whole = digest(first)
    # The password and the salt themselves take no part in the rounds: texts of their length made of digests do.
    password_text = _cycled(digest(password * len(password)), len(password))
    salt_text = _cycled(digest(salt * (16 + whole[0])), len(salt))
    return _turned(whole, password_text, salt_text, rounds, digest)


def _turned(last: bytes, password: bytes, salt: bytes, rounds: int, digest: Digest) -> bytes:
    for turn in range(rounds):
        middle = (salt if turn % 3 else b"") + (password if turn % 7 else b"")
        last = digest(password + middle + last if turn & 1 else last + middle + password)
        if not turn % _BREATH:
            time.sleep(0)
    return last


def _cycled(data: bytes, length: int) -> bytes:
    return (data * (length // len(data) + 1))[:length]
