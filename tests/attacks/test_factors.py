"""Attacks on the levels of assurance: half a sign-in used as a whole one, steps skipped, proofs that count twice."""

from __future__ import annotations

from itertools import combinations_with_replacement
from typing import Any

import pytest

from limen.session.model import Proof, level
from tests.attacks.conftest import FACTORS
from tests.attacks.people import crowd
from tests.conftest import Start
from tests.support import keys, mail
from tests.support.authenticator import Authenticator
from tests.support.callers import JSON, KINDS, PASSWORD, Caller, Kind, flow_id, has, told, value
from tests.support.factors import set_up_app, set_up_codes, step_up
from tests.support.server import LiveServer, merge

everybody = pytest.mark.parametrize("kind", KINDS)
ANN, EVE = "ann@example.org", "eve@example.org"


def person(server: LiveServer, kind: Kind, email: str = ANN) -> Caller:
    caller = Caller(server, kind)
    caller.sign_up(email)
    return caller


def after_password(server: LiveServer, kind: Kind) -> Caller:
    """Ann, who has an authenticator app, after the first of two steps."""
    caller = Caller(server, kind)
    caller.sign_in()
    return caller


FIRST = [("password", "aal1"), ("code", "aal1"), ("oidc", "aal1"), ("passkey", "aal1"), ("webauthn", "aal1"),
         ("link_recovery", "aal1"), ("code_recovery", "aal1")]  # fmt: skip
SECOND = [("totp", "aal2"), ("lookup_secret", "aal2"), ("webauthn", "aal2"), ("code", "aal2")]


@pytest.mark.parametrize(("one", "other"), list(combinations_with_replacement([*FIRST, *SECOND], 2)))
def test_52_each_pair_of_methods_has_its_level(one: tuple[str, str], other: tuple[str, str]) -> None:
    """Two of one kind prove one thing twice; a second factor without a first one is no more than that one thing."""
    proofs = [Proof(method, aal, "2026-01-01T00:00:00Z") for method, aal in (one, other)]
    assert level(proofs) == ("aal2" if {one[1], other[1]} == {"aal1", "aal2"} else "aal1")
    assert level(reversed(proofs)) == level(proofs)


@everybody
def test_56_half_a_sign_in_opens_nothing(server: LiveServer, kind: Kind) -> None:
    owner = person(server, kind)
    old = owner.start("settings")
    set_up_app(owner)
    half = after_password(server, kind)
    headers = {**half.headers(), **JSON}
    assert half.http.get("sessions/whoami", headers=headers).status_code == 403
    assert half.http.get("sessions", headers=headers).status_code == 403
    assert half.http.get("self-service/settings/api", headers=headers).status_code == 403
    assert half.http.get("self-service/settings/browser", headers=headers).status_code == 403
    assert half.http.get("self-service/settings/flows", params={"id": old["id"]}, headers=headers).status_code == 403
    half.submit(old, method="password", password="another-fine-secret-2")
    half.submit(old, method="totp", totp_unlink=True)
    late = Caller(server, kind)
    late.sign_in(password="another-fine-secret-2")
    assert told(late.shown("login")) == {4000006}
    assert owner.whoami()["authenticator_assurance_level"] == "aal2"


@everybody
def test_53_starting_again_skips_no_step(server: LiveServer, kind: Kind) -> None:
    set_up_app(person(server, kind))
    half = after_password(server, kind)
    for query in ({}, {"refresh": "true"}, {"aal": "aal1", "refresh": "true"}, {"aal": "aal2"}):
        half.http.get(
            f"self-service/login/{'api' if kind == 'app' else 'browser'}", params=query, headers=half.headers()
        )
        assert not half.is_signed_in
    half.sign_in(refresh="true")  # the password once more is still one factor
    assert not half.is_signed_in


NOTHING: list[dict[str, Any]] = [
    {}, {"method": ""}, {"method": "nonsense"}, {"method": "totp"}, {"method": "totp", "totp_code": ""}, {"totp_code": "000000"},
    {"method": "lookup_secret"}, {"method": "lookup_secret", "lookup_secret": ""}, {"lookup_secret": ""}, {"method": "code"},
    {"method": "password", "identifier": ANN, "password": PASSWORD}, {"method": "profile"}, {"method": "link"},
    {"method": "totp", "lookup_secret": "x"}, {"identifier": ANN, "password": PASSWORD},
]  # fmt: skip


@everybody
def test_54_nothing_but_a_proof_passes_the_second_step(server: LiveServer, kind: Kind) -> None:
    owner = person(server, kind)
    set_up_app(owner)
    set_up_codes(owner)
    half = after_password(server, kind)
    flow = half.start("login", aal="aal2")
    for body in NOTHING:
        half.submit(flow, **body)
        assert half.last.status_code == (303 if kind == "page" else 400), body
        assert not half.is_signed_in, body


@everybody
def test_54_nothing_but_a_proof_passes_the_first_step(server: LiveServer, kind: Kind) -> None:
    person(server, kind)
    stranger = Caller(server, kind)
    flow = stranger.start("login")
    no_proof: list[dict[str, Any]] = [
        {},
        {"method": "password"},
        {"method": "password", "identifier": ANN},
        {"identifier": ANN, "password": PASSWORD},
        {"method": "totp", "totp_code": "000000"},
        {"method": "nonsense", "identifier": ANN, "password": PASSWORD},
    ]
    for body in no_proof:
        stranger.submit(flow, **body)
        assert not stranger.is_signed_in, body


@everybody
def test_55_no_header_of_the_client_lowers_what_is_asked(server: LiveServer, kind: Kind) -> None:
    set_up_app(person(server, kind))
    half = after_password(server, kind)
    for header in (
        "x-forwarded-for",
        "x-real-ip",
        "true-client-ip",
        "x-forwarded-host",
        "x-original-url",
        "x-skip-2fa",
        "x-ory-aal",
    ):
        for said in ("127.0.0.1", "aal2", "true", "/health/alive"):
            answer = half.http.get("sessions/whoami", headers={**half.headers(), **JSON, header: said})
            assert answer.status_code == 403, (header, said)


@everybody
def test_57_a_second_factor_needs_a_first_one(server: LiveServer, kind: Kind) -> None:
    app = set_up_app(person(server, kind))
    stranger = Caller(server, kind)
    place = f"self-service/login/{'api' if kind == 'app' else 'browser'}"
    refused = stranger.http.get(place, params={"aal": "aal2"}, headers=stranger.headers())
    assert refused.status_code in (303, 400, 401)
    flow = stranger.start("login")
    stranger.submit(flow, method="totp", totp_code=app.next_code(), identifier=ANN)
    assert not stranger.is_signed_in


@everybody
def test_57_the_first_factor_of_somebody_else_is_none(server: LiveServer, kind: Kind) -> None:
    app = set_up_app(person(server, kind))
    set_up_app(person(server, kind, EVE))
    eve = Caller(server, kind)
    eve.sign_in(EVE)
    step_up(eve, totp=app.next_code())
    assert not eve.is_signed_in


@pytest.mark.parametrize("kind", ["script", "page"])
def test_44_recovery_does_not_stand_for_the_second_factor(start: Start, kind: Kind) -> None:
    flows = {"recovery": {"enabled": True}}
    server = start({"selfservice": {"flows": flows, "methods": {"totp": {"enabled": True}, "code": {"enabled": True}}}})
    app = set_up_app(person(server, kind))
    thief = Caller(server, kind)
    thief.submit(thief.start("recovery"), method="code", email=ANN)
    asked = thief.shown("recovery")
    thief.submit(asked, method="code", code=mail.code(server, ANN))
    assert not thief.is_signed_in
    place = thief.last.headers.get("location") or thief.last.json().get("redirect_browser_to", "")
    if "settings?flow=" in place or "settings/?flow=" in place:
        headers = {**thief.headers(), **JSON}
        assert (
            thief.http.get("self-service/settings/flows", params={"id": flow_id(place)}, headers=headers).status_code
            == 403
        )
    headers = {**thief.headers(), **JSON}
    assert thief.http.get("self-service/settings/browser", headers=headers).status_code == 403
    step_up(thief, totp=app.next_code())
    assert thief.is_signed_in


@everybody
def test_58_factors_are_changed_by_whoever_signed_in_lately(server: LiveServer, kind: Kind) -> None:
    owner = person(server, kind)
    set_up_app(owner)
    server.clock.forward(hours=2)
    for change in (
        {"method": "totp", "totp_unlink": True},
        {"method": "lookup_secret", "lookup_secret_regenerate": True},
    ):
        owner.submit(owner.start("settings"), **change)
        assert owner.last.status_code == (303 if kind == "page" else 403)
    half = after_password(server, kind)
    assert not half.is_signed_in  # the app is still there


FACTOR_CHANGES: list[dict[str, Any]] = [
    {"method": "totp", "totp_unlink": True},
    {"method": "lookup_secret", "lookup_secret_regenerate": True},
    {"method": "lookup_secret", "lookup_secret_reveal": True},
    {"method": "lookup_secret", "lookup_secret_disable": True},
]


@everybody
def test_58_factors_are_changed_by_whoever_has_used_them(start: Start, kind: Kind) -> None:
    """Even where the settings open without the second step, it guards the second factor itself."""
    loose = {
        "session": {"whoami": {"required_aal": "aal1"}},
        "selfservice": {"flows": {"settings": {"required_aal": "aal1"}}},
    }
    server = start(merge(FACTORS, loose))
    owner = person(server, kind)
    app = set_up_app(owner)
    set_up_codes(owner)
    for change in FACTOR_CHANGES:
        thief = after_password(server, kind)
        form = thief.start("settings")
        thief.submit(form, **change)
        if kind == "page":
            assert "aal=aal2" in thief.last.headers["location"]
        else:
            assert (thief.last.status_code, thief.last.json()["error"]["id"]) == (403, "session_aal2_required")
        assert thief.whoami()["authenticator_assurance_level"] == "aal1"
    step_up(thief, totp=app.next_code())
    if kind == "page":  # what was interrupted goes on once the step is made
        thief.get("self-service/settings", flow=form["id"])
        settings = thief.start("settings")
        assert has(settings, "lookup_secret_regenerate")
        assert not has(settings, "lookup_secret_reveal")


@everybody
def test_61_a_mailed_code_is_no_second_step_unless_it_was_made_one(start: Start, kind: Kind) -> None:
    methods = {"code": {"passwordless_enabled": True}}
    server = start(merge(FACTORS, {"selfservice": {"methods": methods, "flows": {"recovery": {"enabled": True}}}}))
    set_up_app(person(server, kind))
    half = after_password(server, kind)
    form = half.start("login", aal="aal2")
    for tried in ({"identifier": ANN}, {"identifier": ANN, "code": "123456"}, {"address": ANN}):
        half.submit(form, method="code", **tried)
        assert told(half.shown("login")) == {4010002}
    assert not [m for m in mail.messages(server, ANN) if m["template_type"].startswith("login_code")]
    assert not half.is_signed_in


@everybody
def test_60_a_key_opens_the_account_it_belongs_to_and_no_other(start: Start, kind: Kind) -> None:
    """Eve registers a key under the id of Ann's, and names Ann as its owner with her own."""
    server = start(keys.config(), schema=keys.schema())
    ann, hers = person(server, kind), Authenticator()
    keys.add_passkey(ann, hers)
    eve = person(server, kind, EVE)
    twin = Authenticator(id_=hers.id)
    keys.add_passkey(eve, twin)
    for key, owner in ((twin, hers), (hers, twin)):
        thief = Caller(server, kind)
        keys.use_passkey(thief, key, handle=owner.handle)
        assert told(thief.shown("login")) == {4000043}
        assert not thief.is_signed_in


@pytest.mark.parametrize("kind", ["script", "page"])
def test_33_of_many_posts_of_one_key_answer_one_succeeds(start: Start, kind: Kind) -> None:
    server = start(keys.config(), schema=keys.schema())
    key = Authenticator()
    keys.add_key(person(server, kind), key)
    half = after_password(server, kind)
    form = half.start("login", aal="aal2")
    answer = key.get(value(form, "webauthn_login_trigger"))
    crowd(half, lambda one: one.submit(form, method="webauthn", identifier=ANN, webauthn_login=answer))
    assert keys.proofs(half) == [("password", "aal1"), ("webauthn", "aal2")]
    stored = keys.of_admin(server, half, half.whoami()["identity"]["id"], "webauthn")["webauthn"]["config"]
    assert stored["credentials"][0]["authenticator"]["sign_count"] == key.count


@everybody
def test_33_of_many_posts_of_one_passkey_answer_one_succeeds(start: Start, kind: Kind) -> None:
    server = start(keys.config(), schema=keys.schema())
    key = Authenticator()
    keys.add_passkey(person(server, kind), key)
    stranger = Caller(server, kind)
    form = stranger.start("login")
    answer = key.get(value(form, "passkey_challenge"))
    everyone = crowd(stranger, lambda one: one.submit(form, method="passkey", passkey_login=answer))
    assert [one.is_signed_in for one in everyone].count(True) == 1
