"""`limen.second_factor.required`: who has no second factor sets one up first, and nobody is locked out by it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.conftest import Start
from tests.support import mail
from tests.support.callers import JSON, KINDS, Caller, Kind, flow_id, told
from tests.support.factors import set_up_app, set_up_codes
from tests.support.keys import ANN, config, proofs, schema
from tests.support.server import LiveServer

everybody = pytest.mark.parametrize("kind", KINDS)


def required(**more: Any) -> dict[str, Any]:
    return config({"limen": {"second_factor": {"required": True, **more}}})


def asked(caller: Caller) -> dict[str, Any]:
    """What the session check says, whether it lets the caller pass or not."""
    return dict(caller.http.get("sessions/whoami", headers={**caller.headers(), **JSON}).json())


def refused(caller: Caller) -> bool:
    error = asked(caller).get("error", {})
    return (error.get("id"), error.get("code")) == ("session_aal2_required", 403)


@everybody
def test_it_is_set_up_right_after_the_first_sign_in(start: Start, kind: Kind) -> None:
    server = start(required(), schema=schema())
    ann = Caller(server, kind)
    form = ann.start("registration")
    ann.submit(form, method="profile", traits={"email": ANN})
    ann.submit(ann.shown("registration"), method="password", password="correct-horse-battery-1", traits={"email": ANN})
    place = server.public + "self-service/settings/browser"
    if kind == "page":
        assert ann.last.headers["location"] == place
    elif kind == "script":
        assert ann.last.json()["continue_with"][-1] == {"action": "redirect_browser_to", "redirect_browser_to": place}
    assert refused(ann)
    assert asked(ann)["redirect_browser_to"] == place
    set_up_app(ann)
    assert proofs(ann) == [("password", "aal1"), ("totp", "aal2")]


@everybody
def test_it_is_demanded_at_every_sign_in_until_it_is_there(start: Start, kind: Kind) -> None:
    Caller(start(config(), schema=schema()), kind).sign_up()
    server = start(required(), schema=schema())
    for _ in range(2):
        caller = Caller(server, kind)
        answer = caller.sign_in(return_to="https://app.example.org/in")
        place = server.public + "self-service/settings/browser?return_to=https%3A%2F%2Fapp.example.org%2Fin"
        if kind == "page":
            assert answer.headers["location"] == place
        elif kind == "script":
            assert (answer.status_code, answer.json()["redirect_browser_to"]) == (422, place)
        else:
            assert answer.json()["session"]["identity"] is None
        assert refused(caller)
    set_up_codes(caller)
    assert caller.is_signed_in


@everybody
def test_new_accounts_may_take_their_time(start: Start, kind: Kind) -> None:
    server = start(required(after="168h"), schema=schema())
    ann = Caller(server, kind)
    ann.sign_up()
    by = asked(ann)["second_factor"]["needed_by"]
    assert by > (server.clock() + timedelta(days=6)).isoformat()
    server.clock.forward(days=7, minutes=1)
    late = Caller(server, kind)
    late.sign_in()
    assert refused(late)
    set_up_app(late)
    assert late.is_signed_in
    assert "second_factor" not in asked(late)


@everybody
def test_other_schemas_are_not_asked(start: Start, kind: Kind) -> None:
    server = start(required(schemas=["employees"]), schema=schema())
    ann = Caller(server, kind)
    ann.sign_up()
    assert ann.is_signed_in
    assert "second_factor" not in asked(ann)


@everybody
def test_sessions_elsewhere_are_not_shown_before(start: Start, kind: Kind) -> None:
    Caller(start(config(), schema=schema()), kind).sign_up()
    caller = Caller(start(required(), schema=schema()), kind)
    caller.sign_in()
    answer = caller.http.get("sessions", headers={**caller.headers(), **JSON})
    assert (answer.status_code, answer.json()["error"]["id"]) == (403, "session_aal2_required")


@everybody
def test_the_last_one_can_be_exchanged(start: Start, kind: Kind) -> None:
    """Who has lost a phone takes the old one out and puts a new one in: nobody is stuck in between."""
    server = start(required(), schema=schema())
    Caller(start(config(), schema=schema()), kind).sign_up()
    ann = Caller(server, kind)
    ann.sign_in()
    set_up_app(ann)
    ann.submit(ann.start("settings"), totp_unlink=True)
    assert told(ann.shown("settings")) == {1050001}
    again = Caller(server, kind)
    again.sign_in()
    assert refused(again)
    set_up_app(again)
    assert again.is_signed_in


def test_a_recovered_person_sets_one_up_too(start: Start) -> None:
    flows = {"recovery": {"enabled": True}}
    server: LiveServer = start(
        config({"limen": {"second_factor": {"required": True}}, "selfservice": {"flows": flows}}), schema=schema()
    )
    Caller(start(config(), schema=schema()), "page").sign_up()
    caller = Caller(server, "page")
    caller.submit(caller.start("recovery"), method="code", email=ANN)
    caller.submit(caller.shown("recovery"), method="code", code=mail.code(server, ANN))
    settings = caller.flow("settings", flow_id(caller.last.headers["location"]))
    assert refused(caller)
    caller.submit(settings, method="password", password="another-fine-secret-2")
    assert refused(caller)
    set_up_app(caller)
    assert caller.is_signed_in


def test_the_page_says_what_is_missing(start: Start) -> None:
    server = start(required(), schema=schema())
    Caller(start(config(), schema=schema()), "page").sign_up()
    caller = Caller(server, "page")
    caller.sign_in()
    shown = caller.http.get(server.public + "ui/", headers=caller.headers(), follow_redirects=True)
    assert "/ui/settings" in str(shown.url)
    assert "Your account needs a second step. Set one up below to go on." in shown.text
