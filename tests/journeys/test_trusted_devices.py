"""Trusted browsers: the second step is asked for once, then not again for a while; and what they are never good for."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.conftest import Start
from tests.support.callers import JSON, Caller, Kind, has, nodes, value
from tests.support.factors import App, set_up_app, set_up_codes, step_up
from tests.support.server import LiveServer, merge

browsers = pytest.mark.parametrize("kind", ["script", "page"])
TRUST = {
    "selfservice": {"methods": {"totp": {"enabled": True}, "lookup_secret": {"enabled": True}}},
    "session": {"whoami": {"required_aal": "highest_available"}},
    "limen": {"second_factor": {"trusted_devices": {"enabled": True}}},
}
HTML = {"accept": "text/html"}


@pytest.fixture
def server(start: Start) -> LiveServer:
    return start(TRUST)


def trusting(server: LiveServer, kind: Kind, email: str = "ann@example.org") -> tuple[Caller, App]:
    """Ann, signed out, in a browser that she trusts; and her app."""
    ann = Caller(server, kind)
    ann.sign_up(email)
    app = set_up_app(ann)
    sign_out(ann)
    ann.sign_in(email)
    ann.submit(ann.start("login", aal="aal2"), method="totp", totp_code=app.next_code(), trust_device=True)
    assert ann.whoami()["authenticator_assurance_level"] == "aal2"
    sign_out(ann)
    return ann, app


def sign_out(caller: Caller) -> None:
    """In the usual way: the session ends, the browser stays the one it is."""
    caller.get("self-service/logout", token=caller.json("self-service/logout/browser")["logout_token"])
    assert not caller.is_signed_in


def devices(caller: Caller) -> list[dict[str, Any]]:
    return list(caller.json("sessions/trusted-devices"))


@browsers
def test_the_second_step_is_spared(server: LiveServer, kind: Kind) -> None:
    ann, _ = trusting(server, kind)
    ann.sign_in()
    if kind == "page":
        assert (ann.last.status_code, ann.last.headers["location"]) == (303, server.public + "ui/")
    else:
        assert ann.last.status_code == 200
    session = ann.whoami()
    # The level says what was proved, and Kratos' clients know every method they read of.
    assert session["authenticator_assurance_level"] == "aal1"
    assert [(p["method"], p["aal"]) for p in session["authentication_methods"]] == [("password", "aal1")]
    assert session["second_factor"] == {"trusted_device": True}
    assert [one["current"] for one in devices(ann)] == [True]


@browsers
def test_it_is_offered_only_where_it_is_switched_on(start: Start, kind: Kind) -> None:
    server = start(merge(TRUST, {"limen": None}))
    ann = Caller(server, kind)
    ann.sign_up()
    app = set_up_app(ann)
    sign_out(ann)
    ann.sign_in()
    form = ann.start("login", aal="aal2")
    assert not has(form, "trust_device")
    ann.submit(form, method="totp", totp_code=app.next_code(), trust_device=True)
    assert not [name for name in ann.http.cookies if name == "limen_trusted"]
    sign_out(ann)
    ann.sign_in()
    assert not ann.is_signed_in


def test_an_app_is_not_offered_what_needs_a_cookie(server: LiveServer) -> None:
    ann = Caller(server, "app")
    ann.sign_up()
    app = set_up_app(ann)
    ann.token = ""
    ann.sign_in()
    form = ann.start("login", aal="aal2")
    assert not has(form, "trust_device")
    ann.submit(form, method="totp", totp_code=app.next_code(), trust_device=True)
    assert ann.is_signed_in
    assert devices(ann) == []


@browsers
def test_without_the_tick_nothing_is_kept(server: LiveServer, kind: Kind) -> None:
    ann = Caller(server, kind)
    ann.sign_up()
    app = set_up_app(ann)
    sign_out(ann)
    ann.sign_in()
    ann.submit(ann.start("login", aal="aal2"), method="totp", totp_code=app.next_code(), trust_device=False)
    assert "limen_trusted" not in ann.http.cookies
    assert devices(ann) == []


@browsers
def test_the_tick_outlives_a_mistake(server: LiveServer, kind: Kind) -> None:
    ann = Caller(server, kind)
    ann.sign_up()
    app = set_up_app(ann)
    sign_out(ann)
    ann.sign_in()
    form = ann.start("login", aal="aal2")
    box = nodes(form, "trust_device")[0]
    assert (box["type"], box["group"], box["attributes"]["type"]) == ("input", "default", "checkbox")
    assert box["meta"]["label"]["context"] == {"days": 30}
    ann.submit(form, method="totp", totp_code="000000", trust_device=True)
    again = ann.shown("login")
    assert value(again, "trust_device") is True
    assert len(nodes(again, "trust_device")) == 1
    ann.submit(again, method="totp", totp_code=app.next_code(), trust_device=True)
    assert len(devices(ann)) == 1


@browsers
def test_what_asks_for_the_factor_itself_gets_it(server: LiveServer, kind: Kind) -> None:
    """A step up, the settings, and a refresh of the second step: the browser stands for none of them."""
    ann, app = trusting(server, kind)
    ann.sign_in()
    headers = {**ann.headers(), **JSON}
    assert (
        ann.http.get("self-service/settings/browser", headers=headers).json()["error"]["id"] == "session_aal2_required"
    )
    form = ann.start("login", aal="aal2")
    assert has(form, "totp_code")
    ann.submit(form, method="totp", totp_code=app.next_code())
    session = ann.whoami()
    assert session["authenticator_assurance_level"] == "aal2"
    assert "second_factor" not in session
    assert has(ann.start("login", aal="aal2", refresh="true"), "totp_code")
    assert ann.start("settings")["state"] == "show_form"


@browsers
def test_a_refresh_of_the_first_step_changes_nothing(server: LiveServer, kind: Kind) -> None:
    ann, _ = trusting(server, kind)
    ann.sign_in()
    secret = ann.http.cookies["limen_trusted"]
    ann.sign_in(refresh="true")
    assert ann.whoami()["authenticator_assurance_level"] == "aal1"
    assert ann.http.cookies["limen_trusted"] == secret


@browsers
def test_trust_ends_by_itself(server: LiveServer, kind: Kind) -> None:
    ann, app = trusting(server, kind)
    server.clock.forward(days=29)
    ann.sign_in()
    assert ann.is_signed_in
    sign_out(ann)
    server.clock.forward(days=1, hours=1)  # using it made it no younger
    ann.sign_in()
    assert not ann.is_signed_in
    step_up(ann, totp=app.next_code())
    assert devices(ann) == []


@browsers
def test_a_shorter_time_holds_for_those_that_are_there(start: Start, kind: Kind) -> None:
    ann, _ = trusting(start(TRUST), kind)
    shorter = start(merge(TRUST, {"limen": {"second_factor": {"trusted_devices": {"lifespan": "1h"}}}}))
    shorter.clock.forward(hours=2)
    later = Caller(shorter, kind)
    later.http.cookies.set("limen_trusted", ann.http.cookies["limen_trusted"])
    later.sign_in()
    assert not later.is_signed_in


@browsers
def test_two_people_trust_one_browser(server: LiveServer, kind: Kind) -> None:
    ann, _ = trusting(server, kind)
    ann.sign_up("eve@example.org")
    app = set_up_app(ann)
    sign_out(ann)
    ann.sign_in("eve@example.org")
    ann.submit(ann.start("login", aal="aal2"), method="totp", totp_code=app.next_code(), trust_device=True)
    sign_out(ann)
    for email in ("ann@example.org", "eve@example.org"):
        ann.sign_in(email)
        assert ann.whoami()["identity"]["traits"]["email"] == email
        sign_out(ann)


@browsers
def test_trusting_again_begins_anew(server: LiveServer, kind: Kind) -> None:
    ann, app = trusting(server, kind)
    server.clock.forward(days=20)
    ann.sign_in()
    first = devices(ann)[0]
    ann.submit(ann.start("login", aal="aal2"), method="totp", totp_code=app.next_code(), trust_device=True)
    [now] = devices(ann)
    assert now["id"] != first["id"]
    assert now["expires_at"] > first["expires_at"]
    assert now["current"]


def test_the_page_lists_and_forgets_them(server: LiveServer) -> None:
    ann, _ = trusting(server, "page")
    ann.sign_in()
    page = ann.get("ui/").text
    assert "Browsers you trust" in page
    [one] = devices(ann)
    assert f'name="forget" value="{one["id"]}"' in page
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token
    data = {"csrf_token": token[1].replace("&#43;", "+"), "forget": one["id"]}
    gone = ann.http.post("ui/sessions", data=data, headers=HTML)
    assert gone.headers["location"].endswith("?done=forgotten")
    assert not ann.is_signed_in  # the session was spared the step, which it has to make now
    assert "aal=aal2" in ann.get("ui/").headers["location"]


@browsers
def test_a_script_lists_and_forgets_them(server: LiveServer, kind: Kind) -> None:
    ann, app = trusting(server, kind)
    ann.sign_in()
    [one] = devices(ann)
    assert one.keys() == {"id", "name", "created_at", "used_at", "expires_at", "current"}
    assert ann.http.delete(f"sessions/trusted-devices/{one['id']}", headers=ann.headers()).status_code == 204
    assert not ann.is_signed_in
    step_up(ann, totp=app.next_code())
    assert devices(ann) == []


@browsers
def test_a_copy_of_ones_data_names_them(server: LiveServer, kind: Kind) -> None:
    ann, _ = trusting(server, kind)
    ann.sign_in()
    data = ann.http.get("ui/account/data", headers=HTML).json()
    assert [one["id"] for one in data["trusted_devices"]] == [one["id"] for one in devices(ann)]


@browsers
def test_the_account_is_not_deleted_by_a_trusted_browser(start: Start, kind: Kind) -> None:
    server = start(merge(TRUST, {"limen": {"selfservice": {"account_deletion": {"enabled": True}}}}))
    ann, app = trusting(server, kind)
    ann.sign_in()
    asked = ann.http.get("ui/account/delete", headers=HTML)
    assert "aal=aal2" in asked.headers["location"]
    step_up(ann, totp=app.next_code())
    assert ann.http.get("ui/account/delete", headers=HTML).status_code == 200


@browsers
def test_backup_codes_may_begin_it_too(server: LiveServer, kind: Kind) -> None:
    ann = Caller(server, kind)
    ann.sign_up()
    set_up_app(ann)
    codes = set_up_codes(ann)
    sign_out(ann)
    ann.sign_in()
    ann.submit(ann.start("login", aal="aal2"), method="lookup_secret", lookup_secret=codes[0], trust_device=True)
    assert len(devices(ann)) == 1
