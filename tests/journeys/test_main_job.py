"""A person signs up, is recognised, signs out and in again: as an app, a script and a page, on both databases."""

from __future__ import annotations

import pytest
from tests.support.callers import KINDS, PASSWORD, Caller, Kind, told
from tests.support.server import LiveServer

everybody = pytest.mark.parametrize("kind", KINDS)


@everybody
def test_sign_up_recognised_sign_out_and_in(server: LiveServer, kind: Kind) -> None:
    ann = Caller(server, kind)
    person = ann.sign_up(name="Ann")
    assert person["traits"] == {"email": "ann@example.org", "name": "Ann"}
    sign_out(ann)
    assert not ann.is_signed_in
    assert ann.sign_in().status_code in (200, 303)
    assert ann.whoami()["identity"]["id"] == person["id"]


def sign_out(caller: Caller) -> None:
    if caller.kind == "app":
        answer = caller.http.request("DELETE", "self-service/logout/api", json={"session_token": caller.token})
        assert answer.status_code == 204
    else:
        caller.get(caller.json("self-service/logout/browser")["logout_url"])
        assert caller.last.status_code in (204, 303)


@everybody
def test_wrong_password_and_unknown_person_read_the_same(server: LiveServer, kind: Kind) -> None:
    Caller(server, kind).sign_up()
    seen = []
    for email, password in (("ann@example.org", "wrong-password-1"), ("nobody@example.org", PASSWORD)):
        caller = Caller(server, kind)
        caller.sign_in(email, password)
        flow = caller.shown("login")
        seen.append((caller.last.status_code, told(flow), [n["attributes"].get("name") for n in flow["ui"]["nodes"]]))
        assert not caller.is_signed_in
    assert seen[0] == seen[1]
    assert seen[0][1] == {4000006}
