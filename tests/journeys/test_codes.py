"""Codes by mail: recover an account, verify an address, sign up and in, as an app, a script and a page."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from tests.conftest import Start
from tests.support import mail
from tests.support.callers import KINDS, Caller, Kind, flow_id, has, told
from tests.support.server import LiveServer

everybody = pytest.mark.parametrize("kind", KINDS)
ANN = "ann@example.org"
FLOWS = {"recovery": {"enabled": True}, "verification": {"enabled": True}}
CODES = {"selfservice": {"flows": FLOWS, "methods": {"code": {"passwordless_enabled": True}}}}


@pytest.fixture
def server(start: Start) -> LiveServer:
    return start(CODES)


def ask(caller: Caller, kind: str, **values: Any) -> dict[str, Any]:
    """Start a flow, send this, and return the form that comes back."""
    caller.submit(caller.start(kind), method="code", **values)
    return caller.shown(kind)


@everybody
def test_recovery_leads_to_a_new_password(server: LiveServer, kind: Kind) -> None:
    Caller(server, kind).sign_up()
    caller = Caller(server, kind)
    flow = ask(caller, "recovery", email=ANN)
    assert told(flow) == {1060003}
    caller.submit(flow, method="code", code=mail.wrong(mail.code(server, ANN)))
    assert told(caller.shown("recovery")) == {4060006}
    caller.submit(flow, method="code", code=mail.code(server, ANN))
    if kind == "app":  # an app is sent to a browser, which alone is signed in
        assert caller.last.json()["error"]["id"] == "browser_location_change_required"
        return
    place = caller.last.headers["location"] if kind == "page" else caller.last.json()["redirect_browser_to"]
    settings = caller.flow("settings", flow_id(place))
    assert told(settings) >= {1060001}
    caller.submit(settings, method="password", password="another-fine-secret-2")
    assert Caller(server, kind).sign_in(password="another-fine-secret-2").status_code in (200, 303)


@everybody
def test_strangers_see_what_members_see(server: LiveServer, kind: Kind) -> None:
    Caller(server, kind).sign_up()
    seen = []
    for email in (ANN, "stranger@example.org"):
        caller = Caller(server, kind)
        flow = ask(caller, "recovery", email=email)
        seen.append((caller.last.status_code, told(flow), [n["attributes"].get("name") for n in flow["ui"]["nodes"]]))
    assert seen[0] == seen[1]
    assert mail.messages(server, "stranger@example.org") == []


@everybody
def test_a_code_is_good_for_one_purpose_and_flow(server: LiveServer, kind: Kind) -> None:
    Caller(server, kind).sign_up()
    caller = Caller(server, kind)
    ask(caller, "recovery", email=ANN)
    code = mail.code(server, ANN)
    for name in ("recovery", "verification"):
        flow = ask(caller, name, email=ANN)
        caller.submit(flow, method="code", code=code)
        assert told(caller.shown(name)) & {4060006, 4070006}
    assert not caller.is_signed_in


@everybody
def test_five_tries_and_no_more(server: LiveServer, kind: Kind) -> None:
    Caller(server, kind).sign_up()
    caller = Caller(server, kind)
    flow = ask(caller, "recovery", email=ANN)
    code = mail.code(server, ANN)
    for _ in range(5):
        caller.submit(flow, method="code", code=mail.wrong(code))
    caller.submit(flow, method="code", code=code)  # right, but too late
    assert caller.last.status_code == 303
    assert not caller.is_signed_in


@everybody
def test_verification(server: LiveServer, kind: Kind) -> None:
    ann = Caller(server, kind)
    ann.sign_up()
    flow = ask(ann, "verification", email=ANN)
    ann.submit(flow, method="code", code=mail.code(server, ANN))
    assert told(ann.shown("verification")) >= {1080002}
    address = ann.whoami()["identity"]["verifiable_addresses"][0]
    assert (address["verified"], address["status"]) == (True, "completed")


@everybody
def test_sign_up_and_in_by_code(server: LiveServer, kind: Kind) -> None:
    caller = Caller(server, kind)
    traits = {"email": ANN}
    flow = caller.start("registration")
    if not has(flow, "code"):
        caller.submit(flow, method="profile", traits=traits)
        flow = caller.shown("registration")
    caller.submit(flow, method="code", traits=traits)
    flow = caller.shown("registration")
    caller.submit(flow, method="code", traits=traits, code=mail.code(server, ANN))
    assert caller.last.status_code in (200, 303), caller.last.text
    again = Caller(server, kind)
    flow = ask(again, "login", identifier=ANN)
    again.submit(flow, method="code", identifier=ANN, code=mail.wrong(mail.code(server, ANN)))
    assert told(again.shown("login")) >= {4010008}
    again.submit(flow, method="code", identifier=ANN, code=mail.code(server, ANN))
    assert again.last.status_code in (200, 303), again.last.text
    assert [m["method"] for m in again.whoami()["authentication_methods"]] == ["code"]
    assert again.whoami()["identity"]["verifiable_addresses"][0]["verified"]


@everybody
def test_a_code_is_for_its_own_person(server: LiveServer, kind: Kind) -> None:
    Caller(server, kind).sign_up()
    Caller(server, kind).sign_up("ben@example.org")
    caller = Caller(server, kind)
    flow = ask(caller, "login", identifier=ANN)
    caller.submit(flow, method="code", identifier="ben@example.org", code=mail.code(server, ANN))
    assert told(caller.shown("login")) >= {4010008}
    assert not caller.is_signed_in


def test_one_code_sent_twenty_times_at_once_counts_once(server: LiveServer) -> None:
    Caller(server, "app").sign_up()
    caller = Caller(server, "app")
    flow = ask(caller, "login", identifier=ANN)
    values = {"method": "code", "identifier": ANN, "code": mail.code(server, ANN)}

    def send(_: int) -> httpx.Response:
        return httpx.post(flow["ui"]["action"], json=values)

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(send, range(20)))
    assert [a.status_code for a in answers].count(200) == 1, [a.status_code for a in answers]
    assert {a.status_code for a in answers} <= {200, 400, 409}


@everybody
def test_masked_strangers_may_ask_for_a_code_too(start: Start, kind: Kind) -> None:
    server = start(CODES | {"security": {"account_enumeration": {"mitigate": True}}})
    Caller(server, kind).sign_up()
    seen = []
    for email in (ANN, "stranger@example.org"):
        caller = Caller(server, kind)
        flow = ask(caller, "login", identifier=email)
        caller.submit(flow, method="code", identifier=email, code="000000")
        seen.append((caller.last.status_code, told(flow), told(caller.shown("login"))))
    assert seen[0] == seen[1]
    assert mail.messages(server, "stranger@example.org") == []


@pytest.mark.parametrize("kind", ["app", "script"])
def test_who_signs_up_by_a_code_where_codes_are_off_is_told_so(start: Start, kind: Kind) -> None:
    server = start({"selfservice": {"methods": {"code": {"enabled": False, "passwordless_enabled": False}}}})
    caller = Caller(server, kind)
    caller.submit(caller.start("registration"), method="code", traits={"email": ANN})
    assert (caller.last.status_code, caller.last.json()["error"]["code"]) == (404, 404)
