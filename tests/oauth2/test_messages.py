"""Messages in the colours of the OAuth 2.0 client that somebody came from."""

from __future__ import annotations

import base64
from typing import Any

import httpx

from tests.oauth2.conftest import Provider
from tests.support.callers import Caller
from tests.support.oauth2 import OAuth2Server
from tests.support.server import LiveServer, merge

SAYS = (
    "{{ with .OAuth2LoginRequest }}for {{ .Client.ClientName }} ({{ .Client.ClientID }}){{ else }}for nobody{{ end }}"
)
SOURCE = "base64://" + base64.b64encode(SAYS.encode()).decode()
KINDS = ("login_code", "registration_code", "verification_code")
WITH_MAIL: dict[str, Any] = {
    "courier": {
        "smtp": {"connection_uri": "smtp://127.0.0.1:1/?disable_starttls=true"},
        "templates": {kind: {"valid": {"email": {"body": {"plaintext": SOURCE}}}} for kind in KINDS},
    },
    "selfservice": {"methods": {"code": {"enabled": True, "passwordless_enabled": True}}},
}
VERIFIES = {"selfservice": {"flows": {"verification": {"enabled": True}}}}


def bodies(live: LiveServer) -> dict[str, str]:
    """What each kind of message says."""
    found = httpx.get(live.admin + "admin/courier/messages").json()
    return {message["template_type"]: message["body"].strip() for message in found}


def test_a_sign_in_by_code(provider: Provider, hydra: OAuth2Server) -> None:
    live = provider(WITH_MAIL)
    Caller(live, "app").sign_up()
    caller = Caller(live, "script")
    caller.submit(caller.start("login", login_challenge=hydra.open()), method="code", identifier="ann@example.org")
    assert caller.last.json()["oauth2_login_request"]["client"]["client_id"] == "app"
    assert bodies(live) == {"login_code_valid": "for The app (app)"}


def test_a_sign_up_by_code(provider: Provider, hydra: OAuth2Server) -> None:
    live = provider(WITH_MAIL)
    caller = Caller(live, "script")
    flow = caller.start("registration", login_challenge=hydra.open())
    caller.submit(flow, method="code", traits={"email": "ann@example.org"})
    assert bodies(live) == {"registration_code_valid": "for The app (app)"}


def test_the_address_after_a_sign_up(provider: Provider, hydra: OAuth2Server) -> None:
    live = provider(merge(WITH_MAIL, VERIFIES))
    caller = Caller(live, "script")
    flow = caller.start("registration", login_challenge=hydra.open())
    caller.submit(flow, method="password", password="correct-horse-battery-1", traits={"email": "ann@example.org"})
    assert bodies(live) == {"verification_code_valid": "for The app (app)"}


def test_who_came_from_nowhere(provider: Provider) -> None:
    live = provider(merge(WITH_MAIL, VERIFIES))
    Caller(live, "app").sign_up()
    assert bodies(live) == {"verification_code_valid": "for nobody"}
