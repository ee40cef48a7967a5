"""People moved in without a password: the former system is asked once, and what it takes is stored."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Start
from tests.hooks.conftest import source
from tests.support.callers import KINDS, PASSWORD, Caller, Kind, told
from tests.support.operators import Operator
from tests.support.receiver import Receiver, Reply
from tests.support.server import LiveServer

FLAG = {"password": {"config": {"use_password_migration_hook": True}}}
YES = b'{"status":"password_match"}'
everybody = pytest.mark.parametrize("kind", KINDS)


def begin(start: Start, receiver: Receiver, *, enabled: bool = True, **config: Any) -> LiveServer:
    hook = {"enabled": enabled, "config": {"url": receiver.url("/migrate"), **config}}
    server = start({"selfservice": {"methods": {"password": {"config": {"migrate_hook": hook}}}}})
    assert Operator(server).create(credentials=FLAG).status_code == 201
    return server


def stored(server: LiveServer) -> Any:
    operator = Operator(server)
    return operator.config(operator.get("identities")[0]["id"], "password")


@everybody
def test_a_match_signs_in_and_is_asked_for_once(start: Start, receiver: Receiver, kind: Kind) -> None:
    server = begin(start, receiver)
    receiver.on("/migrate", Reply(200, YES))
    first = Caller(server, kind)
    first.sign_in()
    assert first.is_signed_in
    assert [call.json for call in receiver.at("/migrate")] == [{"identifier": "ann@example.org", "password": PASSWORD}]
    assert set(stored(server)) == {"hashed_password"}
    receiver.on("/migrate", Reply(403, b""))
    second, wrong = Caller(server, kind), Caller(server, kind)
    second.sign_in()
    wrong.sign_in(password="another-password-1")
    assert (second.is_signed_in, wrong.is_signed_in) == (True, False)
    assert len(receiver.at("/migrate")) == 1


@pytest.mark.parametrize(
    "answer",
    [(403, b""), (200, b'{"status":"no"}'), (200, b""), (200, b"nonsense"), (200, b"[]"), (200, b'{"status":5}'),
     (200, b'{"status":"PASSWORD_MATCH"}'), (200, b'{"pad":"' + b"x" * 2000 + b'","status":"password_match"}')],
)  # fmt: skip
def test_anything_but_a_match_is_a_wrong_password(start: Start, receiver: Receiver, answer: tuple[int, bytes]) -> None:
    server = begin(start, receiver)
    receiver.on("/migrate", Reply(*answer))
    app = Caller(server, "app")
    assert app.sign_in().status_code == 400
    assert told(app.last.json()) == {4000006}
    assert stored(server) == {"hashed_password": "", "use_password_migration_hook": True}


@pytest.mark.parametrize("status", [204, 301, 400, 404])
def test_an_answer_that_says_neither_is_nobodys_fault_but_ours(start: Start, receiver: Receiver, status: int) -> None:
    server = begin(start, receiver)
    receiver.on("/migrate", Reply(status, b""))
    app = Caller(server, "app")
    assert app.sign_in().status_code == 502
    assert not app.is_signed_in


def test_a_system_that_is_gone(start: Start, receiver: Receiver) -> None:
    server = begin(start, receiver, url="http://127.0.0.1:9/migrate")
    assert Caller(server, "app").sign_in().status_code == 502


def test_switched_off_it_is_the_operators_to_mend(start: Start, receiver: Receiver) -> None:
    server = begin(start, receiver, enabled=False)
    answer = Caller(server, "app").sign_in()
    assert (answer.status_code, answer.json()["error"]["id"]) == (500, "invalid_configuration")
    assert receiver.at("/migrate") == []


def test_the_template_decides_what_is_told(start: Start, receiver: Receiver) -> None:
    snippet = "function(ctx) {who: ctx.identifier, secret: ctx.password, mail: ctx.identity.traits.email, type: ctx.flow.type}"
    key = {"type": "api_key", "config": {"in": "header", "name": "x-key", "value": "k"}}
    server = begin(start, receiver, body=source(snippet), auth=key)
    receiver.on("/migrate", Reply(200, YES))
    assert Caller(server, "app").sign_in().status_code == 200
    call = receiver.at("/migrate")[0]
    assert call.json == {"who": "ann@example.org", "secret": PASSWORD, "mail": "ann@example.org", "type": "api"}
    assert call.headers["x-key"] == "k"


def test_a_disabled_person_is_refused_and_nothing_is_stored(start: Start, receiver: Receiver) -> None:
    server = begin(start, receiver)
    receiver.on("/migrate", Reply(200, YES))
    operator = Operator(server)
    id_ = operator.get("identities")[0]["id"]
    operator.http.patch(f"admin/identities/{id_}", json=[{"op": "replace", "path": "/state", "value": "inactive"}])
    app = Caller(server, "app")
    app.sign_in()
    assert not app.is_signed_in
    assert "use_password_migration_hook" in stored(server)


def test_strangers_are_not_told_to_the_former_system(start: Start, receiver: Receiver) -> None:
    server = begin(start, receiver)
    assert Caller(server, "app").sign_in("nobody@example.org").status_code == 400
    assert receiver.at("/migrate") == []
