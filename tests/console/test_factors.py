"""One's own second factors through the operator's API: set up in two calls, seen in the status, used, removed."""

from __future__ import annotations

import pyotp
import pytest

from tests.conftest import Start
from tests.support.authenticator import Authenticator
from tests.support.callers import Caller
from tests.support.console import Console
from tests.support.keys import add_passkey, methods, schema
from tests.support.server import LiveServer

ANN = "ann@example.org"


@pytest.fixture
def server(start: Start) -> LiveServer:
    return start({"selfservice": {"methods": methods()}}, schema=schema())


@pytest.fixture
def ann(server: LiveServer) -> Console:
    console = Console(server)
    console.sign_up(ANN)
    return console


def test_nothing_is_set_up_at_first(ann: Console) -> None:
    assert ann.get("api/auth/mfa/status") == {
        "totp": False, "webauthn": False, "recovery_codes": False, "recovery_codes_left": 0, "devices": [],
    }  # fmt: skip


@pytest.mark.parametrize("named", [True, False])
def test_an_authenticator_app_is_set_up_used_and_removed(server: LiveServer, ann: Console, named: bool) -> None:
    begun = ann.post("api/auth/mfa/totp/setup")
    assert begun["totpUrl"].startswith("otpauth://totp/")
    assert begun["qr"].startswith("data:image/png;base64,")
    app = pyotp.TOTP(begun["secret"])
    flow = {"flow_id": begun["flow_id"]} if named else {}
    if named:
        ann.http.cookies.delete("truss_setup")
    ann.post("api/auth/mfa/totp/verify", {"totp_code": "000000", **flow})
    assert ann.status == 400
    assert ann.post("api/auth/mfa/totp/verify", {"totp_code": app.at(server.clock()), **flow})["totp"] is True
    ann.post("api/auth/mfa/totp/setup")
    assert ann.status == 404  # there is one already
    server.clock.forward(seconds=60)
    again = Console(server)
    assert again.sign_in(ANN)["next"]["methods"] == ["totp"]
    again.post("api/auth/login", {"totp_code": app.at(server.clock())})
    assert again.status == 200
    again.ask("DELETE", "api/auth/mfa/totp")
    assert again.status == 204
    assert again.get("api/auth/mfa/status")["totp"] is False


def test_recovery_codes_count_once_they_are_confirmed(server: LiveServer, ann: Console) -> None:
    codes = ann.post("api/auth/mfa/recovery-codes/generate")["codes"]
    assert len(codes) == 12
    assert ann.get("api/auth/mfa/status")["recovery_codes"] is False
    status = ann.post("api/auth/mfa/recovery-codes/confirm")
    assert (status["recovery_codes"], status["recovery_codes_left"]) == (True, 12)
    again = Console(server)
    again.sign_in(ANN)
    again.post("api/auth/login", {"lookup_secret": codes[0]})
    assert again.get("api/auth/mfa/status")["recovery_codes_left"] == 11
    fresh = again.post("api/auth/mfa/recovery-codes/generate")["codes"]
    assert not set(fresh) & set(codes)
    again.post("api/auth/mfa/recovery-codes/confirm")
    again.ask("DELETE", "api/auth/mfa/recovery-codes")
    assert again.get("api/auth/mfa/status")["recovery_codes"] is False


def test_without_a_session_there_are_no_factors(server: LiveServer) -> None:
    stranger = Console(server)
    stranger.post("api/auth/mfa/totp/setup")
    assert stranger.status == 401


def test_a_security_key_is_added_seen_and_removed(server: LiveServer, ann: Console) -> None:
    key = Authenticator()
    begun = ann.post("api/auth/mfa/webauthn/setup")
    assert begun["publicKey"]["challenge"]
    answer = {"webauthn_register": key.create(begun), "webauthn_register_displayname": "The blue one"}
    status = ann.post("api/auth/mfa/webauthn/verify", answer)
    assert ann.status == 200, status
    assert [device["name"] for device in status["devices"]] == ["The blue one"]
    ann.ask("DELETE", "api/auth/mfa/webauthn")
    assert ann.get("api/auth/mfa/status")["devices"] == []


def test_a_passkey_signs_in(server: LiveServer) -> None:
    key, page = Authenticator(), Caller(server, "page")
    page.sign_up(ANN)
    add_passkey(page, key)
    console = Console(server)
    begun = console.get("api/auth/login/passkey")
    body = console.post("api/auth/login/passkey", {"flow_id": begun["flow_id"], "webauthn_login": key.get(begun)})
    assert console.status == 200, body
    assert body["session"]["authentication_methods"][0]["method"] == "passkey"
    assert console.get("api/auth/session")["session"]["id"] == body["session"]["id"]
    again = Console(server)
    again.post("api/auth/login/passkey", {"flow_id": begun["flow_id"], "webauthn_login": key.get(begun)})
    assert again.status in (401, 409)
