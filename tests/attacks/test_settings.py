"""Attacks on the settings: many changes at once, by others, with what is not theirs; and on the way in by recovery."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest

from tests.attacks.people import (
    ANN,
    CROWD,
    EVE,
    MAILED,
    NEW_PASSWORD,
    ask,
    crowd,
    everybody,
    opened,
    person,
    prove,
    statuses,
    twin,
)
from tests.conftest import Start
from tests.support import mail
from tests.support.callers import JSON, PASSWORD, Caller, Kind, flow_id, nodes, told
from tests.support.factors import App, backup_codes, set_up_app
from tests.support.receiver import Receiver, Reply, wait_for
from tests.support.server import LiveServer, merge

FACTORS = {"selfservice": {"methods": {"totp": {"enabled": True}, "lookup_secret": {"enabled": True}}}}
NOTHING = "base64://" + base64.b64encode(b"function(ctx) {}").decode()


@pytest.fixture
def server(start: Start) -> LiveServer:
    return start(merge(MAILED, FACTORS))


# --- many changes at once ---------------------------------------------------------------------------------------------


@pytest.fixture
def gathering(start: Start, receiver: Receiver) -> LiveServer:
    """A server that asks a web hook before a change is stored, which answers when a whole crowd waits for it."""
    receiver.on("/", Reply(body={}))
    receiver.during = lambda path: wait_for(lambda: len(receiver.calls) >= CROWD)
    config = {"url": receiver.url("/"), "method": "POST", "body": NOTHING, "response": {"parse": True}}
    hooks = {"hooks": [{"hook": "web_hook", "config": config}]}
    flows = {"settings": {"after": dict.fromkeys(("password", "profile", "totp", "lookup_secret"), hooks)}}
    return start(merge(FACTORS, {"selfservice": {"flows": flows}}))


def one_won(callers: list[Caller]) -> None:
    """One change was stored; all others are told that another one counted."""
    won = 303 if callers[0].kind == "page" else 200
    leads = [c for c in callers if c.last.status_code == won and "/error" not in c.last.headers.get("location", "")]
    assert len(leads) == 1, statuses(callers)
    assert set(statuses(callers)) <= {won, 409}


@everybody
def test_33_of_many_new_passwords_at_once_one_is_set(gathering: LiveServer, kind: Kind) -> None:
    ann = person(gathering, kind)
    flow = ann.start("settings")
    numbers = iter(range(CROWD))
    one_won(crowd(ann, lambda c: c.submit(flow, method="password", password=f"{NEW_PASSWORD}-{next(numbers)}")))
    assert Caller(gathering, "app").sign_in().status_code == 400


@everybody
def test_33_of_many_new_profiles_at_once_one_is_saved(gathering: LiveServer, kind: Kind) -> None:
    ann = person(gathering, kind)
    flow = ann.start("settings")
    numbers = iter(range(CROWD))
    one_won(
        crowd(ann, lambda c: c.submit(flow, method="profile", traits={"email": ANN, "name": f"Ann {next(numbers)}"}))
    )
    assert ann.whoami()["identity"]["traits"]["name"].startswith("Ann ")


@everybody
def test_33_of_many_apps_at_once_one_is_linked(gathering: LiveServer, kind: Kind) -> None:
    ann = person(gathering, kind)
    flow = ann.start("settings")
    app = App(ann, nodes(flow, "totp_secret_key")[0]["attributes"]["text"]["text"])
    one_won(crowd(ann, lambda c: c.submit(flow, method="totp", totp_code=app.code)))


@everybody
def test_33_of_many_lists_of_backup_codes_at_once_one_is_kept(gathering: LiveServer, kind: Kind) -> None:
    ann = person(gathering, kind)
    ann.submit(ann.start("settings"), method="lookup_secret", lookup_secret_regenerate=True)
    shown = ann.shown("settings")
    one_won(crowd(ann, lambda c: c.submit(shown, method="lookup_secret", lookup_secret_confirm=True)))
    ann.submit(ann.start("settings"), method="lookup_secret", lookup_secret_reveal=True)
    assert backup_codes(ann.shown("settings")) == backup_codes(shown)


# --- by others, and by recovery -----------------------------------------------------------------------------------------


@everybody
def test_30_a_settings_form_of_before_is_of_no_use_after_signing_out(server: LiveServer, kind: Kind) -> None:
    ann = person(server, kind)
    flow = ann.start("settings")
    thief = twin(ann)
    if kind == "app":
        ann.http.request("DELETE", "self-service/logout/api", json={"session_token": ann.token})
    else:
        ann.get(ann.json("self-service/logout/browser")["logout_url"])
    thief.submit(flow, method="password", password=NEW_PASSWORD)
    assert Caller(server, "app").sign_in(password=NEW_PASSWORD).status_code == 400


@everybody
def test_44_recovery_alone_changes_nothing_where_a_second_factor_is_set(server: LiveServer, kind: Kind) -> None:
    """A thief who reads the mail gets a session of the lowest level, and no form that changes anything."""
    set_up_app(person(server, kind))
    prove(server)
    thief = Caller(server, "page" if kind == "app" else kind)
    flow = ask(thief, "recovery", email=ANN)
    thief.submit(flow, method="code", code=mail.code(server, ANN))
    assert not thief.is_signed_in
    place = thief.last.headers.get("location") or thief.last.json()["redirect_browser_to"]
    settings = thief.http.get("self-service/settings/flows", params={"id": flow_id(place)}, headers=JSON)
    assert settings.status_code == 403
    known = {
        "ui": {"action": f"{server.public}self-service/settings?flow={flow_id(place)}", "nodes": flow["ui"]["nodes"]}
    }
    for values in ({"method": "password", "password": NEW_PASSWORD}, {"method": "totp", "totp_unlink": True},
                   {"method": "lookup_secret", "lookup_secret_regenerate": True},
                   {"method": "profile", "traits": {"email": EVE}}):  # fmt: skip
        thief.submit(known, **values)
        assert thief.last.status_code in (303, 403)
    assert not thief.is_signed_in
    assert Caller(server, "app").sign_in(password=NEW_PASSWORD).status_code == 400
    assert Caller(server, "app").sign_in(password=PASSWORD).status_code == 200


@everybody
def test_43_a_new_address_is_unproved_until_its_own_code_comes_back(server: LiveServer, kind: Kind) -> None:
    """The code that went to the old address proves the old address, not the one that stands there now."""
    ann = person(server, kind)
    flow = ask(ann, "verification", email=ANN)
    code = mail.code(server, ANN)
    ann.submit(ann.start("settings"), method="profile", traits={"email": EVE})
    ann.submit(flow, method="code", code=code)
    assert told(ann.shown("verification")) >= {4070006}
    found = ann.whoami()["identity"]["verifiable_addresses"]
    assert [(a["value"], a["verified"]) for a in found] == [(EVE, False)]


@everybody
def test_43_who_proves_an_address_first_has_it(server: LiveServer, kind: Kind) -> None:
    """Two people change to one address at the same moment: one of them gets it, the other keeps what they had."""
    ann, eve = person(server, kind), person(server, kind, EVE)
    wanted = {"method": "profile", "traits": {"email": "both@example.org"}}
    forms: list[tuple[Caller, dict[str, Any]]] = [(who, who.start("settings")) for who in (ann, eve)]
    for who, form in forms:
        who.submit(form, **wanted)
    emails = sorted(who.whoami()["identity"]["traits"]["email"] for who in (ann, eve))
    assert emails in ([ANN, "both@example.org"], ["both@example.org", EVE])


@everybody
def test_44_what_an_operator_handed_out_is_good_once_and_for_one_person(server: LiveServer, kind: Kind) -> None:
    ann = person(server, kind)
    wanted = {"identity_id": ann.whoami()["identity"]["id"]}
    handed = httpx.post(f"{server.admin}admin/recovery/code", json=wanted).json()
    id_ = flow_id(handed["recovery_link"])
    action = {"ui": {"action": f"{server.public}self-service/recovery?flow={id_}", "nodes": []}}
    first, second = Caller(server, "page"), Caller(server, "page")
    for caller in (first, second):
        caller.submit(action, method="code", code=handed["recovery_code"])
    assert (first.is_signed_in, second.is_signed_in) == (True, False)
    links = [httpx.post(f"{server.admin}admin/recovery/link", json=wanted).json()["recovery_link"] for _ in range(2)]
    third, fourth = Caller(server, "page"), Caller(server, "page")
    opened(third, links[0])
    opened(fourth, links[0])
    assert (third.is_signed_in, fourth.is_signed_in) == (True, False)
