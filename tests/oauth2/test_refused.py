"""Login requests that are unknown, used or late, and an OAuth 2.0 server that is not well."""

from __future__ import annotations

from typing import Any

import pytest

from tests.oauth2.conftest import BROWSERS, Provider, goes_to, query_of
from tests.support.callers import PASSWORD, Caller, Kind
from tests.support.oauth2 import OAuth2Server
from tests.support.server import LiveServer

LATE = {"error": "request_unauthorized", "error_hint": "begin again"}


@pytest.mark.parametrize("way", ["login", "registration"])
@pytest.mark.parametrize(
    ("answer", "status", "details"),
    [
        ((404, {"error": "x"}), 400, {"status_code": 404, "oauth2_error_hint": ""}),
        ((401, LATE), 400, {"status_code": 401, "oauth2_error_hint": "begin again"}),
        ((410, {"redirect_to": "https://a"}), 400, {"status_code": 410}),
        ((400, []), 400, {"status_code": 400}),
        ((503, LATE), 500, None),
        ((429, LATE), 500, None),
        ((501, LATE), 500, {"status_code": 501, "oauth2_error_hint": "begin again"}),
        ((200, {"challenge": "one"}), 400, {"status_code": 200}),
        ((200, b"\xff no json"), 400, {"status_code": 200}),
    ],
)
def test_what_the_server_says_is_told(
    live: LiveServer, hydra: OAuth2Server, way: str, answer: Any, status: int, details: Any
) -> None:
    hydra.asked[hydra.open()] = answer
    caller = Caller(live, "script")
    caller.get(f"self-service/{way}/browser", login_challenge="one")
    assert (caller.last.status_code, caller.last.json()["error"].get("details")) == (status, details)


def test_an_empty_challenge_is_none(live: LiveServer, hydra: OAuth2Server) -> None:
    for path in ("login/browser", "login/api", "registration/browser", "registration/api"):
        caller = Caller(live, "script")
        caller.get(f"self-service/{path}", login_challenge="")
        assert caller.last.status_code == 400
    assert hydra.calls == []


@pytest.mark.parametrize("kind", BROWSERS)
def test_a_sign_in_that_is_not_accepted_leaves_no_session(
    live: LiveServer, hydra: OAuth2Server, ann: str, kind: Kind
) -> None:
    caller = Caller(live, kind)
    flow = caller.start("login", login_challenge=hydra.open())
    hydra.accepting["one"] = (401, LATE)
    caller.submit(flow, method="password", identifier="ann@example.org", password=PASSWORD)
    assert "ory_kratos_session" not in caller.last.headers.get("set-cookie", "")
    if kind == "page":
        error = caller.json("self-service/errors", **query_of(goes_to(caller)))["error"]
    else:
        error = caller.last.json()["error"]
    assert (error["code"], error["details"]) == (400, {"status_code": 401, "oauth2_error_hint": "begin again"})
    assert not caller.is_signed_in
    del hydra.accepting["one"]  # nothing is used up: the same form works once the server is well
    caller.submit(flow, method="password", identifier="ann@example.org", password=PASSWORD)
    assert goes_to(caller) == hydra.back()


@pytest.mark.parametrize("answer", [(200, {}), (200, {"redirect_to": ""}), (200, []), (500, LATE)])
def test_an_acceptance_without_a_way_on_signs_nobody_in(
    live: LiveServer, hydra: OAuth2Server, ann: str, answer: Any
) -> None:
    hydra.accepting[hydra.open()] = answer
    caller = Caller(live, "script")
    caller.sign_in(login_challenge="one")
    assert caller.last.status_code == 500
    assert not caller.is_signed_in


def test_a_sign_up_that_is_not_accepted_leaves_nobody(live: LiveServer, hydra: OAuth2Server) -> None:
    hydra.accepting[hydra.open()] = (404, LATE)
    caller = Caller(live, "script")
    flow = caller.start("registration", login_challenge="one")
    caller.submit(flow, method="password", password=PASSWORD, traits={"email": "ann@example.org"})
    assert caller.last.status_code == 400
    assert caller.http.get(live.admin + "admin/identities").json() == []


def test_a_server_that_is_gone(live: LiveServer, hydra: OAuth2Server, ann: str) -> None:
    caller = Caller(live, "script")
    flow = caller.start("login", login_challenge=hydra.open())
    hydra.close()
    caller.submit(flow, method="password", identifier="ann@example.org", password=PASSWORD)
    assert caller.last.status_code == 500
    assert not caller.is_signed_in


def test_a_server_taken_out_of_the_configuration(provider: Provider, hydra: OAuth2Server) -> None:
    live = provider()
    Caller(live, "app").sign_up()
    caller = Caller(live, "script")
    flow = caller.start("login", login_challenge=hydra.open())
    other = provider(
        {"oauth2_provider": {"url": None}, "serve": {"public": {"base_url": live.public}}}
    )  # the next start
    here = {**flow, "ui": {**flow["ui"], "action": flow["ui"]["action"].replace(live.public, other.public)}}
    caller.submit(here, method="password", identifier="ann@example.org", password=PASSWORD)
    assert (caller.last.status_code, caller.last.json()["error"]["id"]) == (500, "invalid_configuration")
