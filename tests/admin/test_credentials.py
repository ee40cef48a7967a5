"""Credentials an operator brings along, sees and takes away, of every type."""

from __future__ import annotations

import base64
import uuid
from typing import Any

import pyotp
import pytest

from tests.conftest import Start
from tests.support.callers import Caller, has
from tests.support.operators import Operator
from tests.support.server import LiveServer

TOTP = "otpauth://totp/x?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=x"
HANDLE = base64.b64encode(b"a-handle").decode()
KEY = {"id": "AAAA", "public_key": "BBBB", "display_name": "Key", "is_passwordless": True}
STORED_KEY = {
    **KEY,
    "attestation_type": "",
    "added_at": "0001-01-01T00:00:00Z",
}


def oidc(*accounts: tuple[str, str]) -> dict[str, Any]:
    return {"oidc": {"config": {"providers": [{"provider": p, "subject": s} for p, s in accounts]}}}


def keys(type_: str, *found: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {type_: {"config": {"credentials": list(found), **more}}}


def test_an_account_at_a_provider_is_found_and_belongs_to_one(server: LiveServer) -> None:
    operator = Operator(server)
    ann = operator.person(credentials=oidc(("acme", "s1"), ("other", "s2")))
    assert ann["credentials"]["oidc"]["identifiers"] == ["acme:s1", "other:s2"]
    assert operator.create("ben@example.org", credentials=oidc(("acme", "s1"))).status_code == 409
    found = operator.get("identities", credentials_identifier="acme:s1")
    assert [person["id"] for person in found] == [ann["id"]]
    assert operator.get("identities", credentials_identifier="ACME:s1") == []
    tokens = {"initial_id_token": "", "initial_access_token": "", "initial_refresh_token": ""}
    assert operator.config(ann["id"], "oidc")["providers"][0] == {"provider": "acme", "subject": "s1", **tokens}


def test_an_imported_authenticator_app_and_backup_codes_are_second_factors(start: Start) -> None:
    server = start({"selfservice": {"methods": {"totp": {"enabled": True}, "lookup_secret": {"enabled": True}}}})
    operator = Operator(server)
    more = {"totp": {"config": {"totp_url": TOTP}}, "lookup_secret": {"config": {"codes": [{"code": "abcd1234"}]}}}
    ann = operator.person(credentials=more)
    assert ann["credentials"]["totp"]["identifiers"] == [ann["id"]]
    app = Caller(server, "app")
    app.sign_in()
    flow = app.start("login", aal="aal2")
    assert has(flow, "totp_code")
    assert has(flow, "lookup_secret")
    assert (
        app.submit(flow, method="totp", totp_code=pyotp.TOTP("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").now()).status_code
        == 200
    )
    assert app.whoami()["authenticator_assurance_level"] == "aal2"
    assert operator.config(ann["id"], "totp") == {"totp_url": TOTP}  # that a code was used is nobody's business


def test_keys_are_stored_whole_and_merged_by_id(server: LiveServer) -> None:
    operator = Operator(server)
    ann = operator.person(credentials=keys("webauthn", KEY, user_handle=HANDLE))
    assert operator.config(ann["id"], "webauthn") == {"credentials": [STORED_KEY], "user_handle": HANDLE}
    renamed, other = {**KEY, "display_name": "Renamed"}, {**KEY, "id": "CCCC", "is_passwordless": False}
    body = {"traits": ann["traits"], "credentials": keys("webauthn", renamed, other)}
    assert operator.http.put(f"admin/identities/{ann['id']}", json=body).status_code == 200
    stored = operator.config(ann["id"], "webauthn")
    assert [(key["id"], key["display_name"]) for key in stored["credentials"]] == [("AAAA", "Renamed"), ("CCCC", "Key")]
    assert stored["user_handle"] == HANDLE


def test_a_passkey_needs_its_handle_and_is_found_by_it(server: LiveServer) -> None:
    operator = Operator(server)
    assert operator.create(credentials=keys("passkey", KEY)).status_code == 400
    assert operator.create(credentials=keys("passkey", user_handle=HANDLE)).status_code == 400
    ann = operator.person(credentials=keys("passkey", KEY, user_handle=HANDLE))
    assert ann["credentials"]["passkey"]["identifiers"] == ["a-handle"]
    assert operator.create("ben@example.org", credentials=keys("passkey", KEY, user_handle=HANDLE)).status_code == 409
    odd = base64.b64encode(bytes(range(250, 256))).decode()  # no text
    ben = operator.person("ben@example.org", credentials=keys("passkey", KEY, user_handle=odd))
    assert ben["credentials"]["passkey"]["identifiers"] == ["-vv8_f7_"]


def test_security_keys_without_a_handle_have_the_persons_id(server: LiveServer) -> None:
    operator = Operator(server)
    ann = operator.person(credentials=keys("webauthn", KEY))
    handle = operator.config(ann["id"], "webauthn")["user_handle"]
    assert base64.b64decode(handle) == uuid.UUID(ann["id"]).bytes


@pytest.mark.parametrize(
    "credentials",
    [{"unknown": {}}, {"password": 5}, {"password": {"config": {"other": 1}}}, {"totp": []}, oidc(("a", 5)),  # type: ignore[arg-type]
     keys("webauthn", {"id": "not base64!"}), keys("webauthn", {"authenticator": {"sign_count": -1}}),
     {"lookup_secret": {"config": {"codes": [{"code": "x", "used_at": "yesterday"}]}}}],
)  # fmt: skip
def test_a_credential_that_is_none_is_refused(server: LiveServer, credentials: dict[str, Any]) -> None:
    answer = Operator(server).create(credentials=credentials)
    assert answer.status_code == 400, answer.text


def test_what_is_replaced_and_what_is_added(server: LiveServer) -> None:
    operator = Operator(server)
    codes = {"lookup_secret": {"config": {"codes": [{"code": "one"}]}}}
    ann = operator.person(credentials={**codes, **oidc(("acme", "s1")), "totp": {"config": {"totp_url": TOTP}}})
    more = {"lookup_secret": {"config": {"codes": [{"code": "two"}]}}, "totp": {"config": {"totp_url": TOTP + "2"}}}
    body = {"traits": ann["traits"], "credentials": {**more, **oidc(("other", "s2"))}}
    assert operator.http.put(f"admin/identities/{ann['id']}", json=body).status_code == 200
    kept = operator.config(ann["id"], "lookup_secret")["recovery_codes"]
    assert kept == [{"code": "one", "used_at": None}, {"code": "two", "used_at": None}]
    assert operator.config(ann["id"], "totp") == {"totp_url": TOTP + "2"}
    assert [p["provider"] for p in operator.config(ann["id"], "oidc")["providers"]] == ["acme", "other"]
    assert operator.config(ann["id"], "password")["hashed_password"]


def remove(operator: Operator, person: dict[str, Any], type_: str, **query: str) -> int:
    return operator.http.delete(f"admin/identities/{person['id']}/credentials/{type_}", params=query).status_code


def test_second_factors_go_and_the_last_way_in_stays(server: LiveServer) -> None:
    operator = Operator(server)
    second = {**KEY, "id": "CCCC", "is_passwordless": False}
    more = {"totp": {"config": {"totp_url": TOTP}}, "lookup_secret": {"config": {"codes": [{"code": "x"}]}}}
    ann = operator.person(credentials={**more, **keys("webauthn", KEY, second)})
    assert remove(operator, ann, "password") == 400
    for type_ in ("totp", "lookup_secret", "webauthn"):
        assert remove(operator, ann, type_) == 204
    for type_, status in (("totp", 404), ("passkey", 404), ("nonsense", 404), ("code", 400)):
        assert remove(operator, ann, type_) == status
    assert [key["id"] for key in operator.config(ann["id"], "webauthn")["credentials"]] == ["AAAA"]
    app = Caller(server, "app")
    app.sign_in()
    assert app.is_signed_in  # the level asked for is that of who has no second factor any more
    assert remove(operator, {"id": str(uuid.uuid4())}, "totp") == 404
    assert remove(operator, {"id": "nonsense"}, "totp") == 404


def test_an_account_at_a_provider_is_taken_away_by_name(server: LiveServer) -> None:
    operator = Operator(server)
    ann = operator.person(credentials=oidc(("acme", "s1"), ("acme", "s2")))
    assert remove(operator, ann, "oidc") == 400
    assert remove(operator, ann, "oidc", identifier="acme:s3") == 404
    assert remove(operator, ann, "password") == 204
    assert operator.config(ann["id"], "password") == {}
    assert remove(operator, ann, "oidc", identifier="acme:s1") == 204
    assert [p["subject"] for p in operator.config(ann["id"], "oidc")["providers"]] == ["s2"]
    assert remove(operator, ann, "oidc", identifier="acme:s2") == 400
    assert operator.get("identities", credentials_identifier="acme:s1") == []
