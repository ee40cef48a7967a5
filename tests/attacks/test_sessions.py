"""Attacks on sessions: planted ones, those that should have ended, those of somebody else."""

from __future__ import annotations

import httpx
import pytest

from tests.conftest import Start
from tests.support.callers import JSON, KINDS, PASSWORD, Caller, Kind, flow_id
from tests.support.server import LiveServer

everybody = pytest.mark.parametrize("kind", KINDS)
ANN, EVE = "ann@example.org", "eve@example.org"
SESSION = "ory_kratos_session"
MADE_UP = "ory_st_" + "a" * 32


def person(server: LiveServer, kind: Kind, email: str = ANN) -> Caller:
    caller = Caller(server, kind)
    caller.sign_up(email)
    return caller


def seal(caller: Caller) -> str:
    """What proves the session of this caller: its token, or its cookie."""
    return caller.token or caller.http.cookies[SESSION]


@everybody
def test_63_a_planted_session_is_not_taken_over_by_a_sign_in(server: LiveServer, kind: Kind) -> None:
    eve = person(server, kind, EVE)
    planted = eve.whoami()["id"]
    person(server, kind)
    victim = Caller(server, kind)
    flow = victim.start("login")
    if kind == "app":
        victim.token = eve.token
    else:
        victim.http.cookies.set(SESSION, seal(eve), domain="127.0.0.1")
    victim.submit(flow, method="password", identifier=ANN, password=PASSWORD)
    found = eve.whoami()
    assert (found["id"], found["identity"]["traits"]["email"]) == (planted, EVE)  # it did not become Ann's


@everybody
def test_63_a_made_up_session_is_replaced_at_sign_in(server: LiveServer, kind: Kind) -> None:
    person(server, kind)
    victim = Caller(server, kind)
    if kind == "app":
        victim.token = MADE_UP
    else:
        victim.http.headers["cookie"] = f"{SESSION}={MADE_UP}"
        victim.start("login")
        del victim.http.headers["cookie"]
    victim.sign_in()
    assert MADE_UP not in seal(victim)
    assert victim.is_signed_in


@pytest.mark.parametrize("kind", ["script", "page"])
def test_63_a_planted_form_is_of_no_use_in_another_browser(server: LiveServer, kind: Kind) -> None:
    person(server, kind)
    planted = Caller(server, kind).start("login")
    victim = Caller(server, kind)
    victim.start("login")
    victim.submit(planted, method="password", identifier=ANN, password=PASSWORD)
    assert not victim.is_signed_in
    assert victim.http.get("self-service/login/flows", params={"id": planted["id"]}, headers=JSON).status_code == 403


@everybody
def test_64_a_new_password_ends_the_other_sessions_at_once(start: Start, kind: Kind) -> None:
    hook = {"after": {"password": {"hooks": [{"hook": "revoke_active_sessions"}]}}}
    server = start({"selfservice": {"flows": {"settings": hook}}})
    ann = person(server, kind)
    thief = Caller(server, kind)
    thief.sign_in()
    assert thief.is_signed_in
    ann.submit(ann.start("settings"), method="password", password="another-fine-secret-2")
    assert not thief.is_signed_in
    assert ann.is_signed_in


@everybody
def test_65_a_disabled_person_is_refused_on_each_path(server: LiveServer, kind: Kind) -> None:
    ann = person(server, kind)
    settings, refresh = ann.start("settings"), ann.start("login", refresh="true")
    id_ = ann.whoami()["identity"]["id"]
    patch = [{"op": "replace", "path": "/state", "value": "inactive"}]
    assert httpx.patch(f"{server.admin}admin/identities/{id_}", json=patch).status_code == 200

    assert not ann.is_signed_in
    for path in (
        "sessions",
        "self-service/settings/browser",
        "self-service/settings/api",
        "self-service/logout/browser",
    ):
        assert ann.http.get(path, headers={**ann.headers(), **JSON}).status_code == 401, path
    assert ann.http.delete("sessions", headers=ann.headers()).status_code == 401
    ann.submit(settings, method="password", password="another-fine-secret-2")
    ann.submit(refresh, method="password", identifier=ANN, password=PASSWORD)
    again = Caller(server, kind)
    again.sign_in()
    assert not again.is_signed_in
    again.sign_in(password="another-fine-secret-2")
    assert not again.is_signed_in
    assert httpx.get(f"{server.admin}admin/identities/{id_}").json()["state"] == "inactive"


@everybody
def test_66_an_expired_session_is_refused_before_it_is_cleaned_up(server: LiveServer, kind: Kind) -> None:
    ann = person(server, kind)
    logout = "" if kind == "app" else ann.json("self-service/logout/browser")["logout_url"]
    server.clock.forward(hours=25)
    assert not ann.is_signed_in
    assert ann.http.get("sessions", headers={**ann.headers(), **JSON}).status_code == 401
    assert ann.http.get("self-service/settings/browser", headers={**ann.headers(), **JSON}).status_code == 401
    if logout:
        assert ann.http.get(logout, headers=JSON).status_code == 401


@everybody
def test_71_sessions_of_others_are_neither_shown_nor_ended(server: LiveServer, kind: Kind) -> None:
    ann, eve = person(server, kind), person(server, kind, EVE)
    target = ann.whoami()["id"]
    assert eve.json("sessions") == []
    gone = eve.http.delete(f"sessions/{target}", headers={**eve.headers(), **JSON})
    unknown = eve.http.delete("sessions/00000000-0000-4000-8000-000000000000", headers={**eve.headers(), **JSON})
    assert (gone.status_code, gone.content) == (unknown.status_code, unknown.content)
    assert eve.http.delete("sessions", headers=eve.headers()).status_code == 200
    assert ann.is_signed_in


@everybody
def test_71_forms_of_others_are_neither_shown_nor_used(server: LiveServer, kind: Kind) -> None:
    ann, eve = person(server, kind), person(server, kind, EVE)
    settings = ann.start("settings")
    shown = eve.http.get(
        "self-service/settings/flows", params={"id": settings["id"]}, headers={**eve.headers(), **JSON}
    )
    assert shown.status_code == 403
    eve.submit(settings, method="profile", traits={"email": "taken@example.org"})
    eve.submit(settings, method="password", password="another-fine-secret-2")
    assert ann.whoami()["identity"]["traits"] == {"email": ANN}
    assert eve.whoami()["identity"]["traits"] == {"email": EVE}
    late = Caller(server, kind)
    late.sign_in(password="another-fine-secret-2")
    assert not late.is_signed_in


@pytest.mark.parametrize("kind", ["script", "page"])
def test_71_a_link_to_sign_out_is_good_for_its_own_session_only(server: LiveServer, kind: Kind) -> None:
    ann, eve = person(server, kind), person(server, kind, EVE)
    link = eve.json("self-service/logout/browser")["logout_url"]
    assert ann.http.get(link, headers=JSON).status_code == 403
    assert ann.is_signed_in
    assert eve.is_signed_in


@everybody
def test_84_nothing_about_a_session_may_be_kept_by_a_cache(server: LiveServer, kind: Kind) -> None:
    ann = person(server, kind)
    settings = ann.start("settings")
    paths = [
        "sessions/whoami",
        "sessions",
        f"self-service/settings/flows?id={settings['id']}",
        "self-service/login/browser",
    ]
    for path in paths:
        answer = ann.http.get(path, headers={**ann.headers(), **JSON})
        assert "no-store" in answer.headers["cache-control"], path
        assert "Cookie" in answer.headers["vary"], path


@everybody
def test_84_two_people_never_get_each_others_session(server: LiveServer, kind: Kind) -> None:
    people = {email: person(server, kind, email) for email in (ANN, EVE)}
    for _ in range(3):
        for email, caller in people.items():
            assert caller.whoami()["identity"]["traits"]["email"] == email


@everybody
def test_86_a_new_account_of_the_same_name_inherits_nothing(server: LiveServer, kind: Kind) -> None:
    old = person(server, kind)
    before = old.whoami()["identity"]["id"]
    settings = old.start("settings")
    assert httpx.delete(f"{server.admin}admin/identities/{before}").status_code == 204
    new = person(server, kind)
    assert new.whoami()["identity"]["id"] != before
    assert not old.is_signed_in
    old.submit(settings, method="password", password="another-fine-secret-2")
    assert new.json("sessions") == []
    assert Caller(server, kind).sign_in().status_code in (200, 303)


def test_63_a_sign_in_page_names_its_own_form_only(server: LiveServer) -> None:
    """An id sent along is not taken up: the form that is opened is a new one."""
    victim = Caller(server, "page")
    planted = "11111111-2222-4333-8444-555555555555"
    victim.get("self-service/login/browser", flow=planted, id=planted)
    assert flow_id(victim.last.headers["location"]) != planted
