"""Why a sign-in with a provider failed, for who runs the server and knows the request's id."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.operation.test_traces import why
from tests.social.conftest import With, leave
from tests.support.callers import HTML, Caller
from tests.support.openid import ANN, OpenIdProvider
from tests.support.server import LiveServer

CASES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "refused": ("provider_authorize", "acme: access_denied: it said no", {"error": "access_denied"}),
    "foreign token": ("provider_id_token", "acme: it was issued by somebody else", {"claims": {"iss": "https://evil"}}),
    "no subject": (
        "provider_claims",
        "acme: the claim sub is missing, empty or too long",
        {"user": {**ANN, "sub": ""}},
    ),
    "down": ("provider_token", "acme: the token endpoint answered 503 server_error", {"token_status": 503}),
}


def came_back(caller: Caller, url: str, id_: str) -> None:
    caller.http.get(url, headers={**HTML, "x-request-id": id_})


@pytest.mark.parametrize("case", CASES)
def test_what_the_provider_did(case: str, live: LiveServer, acme: OpenIdProvider) -> None:
    check, found, misbehaviour = CASES[case]
    for name, value in misbehaviour.items():
        setattr(acme, name, value)
    ann = Caller(live, "page")
    came_back(ann, acme.consent(leave(ann)), "one")
    causes = why(live, "one")
    assert causes[check]["found"] == found
    assert causes[check]["expected"]
    assert "ann@example.org" not in json.dumps(causes)


def test_what_the_mapper_did(with_providers: With, acme: OpenIdProvider) -> None:
    live = with_providers(acme.configured(mapper_url="base64://ZXJyb3Igc3RkLmV4dFZhcignY2xhaW1zJykuZW1haWw="))
    ann = Caller(live, "page")
    came_back(ann, acme.consent(leave(ann)), "one")
    cause = why(live, "one")["provider_mapper"]
    assert cause["found"].startswith("acme: <email> at acme.jsonnet:1:")
    assert "limen lint jsonnet" in cause["fix"]


def test_a_description_that_is_gone(with_providers: With, acme: OpenIdProvider) -> None:
    live = with_providers(acme.configured())
    acme.close()
    ann = Caller(live, "page")
    form = ann.start("login")
    ann.http.headers["x-request-id"] = "one"
    ann.submit(form, provider="acme")
    assert "limen doctor" in why(live, "one")["provider_configuration"]["fix"]


def test_the_state_that_was_lost(live: LiveServer, acme: OpenIdProvider) -> None:
    ann = Caller(live, "page")
    back = acme.consent(leave(ann))
    ann.http.cookies.clear()
    came_back(ann, back.replace("127.0.0.1", "localhost"), "one")
    causes = why(live, "one")
    assert (
        causes["way_back"]["expected"] == "the cookie ory_kratos_continuity of the browser that left for the provider"
    )
    assert causes["way_back"]["found"] == "no cookie at all"
    assert causes["host"]["found"] == "localhost"
