"""Many people in and out: JSON and CSV, each row told, nothing secret in what goes out."""

from __future__ import annotations

import csv
import io
import json

import bcrypt
import pytest

from tests.console.conftest import can_sign_in
from tests.support.callers import PASSWORD
from tests.support.console import Console
from tests.support.server import LiveServer


def test_people_come_in_and_each_row_is_told(server: LiveServer, owner: Console) -> None:
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    users = [
        {"email": "plain@example.org", "password": PASSWORD, "verified": True},
        {"email": "hashed@example.org", "hashed_password": hashed, "hash_format": "bcrypt", "traits": {"name": "H"}},
        {"email": "plain@example.org"},
        {"email": "no address"},
        {"email": "odd@example.org", "hashed_password": "$unknown$x"},
    ]
    body = owner.post("api/auth/users/import", {"users": users})
    assert [one["success"] for one in body["results"]] == [True, True, False, False, False]
    assert all(one["error"] for one in body["results"][2:])
    assert (body["imported"], body["failed"]) == (2, 3)
    assert can_sign_in(server, "plain@example.org")
    assert can_sign_in(server, "hashed@example.org")
    again = owner.post("api/auth/users/import", {"users": users[:2]})
    assert again["imported"] == 0  # nobody is doubled


def test_a_table_comes_in(server: LiveServer, owner: Console) -> None:
    lines = (
        "email,password,verified,name",
        f"ann@example.org,{PASSWORD},true,Ann",
        f'ben@example.org,{PASSWORD},,"Ben, the second"',
    )
    table = "".join(f"{line}\r\n" for line in lines)
    answer = owner.http.post("api/auth/users/import", content=table.encode(), headers={"content-type": "text/csv"})
    assert answer.json()["imported"] == 2
    assert can_sign_in(server, "ben@example.org")
    found = owner.get("api/auth/identities", search="ben")["identities"][0]
    assert found["traits"]["name"] == "Ben, the second"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "application/json"), (b'{"users": []}', "application/json"), (b'{"users": 1}', "application/json"),
        (b"\xff\xfe", "text/csv"), (b"email\na,b,c\n", "text/csv"), (b'email\n"open', "text/csv"), (b"", "text/csv"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told(owner: Console, content: bytes, kind: str) -> None:
    answer = owner.http.post("api/auth/users/import", content=content, headers={"content-type": kind})
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]


def test_what_no_database_takes_is_told_of_that_row(owner: Console) -> None:
    odd = [
        {"email": f"{n}@example.org", **more}
        for n, more in enumerate(({"external_id": "a\0b"}, {"traits": {"name": "\0"}}))
    ]
    body = owner.post("api/auth/users/import", {"users": [*odd, {"email": "fine@example.org"}]})
    assert owner.status == 200
    assert body["results"][0]["outcome"] == "refused"
    assert body["results"][2]["outcome"] == "created"
    deep = ".".join("a" * 100_000)
    cell = '"' + '{""a"":' * 10_000 + '"'
    for table in (f"email,{deep}\na@example.org,x\n", f"email,traits\na@example.org,{cell}\n", "email,x\n\0,\0\n"):
        answer = owner.http.post("api/auth/users/import", content=table.encode(), headers={"content-type": "text/csv"})
        assert answer.status_code in (200, 400)
        assert answer.json().get("imported", 0) == 0


def test_who_is_here_already_is_named(owner: Console) -> None:
    first = owner.post("api/auth/users/import", {"users": [{"email": "ann@example.org", "external_id": "7"}]})[
        "results"
    ][0]
    again = [
        {"email": "ANN@example.org"},
        {"email": "other@example.org", "external_id": "7"},
        {"email": "ann@example.org"},
    ]
    body = owner.post("api/auth/users/import", {"users": again})
    assert [(one["outcome"], one["id"], one["success"]) for one in body["results"]] == [
        ("exists", first["id"], False)
    ] * 3
    assert (body["imported"], body["failed"]) == (0, 3)
    clash = {"email": "owner@example.org", "external_id": "7"}
    assert owner.post("api/auth/users/import", {"users": [clash]})["results"][0]["outcome"] == "refused"


def test_too_many_are_refused(owner: Console) -> None:
    owner.post("api/auth/users/import", {"users": [{"email": f"p{n}@example.org"} for n in range(501)]})
    assert owner.status == 400


def test_everybody_goes_out_and_nothing_secret(server: LiveServer, owner: Console) -> None:
    users = [{"email": f"person-{n}@example.org", "password": PASSWORD if n < 3 else ""} for n in range(500)]
    for part in (users[:250], users[250:]):
        owner.post("api/auth/users/import", {"users": part})
    owner.post("api/auth/users/import", {"users": [{"email": "f@example.org", "external_id": "=1+1"}]})
    answer = owner.http.get("api/auth/users/export", params={"format": "json"})
    people = json.loads(answer.text)
    assert len(people) == 502
    assert "hashed_password" not in answer.text
    assert "$2" not in answer.text
    answer = owner.http.get("api/auth/users/export", params={"format": "csv"})
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert len(rows) == 502
    assert {row["email"] for row in rows} >= {"person-0@example.org", "owner@example.org"}
    assert "'=1+1" in {row["external_id"] for row in rows}
    owner.get("api/auth/users/export", format="xml")
    assert owner.status == 400
