"""Attacks on trusted browsers (case 62): the cookie copied, kept, cut short, or brought to somebody else's account."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.attacks.people import ANN, EVE, NEW_PASSWORD, browsers, crowd, prove, twin
from tests.conftest import Start
from tests.journeys.test_trusted_devices import TRUST, devices, sign_out, trusting
from tests.support import mail
from tests.support.callers import JSON, PASSWORD, Caller, Kind
from tests.support.factors import App, set_up_app, set_up_codes, step_up
from tests.support.server import LiveServer, merge

COOKIE = "limen_trusted"
METHODS = {"methods": {"code": {"enabled": True}}, "flows": {"recovery": {"enabled": True}}}


@pytest.fixture
def server(start: Start) -> LiveServer:
    return start(merge(TRUST, {"selfservice": METHODS}))


def with_cookie(server: LiveServer, kind: Kind, value: str) -> Caller:
    """A thief who knows the password, with this in the place of a trusted browser's cookie."""
    thief = Caller(server, kind)
    thief.http.cookies.set(COOKIE, value)
    return thief


def asked(caller: Caller, email: str = ANN, password: str = PASSWORD) -> bool:
    """Whether a sign-in is asked for the second step."""
    caller.sign_in(email, password)
    refused = caller.http.get("sessions/whoami", headers={**caller.headers(), **JSON})
    assert refused.status_code in (200, 403), refused.text
    return refused.status_code == 403


@browsers
def test_62_a_copy_is_of_no_use_once_the_owner_came_back(server: LiveServer, kind: Kind) -> None:
    ann, _ = trusting(server, kind)
    copied = ann.http.cookies[COOKIE]
    ann.sign_in()
    assert ann.is_signed_in
    server.clock.forward(minutes=5)
    assert asked(with_cookie(server, kind, copied))
    assert not ann.is_signed_in  # there are two of this cookie: neither is believed from now on
    sign_out_quietly(ann)
    assert asked(ann)


def sign_out_quietly(caller: Caller) -> None:
    """As somebody whose session is not good for anything."""
    for name in [n for n in caller.http.cookies if n == "ory_kratos_session"]:
        del caller.http.cookies[name]


@browsers
def test_62_a_thief_who_comes_first_is_found_out_by_the_owner(server: LiveServer, kind: Kind) -> None:
    ann, _ = trusting(server, kind)
    thief = with_cookie(server, kind, ann.http.cookies[COOKIE])
    assert not asked(thief)  # the password and the cookie were stolen
    server.clock.forward(minutes=5)
    assert asked(ann)
    assert not thief.is_signed_in
    sign_out_quietly(thief)
    assert asked(thief)


@browsers
def test_62_two_tabs_at_once_give_nobody_away(server: LiveServer, kind: Kind) -> None:
    ann, _ = trusting(server, kind)
    other_tab = twin(ann)
    ann.sign_in()
    assert asked(other_tab)  # the secret is used up, but nobody is suspected yet
    assert ann.is_signed_in
    sign_out(ann)
    assert not asked(ann)


CHANGES: dict[str, Callable[[Caller, App], object]] = {
    "password": lambda c, _: c.submit(c.start("settings"), method="password", password=NEW_PASSWORD),
    "factor added": lambda c, _: set_up_codes(c),
    "factor removed": lambda c, _: c.submit(c.start("settings"), method="totp", totp_unlink=True),
}


@browsers
@pytest.mark.parametrize("change", CHANGES)
def test_62_trust_ends_with_what_it_was_based_on(server: LiveServer, kind: Kind, change: str) -> None:
    """In all browsers, that of the change included, and for sessions that live on it."""
    ann, app = trusting(server, kind)
    copied = ann.http.cookies[COOKIE]
    ann.sign_in()
    elsewhere = Caller(server, kind)
    elsewhere.sign_in()
    step_up(elsewhere, totp=app.next_code())
    CHANGES[change](elsewhere, app)
    assert devices(elsewhere) == []
    if change == "factor removed":
        set_up_app(elsewhere)
    assert not ann.is_signed_in
    password = NEW_PASSWORD if change == "password" else PASSWORD
    assert asked(with_cookie(server, kind, copied), password=password)
    sign_out_quietly(ann)
    assert asked(ann, password=password)


@browsers
def test_62_trust_ends_with_a_recovery(server: LiveServer, kind: Kind) -> None:
    ann, _ = trusting(server, kind)
    prove(server)
    reader = Caller(server, kind)
    reader.submit(reader.start("recovery"), method="code", email=ANN)
    reader.submit(reader.shown("recovery"), method="code", code=mail.code(server, ANN))
    assert not reader.is_signed_in
    assert asked(ann)


@browsers
def test_62_recovery_in_a_trusted_browser_is_asked_for_the_factor(server: LiveServer, kind: Kind) -> None:
    ann, _ = trusting(server, kind)
    ann.submit(ann.start("recovery"), method="code", email=ANN)
    ann.submit(ann.shown("recovery"), method="code", code=mail.code(server, ANN))
    assert not ann.is_signed_in


@browsers
def test_62_trust_ends_when_a_person_is_switched_off(server: LiveServer, kind: Kind) -> None:
    ann, _ = trusting(server, kind)
    ann.sign_in()
    id_ = ann.whoami()["identity"]["id"]
    sign_out(ann)
    place = f"{server.admin}admin/identities/{id_}"
    for state in ("inactive", "active"):
        patch = [{"op": "replace", "path": "/state", "value": state}]
        assert ann.http.patch(place, json=patch).status_code == 200
    assert asked(ann)


@browsers
def test_62_an_operator_ends_it_with_the_sessions(server: LiveServer, kind: Kind) -> None:
    ann, _ = trusting(server, kind)
    ann.sign_in()
    id_ = ann.whoami()["identity"]["id"]
    assert ann.http.delete(f"{server.admin}admin/identities/{id_}/sessions").status_code == 204
    assert asked(ann)


@browsers
@pytest.mark.parametrize("way", ["the browser", "its session", "all others"])
def test_62_trust_that_was_ended_stays_so(server: LiveServer, kind: Kind, way: str) -> None:
    ann, app = trusting(server, kind)
    ann.sign_in()
    session, copied = ann.whoami()["id"], ann.http.cookies[COOKIE]
    here = Caller(server, kind)
    here.sign_in()
    step_up(here, totp=app.next_code())
    places = {"the browser": f"sessions/trusted-devices/{devices(here)[0]['id']}", "its session": f"sessions/{session}"}
    here.http.delete(places.get(way, "sessions"), headers=here.headers())
    assert not ann.is_signed_in
    sign_out_quietly(ann)
    assert asked(ann)
    assert asked(with_cookie(server, kind, copied))
    assert here.is_signed_in


@browsers
def test_62_the_cookie_of_somebody_else_is_none(server: LiveServer, kind: Kind) -> None:
    ann, _ = trusting(server, kind)
    eve = Caller(server, kind)
    eve.sign_up(EVE)
    set_up_app(eve)
    assert asked(with_cookie(server, kind, ann.http.cookies[COOKIE]), EVE)


@browsers
def test_62_nobody_ends_the_trust_of_somebody_else(server: LiveServer, kind: Kind) -> None:
    ann, _ = trusting(server, kind)
    ann.sign_in()
    [one] = devices(ann)
    eve = Caller(server, kind)
    eve.sign_up(EVE)
    assert devices(eve) == []
    eve.http.delete(f"sessions/trusted-devices/{one['id']}", headers=eve.headers())
    half = Caller(server, kind)
    half.sign_in()  # who knows no more than the password
    headers = {**half.headers(), **JSON}
    assert half.http.get("sessions/trusted-devices", headers=headers).status_code == 403
    assert half.http.delete(f"sessions/trusted-devices/{one['id']}", headers=headers).status_code == 403
    assert ann.is_signed_in


@browsers
def test_62_a_cookie_that_was_changed_is_none(server: LiveServer, kind: Kind) -> None:
    ann, _ = trusting(server, kind)
    whole = ann.http.cookies[COOKIE]
    for wrong in (whole[:-1], whole[1:], whole[: len(whole) // 2], whole + "A", "x", '"{}"', whole.swapcase()):
        assert asked(with_cookie(server, kind, wrong)), wrong
    assert not asked(ann)


@browsers
def test_62_a_box_that_was_never_shown_starts_nothing(server: LiveServer, kind: Kind) -> None:
    """The first step, a refresh, and a wrong code: none of them proves the second factor."""
    ann = Caller(server, kind)
    ann.sign_up()
    app = set_up_app(ann)
    sign_out(ann)
    ann.submit(ann.start("login"), method="password", identifier=ANN, password=PASSWORD, trust_device=True)
    assert COOKIE not in ann.http.cookies
    ann.submit(ann.start("login", aal="aal2"), method="totp", totp_code="000000", trust_device=True)
    assert COOKIE not in ann.http.cookies
    step_up(ann, totp=app.next_code())
    ann.submit(
        ann.start("login", refresh="true"), method="password", identifier=ANN, password=PASSWORD, trust_device=True
    )
    assert COOKIE not in ann.http.cookies
    assert devices(ann) == []


@browsers
def test_62_nothing_of_the_secret_is_stored_or_told(server: LiveServer, kind: Kind) -> None:
    ann, _ = trusting(server, kind)
    sealed = ann.http.cookies[COOKIE]
    raw = server.app.site.project.cookie_keys.open(COOKIE, sealed)
    assert raw is not None
    [secret] = json.loads(raw).values()
    assert len(secret) >= 32
    ann.sign_in()
    told = ann.get("ui/account/data").text + ann.get("sessions/trusted-devices").text + ann.get("sessions/whoami").text
    assert secret not in told


@browsers
def test_62_of_many_sign_ins_with_one_cookie_one_is_spared(server: LiveServer, kind: Kind) -> None:
    ann, _ = trusting(server, kind)
    everyone = crowd(ann, lambda one: one.sign_in())
    assert [one.is_signed_in for one in everyone].count(True) == 1
    assert not [one.last.status_code for one in everyone if one.last.status_code >= 500]
