"""Whose account somebody from a provider gets: their own, by subject alone; never one by an address somebody claims."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.social.conftest import With, arrive, enter, goes_to, leave, told_on_page
from tests.support import mail
from tests.support.callers import JSON, PASSWORD, Caller, flow_id, has, told, value
from tests.support.factors import set_up_app
from tests.support.openid import ANN, OpenIdProvider, signed_by_stranger
from tests.support.server import LiveServer, merge

UNBELIEVED = ["true", "True", "1", "false", "", 1, 0, {}, [], None, False]
SECOND = {
    "selfservice": {"methods": {"totp": {"enabled": True}}},
    "session": {"whoami": {"required_aal": "highest_available"}},
}
TRUSTED = {"limen": {"social": {"link_verified_addresses": ["acme"]}}}


def member(live: LiveServer, email: str = "ann@example.org", *, verified: bool = False) -> str:
    """Somebody with a password, made by an operator; the id."""
    address = {"value": email, "via": "email", "verified": verified, "status": "completed" if verified else "pending"}
    body: dict[str, Any] = {
        "schema_id": "default",
        "traits": {"email": email},
        "credentials": {"password": {"config": {"password": PASSWORD}}},
        "verifiable_addresses": [address],
    }
    answer = httpx.post(f"{live.admin}admin/identities", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def providers_of(live: LiveServer, id_: str) -> list[str]:
    answer = httpx.get(f"{live.admin}admin/identities/{id_}", params={"include_credential": "oidc"})
    found = answer.json()["credentials"].get("oidc", {})
    return [str(p["subject"]) for p in found.get("config", {}).get("providers", [])]


# --- by whose word ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", UNBELIEVED, ids=repr)
def test_an_address_is_verified_by_a_true_and_nothing_else(said: Any, live: LiveServer, acme: OpenIdProvider) -> None:
    acme.user = {**ANN, "email_verified": said}
    ann = Caller(live, "page")
    enter(ann, acme, "registration")
    addresses = ann.whoami().get("identity", {}).get("verifiable_addresses", [])
    assert not any(a["verified"] for a in addresses)


def test_an_address_the_provider_verified_is_verified_here(live: LiveServer, acme: OpenIdProvider) -> None:
    ann = Caller(live, "page")
    enter(ann, acme, "registration")
    assert [a["verified"] for a in ann.whoami()["identity"]["verifiable_addresses"]] == [True]


@pytest.mark.parametrize("verified", [True, False])
def test_an_address_alone_opens_no_account(verified: bool, live: LiveServer, acme: OpenIdProvider) -> None:
    id_ = member(live, verified=True)
    acme.user = {"sub": "eve", "email": "ann@example.org", "email_verified": verified}
    eve = Caller(live, "page")
    enter(eve, acme)
    assert not eve.is_signed_in
    assert told_on_page(eve, "login")[0] == {1010016}
    assert providers_of(live, id_) == []


def test_the_subject_is_who_somebody_is_whatever_else_they_call_themselves(
    live: LiveServer, acme: OpenIdProvider
) -> None:
    ann = Caller(live, "page")
    enter(ann, acme)
    mine = ann.whoami()["identity"]["id"]
    acme.user = {**ANN, "email": "ann@new.example.org", "given_name": "Anna"}
    again = Caller(live, "page")
    enter(again, acme)
    assert again.whoami()["identity"]["id"] == mine
    acme.user = {"sub": "eve", "email": "eve@example.org", "preferred_username": "ann-at-acme", "given_name": "Ann"}
    eve = Caller(live, "page")
    enter(eve, acme)
    assert eve.whoami()["identity"]["id"] != mine


def test_the_same_subject_at_another_provider_is_somebody_else(
    with_providers: With, acme: OpenIdProvider, other: OpenIdProvider
) -> None:
    live = with_providers(acme.configured(), other.configured("other"))
    ann = Caller(live, "page")
    enter(ann, acme)
    other.user = {"sub": ANN["sub"], "email": "eve@example.org"}
    eve = Caller(live, "page")
    enter(eve, other, id_="other")
    assert eve.whoami()["identity"]["id"] != ann.whoami()["identity"]["id"]


def test_nothing_that_comes_along_on_the_way_back_says_who_somebody_is(live: LiveServer, acme: OpenIdProvider) -> None:
    """A profile, or a token, that the browser brings is the browser's word (Better Auth CVE-2026-110864)."""
    member(live, "bob@example.org", verified=True)
    forged = {"sub": "bob", "email": "bob@example.org", "email_verified": "true", "name": "Bob", "iss": acme.issuer}
    sent = {
        **forged,
        "id_token": signed_by_stranger()(forged),
        "access_token": "forged",
        "user": json.dumps({"sub": "bob", "email": "bob@example.org", "name": {"firstName": "Bob"}}),
        "profile": json.dumps(forged),
        "claims": json.dumps(forged),
    }
    ann = Caller(live, "page")
    back = acme.consent(leave(ann))
    posted = ann.http.post(back, data=sent)
    arrive(ann, posted.headers["location"])
    assert ann.whoami()["identity"]["traits"] == {"email": "ann@example.org", "name": "Ann"}


STRANGE = [
    "ann@evil.example@example.org", '"ann@example.org"@evil.example', "ann@example.org.", "ann@example.org\u200b",
    "ann@ex\u0430mple.org", "ann@example.org@evil.example", "ann@EXAMPLE.ORG\x00", "<ann@example.org>", "ann%40example.org",
]  # fmt: skip


@pytest.mark.parametrize("email", STRANGE, ids=ascii)
def test_an_address_that_only_looks_like_somebodys_opens_nothing(
    email: str, with_providers: With, acme: OpenIdProvider
) -> None:
    live = with_providers(acme.configured(), over=TRUSTED)
    id_ = member(live, verified=True)
    acme.user = {"sub": "eve", "email": email, "email_verified": True}
    eve = Caller(live, "page")
    enter(eve, acme)
    assert providers_of(live, id_) == []
    assert eve.whoami().get("identity", {}).get("id") != id_


# --- linking --------------------------------------------------------------------------------------------------------------


def test_the_owner_signs_in_and_the_provider_is_linked(live: LiveServer, acme: OpenIdProvider) -> None:
    id_ = member(live)
    ann = Caller(live, "page")
    enter(ann, acme)
    flow = ann.flow("login", flow_id(ann.last.headers["location"]))
    assert value(flow, "identifier") == "ann@example.org"
    ann.submit(flow, method="password", password=PASSWORD)
    assert ann.whoami()["identity"]["id"] == id_
    assert providers_of(live, id_) == [ANN["sub"]]
    again = Caller(live, "page")
    enter(again, acme)
    assert again.whoami()["identity"]["id"] == id_


def test_signing_in_to_another_account_links_nothing(live: LiveServer, acme: OpenIdProvider) -> None:
    """The form's hidden identifier decides nothing: whose account it is, is asked of the sign-in."""
    member(live)
    bob = member(live, "bob@example.org")
    eve = Caller(live, "page")
    enter(eve, acme)
    flow = eve.flow("login", flow_id(eve.last.headers["location"]))
    eve.submit(flow, method="password", identifier="bob@example.org", password=PASSWORD)
    assert told(eve.shown("login")) == {4010009}
    assert not eve.is_signed_in
    assert providers_of(live, bob) == []


def test_the_proof_of_one_form_is_worth_nothing_in_another(live: LiveServer, acme: OpenIdProvider) -> None:
    id_ = member(live)
    ann = Caller(live, "page")
    enter(ann, acme)
    ann.submit(ann.start("login"), method="password", identifier="ann@example.org", password=PASSWORD)
    assert ann.whoami()["identity"]["id"] == id_
    assert providers_of(live, id_) == []


def test_two_who_came_from_one_address_get_their_own_linked_each(live: LiveServer, acme: OpenIdProvider) -> None:
    """What is linked is what this very form came with, not what another one brought meanwhile (Keycloak CVE-2026-9087)."""
    id_ = member(live)
    ann, eve = Caller(live, "page"), Caller(live, "page")
    enter(ann, acme)
    hers = ann.flow("login", flow_id(ann.last.headers["location"]))
    acme.user = {"sub": "eve", "email": "ann@example.org"}
    enter(eve, acme)
    ann.submit(hers, method="password", password=PASSWORD)
    assert providers_of(live, id_) == [ANN["sub"]]


def test_a_trusted_provider_links_an_address_both_sides_verified(with_providers: With, acme: OpenIdProvider) -> None:
    live = with_providers(acme.configured(), over=TRUSTED)
    id_ = member(live, verified=True)
    ann = Caller(live, "page")
    enter(ann, acme)
    assert ann.whoami()["identity"]["id"] == id_
    assert providers_of(live, id_) == [ANN["sub"]]


def test_a_trusted_provider_links_nothing_before_the_second_step(with_providers: With, acme: OpenIdProvider) -> None:
    live = with_providers(acme.configured(), over=merge(TRUSTED, SECOND))
    id_ = member(live, verified=True)
    owner = Caller(live, "page")
    owner.sign_in()
    app = set_up_app(owner)
    ann = Caller(live, "page")
    enter(ann, acme)
    assert not ann.is_signed_in
    assert providers_of(live, id_) == []
    ann.submit(ann.shown("login"), method="totp", totp_code=app.next_code())
    assert providers_of(live, id_) == [ANN["sub"]]
    session = ann.whoami()
    assert [m["method"] for m in session["authentication_methods"]] == ["oidc", "totp"]


@pytest.mark.parametrize(
    ("here", "there", "trusted"),
    [(False, True, "acme"), (True, False, "acme"), (True, "true", "acme"), (True, True, "other")],
)
def test_nothing_is_linked_unasked_when_one_side_is_missing(
    here: bool, there: Any, trusted: str, with_providers: With, acme: OpenIdProvider
) -> None:
    """An account with an address its owner never proved may be a trap, set by who knows its password."""
    live = with_providers(acme.configured(), over={"limen": {"social": {"link_verified_addresses": [trusted]}}})
    id_ = member(live, verified=here)
    acme.user = {**ANN, "email_verified": there}
    eve = Caller(live, "page")
    enter(eve, acme)
    assert not eve.is_signed_in
    assert providers_of(live, id_) == []


@pytest.mark.parametrize("kind", ["page", "script"])
def test_what_is_to_be_linked_outlasts_the_second_step(kind: Any, with_providers: With, acme: OpenIdProvider) -> None:
    live = with_providers(acme.configured(), over=SECOND)
    id_ = member(live)
    owner = Caller(live, "page")
    owner.sign_in()
    app = set_up_app(owner)
    ann = Caller(live, kind)
    answer = enter(ann, acme)
    ann.submit(ann.flow("login", flow_id(answer.headers["location"])), method="password", password=PASSWORD,
               identifier="ann@example.org")  # fmt: skip
    assert providers_of(live, id_) == [], "half a sign-in links nothing"
    step = ann.shown("login")
    assert step["requested_aal"] == "aal2"
    ann.submit(step, method="totp", totp_code="000000")
    assert providers_of(live, id_) == []
    ann.submit(step, method="totp", totp_code=app.next_code())
    assert providers_of(live, id_) == [ANN["sub"]]
    session = ann.whoami()
    assert session["authenticator_assurance_level"] == "aal2"
    assert [m["method"] for m in session["authentication_methods"]] == ["password", "totp", "oidc"]


def test_the_second_step_of_a_linking_is_good_in_its_own_browser_only(
    with_providers: With, acme: OpenIdProvider
) -> None:
    live = with_providers(acme.configured(), over=SECOND)
    id_ = member(live)
    owner = Caller(live, "page")
    owner.sign_in()
    app = set_up_app(owner)
    acme.user = {"sub": "eve", "email": "ann@example.org"}
    eve = Caller(live, "page")
    answer = enter(eve, acme)
    form = eve.flow("login", flow_id(answer.headers["location"]))
    eve.submit(form, method="password", password=PASSWORD, identifier="ann@example.org")
    step = eve.shown("login")
    ann = Caller(live, "page")
    ann.sign_in()
    ann.submit(step, method="totp", totp_code=app.next_code())
    assert ann.last.status_code in (303, 403)
    assert providers_of(live, id_) == []


def test_a_victim_who_comes_later_does_not_share_an_account_that_waited_for_them(
    with_providers: With, acme: OpenIdProvider
) -> None:
    """Eve signed up with Ann's address, and knows the password (PocketBase CVE-2024-38351)."""
    code = {"selfservice": {"methods": {"code": {"enabled": True, "passwordless_enabled": True}}}}
    live = with_providers(acme.configured(), over=merge(TRUSTED, code))
    eve = Caller(live, "script")
    id_ = eve.sign_up()["id"]
    assert eve.is_signed_in
    ann = Caller(live, "page")
    answer = enter(ann, acme)
    assert not ann.is_signed_in, "the word of a trusted provider does not open what nobody proved here"
    assert providers_of(live, id_) == []
    form = ann.flow("login", flow_id(answer.headers["location"]))
    ann.submit(form, method="code", identifier="ann@example.org")
    form = ann.flow("login", form["id"])
    ann.submit(form, method="code", identifier="ann@example.org", code=mail.code(live, "ann@example.org"))
    assert ann.whoami()["identity"]["id"] == id_
    assert providers_of(live, id_) == [ANN["sub"]]
    assert not eve.is_signed_in, "what was there before the address was proved may be a stranger's"
    again = Caller(live, "script")
    again.sign_in()
    assert not again.is_signed_in
    assert ann.is_signed_in


def test_who_had_proved_the_address_keeps_everything(with_providers: With, acme: OpenIdProvider) -> None:
    code = {"selfservice": {"methods": {"code": {"enabled": True, "passwordless_enabled": True}}}}
    live = with_providers(acme.configured(), over=code)
    id_ = member(live, verified=True)
    before, ann = Caller(live, "script"), Caller(live, "page")
    before.sign_in()
    answer = enter(ann, acme)
    form = ann.flow("login", flow_id(answer.headers["location"]))
    ann.submit(form, method="code", identifier="ann@example.org")
    form = ann.flow("login", form["id"])
    ann.submit(form, method="code", identifier="ann@example.org", code=mail.code(live, "ann@example.org"))
    assert providers_of(live, id_) == [ANN["sub"]]
    assert before.is_signed_in
    again = Caller(live, "script")
    again.sign_in()
    assert again.is_signed_in


# --- the rules of the house hold for everybody ----------------------------------------------------------------------------


def test_a_person_who_was_switched_off_stays_out(live: LiveServer, acme: OpenIdProvider) -> None:
    ann = Caller(live, "page")
    enter(ann, acme)
    url = f"{live.admin}admin/identities/{ann.whoami()['identity']['id']}"
    httpx.patch(url, json=[{"op": "replace", "path": "/state", "value": "inactive"}])
    again = Caller(live, "page")
    enter(again, acme)
    assert told_on_page(again, "login")[0] == {4010011}
    assert not again.is_signed_in
    assert httpx.get(url).json()["state"] == "inactive"


def test_a_second_factor_is_asked_for_here_too(with_providers: With, acme: OpenIdProvider) -> None:
    methods = {"totp": {"enabled": True}}
    over = {"selfservice": {"methods": methods}, "session": {"whoami": {"required_aal": "highest_available"}}}
    live = with_providers(acme.configured(), over=over)
    ann = Caller(live, "page")
    enter(ann, acme)
    httpx.patch(
        f"{live.admin}admin/identities/{ann.whoami()['identity']['id']}",
        json=[{"op": "add", "path": "/credentials/totp", "value": {
            "type": "totp", "identifiers": [], "config": {"totp_url": "otpauth://totp/a:b?secret=JBSWY3DPEHPK3PXP&issuer=a"},
        }}],
    ).raise_for_status()  # fmt: skip
    acme.claims = {"acr": "gold", "amr": ["mfa", "otp"]}  # nobody said that its word counts for two
    again = Caller(live, "page")
    enter(again, acme)
    assert "aal=aal2" in again.last.headers["location"]
    assert again.http.get("sessions/whoami", headers=JSON).status_code == 403


def test_the_word_of_a_provider_counts_for_two_factors_where_it_is_trusted(
    with_providers: With, acme: OpenIdProvider
) -> None:
    live = with_providers(acme.configured(aal2_acr_values=["gold"], aal2_amr_values=["mfa"]))
    for claims, level in (({"acr": "gold"}, "aal2"), ({"amr": ["pwd", "mfa"]}, "aal2"), ({"acr": "silver"}, "aal1")):
        acme.claims = claims
        ann = Caller(live, "page")
        enter(ann, acme)
        assert ann.whoami()["authenticator_assurance_level"] == level


def test_closed_registration_is_closed_for_people_from_providers(with_providers: With, acme: OpenIdProvider) -> None:
    live = with_providers(acme.configured(), over={"selfservice": {"flows": {"registration": {"enabled": False}}}})
    eve = Caller(live, "page")
    enter(eve, acme)
    assert told_on_page(eve, "login")[0] == {4000001}
    assert httpx.get(f"{live.admin}admin/identities").json() == []
    id_ = member(live)
    ann = Caller(live, "page")
    enter(ann, acme)
    ann.submit(ann.flow("login", flow_id(ann.last.headers["location"])), method="password", password=PASSWORD)
    assert ann.whoami()["identity"]["id"] == id_


def test_a_provider_that_was_switched_off_lets_nobody_back_in(
    with_providers: With, acme: OpenIdProvider, other: OpenIdProvider
) -> None:
    live = with_providers(acme.configured(), other.configured("other"))
    ann = Caller(live, "page")
    back = acme.consent(leave(ann))
    without = with_providers(other.configured("other"))
    moved = back.replace(live.public, without.public)
    late = Caller(without, "page")
    late.http.cookies = ann.http.cookies
    arrive(late, moved)
    assert not late.is_signed_in
    off = with_providers(acme.configured(), over={"selfservice": {"methods": {"oidc": {"enabled": False}}}})
    gone = Caller(off, "page")
    assert arrive(gone, back.replace(live.public, off.public)).status_code in (303, 404)
    assert not gone.is_signed_in


def test_tokens_of_providers_are_encrypted_and_told_to_operators_only(
    with_providers: With, acme: OpenIdProvider
) -> None:
    live = with_providers(acme.configured(), over={"ciphers": {"algorithm": "xchacha20-poly1305"}})
    ann = Caller(live, "page")
    enter(ann, acme)
    seen = ann.http.get("sessions/whoami", headers=JSON).text + str(ann.start("settings"))
    assert "an-access-token" not in seen
    assert "a-refresh-token" not in seen
    url = f"{live.admin}admin/identities/{ann.whoami()['identity']['id']}"
    assert "an-access-token" not in httpx.get(url).text
    told_ = httpx.get(url, params={"include_credential": "oidc"}).json()["credentials"]["oidc"]["config"]["providers"][
        0
    ]
    assert told_["initial_access_token"] == "an-access-token"
    assert told_["initial_refresh_token"] == "a-refresh-token"


# --- settings -------------------------------------------------------------------------------------------------------------


def test_a_provider_is_linked_and_unlinked_but_never_the_last_way_in(
    with_providers: With, acme: OpenIdProvider, other: OpenIdProvider
) -> None:
    live = with_providers(acme.configured(), other.configured("other"))
    ann = Caller(live, "page")
    enter(ann, acme, "registration")
    flow = ann.start("settings")
    assert has(flow, "link")
    assert not has(flow, "unlink")
    ann.submit(flow, unlink="acme")
    assert told(ann.shown("settings")) == {4000001}
    other.user = {"sub": "ann-at-other"}
    arrive(ann, other.consent(goes_to(ann.submit(ann.start("settings"), link="other"))))
    id_ = ann.whoami()["identity"]["id"]
    assert providers_of(live, id_) == [ANN["sub"], "ann-at-other"]
    ann.submit(ann.start("settings"), unlink="acme")
    assert providers_of(live, id_) == ["ann-at-other"]
    ann.submit(ann.start("settings"), unlink="other")
    assert providers_of(live, id_) == ["ann-at-other"]


def test_an_account_at_a_provider_belongs_to_one_person(live: LiveServer, acme: OpenIdProvider) -> None:
    enter(Caller(live, "page"), acme)
    bob_id = member(live, "bob@example.org")
    bob = Caller(live, "page")
    bob.sign_in("bob@example.org")
    arrive(bob, acme.consent(goes_to(bob.submit(bob.start("settings"), link="acme"))))
    assert told(bob.shown("settings")) == {4000007}
    assert providers_of(live, bob_id) == []


def test_of_many_who_link_one_account_at_once_one_gets_it(live: LiveServer, acme: OpenIdProvider) -> None:
    people = []
    for n in range(8):
        member(live, f"p{n}@example.org")
        one = Caller(live, "page")
        one.sign_in(f"p{n}@example.org")
        people.append((one, acme.consent(goes_to(one.submit(one.start("settings"), link="acme")))))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda pair: arrive(*pair), people))
    listed = httpx.get(f"{live.admin}admin/identities", params={"credentials_identifier": f"acme:{ANN['sub']}"}).json()
    assert len(listed) == 1
    ids = [one.whoami()["identity"]["id"] for one, _ in people]
    assert sum(providers_of(live, id_) == [ANN["sub"]] for id_ in ids) == 1


def test_of_many_sign_ups_of_one_stranger_at_once_one_account_comes(live: LiveServer, acme: OpenIdProvider) -> None:
    browsers = [Caller(live, "page") for _ in range(8)]
    ways = [(one, acme.consent(leave(one))) for one in browsers]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda pair: arrive(*pair), ways))
    assert len(httpx.get(f"{live.admin}admin/identities").json()) == 1
    assert sum(one.is_signed_in for one in browsers) >= 1


def test_linking_and_unlinking_need_the_form_of_this_site(live: LiveServer, acme: OpenIdProvider) -> None:
    """Else another site could have its own account at the provider linked to whoever visits it."""
    id_ = member(live)
    ann = Caller(live, "page")
    ann.sign_in()
    flow = ann.start("settings")
    for values in ({"link": "acme"}, {"unlink": "acme"}):
        answer = ann.http.post(flow["ui"]["action"], data=values, headers=JSON)
        assert answer.status_code == 403
        assert answer.json()["error"]["id"] == "security_csrf_violation"
    assert acme.asked == []
    assert providers_of(live, id_) == []


def test_the_way_back_to_the_settings_is_good_for_who_left_them(live: LiveServer, acme: OpenIdProvider) -> None:
    member(live)
    bob_id = member(live, "bob@example.org")
    ann, bob = Caller(live, "page"), Caller(live, "page")
    ann.sign_in()
    bob.sign_in("bob@example.org")
    back = acme.consent(goes_to(ann.submit(ann.start("settings"), link="acme")))
    arrive(bob, back)
    assert providers_of(live, bob_id) == []
    bob.http.cookies.update(dict(ann.http.cookies) | {"ory_kratos_session": bob.http.cookies["ory_kratos_session"]})
    arrive(bob, back)
    assert providers_of(live, bob_id) == []
