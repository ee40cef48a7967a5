"""A person looks after an account: sessions, password, profile and second factors, as an app, a script and a page."""

from __future__ import annotations

import pytest
from tests.conftest import Start
from tests.support.callers import KINDS, PASSWORD, Caller, Kind, has, nodes, told, value
from tests.support.factors import set_up_app, set_up_codes, step_up
from tests.support.server import LiveServer

FACTORS = {"selfservice": {"methods": {"totp": {"enabled": True}, "lookup_secret": {"enabled": True}}}}
everybody = pytest.mark.parametrize("kind", KINDS)
DONE = (200, 303)
NEW = "another-fine-secret-2"


@pytest.fixture
def server(start: Start) -> LiveServer:
    return start(FACTORS)


def other_session(server: LiveServer, kind: Kind, password: str = PASSWORD) -> Caller:
    """The same person, in front of another client."""
    caller = Caller(server, kind)
    caller.sign_in(password=password)
    assert caller.is_signed_in
    return caller


@everybody
def test_sessions_are_listed_and_revoked(server: LiveServer, kind: Kind) -> None:
    ann = Caller(server, kind)
    ann.sign_up()
    phone, laptop, borrowed = (other_session(server, kind) for _ in range(3))
    others = {caller.whoami()["id"] for caller in (phone, laptop, borrowed)}
    assert {session["id"] for session in ann.json("sessions")} == others
    gone = ann.http.delete(f"sessions/{phone.whoami()['id']}", headers=ann.headers())
    assert gone.status_code == 204
    assert [caller.is_signed_in for caller in (ann, phone, laptop, borrowed)] == [True, False, True, True]
    assert ann.http.delete("sessions", headers=ann.headers()).status_code == 200
    assert [caller.is_signed_in for caller in (ann, laptop, borrowed)] == [True, False, False]
    assert ann.json("sessions") == []


@everybody
def test_a_new_password_replaces_the_old_one(server: LiveServer, kind: Kind) -> None:
    ann = Caller(server, kind)
    ann.sign_up()
    assert ann.submit(ann.start("settings"), method="password", password=NEW).status_code in DONE
    assert ann.is_signed_in
    late = Caller(server, kind)
    late.sign_in()
    assert told(late.shown("login")) == {4000006}
    other_session(server, kind, NEW)


@everybody
def test_the_profile_is_changed_and_shown(server: LiveServer, kind: Kind) -> None:
    ann = Caller(server, kind)
    ann.sign_up()
    changed = {"email": "ann@example.org", "name": "Ann"}
    assert ann.submit(ann.start("settings"), method="profile", traits=changed).status_code in DONE
    assert ann.whoami()["identity"]["traits"] == changed
    assert value(ann.start("settings"), "traits.name") == "Ann"


@everybody
def test_an_authenticator_app_guards_the_account(server: LiveServer, kind: Kind) -> None:
    ann = Caller(server, kind)
    ann.sign_up()
    app = set_up_app(ann)
    assert ann.whoami()["authenticator_assurance_level"] == "aal2"
    later = Caller(server, kind)
    later.sign_in()
    assert not later.is_signed_in
    assert later.http.get("sessions/whoami", headers=later.headers()).json()["error"]["id"] == "session_aal2_required"
    step_up(later, totp=app.next_code())
    found = later.whoami()
    assert [proof["method"] for proof in found["authentication_methods"]] == ["password", "totp"]


@everybody
def test_an_authenticator_app_is_taken_away(server: LiveServer, kind: Kind) -> None:
    ann = Caller(server, kind)
    ann.sign_up()
    set_up_app(ann)
    settings = ann.start("settings")
    assert has(settings, "totp_unlink")
    assert not has(settings, "totp_code")
    ann.submit(settings, method="totp", totp_unlink=True)
    assert has(ann.start("settings"), "totp_code")
    assert other_session(server, kind).whoami()["authenticator_assurance_level"] == "aal1"


@everybody
def test_backup_codes_open_the_account_once_each(server: LiveServer, kind: Kind) -> None:
    ann = Caller(server, kind)
    ann.sign_up()
    codes = set_up_codes(ann)
    assert len(set(codes)) == 12
    for code, works in ((codes[0], True), (codes[0], False), (codes[1], True)):
        later = Caller(server, kind)
        later.sign_in()
        step_up(later, lookup_secret=code)
        assert later.is_signed_in == works
    ann.submit(ann.start("settings"), method="lookup_secret", lookup_secret_reveal=True)
    shown = nodes(ann.shown("settings"), "lookup_secret_codes")[0]["attributes"]["text"]["context"]["secrets"]
    assert sum(1 for one in shown if "used_at" in one["context"]) == 2


@everybody
def test_a_change_that_matters_wants_a_fresh_sign_in(server: LiveServer, kind: Kind) -> None:
    ann = Caller(server, kind)
    ann.sign_up()
    server.clock.forward(hours=2)
    ann.submit(ann.start("settings"), method="password", password=NEW)
    assert ann.last.status_code == (303 if kind == "page" else 403)
    early = Caller(server, kind)
    early.sign_in(password=NEW)
    assert not early.is_signed_in
    ann.sign_in(refresh="true")
    assert ann.submit(ann.start("settings"), method="password", password=NEW).status_code in DONE
    other_session(server, kind, NEW)
