"""Who a provider says somebody is has to be signed by it, for us, now, and for this very sign-in."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.social.conftest import With, arrive, enter, error_shown, leave, query_of, told_on_page
from tests.support.callers import Caller
from tests.support.openid import OpenIdProvider, signed_by_stranger, signed_with_public_key, unsigned
from tests.support.server import PATIENCE, LiveServer

Misbehave = Callable[[OpenIdProvider], None]


def says(**claims: Any) -> Misbehave:
    return lambda provider: provider.claims.update(claims)


def signs(how: Callable[[OpenIdProvider], Callable[[dict[str, Any]], str]]) -> Misbehave:
    def change(provider: OpenIdProvider) -> None:
        provider.sign = how(provider)

    return change


TOKENS: dict[str, Misbehave] = {
    "another issuer": says(iss="https://evil.example.org"),
    "the issuer with a slash too many": lambda p: p.claims.update(iss=p.issuer + "/"),
    "for somebody else": says(aud="another-client"),
    "for several, and meant for another": says(aud=["limen", "another-client"], azp="another-client"),
    "no audience": says(aud=None),
    "expired": says(exp=int(time.time()) - 60),
    "no expiry": says(exp=None),
    "an expiry that is text": says(exp="never"),
    "not valid yet": says(nbf=int(time.time()) + 3600),
    "issued in the future": says(iat=int(time.time()) + 3600),
    "a nonce nobody sent": says(nonce="of-another-sign-in"),
    "not signed": signs(lambda _: unsigned),
    "signed with the public key": signs(signed_with_public_key),
    "signed by a stranger": signs(lambda _: signed_by_stranger()),
    "its own key in the header": signs(lambda _: signed_by_stranger(jwk=True)),
    "its own key behind an address": signs(lambda _: signed_by_stranger(jku="https://evil.example.org/keys")),
    "an unknown critical extension": signs(lambda p: lambda claims: p.signed(claims, crit=["x"], x=1)),
    "an algorithm the provider does not use": signs(lambda p: lambda claims: p.signed(claims, alg="RS384")),
    "no token at all": signs(lambda _: lambda _claims: "nothing"),
    "a token of four parts": signs(lambda p: lambda claims: p.signed(claims) + ".x"),
}


@pytest.mark.parametrize("how", TOKENS)
def test_a_token_that_does_not_hold_signs_nobody_in(how: str, live: LiveServer, acme: OpenIdProvider) -> None:
    TOKENS[how](acme)
    ann = Caller(live, "page")
    enter(ann, acme)
    assert told_on_page(ann, "login")[0] == {4000001}
    assert not ann.is_signed_in


def test_a_good_token_signs_in(live: LiveServer, acme: OpenIdProvider) -> None:
    ann = Caller(live, "page")
    enter(ann, acme)
    assert ann.whoami()["identity"]["traits"] == {"email": "ann@example.org", "name": "Ann"}
    assert [m["method"] for m in ann.whoami()["authentication_methods"]] == ["oidc"]


def test_the_address_in_a_key_header_is_never_called(
    with_providers: With, acme: OpenIdProvider, other: OpenIdProvider
) -> None:
    live = with_providers(acme.configured())
    acme.sign = signed_by_stranger(jku=f"{other.issuer}/keys", x5u=f"{other.issuer}/keys")
    enter(Caller(live, "page"), acme)
    assert other.fetched == []


def test_without_a_proof_key_the_token_has_to_name_the_sign_in(with_providers: With) -> None:
    acme = OpenIdProvider(pkce=False)
    live = with_providers(acme.configured())
    ann = Caller(live, "page")
    enter(ann, acme)
    assert ann.is_signed_in
    assert "nonce" in acme.asked[-1]
    assert "code_challenge" not in acme.asked[-1]
    acme.claims = {"nonce": "of-another-sign-in"}
    eve = Caller(live, "page")
    enter(eve, acme)
    assert not eve.is_signed_in
    acme.claims = {"nonce": None}
    enter(eve, acme)
    assert not eve.is_signed_in
    acme.close()


def test_keys_may_change_at_any_time(live: LiveServer, acme: OpenIdProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("limen.core.outbound.PAUSE", 0.0)
    enter(Caller(live, "page"), acme)
    old = acme.sign, acme.key
    acme.rotate()
    ann = Caller(live, "page")
    enter(ann, acme)
    assert ann.is_signed_in
    new, acme.key = acme.key, old[1]
    stale = acme.id_token()
    acme.key, acme.sign = new, lambda _: stale
    eve = Caller(live, "page")
    enter(eve, acme)
    assert not eve.is_signed_in  # what the old key signed is worth nothing once it is withdrawn


def test_forged_tokens_do_not_make_us_fetch_keys_again_and_again(
    live: LiveServer, acme: OpenIdProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "limen.core.outbound.PAUSE", 3600.0
    )  # on a slow machine four sign-ins take longer than the real one
    acme.sign = signed_by_stranger()
    for _ in range(4):
        enter(Caller(live, "page"), acme)
    assert acme.fetched.count("/keys") <= 2


@pytest.mark.parametrize("keys", [{"keys": "none"}, [], {}, {"keys": [{"kty": "RSA"}, 5]}, b"x" * 1_000_000])
def test_keys_that_are_none_sign_nobody_in(keys: Any, live: LiveServer, acme: OpenIdProvider) -> None:
    acme.keys = lambda: keys
    ann = Caller(live, "page")
    enter(ann, acme)
    assert ann.last.status_code == 303
    assert not ann.is_signed_in


def test_keys_that_take_too_long_end_the_sign_in_not_the_server(live: LiveServer, acme: OpenIdProvider) -> None:
    ended = threading.Event()

    def slow() -> Any:
        ended.wait(PATIENCE)
        return {"keys": []}

    acme.keys = slow
    ann = Caller(live, "page")
    enter(ann, acme)
    ended.set()
    assert error_shown(ann)["code"] == 502
    assert Caller(live, "app").start("login")["id"]


def test_the_subject_is_never_empty(live: LiveServer, acme: OpenIdProvider) -> None:
    for subject in ("", None, 0, 7, False, "x" * 5000):
        acme.user = {"sub": subject, "email": "ann@example.org"}
        ann = Caller(live, "page")
        enter(ann, acme, "registration")
        assert not ann.is_signed_in, subject
    assert Caller(live, "app").http.get(live.admin + "admin/identities").json() == []


def test_the_answer_of_another_provider_is_not_taken(
    with_providers: With, acme: OpenIdProvider, other: OpenIdProvider
) -> None:
    """Mix-up (RFC 9207): whoever answers says who it is, and has to be who was asked."""
    acme.description["authorization_response_iss_parameter_supported"] = True
    live = with_providers(acme.configured())
    ann = Caller(live, "page")
    back = acme.consent(leave(ann))
    arrive(ann, f"{back}&iss={other.issuer}")
    assert not ann.is_signed_in
    arrive(ann, acme.consent(leave(ann)))
    assert not ann.is_signed_in  # it said that it would name itself, and did not
    arrive(ann, acme.consent(leave(ann)) + f"&iss={acme.issuer}")
    assert ann.is_signed_in


def test_a_provider_that_calls_itself_something_else_is_not_asked(with_providers: With, acme: OpenIdProvider) -> None:
    acme.description["issuer"] = "https://accounts.example.org"
    live = with_providers(acme.configured())
    ann = Caller(live, "page")
    ann.submit(ann.start("login"), provider="acme")
    assert error_shown(ann)["id"] == "invalid_configuration"
    assert acme.asked == []


def test_the_userinfo_endpoint_has_to_speak_of_the_same_person(with_providers: With, acme: OpenIdProvider) -> None:
    live = with_providers(acme.configured(claims_source="userinfo"))
    acme.userinfo = {**acme.user, "given_name": "Anna"}
    ann = Caller(live, "page")
    enter(ann, acme)
    assert ann.whoami()["identity"]["traits"]["name"] == "Anna"
    acme.userinfo = {"sub": "somebody-else", "email": "bob@example.org"}
    eve = Caller(live, "page")
    enter(eve, acme)
    assert not eve.is_signed_in


SNIPPETS = {
    "local claims = std.extVar('claims');\nerror 'no ' + claims.email": "step=mapper no <email> at acme.jsonnet:2:",
    "{ traits: {} }": "step=mapper the mapper did not return",
    "{ identity: { traits: 5 } }": "step=mapper the mapper's identity.traits",
    "{ identity: { traits: {}, metadata_admin: [] } }": "step=mapper the mapper's identity.metadata_admin",
    "{ identity: ": "step=mapper acme.jsonnet:1:",
}


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_the_log_says_where_a_mapper_failed_and_nothing_about_the_person(
    snippet: str, with_providers: With, acme: OpenIdProvider
) -> None:
    mapper = "base64://" + base64.b64encode(snippet.encode()).decode()
    live = with_providers(acme.configured(mapper_url=mapper))
    ann = Caller(live, "page")
    with capture_logs() as log:
        enter(ann, acme)
    (failed,) = [line for line in log if line["event"] == "provider.failed"]
    step, place = SNIPPETS[snippet].split(" ", 1)
    assert (f"step={failed['step']}", failed["provider"]) == (step, "acme")
    assert place in failed["why"]
    if "jsonnet" in place:
        assert "email: text, email_verified: boolean" in failed["why"]
    assert not ann.is_signed_in
    told = error_shown(ann)
    assert "finds the reason in the log" in (told.get("reason") or told["message"])
    assert failed["why"] not in str(told)
    assert "ann@example.org" not in str(log)


def test_a_proof_key_is_new_for_every_sign_in(live: LiveServer, acme: OpenIdProvider) -> None:
    for _ in range(3):
        leave(Caller(live, "page"))
    urls = [query_of(leave(Caller(live, "page"))) for _ in range(3)]
    assert len({u["code_challenge"] for u in urls}) == 3
    assert len({u["state"] for u in urls}) == 3
    assert {u["code_challenge_method"] for u in urls} == {"S256"}
