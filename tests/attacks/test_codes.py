"""Attacks on codes: used twice, by many at once, for another purpose, for somebody else, cut short, too late."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.attacks.people import (
    ANN,
    EVE,
    MAILED,
    ask,
    crowd,
    everybody,
    opened,
    person,
    statuses,
    token,
    twin,
)
from tests.conftest import Start
from tests.support import mail
from tests.support.callers import Caller, Kind, told
from tests.support.server import LiveServer, merge

BEN = "ben@example.org"
WRONG = {"login": 4010008, "registration": 4040003, "recovery": 4060006, "verification": 4070006}
# What asks for a code in each kind of flow, and what has to stand beside the code.
ASKS: dict[str, dict[str, Any]] = {
    "login": {"identifier": ANN},
    "registration": {"traits": {"email": BEN}},
    "recovery": {"email": ANN},
    "verification": {"email": ANN},
}
SHORT = {"selfservice": {"methods": {"code": {"config": {"lifespan": "15m"}}}}}
BESIDE = {"login": ASKS["login"], "registration": ASKS["registration"], "recovery": {}, "verification": {}}


@pytest.fixture
def server(start: Start) -> LiveServer:
    return start(MAILED)


def asked(caller: Caller, kind: str) -> tuple[dict[str, Any], str]:
    """The form that waits for a code, and the code."""
    flow = ask(caller, kind, **ASKS[kind])
    return flow, mail.code(caller.server, BEN if kind == "registration" else ANN)


def send(flow: dict[str, Any], kind: str, code: str) -> Callable[[Caller], httpx.Response]:
    return lambda caller: caller.submit(flow, method="code", code=code, **BESIDE[kind])


def sessions(server: LiveServer, email: str) -> int:
    """How many sessions this person has."""
    found = httpx.get(f"{server.admin}admin/identities", params={"credentials_identifier": email}).json()
    if not found:
        return 0
    listed = httpx.get(f"{server.admin}admin/identities/{found[0]['id']}/sessions", params={"page_size": "250"})
    return len(listed.json() or []) if listed.status_code == 200 else 0


def is_verified(server: LiveServer, email: str = ANN) -> bool:
    """Whether the address is proved, as an operator sees it: its owner may have been signed out by that."""
    found = httpx.get(f"{server.admin}admin/identities", params={"credentials_identifier": email}).json()
    return bool(found[0]["verifiable_addresses"][0]["verified"])


def has_passed(caller: Caller) -> bool:
    """Whether the answer to an app or a script says that a challenge was passed."""
    body = caller.last.json() if caller.last.status_code == 200 else {}
    return body.get("state") == "passed_challenge" or "session" in body


# --- for another purpose ----------------------------------------------------------------------------------------------


@everybody
def test_29_what_was_mailed_for_one_purpose_is_good_for_no_other(server: LiveServer, kind: Kind) -> None:
    ann = person(server, kind)
    forms: dict[str, tuple[Caller, dict[str, Any]]] = {}
    proofs: dict[str, str] = {}
    for name in ASKS:
        caller = Caller(server, kind)
        flow, proofs[name] = asked(caller, name)
        forms[name] = caller, flow
    if kind != "app":
        ask(Caller(server, kind), "login", "link", identifier=ANN)
        proofs["login link"] = token(server, ANN)
    wanted = {"identity_id": ann.whoami()["identity"]["id"]}
    handed_out = httpx.post(f"{server.admin}admin/recovery/link", json=wanted).json()["recovery_link"]
    proofs["recovery link"] = handed_out.partition("token=")[2]
    for purpose, proof in proofs.items():
        for name, (caller, flow) in forms.items():
            if purpose != name:
                send(flow, name, proof)(caller)
                assert WRONG[name] in told(caller.shown(name)), (purpose, name)
            for path in ("recovery", "verification", "login"):
                if purpose != f"{path} link":
                    thief = twin(caller)
                    thief.submit(
                        flow | {"ui": flow["ui"] | {"action": to(server, path, flow)}}, method="link", token=proof
                    )
                    assert not thief.is_signed_in, (purpose, path)
            assert not caller.is_signed_in, (purpose, name)
    assert not is_verified(server)
    assert (sessions(server, ANN), sessions(server, BEN)) == (1, 0)
    for name, (caller, flow) in forms.items():  # each is still good for its own
        send(flow, name, proofs[name])(caller)
    assert is_verified(server)
    assert (sessions(server, ANN), sessions(server, BEN)) == (3, 1)


def to(server: LiveServer, kind: str, flow: dict[str, Any]) -> str:
    return f"{server.public}self-service/{kind}?flow={flow['id']}"


@everybody
def test_29_a_code_is_good_in_the_form_it_was_asked_for_in(server: LiveServer, kind: Kind) -> None:
    person(server, kind)
    for name in ("login", "recovery", "verification"):
        _, code = asked(Caller(server, kind), name)
        other = Caller(server, kind)
        flow, own = asked(other, name)
        send(flow, name, code)(other)
        assert code == own or WRONG[name] in told(other.shown(name))
        assert not other.is_signed_in


# --- more than once ---------------------------------------------------------------------------------------------------


@everybody
@pytest.mark.parametrize("name", ASKS)
def test_33_of_many_submits_of_one_code_one_succeeds(start: Start, kind: Kind, name: str) -> None:
    """Also where most of them are more than a form takes: what is refused takes nothing from the one that counts."""
    server = start(merge(MAILED, {"selfservice": {"methods": {"code": {"config": {"max_submissions": 5}}}}}))
    person(server, kind)
    caller = Caller(server, kind)
    flow, code = asked(caller, name)
    before = sessions(server, ANN)
    copies = crowd(caller, send(flow, name, code))
    assert set(statuses(copies)) <= {200, 302, 303, 400, 409, 410, 422}, statuses(copies)
    gained = sessions(server, BEN if name == "registration" else ANN) - (0 if name == "registration" else before)
    assert (gained, is_verified(server)) == (
        0 if name == "verification" else 1,
        name in ("login", "recovery", "verification"),
    )
    if kind != "page" and name in ("login", "verification"):
        assert sum(has_passed(copy) for copy in copies) == 1
    if kind == "page" and name in ("login", "recovery"):
        assert sum(copy.is_signed_in for copy in copies) == 1
    again = twin(caller)
    send(flow, name, code)(again)
    assert not again.is_signed_in


@everybody
def test_33_of_many_submits_of_one_code_one_passes_the_second_step(start: Start, kind: Kind) -> None:
    methods = {"code": {"enabled": True, "mfa_enabled": True}}
    server = start({"selfservice": {"methods": methods}, "session": {"whoami": {"required_aal": "aal1"}}})
    ann = person(server, kind)
    flow = ann.start("login", aal="aal2")
    code = mail.code(server, ANN)
    copies = crowd(ann, lambda caller: caller.submit(flow, method="code", identifier=ANN, code=code))
    assert set(statuses(copies)) <= {200, 303, 400, 409, 410, 422}, statuses(copies)
    found = httpx.get(f"{server.admin}admin/sessions", params={"expand": "identity"}).json()
    proofs = [[proof["method"] for proof in session["authentication_methods"]] for session in found]
    assert proofs == [["password", "code"]]


@everybody
def test_30_an_older_code_dies_when_a_new_one_is_sent(server: LiveServer, kind: Kind) -> None:
    person(server, kind)
    for name in ("login", "recovery", "verification"):
        caller = Caller(server, kind)
        flow, older = asked(caller, name)
        again = {"resend": "code"} if name == "login" else {}
        caller.submit(flow, method="code", **ASKS[name], **again)
        flow = caller.shown(name)
        if mail.code(server, ANN) != older:
            send(flow, name, older)(caller)
            assert WRONG[name] in told(caller.shown(name)), name
            assert not caller.is_signed_in


@everybody
def test_30_what_else_was_mailed_to_recover_dies_with_a_recovery(server: LiveServer, kind: Kind) -> None:
    ann = person(server, kind)
    early = Caller(server, kind)
    unused, code = asked(early, "recovery")
    wanted = {"identity_id": ann.whoami()["identity"]["id"]}
    link = httpx.post(f"{server.admin}admin/recovery/link", json=wanted).json()["recovery_link"]
    caller = Caller(server, kind)
    flow, own = asked(caller, "recovery")
    send(flow, "recovery", own)(caller)
    assert sessions(server, ANN) == 2
    send(unused, "recovery", code)(early)
    assert WRONG["recovery"] in told(early.shown("recovery"))
    opened(Caller(server, "page"), link)
    assert sessions(server, ANN) == 2


# --- of somebody else, or what is left of it ----------------------------------------------------------------------------


@everybody
def test_46_a_code_of_somebody_else_is_refused(server: LiveServer, kind: Kind) -> None:
    person(server, kind)
    person(server, kind, EVE)
    eve = Caller(server, kind)
    flow = ask(eve, "login", identifier=EVE)
    eve.submit(flow, method="code", identifier=ANN, code=mail.code(server, EVE))
    assert WRONG["login"] in told(eve.shown("login"))
    assert (sessions(server, ANN), sessions(server, EVE)) == (1, 1)


@everybody
def test_43_the_code_of_one_address_verifies_no_other(server: LiveServer, kind: Kind) -> None:
    ann, eve = person(server, kind), person(server, kind, EVE)
    flow = ask(eve, "verification", email=EVE)
    eve.submit(flow, method="code", email=ANN, code=mail.code(server, EVE))
    assert not ann.whoami()["identity"]["verifiable_addresses"][0]["verified"]


@everybody
def test_47_a_code_that_was_cut_short_or_drawn_out_is_refused(server: LiveServer, kind: Kind) -> None:
    person(server, kind)
    for name in ("login", "recovery", "verification"):
        caller = Caller(server, kind)
        flow, code = asked(caller, name)
        wide = code.translate({48 + n: 0xFF10 + n for n in range(10)})
        for cut in (code[:5], code[1:], code[:1], code + "0", "0" + code, code + "\0", wide, "%", "______", "*"):
            send(flow, name, cut)(caller)
            assert WRONG[name] in told(caller.shown(name)), (name, cut)
        assert not caller.is_signed_in


@everybody
def test_66_a_code_is_refused_when_its_time_is_over(start: Start, kind: Kind) -> None:
    """The form is open for an hour, the code is good for 15 minutes: the code's own end counts."""
    server = start(merge(MAILED, SHORT))
    person(server, kind)
    forms = {
        name: (caller := Caller(server, kind), *asked(caller, name)) for name in ("login", "recovery", "verification")
    }
    server.clock.forward(minutes=16)
    for name, (caller, flow, code) in forms.items():
        send(flow, name, code)(caller)
        assert WRONG[name] in told(caller.shown(name)), name
        assert not caller.is_signed_in


# --- after the address changed ------------------------------------------------------------------------------------------


@everybody
def test_42_what_was_mailed_to_an_address_dies_with_it(server: LiveServer, kind: Kind) -> None:
    ann = person(server, kind)
    forms = {
        name: (caller := Caller(server, kind), *asked(caller, name)) for name in ("login", "recovery", "verification")
    }
    ann.submit(ann.start("settings"), method="profile", traits={"email": "ann@example.com"})
    assert ann.whoami()["identity"]["traits"] == {"email": "ann@example.com"}
    for name, (caller, flow, code) in forms.items():
        caller.submit(flow, method="code", code=code, **(BESIDE[name] and {"identifier": "ann@example.com"}))
        assert not caller.is_signed_in
        assert WRONG[name] in told(caller.shown(name)), name
    assert sessions(server, "ann@example.com") == 1
