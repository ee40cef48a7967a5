"""Signing in for an OAuth 2.0 server: it is asked what it wants, and told who came."""

from __future__ import annotations

import httpx
import pytest

from tests.oauth2.conftest import BROWSERS, Provider, goes_to
from tests.support.callers import HTML, Caller, Kind, told
from tests.support.console import operator
from tests.support.oauth2 import ROOT, OAuth2Server
from tests.support.server import LiveServer


@pytest.mark.parametrize("kind", BROWSERS)
def test_who_signs_in_goes_on_at_the_server(live: LiveServer, hydra: OAuth2Server, ann: str, kind: Kind) -> None:
    caller = Caller(live, kind)
    caller.sign_in(login_challenge=hydra.open())
    assert goes_to(caller) == hydra.back()
    assert hydra.accepted == [
        {
            "subject": ann,
            "identity_provider_session_id": caller.whoami()["id"],
            "remember": True,
            "remember_for": 86400,
            "amr": ["password"],
        }
    ]


def test_the_form_shows_what_the_server_said(live: LiveServer, hydra: OAuth2Server) -> None:
    flow = Caller(live, "script").start("login", login_challenge=hydra.open())
    assert flow["oauth2_login_challenge"] == "one"
    assert flow["oauth2_login_request"] == {
        **hydra.requests["one"],
        "client": {"client_id": "app", "client_name": "The app", "logo_uri": ""},
        "oidc_context": {"login_hint": "ann@example.org"},
    }


def test_a_refused_form_shows_it_too(live: LiveServer, hydra: OAuth2Server, ann: str) -> None:
    caller = Caller(live, "script")
    caller.sign_in(password="not-this-one-1", login_challenge=hydra.open())
    assert told(caller.last.json()) == {4000006}
    assert caller.last.json()["oauth2_login_request"]["client"]["client_id"] == "app"
    assert hydra.accepted == []


def test_the_server_is_asked_anew_each_time(live: LiveServer, hydra: OAuth2Server) -> None:
    caller = Caller(live, "script")
    flow = caller.start("login", login_challenge=hydra.open())
    hydra.asked["one"] = (410, {"redirect_to": hydra.url})
    gone = caller.flow("login", flow["id"])
    assert caller.last.status_code == 400
    assert gone["error"]["details"] == {"status_code": 410}


def test_the_configured_headers_are_sent(provider: Provider, hydra: OAuth2Server) -> None:
    live = provider({"oauth2_provider": {"headers": {"Authorization": "Bearer let-me-in", "X-Tenant": "a"}}})
    Caller(live, "app").sign_up()
    Caller(live, "script").sign_in(login_challenge=hydra.open())
    assert {call["path"] for call in hydra.calls} == {ROOT, ROOT + "/accept"}
    assert {(c["headers"]["authorization"], c["headers"]["x-tenant"]) for c in hydra.calls} == {
        ("Bearer let-me-in", "a")
    }


def test_a_session_that_ends_with_the_browser_is_not_remembered(provider: Provider, hydra: OAuth2Server) -> None:
    live = provider({"session": {"lifespan": "90m", "cookie": {"persistent": False}}})
    Caller(live, "app").sign_up()
    Caller(live, "page").sign_in(login_challenge=hydra.open())
    assert [(sent["remember"], sent["remember_for"]) for sent in hydra.accepted] == [(False, 5400)]


def test_an_app_has_nowhere_to_go_on(live: LiveServer, hydra: OAuth2Server, ann: str) -> None:
    caller = Caller(live, "app")
    flow = caller.start("login", login_challenge=hydra.open())
    assert flow["oauth2_login_challenge"] == "one"
    assert "oauth2_login_request" not in flow
    assert "oauth2_login_request" in Caller(live, "app").flow("login", flow["id"])
    caller.submit(flow, method="password", identifier="ann@example.org", password="correct-horse-battery-1")
    assert caller.is_signed_in
    assert hydra.accepted == []


@pytest.mark.parametrize("kind", BROWSERS)
def test_who_signs_in_again_names_each_method_once(live: LiveServer, hydra: OAuth2Server, ann: str, kind: Kind) -> None:
    caller = Caller(live, kind)
    caller.sign_in()
    first = caller.whoami()["id"]
    flow = caller.start("login", login_challenge=hydra.open())
    assert flow["refresh"] is True
    assert told(flow) == {1010003}
    caller.submit(flow, method="password", identifier="ann@example.org", password="correct-horse-battery-1")
    assert goes_to(caller) == hydra.back()
    assert [(sent["identity_provider_session_id"], sent["amr"]) for sent in hydra.accepted] == [(first, ["password"])]


def test_a_remembered_page_goes_straight_back(live: LiveServer, hydra: OAuth2Server, ann: str) -> None:
    caller = Caller(live, "page")
    caller.sign_in()
    for way in ("login", "registration"):
        caller.get(f"self-service/{way}/browser", login_challenge=hydra.open(way, skip=True, subject=ann))
        assert goes_to(caller) == hydra.back(way)
    assert [sent["subject"] for sent in hydra.accepted] == [ann, ann]


def test_a_remembered_script_is_told(live: LiveServer, hydra: OAuth2Server, ann: str) -> None:
    caller = Caller(live, "script")
    caller.sign_in()
    caller.get("self-service/login/browser", login_challenge=hydra.open("in", skip=True))
    assert (caller.last.status_code, caller.last.json()["error"]["id"]) == (400, "session_already_available")
    caller.get("self-service/registration/browser", login_challenge=hydra.open("up", skip=True))
    assert (caller.last.status_code, goes_to(caller)) == (422, hydra.back("up"))
    assert len(hydra.accepted) == 2


def test_an_operator_who_acts_as_somebody_gets_no_tokens_of_clients(
    live: LiveServer, hydra: OAuth2Server, ann: str
) -> None:
    """They would outlive the quarter of an hour for which the operator is let in."""
    acting = operator(live, "owner").post(f"api/auth/identities/{ann}/impersonate", {"reason": "They asked for help."})
    caller = Caller(live, "script")
    caller.http.headers["x-session-token"] = acting["session_token"]
    for way in ("login", "registration"):
        caller.get(f"self-service/{way}/browser", login_challenge=hydra.open(way, skip=True, subject=ann))
        assert (caller.last.status_code, caller.last.json()["error"]["id"]) == (403, "security_impersonated")
    assert hydra.accepted == []


def test_remembered_without_a_session_is_a_sign_in(live: LiveServer, hydra: OAuth2Server, ann: str) -> None:
    flow = Caller(live, "script").start("login", login_challenge=hydra.open(skip=True))
    assert flow["refresh"] is False
    assert flow["request_url"].endswith("?login_challenge=one")


def test_a_challenge_needs_a_server(server: LiveServer) -> None:
    for path in ("login/browser", "login/api", "registration/browser", "registration/api"):
        answer = httpx.get(
            f"{server.public}self-service/{path}?login_challenge=x", headers={"accept": "application/json"}
        )
        assert (answer.status_code, answer.json()["error"]["id"]) == (500, "invalid_configuration")


def test_other_forms_do_not_mind_a_challenge(server: LiveServer) -> None:
    caller = Caller(server, "script")
    for kind in ("recovery", "verification"):
        server_answer = caller.get(f"self-service/{kind}/browser", login_challenge="x")
        assert server_answer.status_code in (200, 400)
        assert "oauth2" not in server_answer.text


def test_an_error_page_is_told_what_the_server_said(live: LiveServer) -> None:
    caller = Caller(live, "page")
    caller.get("self-service/login/browser", login_challenge="unknown")
    shown = caller.json("self-service/errors", id=goes_to(caller).partition("id=")[2])["error"]
    assert (shown["code"], shown["details"]) == (400, {"status_code": 404, "oauth2_error_hint": ""})
    assert "404" in shown["debug"]
    answer = httpx.get(f"{live.public}self-service/login/flows?id=x", headers=HTML)
    assert "debug" not in answer.text


def test_91_what_belongs_to_the_client_alone_is_not_shown(live: LiveServer, hydra: OAuth2Server) -> None:
    secrets = {"client_secret": "of the client", "registration_access_token": "of the client, too"}
    challenge = hydra.open(client={"client_id": "app", **secrets})
    caller = Caller(live, "script")
    flow = caller.start("login", login_challenge=challenge)
    assert flow["oauth2_login_request"]["client"] == {"client_id": "app"}
    assert "of the client" not in caller.last.text
