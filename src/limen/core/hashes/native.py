"""bcrypt and argon2: the formats Limen makes itself, and their variants from elsewhere."""

from __future__ import annotations

import hmac
import re

from argon2 import Type
from argon2.exceptions import HashingError
from argon2.low_level import hash_secret_raw

from limen.core.hashes import bcryptlib
from limen.core.hashes.reading import Check, Malformed, numbers, parts, unpadded, within

BCRYPT_LIMIT = 72  # bcrypt reads no byte after this one: longer passwords are refused, never cut
MAX_BCRYPT_COST = 15
MAX_ARGON2 = (1_048_576, 10, 16)  # KiB, iterations, lanes
MAX_KEY = 128  # bytes that a derived key may have
_BCRYPT = re.compile(r"\$2[abyz]?\$(\d\d)\$([./A-Za-z0-9]{22})([./A-Za-z0-9]{31})")
_BCRYPT_LETTERS = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_TYPES = {"argon2id": Type.ID, "argon2i": Type.I}


def bcrypt_hash(text: str) -> Check:
    """`$2a$12$<salt><key>`; the letter names bugs that old implementations had, none of which is imitated."""
    match = _BCRYPT.fullmatch(text)
    if match is None:
        raise Malformed("it is no whole bcrypt hash: $2a$, two digits, $ and 53 characters")
    cost, salt, key = match.groups()
    if not 4 <= int(cost) <= 31:
        raise Malformed(f"bcrypt has no cost of {cost}")
    within("the cost", int(cost), 4, MAX_BCRYPT_COST)
    # Of the last letter of the salt only two bits count; some implementations leave the others set.
    last = _BCRYPT_LETTERS[_BCRYPT_LETTERS.index(salt[-1]) & 0b110000]
    settings = f"$2b${cost}${salt[:-1]}{last}".encode()

    def check(password: bytes) -> bool:
        if len(password) > BCRYPT_LIMIT:
            return False
        return hmac.compare_digest(bcryptlib.hashed(password, settings)[29:], key.encode())

    return check


def argon2_hash(text: str) -> Check:
    """`$argon2id$v=19$m=<KiB>,t=<iterations>,p=<lanes>$<salt>$<key>` (RFC 9106), and argon2i likewise."""
    version, costs, salt_text, key_text = parts(text, 4)
    if version != "v=19":
        raise Malformed(f"its version is {version!r}, and only v=19 (1.3) can be checked")
    memory, iterations, lanes = numbers(costs, "m", "t", "p")
    for name, value, most in zip(("m", "t", "p"), (memory, iterations, lanes), MAX_ARGON2, strict=True):
        within(name, value, 1, most)
    salt, key = unpadded(salt_text, "salt"), unpadded(key_text, "key")
    if memory < 8 * lanes or len(salt) < 8 or not 4 <= len(key) <= MAX_KEY:
        raise Malformed(f"RFC 9106 asks for m ≥ 8p, a salt of 8 bytes or more, and a key of 4 (here at most {MAX_KEY})")
    kind = _TYPES[text.split("$")[1]]

    def check(password: bytes) -> bool:
        try:
            made = hash_secret_raw(password, salt, iterations, memory, lanes, len(key), kind)
        except HashingError as error:  # no memory for it
            raise MemoryError(str(error)) from error
        return hmac.compare_digest(made, key)

    return check
