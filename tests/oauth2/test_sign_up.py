"""Signing up for an OAuth 2.0 server, also with an address that has to be verified first."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.oauth2.conftest import BROWSERS, Provider, goes_to, query_of
from tests.support.callers import JSON, PASSWORD, Caller, Kind, flow_id, told
from tests.support.oauth2 import OAuth2Server
from tests.support.server import LiveServer, merge

VERIFIES = {
    "selfservice": {
        "flows": {
            "verification": {"enabled": True},
            "registration": {"after": {"password": {"hooks": [{"hook": "session"}, {"hook": "show_verification_ui"}]}}},
        },
        "methods": {"code": {"enabled": True}},
    },
    "courier": {"smtp": {"connection_uri": "smtp://127.0.0.1:1/?disable_starttls=true"}},
}


def code_for(live: LiveServer, address: str) -> str:
    """The code in the newest message to this address, from the operator's list."""
    found = httpx.get(f"{live.admin}admin/courier/messages", params={"recipient": address}).json()
    newest = max(found, key=lambda message: message["created_at"])
    return str(newest["body"].split("code=")[1][:6]) if "code=" in newest["body"] else digits(newest["body"])


def digits(text: str) -> str:
    return next(word for word in text.split() if len(word) == 6 and word.isdecimal())


def sign_up(caller: Caller, challenge: str, email: str = "ann@example.org") -> dict[str, Any]:
    flow = caller.start("registration", login_challenge=challenge)
    caller.submit(flow, method="profile", traits={"email": email})
    caller.submit(caller.shown("registration"), method="password", password=PASSWORD, traits={"email": email})
    return flow


@pytest.mark.parametrize("kind", BROWSERS)
def test_who_signs_up_goes_on_at_the_server(live: LiveServer, hydra: OAuth2Server, kind: Kind) -> None:
    caller = Caller(live, kind)
    flow = sign_up(caller, hydra.open())
    assert flow["oauth2_login_challenge"] == "one"
    assert goes_to(caller) == hydra.back()
    me = caller.whoami()
    assert [(sent["subject"], sent["identity_provider_session_id"]) for sent in hydra.accepted] == [
        (me["identity"]["id"], me["id"])
    ]


def test_a_page_goes_on_without_a_session_too(provider: Provider, hydra: OAuth2Server) -> None:
    live = provider({"selfservice": {"flows": {"registration": {"after": {"password": {"hooks": []}}}}}})
    page, script = Caller(live, "page"), Caller(live, "script")
    sign_up(page, hydra.open("page"))
    assert goes_to(page) == hydra.back("page")
    sign_up(script, hydra.open("script"), "ben@example.org")
    assert goes_to(script) != hydra.back("script")  # who gets no session is not told to go on: as Kratos has it
    assert not page.is_signed_in
    assert len(hydra.accepted) == 1


@pytest.mark.parametrize("kind", BROWSERS)
def test_the_server_hears_nothing_of_who_is_not_signed_up(
    live: LiveServer, hydra: OAuth2Server, ann: str, kind: Kind
) -> None:
    caller = Caller(live, kind)
    sign_up(caller, hydra.open())
    assert told(caller.shown("registration")) == {4000007}
    assert hydra.accepted == []


def test_who_is_signed_in_is_sent_to_the_login(live: LiveServer, hydra: OAuth2Server, ann: str) -> None:
    caller = Caller(live, "page")
    caller.sign_in()
    caller.get("self-service/registration/browser", login_challenge=hydra.open(), return_to="https://app.example.org/a")
    assert caller.last.status_code == 302
    assert goes_to(caller).startswith(live.public + "self-service/login/browser?")
    assert query_of(goes_to(caller)) == {"login_challenge": "one", "return_to": "https://app.example.org/a"}


# --- the address first --------------------------------------------------------------------------------------------------


def verification_of(caller: Caller) -> str:
    if caller.kind == "page":
        return flow_id(goes_to(caller))
    items = caller.last.json()["continue_with"]
    return str(next(item["flow"]["id"] for item in items if item["action"] == "show_verification_ui"))


@pytest.mark.parametrize("kind", BROWSERS)
def test_the_address_is_verified_first(provider: Provider, hydra: OAuth2Server, kind: Kind) -> None:
    live = provider(VERIFIES)
    caller = Caller(live, kind)
    sign_up(caller, hydra.open())
    assert hydra.accepted == []
    me = caller.whoami()
    flow = caller.flow("verification", verification_of(caller))
    caller.submit(flow, method="code", code=code_for(live, "ann@example.org"))
    assert [sent["identity_provider_session_id"] for sent in hydra.accepted] == [me["id"]]
    if kind == "page":
        assert goes_to(caller) == hydra.back()
    else:
        assert continue_of(caller.last.json()) == hydra.back()
        assert continue_of(caller.flow("verification", flow["id"])) == hydra.back()
    assert caller.whoami()["id"] == me["id"]


def continue_of(flow: dict[str, Any]) -> str:
    return str(next(n["attributes"]["href"] for n in flow["ui"]["nodes"] if n["attributes"].get("id") == "continue"))


def test_another_browser_verifies_and_is_not_signed_in(provider: Provider, hydra: OAuth2Server) -> None:
    live = provider(VERIFIES)
    caller = Caller(live, "page")
    sign_up(caller, hydra.open())
    id_, code = verification_of(caller), code_for(live, "ann@example.org")
    other = Caller(live, "page")
    other.get("self-service/verification", flow=id_, code=code)  # the link in the message
    flow = other.flow("verification", flow_id(goes_to(other)))
    other.submit(flow, method="code", code=code)
    assert told(other.flow("verification", id_)) == {1080002}
    assert not other.is_signed_in
    assert hydra.accepted == []


def test_the_link_in_the_same_browser_goes_on(provider: Provider, hydra: OAuth2Server) -> None:
    live = provider(VERIFIES)
    caller = Caller(live, "page")
    sign_up(caller, hydra.open())
    id_, code = verification_of(caller), code_for(live, "ann@example.org")
    caller.get("self-service/verification", flow=id_, code=code)
    caller.submit(caller.flow("verification", id_), method="code", code=code)
    assert goes_to(caller) == hydra.back()


def test_a_revoked_session_is_not_handed_on(provider: Provider, hydra: OAuth2Server) -> None:
    live = provider(VERIFIES)
    caller = Caller(live, "script")
    sign_up(caller, hydra.open())
    flow = caller.flow("verification", verification_of(caller))
    httpx.delete(f"{live.admin}admin/identities/{caller.whoami()['identity']['id']}/sessions")
    caller.submit(flow, method="code", code=code_for(live, "ann@example.org"))
    assert continue_of(caller.last.json()) == live.public + "self-service/login/browser?login_challenge=one"
    assert hydra.accepted == []


def test_a_verified_address_stays_so_when_the_server_refuses(provider: Provider, hydra: OAuth2Server) -> None:
    live = provider(VERIFIES)
    caller = Caller(live, "script")
    sign_up(caller, hydra.open())
    flow = caller.flow("verification", verification_of(caller))
    hydra.accepting["one"] = (401, {"error": "request_unauthorized", "error_hint": "too late"})
    caller.submit(flow, method="code", code=code_for(live, "ann@example.org"))
    assert caller.last.status_code == 400
    assert caller.last.json()["error"]["details"] == {"status_code": 401, "oauth2_error_hint": "too late"}
    assert caller.whoami()["identity"]["verifiable_addresses"][0]["verified"] is True


def test_an_unverified_sign_in_begins_again(provider: Provider, hydra: OAuth2Server) -> None:
    hooks = {"selfservice": {"flows": {"login": {"after": {"hooks": [{"hook": "require_verified_address"}]}}}}}
    live = provider(merge(VERIFIES, hooks))
    httpx.post(
        f"{live.admin}admin/identities",
        json={
            "schema_id": "default",
            "traits": {"email": "ann@example.org"},
            "credentials": {"password": {"config": {"password": PASSWORD}}},
        },
        headers=JSON,
    )
    caller = Caller(live, "page")
    caller.sign_in(login_challenge=hydra.open())
    id_ = flow_id(goes_to(caller))
    caller.submit(caller.flow("verification", id_), method="code", code=code_for(live, "ann@example.org"))
    again = continue_of(caller.flow("verification", id_))
    assert query_of(again) == {"login_challenge": "one"}
    assert hydra.accepted == []
