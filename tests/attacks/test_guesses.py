"""Attacks by guessing: in many forms, at every secret, under every spelling, and with a crowd that hides the victim."""

from __future__ import annotations

from typing import Any

import pytest

from tests.attacks.conftest import FACTORS
from tests.attacks.people import ANN, EVE, MAILED, ask, at_once, everybody, person
from tests.conftest import Start
from tests.support import mail
from tests.support.callers import PASSWORD, Caller, Kind, told
from tests.support.factors import set_up_app, set_up_codes, step_up
from tests.support.server import LiveServer, merge

MOST = 4
TOO_MANY, WRONG_PASSWORD, WRONG_APP_CODE, WRONG_BACKUP_CODE = 9040002, 4000006, 4000008, 4000016
LIMITS = {
    "limen": {
        "limits": {"guesses_per_person": MOST, "guesses_per_address": 0, "pause": "1m", "longest_pause": "4m"},
        "trusted_proxies": ["127.0.0.1/32"],
    }
}
BY_ADDRESS = {"limen": {"limits": {"guesses_per_person": 0, "guesses_per_address": MOST}}}
EVES_HOME, ANNS_HOME = "203.0.114.7", "2.16.5.9"
ASKS: dict[str, dict[str, Any]] = {
    "login": {"identifier": ANN},
    "recovery": {"email": ANN},
    "verification": {"email": ANN},
}
BESIDE: dict[str, dict[str, Any]] = {"login": {"identifier": ANN}, "recovery": {}, "verification": {}}


@pytest.fixture
def server(start: Start) -> LiveServer:
    return start(merge(merge(MAILED, FACTORS), LIMITS))


def tries_password(caller: Caller, email: str, password: str = "not-the-right-one") -> set[int]:
    """What the form says to this password."""
    flow = caller.start("login")
    caller.submit(flow, method="password", identifier=email, password=password)
    return set() if caller.is_signed_in else told(caller.shown("login"))


def tries_code(server: LiveServer, kind: Kind, flow_kind: str, wrong: str = "000000") -> set[int]:
    """What a new form, with a new code under way, says to a wrong code."""
    caller = Caller(server, kind)
    flow = ask(caller, flow_kind, **ASKS[flow_kind])
    caller.submit(flow, method="code", code=wrong, **BESIDE[flow_kind])
    return told(caller.shown(flow_kind))


def spellings(email: str) -> list[str]:
    return [email.upper(), f" {email}", email.title(), f"{email} ", email]


@everybody
@pytest.mark.parametrize("flow_kind", ASKS)
def test_35_codes_are_counted_across_forms(server: LiveServer, kind: Kind, flow_kind: str) -> None:
    person(server, kind)
    answers = [tries_code(server, kind, flow_kind) for _ in range(MOST + 1)]
    assert not any(TOO_MANY in answer for answer in answers[:MOST])
    assert TOO_MANY in answers[MOST]
    caller = Caller(server, kind)
    flow = ask(caller, flow_kind, **ASKS[flow_kind])
    right = mail.code(server, ANN)
    caller.submit(flow, method="code", code=right, **BESIDE[flow_kind])
    assert TOO_MANY in told(caller.shown(flow_kind))
    server.clock.forward(minutes=1, seconds=1)
    caller.submit(flow, method="code", code=right, **BESIDE[flow_kind])
    after = caller.json(f"self-service/{flow_kind}/flows", id=flow["id"])
    assert caller.is_signed_in or after["state"] == "passed_challenge"


@everybody
def test_35_of_many_forms_at_once_no_more_are_looked_at(server: LiveServer, kind: Kind) -> None:
    person(server, kind)
    forms = []
    for _ in range(3 * MOST):
        caller = Caller(server, kind)
        forms.append((caller, ask(caller, "recovery", email=ANN)))
    at_once([lambda c=caller, f=flow: c.submit(f, method="code", code="000000") for caller, flow in forms])
    refused = [TOO_MANY in told(caller.shown("recovery")) for caller, _ in forms]
    assert refused.count(False) == MOST


@everybody
def test_36_second_factors_are_guarded_together(server: LiveServer, kind: Kind) -> None:
    ann = person(server, kind)
    app, codes = set_up_app(ann), set_up_codes(ann)
    for attempt in range(MOST):
        half_way = Caller(server, kind)
        half_way.sign_in(ANN)
        step_up(half_way, **({"totp": "000000"} if attempt % 2 else {"lookup_secret": "aaaaaaaa"}))
        assert told(half_way.shown("login")) in ({WRONG_APP_CODE}, {WRONG_BACKUP_CODE})
    for right in ({"totp": app.next_code()}, {"lookup_secret": codes[0]}):
        half_way = Caller(server, kind)
        half_way.sign_in(ANN)
        step_up(half_way, **right)
        assert told(half_way.shown("login")) == {TOO_MANY}
    server.clock.forward(minutes=2)
    half_way = Caller(server, kind)
    half_way.sign_in(ANN)
    step_up(half_way, lookup_secret=codes[0])  # it was not used up
    assert half_way.is_signed_in


@everybody
def test_36_a_pause_ends_and_grows(server: LiveServer, kind: Kind) -> None:
    person(server, kind)
    for pause in (1, 2, 4, 4):
        while TOO_MANY not in (answer := tries_password(Caller(server, kind), ANN)):
            assert answer == {WRONG_PASSWORD}
        server.clock.forward(minutes=pause, seconds=-1)
        assert tries_password(Caller(server, kind), ANN, PASSWORD) == {TOO_MANY}
        server.clock.forward(seconds=2)
    assert tries_password(Caller(server, kind), ANN, PASSWORD) == set()


@everybody
def test_37_a_right_password_clears_only_its_own_counter(start: Start, kind: Kind) -> None:
    server = start(merge(LIMITS, BY_ADDRESS))
    person(server, kind)
    person(server, kind, EVE)
    answers = []
    for _ in range(MOST + 1):
        attacker = at_home(server, kind, EVES_HOME)
        answers.append(tries_password(attacker, ANN))
        tries_password(at_home(server, kind, EVES_HOME), EVE, PASSWORD)
    assert answers[-1] == {TOO_MANY}
    assert tries_password(at_home(server, kind, ANNS_HOME), ANN, PASSWORD) == set()


def at_home(server: LiveServer, kind: Kind, address: str) -> Caller:
    caller = Caller(server, kind)
    caller.http.headers["x-forwarded-for"] = address
    return caller


@everybody
@pytest.mark.parametrize("email", [ANN, "nobody@example.org"])
def test_38_every_spelling_is_counted_for_the_same_person(server: LiveServer, kind: Kind, email: str) -> None:
    person(server, kind)
    answers = [tries_password(Caller(server, kind), spelling) for spelling in spellings(email)]
    assert answers == [{WRONG_PASSWORD}] * MOST + [{TOO_MANY}]


@everybody
def test_38_members_and_strangers_wait_alike(server: LiveServer, kind: Kind) -> None:
    person(server, kind)
    heard = [[tries_password(Caller(server, kind), email) for _ in range(MOST + 1)] for email in (ANN, EVE)]
    assert heard[0] == heard[1]
    assert heard[0][-1] == {TOO_MANY}


@everybody
def test_40_a_crowd_of_names_hides_nobody(server: LiveServer, kind: Kind) -> None:
    person(server, kind)
    for _ in range(MOST):
        tries_password(Caller(server, kind), ANN)
    for number in range(30):
        tries_password(Caller(server, kind), f"somebody-{number}@example.org")
    assert tries_password(Caller(server, kind), ANN, PASSWORD) == {TOO_MANY}
