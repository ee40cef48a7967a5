"""Whoever loses the way comes back to the login request; a second factor comes before the answer."""

from __future__ import annotations

import pyotp
import pytest

from tests.oauth2.conftest import BROWSERS, Provider, goes_to, query_of
from tests.support.callers import PASSWORD, Caller, Kind, flow_id, nodes, told
from tests.support.oauth2 import OAuth2Server
from tests.support.server import LiveServer

SHORT = {"selfservice": {"flows": {"login": {"lifespan": "1m"}, "registration": {"lifespan": "1m"}}}}
STRICT = {
    "session": {"whoami": {"required_aal": "highest_available"}},
    "selfservice": {"methods": {"totp": {"enabled": True}}},
}


@pytest.mark.parametrize("kind", BROWSERS)
def test_an_expired_form_keeps_the_request(provider: Provider, hydra: OAuth2Server, kind: Kind) -> None:
    live = provider(SHORT)
    Caller(live, "app").sign_up()
    caller = Caller(live, kind)
    flow = caller.start("login", login_challenge=hydra.open())
    live.clock.forward(minutes=2)
    caller.submit(flow, method="password", identifier="ann@example.org", password=PASSWORD)
    id_ = flow_id(goes_to(caller)) if kind == "page" else caller.last.json()["use_flow_id"]
    fresh = caller.flow("login", id_)
    assert fresh["oauth2_login_challenge"] == "one"
    caller.submit(fresh, method="password", identifier="ann@example.org", password=PASSWORD)
    assert goes_to(caller) == hydra.back()


def test_an_expired_sign_up_keeps_the_request(provider: Provider, hydra: OAuth2Server) -> None:
    live = provider(SHORT)
    caller = Caller(live, "script")
    flow = caller.start("registration", login_challenge=hydra.open())
    live.clock.forward(minutes=2)
    caller.submit(flow, method="password", password=PASSWORD, traits={"email": "ann@example.org"})
    assert caller.flow("registration", caller.last.json()["use_flow_id"])["oauth2_login_challenge"] == "one"


def test_the_request_itself_may_be_where_to_return_to(provider: Provider, hydra: OAuth2Server) -> None:
    over = {
        "oauth2_provider": {"override_return_to": True},
        "selfservice": {"allowed_return_urls": [hydra.url]},
    }
    live = provider(over)
    caller = Caller(live, "script")
    flow = caller.start("login", login_challenge=hydra.open(), return_to="https://not-allowed.example.net/")
    assert flow["return_to"] == hydra.requests["one"]["request_url"]
    lost = caller.start("recovery", return_to=flow["return_to"])
    assert lost.get("return_to", flow["return_to"]) == flow["return_to"]
    caller.get("self-service/registration/browser", login_challenge="one", return_to="https://not-allowed.example.net/")
    assert caller.last.json()["error"]["id"] == "self_service_flow_return_to_forbidden"


def enrolled(live: LiveServer) -> tuple[Caller, pyotp.TOTP]:
    """Somebody with an authenticator app, and a script that has signed in with the password only."""
    owner = Caller(live, "script")
    owner.sign_up()
    settings = owner.start("settings")
    key = pyotp.TOTP(nodes(settings, "totp_secret_key")[0]["attributes"]["text"]["text"])
    owner.submit(settings, method="totp", totp_code=key.at(live.clock()))
    assert owner.last.status_code == 200, owner.last.text
    return owner, key


@pytest.mark.parametrize("kind", BROWSERS)
def test_the_second_factor_comes_first(provider: Provider, hydra: OAuth2Server, kind: Kind) -> None:
    live = provider(STRICT)
    _, key = enrolled(live)
    caller = Caller(live, kind)
    caller.sign_in(login_challenge=hydra.open(), return_to="https://app.example.org/a")
    assert query_of(goes_to(caller)) == {
        "aal": "aal2", "login_challenge": "one", "return_to": "https://app.example.org/a",
    }  # fmt: skip
    assert hydra.accepted == []
    flow = caller.start("login", **query_of(goes_to(caller)))
    assert told(flow) == {1010003, 1010004}
    caller.submit(flow, method="totp", totp_code=key.at(live.clock()))
    assert goes_to(caller) == hydra.back()
    assert [sent["amr"] for sent in hydra.accepted] == [["password", "totp"]]


@pytest.mark.parametrize("kind", BROWSERS)
@pytest.mark.parametrize("way", ["login", "registration"])
def test_a_remembered_session_has_to_be_strong_enough(
    provider: Provider, hydra: OAuth2Server, kind: Kind, way: str
) -> None:
    live = provider(STRICT)
    enrolled(live)
    caller = Caller(live, kind)
    caller.sign_in()
    caller.get(f"self-service/{way}/browser", login_challenge=hydra.open(skip=True))
    assert query_of(goes_to(caller)) == {"aal": "aal2", "login_challenge": "one"}
    assert hydra.accepted == []


def test_a_strong_session_is_remembered(provider: Provider, hydra: OAuth2Server) -> None:
    live = provider(STRICT)
    owner, _ = enrolled(live)
    owner.get("self-service/registration/browser", login_challenge=hydra.open(skip=True))
    assert goes_to(owner) == hydra.back()
    assert [sent["amr"] for sent in hydra.accepted] == [["password", "totp"]]
