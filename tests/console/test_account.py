"""Signing in on the operator's port: by password, by the next step, by a link; signing up, changing, signing out."""

from __future__ import annotations

import pytest

from tests.conftest import Start
from tests.support import mail
from tests.support.callers import PASSWORD, Caller
from tests.support.console import Console, operator
from tests.support.factors import set_up_app, set_up_codes
from tests.support.server import LiveServer

ANN = "ann@example.org"
CONFIG = {
    "selfservice": {"methods": {"totp": {"enabled": True}, "lookup_secret": {"enabled": True}}},
    "limen": {"methods": {"link": {"login_enabled": True}}},
}


@pytest.fixture
def server(start: Start) -> LiveServer:
    return start(CONFIG)


def test_signing_up_and_in_sets_the_cookie(server: LiveServer) -> None:
    ann = Console(server)
    ann.sign_up(ANN)
    cookie = ann.last.headers["set-cookie"]
    assert cookie.startswith("truss_session=ory_st_")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    again = Console(server)
    body = again.sign_in(ANN)
    assert body["session_token"].startswith("ory_st_")
    assert body["session"]["identity"]["traits"]["email"] == ANN
    assert body["next"] is None
    assert again.get("api/auth/session")["session"]["id"] == body["session"]["id"]


def test_the_flow_may_be_begun_before(server: LiveServer) -> None:
    Console(server).sign_up(ANN)
    ann = Console(server)
    begun = ann.get("api/auth/login")
    assert "password" in begun["methods"]
    body = ann.post("api/auth/login", {"flow_id": begun["flow_id"], "email": ANN, "password": PASSWORD})
    assert body["session"]["active"] is True


@pytest.mark.parametrize("email", [ANN, "nobody@example.org"])
def test_wrong_credentials_tell_nothing(server: LiveServer, email: str) -> None:
    Console(server).sign_up(ANN)
    stranger = Console(server)
    body = stranger.sign_in(email, "not-the-right-one")
    assert stranger.status == 401
    assert body["error"]["message"] == "Invalid credentials"
    assert stranger.get("api/auth/session")["session"] is None


@pytest.mark.parametrize("proof", ["totp", "lookup_secret"])
def test_a_second_factor_is_asked_for_and_taken(server: LiveServer, proof: str) -> None:
    caller = Caller(server, "app")
    caller.sign_up(ANN)
    app, codes = set_up_app(caller), set_up_codes(caller)
    ann = Console(server)
    body = ann.sign_in(ANN)
    assert body["next"]["step"] == "second_factor"
    assert {"totp", "lookup_secret"} <= set(body["next"]["methods"])
    assert body["session"]["identity"] is None
    code = {"totp_code": app.next_code()} if proof == "totp" else {"lookup_secret": codes[0]}
    body = ann.post("api/auth/login", {"flow_id": body["next"]["flow_id"], **code})
    assert ann.status == 200, body
    assert body["session"]["authenticator_assurance_level"] == "aal2"
    assert body["next"] is None


def test_56_half_a_sign_in_is_no_operator(server: LiveServer) -> None:
    operator(server, "owner", ANN)
    caller = Caller(server, "app")
    caller.sign_in(ANN)
    app = set_up_app(caller)
    half_way = Console(server)
    half_way.sign_in(ANN)
    assert half_way.get("api/auth/identities")["error"]["id"] == "session_aal2_required"
    assert half_way.status == 403
    half_way.post("api/auth/login", {"totp_code": app.next_code()})
    half_way.get("api/auth/identities")
    assert half_way.status == 200


@pytest.mark.parametrize("email", [ANN, "nobody@example.org"])
def test_a_magic_link_is_answered_alike_for_members_and_strangers(server: LiveServer, email: str) -> None:
    Console(server).sign_up(ANN)
    ann = Console(server)
    body = ann.post("api/auth/login/magic-link", {"email": email})
    assert ann.status == 202
    assert body == {"message": "A link is on its way to you. Open it to sign in."}
    assert len(mail.messages(server, email)) == (1 if email == ANN else 0)


def test_a_person_changes_password_and_profile(server: LiveServer) -> None:
    ann = Console(server)
    ann.sign_up(ANN)
    changed = ann.post("api/auth/settings", {"method": "profile", "traits": {"email": ANN, "name": "Ann"}})
    assert changed["identity"]["traits"]["name"] == "Ann"
    ann.post("api/auth/settings", {"method": "password", "password": "another-fine-secret-2"})
    assert ann.status == 200
    assert Console(server).sign_in(ANN, "another-fine-secret-2")["session"]["active"] is True
    refused = ann.post("api/auth/settings", {"method": "password", "password": "short"})
    assert ann.status == 400
    assert 4000032 in [one["id"] for one in refused["error"]["details"]["messages"]]


def test_signing_out_ends_the_session_everywhere(server: LiveServer) -> None:
    ann = Console(server)
    ann.sign_up(ANN)
    token = ann.http.cookies["truss_session"]
    ann.post("api/auth/logout")
    assert ann.status == 204
    assert Console(server, **{"x-session-token": token}).get("api/auth/session")["session"] is None


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": "same"}, 200),
        ({"origin": "https://app.example.org"}, 403),
        ({"origin": "https://front.example.org"}, 200),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
    ],
)
def test_pages_elsewhere_may_not_call(start: Start, headers: dict[str, str], status: int) -> None:
    server = start({"limen": {"console": {"allowed_origins": ["https://front.example.org"]}}})
    ann = Console(server)
    ann.sign_up(ANN)
    sent = {name: server.console.rstrip("/") if value == "same" else value for name, value in headers.items()}
    body = b'{"method": "profile", "traits": {"email": "ann@example.org"}}'
    answer = ann.http.post("api/auth/settings", content=body, headers={"content-type": "application/json", **sent})
    assert answer.status_code == status
    named = sent.get("origin") if sent.get("origin") not in ("https://app.example.org", "null") else None
    assert answer.headers.get("access-control-allow-origin") == named
