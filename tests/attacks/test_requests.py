"""Attacks on reading: passwords and names in odd spellings, and bodies made to cost more than they are worth."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import httpx
import pytest

from limen.core import messages
from limen.core.schema import IdentitySchema
from tests.support.callers import JSON, KINDS, PASSWORD, Caller, Kind, told
from tests.support.server import CountingPasswords, LiveServer

everybody = pytest.mark.parametrize("kind", KINDS)
ANN = "ann@example.org"


def try_to_join(server: LiveServer, kind: Kind, email: str, password: str = PASSWORD) -> Caller:
    caller = Caller(server, kind)
    caller.submit(caller.start("registration"), method="profile", traits={"email": email})
    if told(shown := caller.shown("registration")):
        return caller
    caller.submit(shown, method="password", password=password, traits={"email": email})
    return caller


# --- passwords ----------------------------------------------------------------------------------------------------------


@everybody
def test_96_a_blank_password_is_none(server: LiveServer, kind: Kind) -> None:
    Caller(server, kind).sign_up()
    for blank in ("", " ", "\t", "\0", "\0" * 8):
        caller = Caller(server, kind)
        caller.sign_in(password=blank)
        assert not caller.is_signed_in
    for blank in ("", " " * 7, "\0" * 7):
        assert not try_to_join(server, kind, "eve@example.org", blank).is_signed_in


@everybody
def test_96_no_part_of_a_long_password_is_left_out(server: LiveServer, kind: Kind) -> None:
    """bcrypt reads 72 bytes and no further: a longer password is refused, and no longer one opens a shorter one's account."""
    longest = "a1" * 36
    assert not try_to_join(server, kind, "eve@example.org", longest + "x").is_signed_in
    assert not try_to_join(server, kind, "eve@example.org", "ü" * 37).is_signed_in
    Caller(server, kind).sign_up(ANN, longest)
    for wrong in (longest + "x", longest[:-1], longest + "\0", longest + " "):
        caller = Caller(server, kind)
        caller.sign_in(password=wrong)
        assert not caller.is_signed_in
    caller = Caller(server, kind)
    caller.sign_in(password=longest)
    assert caller.is_signed_in


@everybody
def test_96_a_null_byte_does_not_end_a_password(server: LiveServer, kind: Kind) -> None:
    Caller(server, kind).sign_up(ANN, "first-half\0second-half")
    for wrong in ("first-half", "first-half\0", "first-half\0other-half"):
        caller = Caller(server, kind)
        caller.sign_in(password=wrong)
        assert not caller.is_signed_in
    caller = Caller(server, kind)
    caller.sign_in(password="first-half\0second-half")
    assert caller.is_signed_in


# --- names --------------------------------------------------------------------------------------------------------------

SAME = ["ANN@EXAMPLE.ORG", " ann@example.org ", "ａｎｎ@example.org", "ann@example.org\u200b", "a\u00adnn@example.org"]
OTHERS = [
    "аnn@example.org",
    "ann@example.org.",
    "ann @example.org",
    "ann@example.org\u0301",
    "anñ@example.org",
    "ann@examp1e.org",
]


@everybody
def test_97_one_name_has_one_account_however_it_is_spelt(server: LiveServer, kind: Kind) -> None:
    Caller(server, kind).sign_up(ANN)
    for spelt in SAME:
        caller = Caller(server, kind)
        caller.sign_in(spelt)
        assert caller.is_signed_in, spelt
        assert not try_to_join(server, kind, spelt).is_signed_in, spelt
    assert len(httpx.get(f"{server.admin}admin/identities").json()) == 1


@everybody
def test_97_a_look_alike_opens_no_account_of_another(server: LiveServer, kind: Kind) -> None:
    id_ = Caller(server, kind).sign_up(ANN)["id"]
    for spelt in OTHERS:
        caller = Caller(server, kind)
        caller.sign_in(spelt)
        assert not caller.is_signed_in, spelt
        joined = try_to_join(server, kind, spelt, "a-password-of-eve-1")
        assert joined.whoami().get("identity", {}).get("id") != id_, spelt
    late = Caller(server, kind)
    late.sign_in(password="a-password-of-eve-1")
    assert not late.is_signed_in


@everybody
def test_97_composed_and_decomposed_letters_are_one_name(server: LiveServer, kind: Kind) -> None:
    composed = unicodedata.normalize("NFC", "zoë@example.org")
    httpx.post(f"{server.admin}admin/identities", json={"schema_id": "default", "traits": {"email": composed},
               "credentials": {"password": {"config": {"password": PASSWORD}}}})  # fmt: skip
    found = [
        Caller(server, kind).sign_in(unicodedata.normalize(form, composed)).status_code
        for form in ("NFC", "NFD", "NFKD")
    ]
    assert len(set(found)) == 1


@everybody
def test_94_no_syntax_means_anything_in_a_name(server: LiveServer, kind: Kind) -> None:
    Caller(server, kind).sign_up(ANN)
    for name in (
        "*)(uid=*",
        "' or '1'='1",
        "ann@example.org' --",
        "{{7*7}}",
        "${jndi:ldap://x}",
        "%",
        "ann%",
        "a_n@example.org",
        "\\",
        "ann@example.org\0x",
    ):
        caller = Caller(server, kind)
        caller.sign_in(name)
        assert caller.last.status_code in (303, 400), name
        assert not caller.is_signed_in, name


# --- bodies -------------------------------------------------------------------------------------------------------------


def deep(levels: int) -> str:
    return '{"a":' * levels + "1" + "}" * levels


HEAVY = [
    ("application/json", '{"method":"password","traits":' + deep(100_000) + "}"),
    ("application/json", "[" * 500_000),
    ("application/json", '{"a":' * 200_000),
    ("application/json", json.dumps({f"k{n}": n for n in range(100_000)})),
    ("application/json", json.dumps({"method": "password", "traits": {f"k{n}": n for n in range(50_000)}})),
    ("application/json", '{"method":"password","identifier":"' + "x" * 2_000_000 + '","password":"y"}'),
    ("application/json", '{"method":"password","password":' + "9" * 1_000_000 + "}"),
    ("application/x-www-form-urlencoded", "&".join(f"k{n}=1" for n in range(100_000))),
    ("application/x-www-form-urlencoded", "traits." + "a." * 100_000 + "b=1"),
    ("multipart/form-data; boundary=x", "--x\r\n" * 100_000),
    ("application/x-www-form-urlencoded", "%" * 100_000),
]  # fmt: skip


def test_99_a_heavy_body_is_refused_and_the_server_lives_on(server: LiveServer) -> None:
    for kind in ("login", "registration", "recovery"):
        with httpx.Client(base_url=server.public, headers=JSON) as http:
            for content_type, body in HEAVY:
                flow = http.get(f"self-service/{kind}/api").json()
                if "ui" not in flow:
                    continue
                answer = http.post(flow["ui"]["action"], content=body.encode(), headers={"content-type": content_type})
                assert answer.status_code in (400, 403, 413), (kind, body[:60])
    assert httpx.get(f"{server.public}health/ready").status_code == 200


def test_99_what_is_too_large_is_not_read_to_its_end(server: LiveServer) -> None:
    form = httpx.get(f"{server.public}self-service/login/api").json()
    body = b'{"password":"' + b"x" * (6 << 20) + b'"}'
    for url in (form["ui"]["action"], f"{server.admin}admin/identities"):
        answer = httpx.post(url, content=body, headers={"content-type": "application/json"})
        assert answer.status_code in (400, 413)


@pytest.mark.parametrize("charset", ["undefined", "unicode_escape", "utf-7", "zlib", "no such"])
def test_99_no_charset_makes_a_text_that_cannot_be_written(server: LiveServer, charset: str) -> None:
    """Half a letter (`\\ud800`), in each of these ways to write it."""
    part = '--b\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
    password = ("password", "\\ud800+2AA-\\ud800+2AA-")
    for kind, name in (("login", "identifier"), ("registration", "traits.email")):
        body = "".join(part.format(*field) for field in (("method", "password"), (name, "\\ud800+2AA-@a.b"), password))
        action = httpx.get(f"{server.public}self-service/{kind}/api", headers=JSON).json()["ui"]["action"]
        for parameter in (f"charset={charset}", f'Charset*="{charset}"', f"charset*0*=utf-8''{charset}"):
            headers = {**JSON, "content-type": f"multipart/form-data; boundary=b; {parameter}"}
            answer = httpx.post(action, content=f"{body}--b--\r\n".encode(), headers=headers)
            assert answer.status_code == 400, (kind, parameter)


def test_99_a_match_that_takes_too_long_is_given_up() -> None:
    """A pattern that looks around itself is tried in so many ways and no more; what it was not found to fit does not fit."""
    pattern = "(?<=a)b|(a*)*$(?=x)"
    traits = {"type": "object", "properties": {"nick": {"type": "string", "pattern": pattern}}}
    schema = IdentitySchema("person", json.dumps({"type": "object", "properties": {"traits": traits}}).encode())
    assert schema.check({"nick": "a" * 5000 + "!"}) == [(messages.PATTERN_MISMATCH(pattern=pattern), "traits.nick")]


def test_99_the_admin_api_refuses_heavy_bodies_too(server: LiveServer) -> None:
    for content_type, body in HEAVY:
        answer = httpx.post(
            f"{server.admin}admin/identities", content=body.encode(), headers={"content-type": content_type}
        )
        assert answer.status_code in (400, 413, 415), body[:60]


def test_99_a_hash_that_costs_too_much_is_not_imported(server: LiveServer) -> None:
    """A check of it would take the memory, or the processor, of everybody else."""
    tail = "$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g"
    for hashed in (
        f"$argon2id$v=19$m=8388608,t=1,p=1{tail}",
        f"$argon2id$v=19$m=1024,t=1000000,p=1{tail}",
        "$2a$31$" + "a" * 53,
        f"$pbkdf2-sha256$i=1000000000,l=32{tail}",
        "$scrypt$ln=1073741824,r=8,p=1$c2FsdHNhbHQ=$aGFzaGhhc2g=",
    ):
        credentials = {"password": {"config": {"hashed_password": hashed}}}
        body = {"schema_id": "default", "traits": {"email": ANN}, "credentials": credentials}
        assert httpx.post(f"{server.admin}admin/identities", json=body).status_code == 400, hashed


@everybody
def test_99_a_long_password_costs_no_more_than_a_short_one(server: LiveServer, kind: Kind) -> None:
    Caller(server, kind).sign_up()
    work: list[Any] = []
    for password in ("wrong", "x" * 1_000_000):
        caller = Caller(server, kind)
        flow = caller.start("login")
        counting = CountingPasswords.of(server)
        caller.submit(flow, method="password", identifier=ANN, password=password)
        work.append(counting.work)
    assert work[0] == work[1]
    assert len(work[0]) == 1
