"""How often the database may be asked: what is frequent or waited for has a budget, counted at the database module."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from limen.trace import keeper
from tests.support.callers import KINDS, PASSWORD, Caller, Kind
from tests.support.server import LiveServer


@pytest.fixture(autouse=True)
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Why something was refused is written down in the background: here not before the end."""
    monkeypatch.setattr(keeper, "EVERY", 3600.0)


everybody = pytest.mark.parametrize("kind", KINDS)
ANN = "ann@example.org"


def spent(server: LiveServer, act: Callable[[], Any]) -> int:
    """The trips to the database that this takes."""
    before = server.trips.trips
    act()
    return server.trips.trips - before


def member(server: LiveServer, kind: Kind) -> Caller:
    caller = Caller(server, kind)
    caller.sign_up()
    return caller


def opened(caller: Caller, kind: str) -> None:
    """Ask for a new form, and not yet read it."""
    caller.get(f"self-service/{kind}/{'api' if caller.kind == 'app' else 'browser'}")
    assert caller.last.status_code in (200, 303)


@everybody
def test_a_session_check_is_one_query(server: LiveServer, kind: Kind) -> None:
    ann = member(server, kind)
    assert spent(server, ann.whoami) == 1
    assert ann.is_signed_in


@everybody
def test_a_refused_session_check_is_one_query_or_none(server: LiveServer, kind: Kind) -> None:
    stranger = Caller(server, kind)
    assert spent(server, stranger.whoami) == 0
    stranger.token = "ory_st_made_up"
    assert spent(server, stranger.whoami) == 1


@everybody
@pytest.mark.parametrize(("form", "trips"), [("login", 1), ("registration", 1), ("settings", 2)])
def test_a_new_form_is_stored_in_one_trip(server: LiveServer, kind: Kind, form: str, trips: int) -> None:
    caller = member(server, kind) if form == "settings" else Caller(server, kind)  # the settings read the session first
    assert spent(server, lambda: opened(caller, form)) == trips


@everybody
@pytest.mark.parametrize("email", [ANN, "nobody@example.org"])
def test_a_refused_password_is_three_trips_for_member_and_stranger(server: LiveServer, kind: Kind, email: str) -> None:
    member(server, kind)
    caller = Caller(server, kind)
    flow = caller.start("login")
    wrong = {"method": "password", "identifier": email, "password": "not-the-right-one"}
    assert spent(server, lambda: caller.submit(flow, **wrong)) == 3  # the flow, the person, the flow with its message


@everybody
def test_a_password_sign_in_is_three_trips(server: LiveServer, kind: Kind) -> None:
    member(server, kind)
    ann = Caller(server, kind)
    flow = ann.start("login")
    right = {"method": "password", "identifier": ANN, "password": PASSWORD}
    assert spent(server, lambda: ann.submit(flow, **right)) == 3  # the flow, the person, the commit
    assert ann.is_signed_in


@everybody
def test_a_sign_up_is_two_trips_a_step(server: LiveServer, kind: Kind) -> None:
    ann = Caller(server, kind)
    flow = ann.start("registration")
    traits = {"email": ANN}
    assert spent(server, lambda: ann.submit(flow, method="profile", traits=traits)) == 2  # the flow, and its next form
    last = {"method": "password", "password": PASSWORD, "traits": traits}
    assert spent(server, lambda: ann.submit(flow, **last)) == 2  # the flow, the commit
    assert ann.is_signed_in


@everybody
@pytest.mark.parametrize(
    "change",
    [
        {"method": "profile", "traits": {"email": ANN, "name": "Ann"}},
        {"method": "password", "password": "another-fine-secret-2"},
    ],
)
def test_a_change_of_settings_is_three_trips(server: LiveServer, kind: Kind, change: dict[str, Any]) -> None:
    ann = member(server, kind)
    flow = ann.start("settings")
    assert spent(server, lambda: ann.submit(flow, **change)) == 3  # the session, the flow, the commit
    assert ann.last.status_code in (200, 303)


@everybody
def test_the_list_of_sessions_is_three_trips_however_long(server: LiveServer, kind: Kind) -> None:
    ann = member(server, kind)
    for _ in range(5):
        Caller(server, kind).sign_in()
    assert spent(server, lambda: ann.json("sessions")) == 3  # the session, the number of others, a page of them
    assert len(ann.last.json()) == 5
