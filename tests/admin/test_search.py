"""Search: people are found by what they are called and reached at, narrowed and sorted, a page at a time."""

from __future__ import annotations

from typing import Any

import pytest

from limen.identity import search
from tests.conftest import Start
from tests.support.callers import PASSWORD, Caller
from tests.support.direct import ask
from tests.support.factors import set_up_app
from tests.support.operators import Operator, links
from tests.support.process import until
from tests.support.server import LiveServer

PEOPLE = {
    "ann.lee@example.org": "Ann Marie Lee",
    "bob@mail.example.com": "José Müller",
    "cat@example.net": "Σωκράτης O'Brien",
    "dan_100%@example.org": "田中 太郎",
    "eve@example.org": "Eve",
}


@pytest.fixture
def operator(server: LiveServer) -> Operator:
    operator = Operator(server)
    operator.batch(*({"traits": {"email": email, "name": name}} for email, name in PEOPLE.items()))
    return operator


def found(operator: Operator, **query: Any) -> list[str]:
    """The first letters of those who are found, in order."""
    return [person["traits"]["email"][0] for person in operator.get("identities", **query)]


def walk(operator: Operator, **query: Any) -> list[str]:
    answer = operator.http.get("admin/identities", params=query)
    assert answer.status_code == 200, answer.text
    letters = [person["traits"]["email"][0] for person in answer.json()]
    while following := links(answer).get("next"):
        answer = operator.http.get(following)
        letters += [person["traits"]["email"][0] for person in answer.json()]
    return letters


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("ann.lee@example.org", "a"), ("ANN.LEE@EXAMPLE.ORG", "a"), ("ann", "a"), ("ann.l", "a"), ("marie", "a"), ("lee", "a"),
        ("mar lee", "a"), ("lee ann", "a"), ("lee bob", ""), ("nn", ""), ("jose", "b"), ("josé", "b"), ("MULLER", "b"),
        ("müll", "b"), ("σωκρατης", "c"), ("ΣΩΚΡΆΤΗΣ", "c"), ("o'brien", "c"), ("brien", "c"), ("田中", "d"), ("太", "d"),
        ("@example.org", "ade"), ("example.org", "ade"), ("mail.example.com", "b"), ("example.com", "b"), ("example", "abcde"),
        ("dan_100%", "d"), ("dan_", "d"), ("d_n", ""), ("%", ""), ("_", ""), ("ann%", "a"), ("a%l", ""), ("!", ""),
        ("   ", "abcde"),        ("' or 1=1 --", ""), ("\\", ""), ("x" * 5000, ""), ("a b c d e f g h i j", ""),
    ],
)  # fmt: skip
def test_people_are_found_by_the_beginnings_of_words(operator: Operator, text: str, who: str) -> None:
    assert sorted(found(operator, search=text)) == sorted(who)


def test_people_are_found_by_ids(operator: Operator) -> None:
    person = operator.person("fay@example.org", external_id="crm-4711")
    id_ = person["id"]
    for text in (id_, id_.upper(), id_.replace("-", ""), id_[:20], "crm-4711", "CRM", "4711"):
        assert found(operator, search=text) == ["f"], text
    assert "f" in found(operator, search=id_[:8])  # with whoever else was made in the same minute
    assert found(operator, search=f"{id_} fay") == ["f"]
    assert found(operator, search=f"{id_} ann") == []


def test_filters(start: Start) -> None:
    server = start({"selfservice": {"methods": {"totp": {"enabled": True}}}})
    operator = Operator(server)
    operator.batch(*({"traits": {"email": email, "name": name}} for email, name in PEOPLE.items()))
    ann = Caller(server, "app")
    ann.sign_up("fay@example.org")
    set_up_app(ann)
    operator.person("gil@example.org", state="inactive")
    proved = [{"value": "hal@example.org", "via": "email", "verified": True, "status": "completed"}]
    operator.person("hal@example.org", password="", verifiable_addresses=proved)
    assert found(operator, state="inactive") == ["g"]
    assert sorted(found(operator, state="active")) == list("abcdefh")
    assert found(operator, verified="true") == ["h"]
    assert sorted(found(operator, verified="false")) == list("abcdefg")
    assert found(operator, has_credential="totp") == ["f"]
    assert sorted(found(operator, has_credential="password")) == ["f", "g"]
    assert found(operator, has_credential=["password", "totp"]) == ["f"]
    assert sorted(found(operator, schema_id="default", search="example.org")) == list("adefgh")
    assert found(operator, schema_id="other") == []
    assert found(operator, state="inactive", search="gil", has_credential="password", verified="false") == ["g"]
    assert found(operator, state="inactive", search="ann") == []


def test_what_changes_is_found_as_it_is_now(operator: Operator) -> None:
    person = operator.person("fay@example.org")
    path = f"admin/identities/{person['id']}"
    change = [
        {"op": "replace", "path": "/traits/email", "value": "zoe@example.net"},
        {"op": "replace", "path": "/state", "value": "inactive"},
    ]
    assert operator.http.patch(path, json=change).status_code == 200
    assert (found(operator, search="fay"), found(operator, search="zoe")) == ([], ["z"])
    assert (found(operator, state="inactive"), found(operator, search="zoe", state="active")) == (["z"], [])
    assert operator.http.delete(path).status_code == 204
    assert (found(operator, search="zoe"), found(operator, state="inactive")) == ([], [])


def test_nothing_is_left_of_who_was_deleted(operator: Operator, server: LiveServer) -> None:
    id_ = operator.person("fay@example.org")["id"]
    operator.http.delete(f"admin/identities/{id_}")
    for table in ("directory", "directory_words"):
        assert ask(server.app.config.dsn, f"select count(*) from {table} where identity_id = '{id_}'")[0][0] == 0


@pytest.mark.parametrize("reach", [None, 2])
@pytest.mark.parametrize("few", [None, 0])
@pytest.mark.parametrize("query", [{}, {"search": "example"}, {"search": "example.org", "verified": "false"}])
def test_pages_show_everybody_once_in_order(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, query: dict[str, str], few: int | None, reach: int | None
) -> None:
    """Also when there are too many to gather, and when a walk is cut short."""
    if few is not None:
        monkeypatch.setattr(search, "FEW", few)
    if reach is not None:
        monkeypatch.setattr(search, "REACH", reach)
    everybody = [
        p["traits"]["email"][0] for p in sorted(operator.get("identities"), key=lambda p: (p["created_at"], p["id"]))
    ]
    who = [letter for letter in everybody if letter in "ade"] if query.get("search") == "example.org" else everybody
    assert walk(operator, sort="created_at", page_size=2, **query) == who
    if query:  # without any of these it is Kratos' list, in the order of ids
        assert walk(operator, page_size=1, **query) == who[::-1]
    assert walk(operator, sort="-created_at", page_size=2, **query) == who[::-1]
    assert sorted(walk(operator, sort="last_login_at", page_size=2, **query)) == sorted(who)


@pytest.mark.parametrize("few", [None, 0])
def test_created_after(
    operator: Operator, server: LiveServer, monkeypatch: pytest.MonkeyPatch, few: int | None
) -> None:
    if few is not None:
        monkeypatch.setattr(search, "FEW", few)
    server.clock.forward(hours=1)
    moment = operator.person("fay@example.org")["created_at"]
    server.clock.forward(hours=1)
    operator.person("gil@example.org")
    assert found(operator, created_after=moment) == ["g"]
    assert walk(operator, created_after="2020-01-01", sort="created_at", page_size=3)[-2:] == ["f", "g"]
    assert found(operator, created_after="2999-01-01T00:00:00+02:00") == []
    assert walk(operator, created_after=moment.replace("Z", "+00:00"), sort="-last_login_at") == ["g"]


def test_the_last_sign_in_is_told_and_sorts(operator: Operator, server: LiveServer) -> None:
    for email in ("fay@example.org", "gil@example.org"):
        operator.person(email)
    shown = operator.get("identities", search="fay")[0]
    assert shown["last_login_at"] is None
    fay, gil = Caller(server, "app"), Caller(server, "app")
    fay.sign_in("fay@example.org")
    server.clock.forward(hours=1)
    gil.sign_in("gil@example.org")
    assert walk(operator, sort="-last_login_at", page_size=2)[:2] == ["g", "f"]
    assert walk(operator, sort="last_login_at", page_size=2)[-2:] == ["f", "g"]
    server.clock.forward(hours=1)
    fay.submit(fay.start("login", refresh="true"), method="password", identifier="fay@example.org", password=PASSWORD)
    assert walk(operator, sort="-last_login_at")[:2] == ["f", "g"]
    id_, at = fay.whoami()["identity"]["id"], fay.whoami()["authenticated_at"]
    assert operator.get(f"identities/{id_}", include="last_login_at")["last_login_at"] == at
    assert [p["last_login_at"] for p in operator.get("identities", ids=id_, include="last_login_at")] == [at]
    assert "last_login_at" not in operator.get(f"identities/{id_}")


def test_a_new_person_has_signed_in_by_signing_up(operator: Operator, server: LiveServer) -> None:
    fay = Caller(server, "app")
    fay.sign_up("fay@example.org")
    assert operator.get("identities", search="fay")[0]["last_login_at"] == fay.whoami()["authenticated_at"]


@pytest.mark.parametrize(
    "query",
    [
        {"state": "gone"}, {"verified": "maybe"}, {"has_credential": "hashed_password"}, {"sort": "traits"},
        {"sort": "created_at desc"}, {"created_after": "yesterday"}, {"created_after": "2026-13-01"},
        {"search": "a", "page_size": "x"},        {"search": "a", "page_token": "x"},
        {"search": "a", "ids": "00000000-0000-4000-8000-000000000000"},
        {"search": "a", "credentials_identifier": "b"}, {"include": "credentials"}, {"search": "a\0b", "state": "\0"},
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_told(operator: Operator, query: dict[str, str]) -> None:
    answer = operator.http.get("admin/identities", params=query)
    assert answer.status_code == 400
    assert answer.json()["error"]["reason"]


def test_a_token_of_another_order_is_told(operator: Operator) -> None:
    answer = operator.http.get("admin/identities", params={"search": "example", "page_size": "1"})
    token = links(answer)["next"].partition("page_token=")[2].partition("&")[0]
    assert (
        operator.http.get("admin/identities", params={"sort": "last_login_at", "page_token": token}).status_code == 400
    )


def test_credentials_come_along_when_asked(operator: Operator) -> None:
    operator.person("fay@example.org")
    shown = operator.get("identities", search="fay", include_credential="password")[0]
    assert shown["credentials"]["password"]["config"]["hashed_password"]
    assert "credentials" not in operator.get("identities", search="fay")[0]


def test_who_was_here_before_there_was_a_directory_is_found_after_a_start(start: Start) -> None:
    first = start()
    fay = Caller(first, "app")
    fay.sign_up("fay@example.org")
    dsn = first.app.config.dsn
    for table in ("directory", "directory_words", "chores"):
        ask(dsn, f"delete from {table}")
    operator = Operator(start())
    until(lambda: found(operator, search="fay"))
    assert found(operator, search="fay", has_credential="password") == ["f"]
    assert operator.get("identities", search="fay")[0]["last_login_at"]
    assert operator.http.delete(f"admin/identities/{fay.whoami()['identity']['id']}").status_code == 204
    assert ask(dsn, "select count(*) from directory_words")[0][0] == 0
