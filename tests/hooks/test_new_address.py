"""The hooks for changed addresses: the new one is proved before anything changes, and the former ones are told."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.hooks.conftest import Begin, Hook, after, sign_in
from tests.support import mail
from tests.support.callers import KINDS, Caller, Kind, flow_id, told
from tests.support.receiver import Receiver
from tests.support.server import PERSON, LiveServer, merge

everybody = pytest.mark.parametrize("kind", KINDS)
ANN, NEW, OTHER = "ann@example.org", "new@example.org", "other@example.org"
FIRST = {"hook": "verify_new_address"}
SECOND = {"type": "string", "format": "email", "ory.sh/kratos": {"verification": {"via": "email"}}}
TWO = merge(PERSON, {"properties": {"traits": {"properties": {"second": SECOND}}}})


def notify(recipients: str) -> dict[str, Any]:
    return {"hook": "notify_previous_addresses", "config": {"recipients": recipients}}


def change(caller: Caller, email: str = NEW, **traits: Any) -> httpx.Response:
    return caller.submit(caller.start("settings"), method="profile", traits={"email": email, **traits})


def waiting(caller: Caller) -> dict[str, Any]:
    """The verification that the last answer leads to."""
    if caller.kind == "page":
        return caller.flow("verification", flow_id(caller.last.headers["location"]))
    items = caller.last.json()["continue_with"]
    reader = Caller(caller.server, "app") if caller.kind == "app" else caller  # an app keeps no cookies
    return reader.flow("verification", next(i for i in items if i["action"] == "show_verification_ui")["flow"]["id"])


def prove(server: LiveServer, flow: dict[str, Any], code: str) -> httpx.Response:
    """Whoever reads the mail types the code, wherever they are."""
    return Caller(server, "app").submit(flow, method="code", code=code)


def subjects(server: LiveServer, to: str) -> list[str]:
    return [message["template_type"] for message in mail.messages(server, to)]


@everybody
def test_an_address_changes_when_it_is_proved(begin: Begin, hook: Hook, receiver: Receiver, kind: Kind) -> None:
    server = begin(after("settings", "profile", FIRST, notify("removed"), hook("/changed")))
    ann = Caller(server, kind)
    ann.sign_up()
    assert change(ann, name="Ann").status_code == (303 if kind == "page" else 200)
    flow = waiting(ann)
    assert ann.whoami()["identity"]["traits"] == {"email": ANN}
    assert receiver.calls == []
    ann.submit(flow, method="code", code=mail.code(server, NEW))
    identity = ann.whoami()["identity"]
    assert identity["traits"] == {"email": NEW, "name": "Ann"}
    assert [(a["value"], a["verified"], a["status"]) for a in identity["verifiable_addresses"]] == [
        (NEW, True, "completed")
    ]
    assert [call.json["who"] for call in receiver.calls] == [{"email": NEW, "name": "Ann"}]
    assert subjects(server, ANN)[0] == "verifiable_address_changed"
    assert sign_in(server, email=NEW).is_signed_in


def test_other_changes_are_made_at_once(begin: Begin) -> None:
    ann = Caller(begin(after("settings", "profile", FIRST)), "app")
    ann.sign_up()
    change(ann, ANN, name="Ann")
    assert ann.whoami()["identity"]["traits"]["name"] == "Ann"


@everybody
def test_one_address_at_a_time(begin: Begin, kind: Kind) -> None:
    ann = Caller(begin(after("settings", "profile", FIRST), schema=TWO), kind)
    ann.sign_up()
    assert change(ann, NEW, second=OTHER).status_code == (303 if kind == "page" else 200)
    assert 4050002 in told(ann.shown("settings"))
    assert ann.whoami()["identity"]["traits"] == {"email": ANN}


@everybody
def test_an_address_of_somebody_else_is_refused(begin: Begin, kind: Kind) -> None:
    server = begin(after("settings", "profile", FIRST))
    Caller(server, "app").sign_up(OTHER)
    ann = Caller(server, kind)
    ann.sign_up()
    assert change(ann, OTHER).status_code == (303 if kind == "page" else 400)
    assert 4000007 in told(ann.shown("settings"))


def test_it_takes_a_fresh_sign_in(begin: Begin) -> None:
    server = begin(after("settings", "profile", FIRST))
    ann = Caller(server, "app")
    ann.sign_up()
    server.clock.forward(hours=2)
    assert change(ann).json()["error"]["id"] == "session_refresh_required"
    assert mail.messages(server, NEW) == []


def test_another_code_goes_to_the_address_whatever_the_form_says(begin: Begin) -> None:
    server = begin(after("settings", "profile", FIRST))
    ann = Caller(server, "app")
    ann.sign_up()
    change(ann)
    flow = waiting(ann)
    first = mail.code(server, NEW)
    Caller(server, "app").submit(flow, method="code", email="mallory@example.org")
    assert mail.messages(server, "mallory@example.org") == []
    second = mail.code(server, NEW)
    if first != second:
        prove(server, flow, first)
        assert ann.whoami()["identity"]["traits"]["email"] == ANN
    prove(server, flow, second)
    assert ann.whoami()["identity"]["traits"]["email"] == NEW


# --- who must not get the account ----------------------------------------------------------------------------------------


def test_a_mistyped_address_can_be_taken_back(begin: Begin) -> None:
    server = begin(after("settings", "profile", FIRST))
    ann = Caller(server, "app")
    ann.sign_up()
    change(ann, "stranger@example.org")
    theirs, code = waiting(ann), mail.code(server, "stranger@example.org")
    change(ann, NEW)
    mine = waiting(ann)
    prove(server, theirs, code)
    assert ann.whoami()["identity"]["traits"]["email"] == ANN
    prove(server, mine, mail.code(server, NEW))
    assert ann.whoami()["identity"]["traits"]["email"] == NEW


def test_a_change_dies_with_its_session(begin: Begin) -> None:
    server = begin(after("settings", "profile", FIRST))
    thief = Caller(server, "app")
    thief.sign_up()
    change(thief)
    flow, code = waiting(thief), mail.code(server, NEW)
    thief.http.request("DELETE", "self-service/logout/api", json={"session_token": thief.token})
    answer = prove(server, flow, code)
    assert (answer.status_code, answer.json()["state"]) == (200, "sent_email")
    ann = sign_in(server)
    assert ann.whoami()["identity"]["traits"]["email"] == ANN
    prove(server, flow, code)
    assert ann.whoami()["identity"]["traits"]["email"] == ANN


def test_a_change_dies_when_the_account_changed_meanwhile(begin: Begin) -> None:
    server = begin(after("settings", "profile", FIRST))
    ann = Caller(server, "app")
    ann.sign_up()
    change(ann)
    flow, code = waiting(ann), mail.code(server, NEW)
    change(ann, ANN, name="Ann")
    prove(server, flow, code)
    assert ann.whoami()["identity"]["traits"] == {"email": ANN, "name": "Ann"}


def test_an_address_that_somebody_took_meanwhile_stays_theirs(begin: Begin) -> None:
    server = begin(after("settings", "profile", FIRST))
    ann = Caller(server, "app")
    ann.sign_up()
    change(ann)
    flow, code = waiting(ann), mail.code(server, NEW)
    Caller(server, "app").sign_up(NEW)
    answer = prove(server, flow, code)
    assert (answer.status_code, told(answer.json())) == (400, {4000007})
    assert ann.whoami()["identity"]["traits"]["email"] == ANN


def test_no_other_code_makes_the_change_and_the_code_does_nothing_else(begin: Begin) -> None:
    """Attack 29: each proof is for one purpose."""
    server = begin(after("settings", "profile", FIRST))
    ann = Caller(server, "app")
    ann.sign_up()
    verify = mail.code(server, ANN)  # of the sign-up
    change(ann)
    flow, code = waiting(ann), mail.code(server, NEW)
    if verify != code:
        prove(server, flow, verify)
        assert ann.whoami()["identity"]["traits"]["email"] == ANN
    for kind in ("verification", "recovery", "login"):
        somebody = Caller(server, "app")
        other = somebody.start(kind)
        named = {"identifier": ANN} if kind == "login" else {"email": ANN}
        somebody.submit(other, method="code", **named)
        somebody.submit(other, method="code", code=code, **({"identifier": ANN} if kind == "login" else {}))
        assert not somebody.is_signed_in
    assert not ann.whoami()["identity"]["verifiable_addresses"][0]["verified"]


def test_of_many_at_once_one_makes_the_change(begin: Begin, hook: Hook, receiver: Receiver) -> None:
    server = begin(after("settings", "profile", FIRST, hook("/changed")))
    ann = Caller(server, "app")
    ann.sign_up()
    change(ann)
    flow, code = waiting(ann), mail.code(server, NEW)
    with ThreadPoolExecutor(20) as pool:
        answers: Sequence[httpx.Response] = list(pool.map(lambda _: prove(server, flow, code), range(20)))
    assert all(answer.status_code < 500 for answer in answers)
    assert len(receiver.at("/changed")) == 1
    assert ann.whoami()["identity"]["traits"]["email"] == NEW


# --- who is told -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("recipients", "told_"), [("removed", {ANN}), ("all_verified", {OTHER}), ("all", {ANN, OTHER})]
)
def test_who_is_told_of_a_change(begin: Begin, recipients: str, told_: set[str]) -> None:
    server = begin(after("settings", "profile", notify(recipients)), schema=TWO)
    ann = Caller(server, "app")
    ann.sign_up()
    change(ann, ANN, second=OTHER)
    flow = Caller(server, "app").start("verification")
    Caller(server, "app").submit(flow, method="code", email=OTHER)
    prove(server, flow, mail.code(server, OTHER))
    change(ann, NEW, second=OTHER)
    assert {to for to in (ANN, NEW, OTHER) if "verifiable_address_changed" in subjects(server, to)[:1]} == told_
    assert ann.whoami()["identity"]["traits"]["email"] == NEW


def test_nobody_is_told_when_no_address_changed(begin: Begin) -> None:
    server = begin(after("settings", "profile", notify("all")))
    ann = Caller(server, "app")
    ann.sign_up()
    change(ann, ANN, name="Ann")
    assert "verifiable_address_changed" not in subjects(server, ANN)


def test_a_link_instead_of_a_code(begin: Begin) -> None:
    pages = {"verification": {"use": "link", "ui_url": "https://app.example.org/verify"}}
    methods = {"selfservice": {"methods": {"link": {"enabled": True}}}}
    server = begin(merge(after("settings", "profile", FIRST), pages), methods)
    ann = Caller(server, "app")
    ann.sign_up()
    change(ann, "stranger@example.org")
    theirs = mail.link(server, "stranger@example.org")
    change(ann)
    for link in (theirs, mail.link(server, NEW)):
        assert ann.whoami()["identity"]["traits"]["email"] == ANN
        Caller(server, "page").http.get(link)
    assert ann.whoami()["identity"]["traits"]["email"] == NEW
