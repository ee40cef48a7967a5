"""Stored password hashes of every format: published vectors, limits, and what is refused and why."""

from __future__ import annotations

import base64
import contextlib
import time

import bcrypt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.core import hashes, passwords
from limen.core.hashes import bcryptlib
from limen.core.hashes.md4 import Md4


def b64(data: bytes | str) -> str:
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


def unpadded(data: bytes | str) -> str:
    return b64(data).rstrip("=")


JEFE, ASKED = b64("Jefe"), "what do ya want for nothing?"  # RFC 2202 and RFC 4231, test case 2
PUBLISHED = {
    # Openwall's crypt_blowfish
    "bcrypt": ("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
    "bcrypt, spare bits in the salt": ("U*U", "$2y$05$CCCCCCCCCCCCCCCCCCCCC/E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
    # the reference implementation's tests
    "argon2i": ("password", "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8"),
    "argon2id": ("password", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"),
    # RFC 6070, test case 3
    "pbkdf2-sha1": (
        "password",
        "$pbkdf2-sha1$i=4096,l=20$" + unpadded("salt") + "$"
        + unpadded(bytes.fromhex("4b007901b765489abead49d926f721d065a429c1")),
    ),
    # RFC 7914 §11, its first block
    "pbkdf2-sha256": (
        "passwd",
        "$pbkdf2-sha256$i=1,l=32$" + unpadded("salt") + "$"
        + unpadded(bytes.fromhex("55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc")),
    ),
    # RFC 7914 §12
    "scrypt": (
        "pleaseletmein",
        "$scrypt$ln=16384,r=8,p=1$" + b64("SodiumChloride") + "$" + b64(bytes.fromhex(
            "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
            "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"
        )),
    ),
    # Firebase's own sample
    "firescrypt": (
        "user1password",
        "$firescrypt$ln=14,r=8,p=1$42xEC+ixf3L2lw==$lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo"
        "78198JAdRuid5lQ==$Bw==$jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==",
    ),
    # Ulrich Drepper's specification
    "sha256-crypt": ("Hello world!", "$sha256-crypt$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"),
    "sha512-crypt": (
        "Hello world!",
        "$sha512-crypt$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
    ),
    "sha512-crypt, rounds": (
        "This is just a test",
        "$sha512-crypt$rounds=5000$toolongsaltstrin$lQ8jolhgVRVhY4b5pZKaysCLi0QBxGoNeKQzQ3glMhwllF7oGDZxUhx1yxdYcz/e1JSbq3y6"
        "JMxxl8audkUEm0",
    ),
    "md5-crypt": ("password", "$md5-crypt$xxxxxxxx$UYCIxa628.9qXjpQCjM4a."),
    "md5": ("abc", "$md5$" + b64(bytes.fromhex("900150983cd24fb0d6963f7d28e17f72"))),  # RFC 1321
    "hmac-md5": (ASKED, f"$hmac-md5${b64('750c783e6ab0b503eaa86e310a5db738')}${JEFE}"),
    "hmac-sha1": (ASKED, f"$hmac-sha1${b64('effcdf6ae5eb2fa2d27416d5f184df9c259a7c79')}${JEFE}"),
    "hmac-sha224": (ASKED, f"$hmac-sha224${b64('a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44')}${JEFE}"),
    "hmac-sha256": (
        ASKED,
        f"$hmac-sha256${b64('5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843')}${JEFE}",
    ),
}  # fmt: skip
REFUSED = {
    "": hashes.UnknownFormat,
    "password": hashes.UnknownFormat,
    "$1$saltsalt$36BNTKSjTcM.CxStlMdKS/": hashes.UnknownFormat,
    "$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW": hashes.UnknownFormat,
    "$hmac-sha3$YQ==$YQ==": hashes.UnknownFormat,
    "$2a$12$short": hashes.Malformed,
    "$2a$03$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW": hashes.Malformed,
    "$2a$16$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW": hashes.TooDear,
    "$argon2id$v=18$m=64,t=2,p=2$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNo": hashes.Malformed,
    "$argon2id$v=19$m=64,t=2$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNo": hashes.Malformed,
    "$argon2id$v=19$m=64,t=2,p=2$c2Fs$aGFzaGhhc2hoYXNo": hashes.Malformed,  # RFC 9106: a salt of 8 bytes
    "$argon2id$v=19$m=8388608,t=1,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNo": hashes.TooDear,  # 8 GiB
    "$argon2i$v=19$m=64,t=11,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNo": hashes.TooDear,
    "$argon2i$v=19$m=640,t=1,p=17$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNo": hashes.TooDear,
    "$pbkdf2-sha256$i=10000001,l=32$c2FsdA$aGFzaA": hashes.TooDear,
    "$pbkdf2-sha256$i=10000000,l=512$c2FsdA$" + "A" * 512: hashes.TooDear,  # 12 blocks of ten million
    "$pbkdf2-sha256$i=1,l=32$c2FsdB$aGFzaA": hashes.Malformed,  # spare bits in the base64
    "$pbkdf2-sha256$i=1,l=32$c2FsdA$": hashes.Malformed,
    "$scrypt$ln=262144,r=8,p=1$c2FsdA==$aGFzaA==": hashes.TooDear,
    "$scrypt$ln=1024,r=9,p=1$c2FsdA==$aGFzaA==": hashes.TooDear,
    "$scrypt$ln=1000,r=8,p=1$c2FsdA==$aGFzaA==": hashes.Malformed,
    "$scrypt$ln=1024,r=8,p=1$c2FsdA$aGFzaA==": hashes.Malformed,
    "$firescrypt$ln=18,r=8,p=1$YQ==$YQ==$YQ==$YQ==": hashes.TooDear,
    "$firescrypt$ln=14,r=8,p=1$YQ==$YWI=$YQ==$YQ==": hashes.Malformed,
    "$sha256-crypt$rounds=1000001$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5": hashes.TooDear,
    "$sha256-crypt$saltstring$short": hashes.Malformed,
    "$md5-crypt$muchtoolong$UYCIxa628.9qXjpQCjM4a.": hashes.Malformed,
    "{SSHA}" + b64(b"x" * 20): hashes.Malformed,  # no salt
    "{SSHA}tooshort": hashes.Malformed,
    "$sha256$pf=e1NBTFR9$c2FsdA==$" + b64(b"x" * 32): hashes.Malformed,  # {SALT}: every password would fit
    "$sha256$pf=e1BBU1NXT1JEfQ==$c2FsdA==$" + b64(b"x" * 20): hashes.Malformed,
    "$md5$aGFzaA==": hashes.Malformed,
    "$md5$" + "A" * 3000: hashes.Malformed,
    "$hmac-md5$YWJj$YWJj": hashes.Malformed,
    "$hmac-md4$YWJj": hashes.Malformed,
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_vector_fits(name: str) -> None:
    password, hashed = PUBLISHED[name]
    stored = hashes.read(hashed)
    assert stored.check(password.encode())
    assert not stored.check(password.encode() + b"x")
    assert not stored.check(b"")


@pytest.mark.parametrize("hashed", REFUSED)
def test_what_nobody_could_sign_in_with_is_refused(hashed: str) -> None:
    with pytest.raises(REFUSED[hashed]):
        hashes.read(hashed)
    assert not passwords.check(b"password", hashed)


def test_md4_is_that_of_rfc_1320() -> None:
    assert Md4(b"").hexdigest() == "31d6cfe0d16ae931b73c59d7e0c089c0"
    assert Md4(b"message digest").hexdigest() == "d9130a8164549fe818874806e1c7014b"
    assert Md4(b"1234567890" * 8).hexdigest() == "e33b4ddc9c38f2199c3e7b164fcc0536"


@pytest.mark.parametrize("name", ["sha224", "sha3_224", "sha384", "sha3_384"])
def test_pbkdf2_of_two_meanings_fits_either_way(name: str) -> None:
    """Kratos takes sha224 and sha384 for SHA-3; who exported such hashes mostly meant SHA-2."""
    import hashlib

    made = unpadded(hashlib.pbkdf2_hmac(name, b"secret", b"saltsalt", 10, 32))
    stored = hashes.read(f"$pbkdf2-{name.replace('3_', '')}$i=10,l=32${unpadded('saltsalt')}${made}")
    assert stored.check(b"secret")
    assert not stored.check(b"Secret")


def test_a_template_is_filled_once() -> None:
    """A password that looks like a placeholder is one only to whoever typed it."""
    import hashlib

    digest = b64(hashlib.sha256(b"x{SALT}:pepper").digest())
    stored = hashes.read(f"$sha256$pf={b64('x{PASSWORD}:{SALT}')}${b64('pepper')}${digest}")
    assert stored.check(b"{SALT}")


@pytest.mark.parametrize(
    "name", [name for name in PUBLISHED if not name.startswith(("argon2", "bcrypt", "pbkdf2", "scrypt"))]
)
def test_an_endless_password_costs_nothing(name: str) -> None:
    """Some formats cost rounds times length: a megabyte fits none, and is not tried."""
    stored = hashes.read(PUBLISHED[name][1])
    began = time.process_time()
    assert not any(stored.check(b"x" * 1_000_000) for _ in range(50))
    assert time.process_time() - began < 1


def test_the_format_names_our_own() -> None:
    assert passwords.algorithm(PUBLISHED["bcrypt"][1]) == "bcrypt"
    assert passwords.algorithm(PUBLISHED["argon2id"][1]) == "argon2"
    assert passwords.algorithm(PUBLISHED["argon2i"][1]) == "argon2i"
    assert passwords.algorithm("nonsense") == ""


@given(st.text(max_size=200), st.sampled_from(sorted({h.split("$")[1] for _, h in PUBLISHED.values() if "$" in h})))
def test_no_text_is_too_strange(tail: str, name: str) -> None:
    with contextlib.suppress(hashes.HashError):
        hashes.read(f"${name}${tail}")


@pytest.mark.parametrize(
    "password",
    [b"", b"a", "Grüße, 你好".encode(), bytes(range(1, 73)), bytes(range(184, 256)), b"with\0zero", b"\xff\xa3"],
)
def test_the_systems_bcrypt_makes_what_the_package_makes(password: bytes) -> None:
    settings = bcrypt.gensalt(4)
    assert bcryptlib.hashed(password, settings) == bcrypt.hashpw(password, settings)
    system = bcryptlib.system()
    assert system is None or b"\0" in password or system(password, settings) == bcrypt.hashpw(password, settings)


def test_the_systems_bcrypt_is_not_asked_for_what_it_cannot_do() -> None:
    system = bcryptlib.system()
    assert system is None or system(b"a", b"$2b$99$CCCCCCCCCCCCCCCCCCCCC.") is None
