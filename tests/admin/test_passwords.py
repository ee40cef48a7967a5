"""Passwords an operator brings along: they sign in, are upgraded, and what can never work is refused."""

from __future__ import annotations

import base64
import hashlib
import time

import pytest

from tests.conftest import Start
from tests.support.callers import Caller
from tests.support.operators import Operator
from tests.support.server import LiveServer

SECRET = "an-imported-secret-1"


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


HASHES = {
    "pbkdf2": "$pbkdf2-sha256$i=1000,l=32$c2FsdHNhbHQ$"
    + b64(hashlib.pbkdf2_hmac("sha256", SECRET.encode(), b"saltsalt", 1000, 32)).rstrip("="),
    "pbkdf2 as Kratos means it": "$pbkdf2-sha384$i=1000,l=32$c2FsdHNhbHQ$"
    + b64(hashlib.pbkdf2_hmac("sha3_384", SECRET.encode(), b"saltsalt", 1000, 32)).rstrip("="),
    "scrypt": "$scrypt$ln=1024,r=8,p=1$c2FsdHNhbHQ=$"
    + b64(hashlib.scrypt(SECRET.encode(), salt=b"saltsalt", n=1024, r=8, p=1, dklen=32)),
    "firescrypt": "$firescrypt$ln=10,r=8,p=1$I0j5mHRCElddhQ==$GnHjhEgQFgvVeCIRJaGILrGjTG3ZEQ1RUjm6Eeuo84fnk/svu3rtI72uTZJLMQ/xMM"
    "Nt8MV4qlmFh6emCDtteA==$Bw==$I0j5mHRCElddhZWWdPlgerJvZ3CKkXFXRygyOGM3yQQjSPmYdEISV12FlZZ0+WB6sm9ncIqRcVdHKDI4YzfJBA==",
    "argon2i": "$argon2i$v=19$m=128,t=3,p=1$I0j5mHRCElddhZWWdPlgeg$hP1EoKKSw8jFhBZLJeMVNe3uE7FIWfO76KtcNy3Ao9E",
    "argon2id": "$argon2id$v=19$m=64,t=2,p=2$I0j5mHRCElddhZWWdPlgeg$ZgjK3Dpy2+43e+mokPYDkR5DcgT1KudBOf3reAFMksQ",
    "ssha": "{SSHA512}" + b64(hashlib.sha512(SECRET.encode() + b"salt").digest() + b"salt"),
    "sha": "$sha1$pf="
    + b64(b"{SALT}{PASSWORD}")
    + "$c2FsdA==$"
    + b64(hashlib.sha1(b"salt" + SECRET.encode()).digest()),
    "md5": "$md5$" + b64(hashlib.md5(SECRET.encode()).digest()),
    "hmac": "$hmac-sha256$NzJjODFlNmM0ZDY4MzRjMjRkOTg2NTkwOTczZjJmMDNmZDY4Mzg0M2UxYmEzN2Y0ZjNjNzZjM2Y4ZjNiMWQwYQ==$a2V5LW9wZW4=",
    "md5-crypt": "$md5-crypt$saltsalt$36BNTKSjTcM.CxStlMdKS/",
    "sha256-crypt": "$sha256-crypt$rounds=1000$saltsalt$mAmg/R13mPNlk8ZgflIiqVWbysxyuBTytoDxYcNhQe0",
}
REFUSED = (
    "", "nonsense", "$2a$12$abc", "$2a$16$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
    "$argon2id$v=19$m=8388608,t=1,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNo", "$md5$short", "{SSHA}short",
    "$sha256-crypt$rounds=999999999$saltsalt$mAmg/R13mPNlk8ZgflIiqVWbysxyuBTytoDxYcNhQe0", 5, {"a": 1},
)  # fmt: skip


def hashed(value: object) -> dict[str, object]:
    return {"password": {"config": {"hashed_password": value}}}


def test_a_hash_of_any_format_signs_in_and_is_upgraded(server: LiveServer) -> None:
    operator = Operator(server)
    for number, (name, value) in enumerate(HASHES.items()):
        email = f"person{number}@example.org"
        id_ = operator.create(email, credentials=hashed(value)).json()["id"]
        assert operator.config(id_, "password") == {"hashed_password": value}, name
        app = Caller(server, "app")
        assert app.sign_in(email, SECRET + "x").status_code == 400, name
        assert operator.config(id_, "password") == {"hashed_password": value}, name
        assert app.sign_in(email, SECRET).status_code == 200, name
        assert operator.config(id_, "password")["hashed_password"].startswith("$2a$04$"), name
        assert Caller(server, "app").sign_in(email, SECRET).status_code == 200, name


def test_a_hash_of_our_own_format_stays(start: Start) -> None:
    """With argon2 configured, argon2id stays whatever it cost, and argon2i becomes argon2id."""
    server = start({"hashers": {"algorithm": "argon2", "argon2": {"memory": "1MB", "iterations": 1, "parallelism": 1}}})
    operator = Operator(server)
    stays = operator.create("a@example.org", credentials=hashed(HASHES["argon2id"])).json()["id"]
    changes = operator.create("b@example.org", credentials=hashed(HASHES["argon2i"])).json()["id"]
    for email in ("a@example.org", "b@example.org"):
        assert Caller(server, "app").sign_in(email, SECRET).status_code == 200
    assert operator.config(stays, "password") == {"hashed_password": HASHES["argon2id"]}
    assert operator.config(changes, "password")["hashed_password"].startswith("$argon2id$v=19$m=1024,t=1,p=1$")


@pytest.mark.parametrize("value", REFUSED, ids=str)
def test_a_hash_nobody_could_sign_in_with_is_refused(server: LiveServer, value: object) -> None:
    operator = Operator(server)
    answer = operator.create(credentials=hashed(value))
    assert answer.status_code == 400, answer.text
    assert operator.get("identities") == []


def test_a_password_in_the_clear_is_hashed_whatever_the_policy_says(server: LiveServer) -> None:
    operator = Operator(server)
    id_ = operator.person(password="short")["id"]
    assert operator.config(id_, "password")["hashed_password"].startswith("$2a$04$")
    assert Caller(server, "app").sign_in(password="short").status_code == 200


def test_bcrypt_takes_72_bytes_and_says_so(server: LiveServer) -> None:
    operator = Operator(server)
    assert operator.create(password="x" * 73).status_code == 400
    operator.person(password="x" * 72)
    assert Caller(server, "app").sign_in(password="x" * 73).status_code == 400
    assert Caller(server, "app").sign_in(password="x" * 72).status_code == 200


def test_a_patched_hash_is_looked_at_too(server: LiveServer) -> None:
    operator = Operator(server)
    id_ = operator.person()["id"]
    change = [
        {"op": "replace", "path": "/credentials/password/config/hashed_password", "value": HASHES["sha256-crypt"]}
    ]
    assert operator.http.patch(f"admin/identities/{id_}", json=change).status_code == 200
    assert Caller(server, "app").sign_in(password=SECRET).status_code == 200
    change[0]["value"] = "$argon2id$v=19$m=8388608,t=1,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNo"
    assert operator.http.patch(f"admin/identities/{id_}", json=change).status_code == 400


def test_a_wrong_password_costs_the_same_with_a_quick_hash(start: Start) -> None:
    """A quick answer would tell that somebody was moved in, and how: it costs what it costs for a stranger."""
    server = start({"hashers": {"bcrypt": {"cost": 10}}})
    Operator(server).create(credentials=hashed(HASHES["md5"]))
    app = Caller(server, "app")
    began = time.process_time()  # of this process, in which the server runs too
    assert app.sign_in(password="wrong").status_code == 400
    assert time.process_time() - began > 0.02  # a bcrypt of cost 10 takes 60 ms; all the rest takes 10
