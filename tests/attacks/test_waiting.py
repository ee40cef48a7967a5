"""Accounts that wait for the owner of an address: who signed up with it before must not share them (row 2 of README.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.attacks.people import ANN, MAILED, NEW_PASSWORD, ask, everybody, linked, opened, person
from tests.conftest import Start
from tests.support import mail
from tests.support.callers import PASSWORD, Caller, Kind
from tests.support.factors import set_up_app
from tests.support.server import LiveServer, merge

Prove = Callable[[Caller], None]
TOLD = {"limen": {"notices": {"password_changed": True}}}
TOTP = {"selfservice": {"methods": {"totp": {"enabled": True}}}}


def sign_in_by_code(ann: Caller) -> None:
    flow = ask(ann, "login", identifier=ANN)
    ann.submit(flow, method="code", identifier=ANN, code=mail.code(ann.server, ANN))


def sign_in_by_link(ann: Caller) -> None:
    ask(ann, "login", "link", identifier=ANN)
    opened(ann, mail.link(ann.server, ANN))


def recover_by_code(ann: Caller) -> None:
    flow = ask(ann, "recovery", email=ANN)
    ann.submit(flow, method="code", code=mail.code(ann.server, ANN))


def recover_by_link(ann: Caller) -> None:
    ask(ann, "recovery", "link", email=ANN)
    opened(ann, mail.link(ann.server, ANN))


WAYS: dict[Prove, dict[str, Any]] = {
    sign_in_by_code: MAILED, sign_in_by_link: MAILED, recover_by_code: MAILED, recover_by_link: linked(),
}  # fmt: skip


def may_enter(server: LiveServer, password: str = PASSWORD) -> bool:
    stranger = Caller(server, "script")
    stranger.sign_in(ANN, password)
    return stranger.is_signed_in


def kept(server: LiveServer, id_: str) -> set[str]:
    """The types of credentials in which something is set up."""
    types = ("password", "totp", "oidc", "passkey", "webauthn")
    answer = httpx.get(f"{server.admin}admin/identities/{id_}", params={"include_credential": types})
    held = answer.json()["credentials"]
    return {type_ for type_ in types if held.get(type_, {}).get("config")}


@pytest.mark.parametrize("prove", WAYS, ids=lambda way: way.__name__)
@everybody
def test_who_proves_an_address_first_shares_the_account_with_nobody(start: Start, prove: Prove, kind: Kind) -> None:
    server = start(merge(WAYS[prove], TOLD))
    eve = person(server, "script", ANN)
    ann = Caller(server, "script" if kind == "app" and "link" in prove.__name__ else kind)
    prove(ann)
    assert not eve.is_signed_in
    assert not may_enter(server)
    subjects = [message["subject"] for message in mail.messages(server, ANN)]
    assert subjects.count("Your account is yours alone now") == 1
    if ann.kind != "app" or ann.token:
        assert ann.is_signed_in


@everybody
def test_the_owner_sets_a_password_of_their_own(start: Start, kind: Kind) -> None:
    server = start(MAILED)
    person(server, "script", ANN)
    ann = Caller(server, kind)
    sign_in_by_code(ann)
    settings = ann.start("settings")
    ann.submit(settings, method="password", password=NEW_PASSWORD)
    assert may_enter(server, NEW_PASSWORD)
    again = Caller(server, kind)
    sign_in_by_code(again)
    assert may_enter(server, NEW_PASSWORD), "the address is proved since"
    assert ann.is_signed_in


def test_an_address_that_is_new_to_the_account_makes_a_stranger_of_its_owner(start: Start) -> None:
    """Eve has an account with an address of hers, proved, and changes it to Ann's."""
    server = start(MAILED)
    eve = person(server, "script", "eve@example.org")
    flow = ask(eve, "verification", email="eve@example.org")
    eve.submit(flow, method="code", code=mail.code(server, "eve@example.org"))
    eve.submit(eve.start("settings"), method="profile", traits={"email": ANN})
    assert eve.whoami()["identity"]["traits"]["email"] == ANN
    sign_in_by_code(Caller(server, "page"))
    assert not eve.is_signed_in
    assert not may_enter(server)


def test_what_an_operator_set_stays(start: Start) -> None:
    server = start(MAILED)
    body = {
        "schema_id": "default",
        "traits": {"email": ANN},
        "credentials": {"password": {"config": {"password": PASSWORD}}},
    }
    httpx.post(f"{server.admin}admin/identities", json=body).raise_for_status()
    before = Caller(server, "script")
    before.sign_in()
    sign_in_by_code(Caller(server, "page"))
    assert before.is_signed_in
    assert may_enter(server)


def test_who_had_proved_the_address_keeps_everything(start: Start) -> None:
    server = start(MAILED)
    ann = person(server, "script", ANN)
    flow = ask(ann, "verification", email=ANN)
    ann.submit(flow, method="code", code=mail.code(server, ANN))
    sign_in_by_code(Caller(server, "page"))
    recover_by_code(Caller(server, "page"))
    assert ann.is_signed_in
    assert may_enter(server)


def test_who_is_signed_in_and_reads_the_mail_is_no_stranger(start: Start) -> None:
    server = start(MAILED)
    ann = person(server, "script", ANN)
    flow = ann.start("login", refresh="true")
    ann.submit(flow, method="code", identifier=ANN)
    ann.submit(ann.shown("login"), method="code", identifier=ANN, code=mail.code(server, ANN))
    assert [a["verified"] for a in ann.whoami()["identity"]["verifiable_addresses"]] == [True]
    assert may_enter(server)


def test_a_second_factor_outlasts_the_first_proof(start: Start) -> None:
    """It lets nobody in alone; and who reads along in a mailbox must not be rid of it."""
    server = start(merge(MAILED, TOTP))
    eve = person(server, "script", ANN)
    id_ = eve.whoami()["identity"]["id"]
    set_up_app(eve)
    assert kept(server, id_) == {"password", "totp"}
    recover_by_code(Caller(server, "page"))
    assert kept(server, id_) == {"totp"}
