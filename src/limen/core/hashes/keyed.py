"""Formats made for passwords that others use: PBKDF2, scrypt, and Firebase's scrypt."""

from __future__ import annotations

import hashlib
import hmac

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from limen.core.hashes.reading import Check, Malformed, TooDear, limited, numbers, padded, parts, unpadded, within

MAX_PBKDF2 = 10_000_000  # iterations; a longer key takes as many for each further block, so twice that in all
MAX_SCRYPT_N, MAX_SCRYPT_R, MAX_SCRYPT_P = 131_072, 8, 10
MAX_FIREBASE_LOG_N = 17
MAX_KEY = 512  # bytes
_MEMORY = 256 * 1024 * 1024  # what OpenSSL may take for one scrypt: N and r at their most need half of it

# Kratos takes these two names for SHA-3, everybody else for SHA-2: what fits either way is right.
_DIGESTS = {
    "sha1": ("sha1",),
    "sha224": ("sha3_224", "sha224"),
    "sha384": ("sha3_384", "sha384"),
    "sha512": ("sha512",),
}


def pbkdf2(text: str) -> Check:
    """`$pbkdf2-sha256$i=<iterations>,l=<length>$<salt>$<key>` (RFC 8018); the length is that of the key."""
    costs, salt_text, key_text = parts(text, 3)
    iterations, _ = numbers(costs, "i", "l")
    within("i", iterations, 1, MAX_PBKDF2)
    salt, key = unpadded(salt_text, "salt"), unpadded(key_text, "key")
    if not 1 <= len(key) <= MAX_KEY:
        raise Malformed(f"its key has {len(key)} bytes")
    names = _DIGESTS.get(text.split("$")[1].removeprefix("pbkdf2-"), ("sha256",))
    blocks = -(-len(key) // hashlib.new(names[-1]).digest_size)
    if iterations * blocks > 2 * MAX_PBKDF2:
        raise TooDear(f"{iterations} iterations for each of {blocks} blocks are too many")

    def check(password: bytes) -> bool:
        return any(
            hmac.compare_digest(hashlib.pbkdf2_hmac(n, password, salt, iterations, len(key)), key) for n in names
        )

    return check


def scrypt(text: str) -> Check:
    """`$scrypt$ln=<N>,r=<r>,p=<p>$<salt>$<key>` (RFC 7914), where `ln` is N itself and base64 is padded."""
    costs, salt_text, key_text = parts(text, 3)
    n, r, p = numbers(costs, "ln", "r", "p")
    _bounded(n, r, p)
    if n < 2 or n & (n - 1):
        raise Malformed(f"N is {n}, and a power of two is needed")
    salt, key = padded(salt_text, "salt"), padded(key_text, "key")
    if not 1 <= len(key) <= MAX_KEY:
        raise Malformed(f"its key has {len(key)} bytes")
    return lambda password: hmac.compare_digest(_scrypt(password, salt, n, r, p, len(key)), key)


def firescrypt(text: str) -> Check:
    """Firebase's: `$firescrypt$ln=<log2 N>,r=<r>,p=<p>$<salt>$<hash>$<salt separator>$<signer key>`.

    The signer key, encrypted with what scrypt makes of the password (AES-256-CTR, counter 0), is the hash.
    """
    costs, *encoded = parts(text, 5)
    log_n, r, p = numbers(costs, "ln", "r", "p")
    within("ln", log_n, 0, MAX_FIREBASE_LOG_N)
    _bounded(1 << log_n, r, p)
    if log_n < 1:
        raise Malformed("ln is 0, and N has to be more than 1")
    names = ("salt", "hash", "salt separator", "signer key")
    salt, wanted, separator, signer = (padded(part, name) for part, name in zip(encoded, names, strict=True))
    if not signer or len(wanted) != len(signer):
        raise Malformed("its hash and its signer key differ in length")

    def check(password: bytes) -> bool:
        key = _scrypt(password, salt + separator, 1 << log_n, r, p, 32)
        encryptor = Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor()
        return hmac.compare_digest(encryptor.update(signer) + encryptor.finalize(), wanted)

    return limited(check)


def _bounded(n: int, r: int, p: int) -> None:
    within("N", n, 1, MAX_SCRYPT_N)
    within("r", r, 1, MAX_SCRYPT_R)
    within("p", p, 1, MAX_SCRYPT_P)


def _scrypt(password: bytes, salt: bytes, n: int, r: int, p: int, length: int) -> bytes:
    return hashlib.scrypt(password, salt=salt, n=n, r=r, p=p, maxmem=_MEMORY, dklen=length)
