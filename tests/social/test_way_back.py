"""The way back from a provider is good once, for who left, in the browser they left from, and for what they left."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from limen.core import addresses
from tests.social.conftest import With, arrive, enter, error_shown, goes_to, leave, press, query_of, told_on_page
from tests.support.callers import HTML, JSON, Caller, flow_id, has, value
from tests.support.openid import ANN, OpenIdProvider
from tests.support.server import LiveServer


def test_another_browser_gets_nothing_of_it(live: LiveServer, acme: OpenIdProvider) -> None:
    back = acme.consent(leave(Caller(live, "page")))
    eve = Caller(live, "page")
    eve.start("login")
    arrive(eve, back)
    assert error_shown(eve)["code"] == 400
    assert "another browser" in error_shown(eve)["reason"]
    assert not eve.is_signed_in


def test_a_browser_without_cookies_is_told_so(live: LiveServer, acme: OpenIdProvider) -> None:
    ann = Caller(live, "page")
    back = acme.consent(leave(ann))
    ann.http.cookies.clear()
    arrive(ann, back)
    assert "cookies" in error_shown(ann)["reason"]


@pytest.mark.parametrize("kind", ["login", "registration"])
def test_a_stranger_cannot_make_somebody_finish_their_sign_in(
    kind: str, live: LiveServer, acme: OpenIdProvider
) -> None:
    """Login CSRF: the victim would go on in the attacker's account."""
    acme.user = {"sub": "eve", "email": "eve@example.org"}
    evil = acme.consent(leave(Caller(live, "page"), kind))
    acme.user = dict(ANN)
    ann = Caller(live, "page")
    own = acme.consent(leave(ann, kind))
    mixed = own.replace(query_of(own)["code"], query_of(evil)["code"])
    arrive(ann, mixed)  # her own state with the attacker's code: the proof key does not fit
    assert not ann.is_signed_in
    arrive(ann, evil)
    assert not ann.is_signed_in


def test_two_sign_ins_at_once_do_not_get_into_each_others_way(live: LiveServer, acme: OpenIdProvider) -> None:
    ann, bob = Caller(live, "page"), Caller(live, "page")
    hers = acme.consent(leave(ann))
    acme.user = {"sub": "bob", "email": "bob@example.org"}
    his = acme.consent(leave(bob))
    arrive(bob, his)
    arrive(ann, hers)
    assert ann.whoami()["identity"]["traits"]["email"] == "ann@example.org"
    assert bob.whoami()["identity"]["traits"]["email"] == "bob@example.org"


def test_two_windows_of_one_browser_may_both_come_back(
    with_providers: With, acme: OpenIdProvider, other: OpenIdProvider
) -> None:
    live = with_providers(acme.configured(), other.configured("other"))
    ann = Caller(live, "page")
    other.error = "access_denied"
    first, second = acme.consent(leave(ann)), other.consent(leave(ann, id_="other"))
    arrive(ann, second)
    assert told_on_page(ann, "login")[0] == {4000001}
    arrive(ann, first)
    assert ann.is_signed_in
    arrive(ann, acme.consent(press_again(ann, live)))
    assert ann.is_signed_in


def press_again(ann: Caller, live: LiveServer) -> str:
    """Confirm the session at the provider."""
    return leave(ann, "login", refresh="true")


def test_a_browser_may_have_many_sign_ins_under_way_but_not_any_number(live: LiveServer, acme: OpenIdProvider) -> None:
    ann = Caller(live, "page")
    backs = [acme.consent(leave(ann)) for _ in range(8)]
    assert len(ann.http.cookies["ory_kratos_continuity"]) < 1500
    arrive(ann, backs[0])
    assert not ann.is_signed_in
    arrive(ann, backs[-1])
    assert ann.is_signed_in


def test_pressing_twice_lets_the_last_one_through(live: LiveServer, acme: OpenIdProvider) -> None:
    ann = Caller(live, "page")
    flow = ann.start("login")
    first, second = acme.consent(press(ann, flow)), acme.consent(press(ann, flow))
    arrive(ann, first)
    assert not ann.is_signed_in
    arrive(ann, second)
    assert ann.is_signed_in


def test_the_same_way_back_is_taken_once(live: LiveServer, acme: OpenIdProvider) -> None:
    ann = Caller(live, "page")
    back = acme.consent(leave(ann))
    before = dict(ann.http.cookies)
    arrive(ann, back)
    assert ann.is_signed_in
    assert arrive(ann, back).headers["location"] == f"{live.public}ui/"  # a reload leads on, as she is signed in
    thief = Caller(live, "page")
    thief.http.cookies.update(before)
    arrive(thief, back)
    assert not thief.is_signed_in
    assert acme.fetched.count("/token") == 1


def test_of_twenty_at_once_one_gets_through(live: LiveServer, acme: OpenIdProvider) -> None:
    ann = Caller(live, "page")
    back = acme.consent(leave(ann))
    cookies = dict(ann.http.cookies)

    def once(_: int) -> bool:
        answer = httpx.get(back, headers=HTML, cookies=cookies, follow_redirects=False)
        return "ory_kratos_session" in answer.headers.get("set-cookie", "")

    with ThreadPoolExecutor(20) as pool:
        assert sum(pool.map(once, range(20))) == 1
    assert acme.fetched.count("/token") == 1


def test_state_is_made_here_and_nowhere_else(live: LiveServer, acme: OpenIdProvider) -> None:
    ann = Caller(live, "page")
    back = acme.consent(leave(ann))
    state = query_of(back)["state"]
    for forged in ("", "x", state[:-4] + "AAAA", state[:40], "A" * len(state), state + "A"):
        arrive(ann, back.replace(state, forged))
        assert error_shown(ann)["code"] == 400
    arrive(ann, back.replace("/callback/acme", "/callback/other"))
    assert error_shown(ann)["code"] == 400
    assert not ann.is_signed_in
    arrive(ann, back)
    assert ann.is_signed_in  # none of that used it up


def test_the_state_of_a_login_is_no_state_of_a_registration(live: LiveServer, acme: OpenIdProvider) -> None:
    """Each is bound to its flow: a way back that is not used up does not fit another form of the same person."""
    ann = Caller(live, "page")
    login = acme.consent(leave(ann, "login"))
    registration = acme.consent(leave(ann, "registration"))
    arrive(ann, login.replace(query_of(login)["code"], query_of(registration)["code"]))
    assert not ann.is_signed_in  # the proof key belongs to the code


def test_it_is_too_late_after_half_an_hour(live: LiveServer, acme: OpenIdProvider) -> None:
    ann = Caller(live, "page")
    back = acme.consent(leave(ann))
    live.clock.forward(minutes=31)
    arrive(ann, back)
    assert "too long" in error_shown(ann)["reason"]
    assert not ann.is_signed_in


@pytest.mark.parametrize("kind", ["login", "registration"])
def test_a_form_that_expired_meanwhile_is_not_gone_on_with(
    kind: str, with_providers: With, acme: OpenIdProvider
) -> None:
    live = with_providers(acme.configured(), over={"selfservice": {"flows": {kind: {"lifespan": "5m"}}}})
    ann = Caller(live, "page")
    back = acme.consent(leave(ann, kind))
    live.clock.forward(minutes=6)
    arrive(ann, back)
    told = error_shown(ann)
    assert (told["code"], told["id"]) == (410, "self_service_flow_expired")
    assert "details" not in told
    assert not ann.is_signed_in


def test_who_signed_out_meanwhile_links_nothing(live: LiveServer, acme: OpenIdProvider) -> None:
    ann = Caller(live, "page")
    ann.sign_up()
    left = ann.submit(ann.start("settings"), link="acme")
    ann.http.cookies.delete("ory_kratos_session")
    arrive(ann, acme.consent(goes_to(left)))
    assert error_shown(ann)["id"] == "session_inactive"
    assert "/token" not in acme.fetched


def test_a_provider_may_post_its_answer(live: LiveServer, acme: OpenIdProvider) -> None:
    """Apple does. The browser sends no cookies along from there, so it is sent to the same address of ours first."""
    ann = Caller(live, "page")
    back = acme.consent(leave(ann))
    plain, _, query = back.partition("?")
    posted = httpx.post(plain, content=query, headers={"content-type": "application/x-www-form-urlencoded"})
    assert posted.status_code == 302
    arrive(ann, posted.headers["location"])
    assert ann.is_signed_in


def test_somebody_who_changes_their_mind_can_try_again_at_once(live: LiveServer, acme: OpenIdProvider) -> None:
    ann = Caller(live, "page")
    acme.error = "access_denied"
    enter(ann, acme)
    ids, words = told_on_page(ann, "login")
    assert ids == {4000001}
    assert "did not agree" in words
    acme.error = ""
    arrive(ann, acme.consent(press(ann, ann.flow("login", flow_id(ann.last.headers["location"])))))
    assert ann.is_signed_in


def test_what_a_provider_says_is_shown_but_never_at_any_length(live: LiveServer, acme: OpenIdProvider) -> None:
    acme.error = "x" * 5000
    ann = Caller(live, "page")
    enter(ann, acme)
    assert len(told_on_page(ann, "login")[1]) < 500


@pytest.mark.parametrize("status", [500, 400])
def test_a_provider_in_trouble_is_no_trouble_of_ours(status: int, live: LiveServer, acme: OpenIdProvider) -> None:
    acme.token_status = status
    ann = Caller(live, "page")
    enter(ann, acme)
    assert error_shown(ann)["code"] == 502
    assert "Try again" in error_shown(ann)["reason"]


def test_upstream_parameters_are_passed_on_but_never_those_that_steer(live: LiveServer, acme: OpenIdProvider) -> None:
    sent = {"prompt": "consent", "hd": "example.org", "acr_values": "high", "auth_type": "reauthenticate"}
    evil = {"login_hint": "eve@example.org", "redirect_uri": "https://evil.example.org", "client_id": "x", "state": "x"}
    ann = Caller(live, "script")
    query = query_of(press(ann, ann.start("login"), upstream_parameters={**sent, **evil}))
    assert {name: query[name] for name in sent} == sent
    assert "login_hint" not in query
    assert query["client_id"] == "limen"
    assert query["redirect_uri"] == f"{live.public}self-service/methods/oidc/callback/acme"


# --- what a provider does not tell ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["login", "registration"])
def test_what_is_missing_is_asked_for_and_kept(kind: str, live: LiveServer, acme: OpenIdProvider) -> None:
    acme.user = {"sub": "una", "given_name": "Una"}
    una = Caller(live, "page")
    enter(una, acme, kind)
    flow = una.flow("registration", flow_id(una.last.headers["location"]))
    assert value(flow, "traits.name") == "Una"
    assert not has(flow, "password")
    arrive(una, acme.consent(press(una, flow, traits={"email": "una@example.org", "name": "Una"})))
    assert una.whoami()["identity"]["traits"] == {"email": "una@example.org", "name": "Una"}


def test_what_somebody_types_is_not_verified_by_their_provider(live: LiveServer, acme: OpenIdProvider) -> None:
    acme.user = {"sub": "eve", "email": "eve@example.org", "email_verified": True}
    eve = Caller(live, "page")
    flow = eve.start("registration")
    arrive(eve, acme.consent(press(eve, flow, traits={"email": "ann@example.org"})))
    (address,) = eve.whoami()["identity"]["verifiable_addresses"]
    assert (address["value"], address["verified"]) == ("ann@example.org", False)


# --- apps -----------------------------------------------------------------------------------------------------------------


APP = {"return_session_token_exchange_code": "true", "return_to": "https://app.example.org/done"}


def begun(live: LiveServer, acme: OpenIdProvider, kind: str = "login") -> tuple[Caller, str, str]:
    """An app whose person comes back in a browser: the app, its code, and where that browser is sent."""
    app = Caller(live, "app")
    flow = app.start(kind, **APP)
    back = acme.consent(press(app, flow))
    browser = Caller(live, "page")
    return app, flow["session_token_exchange_code"], goes_to(arrive(browser, back))


def swap(live: LiveServer, app: str, browser: str) -> httpx.Response:
    query = {"init_code": app, "return_to_code": browser}
    return httpx.get(f"{live.public}sessions/token-exchange", params=query)


@pytest.mark.parametrize("kind", ["login", "registration"])
def test_an_app_gets_the_session_for_two_codes_once(kind: str, live: LiveServer, acme: OpenIdProvider) -> None:
    _, mine, url = begun(live, acme, kind)
    assert url.startswith("https://app.example.org/done?code=")
    theirs = query_of(url)["code"]
    assert swap(live, mine, "wrong").status_code == 404
    assert swap(live, "wrong", theirs).status_code == 404
    assert swap(live, theirs, mine).status_code == 404
    answer = swap(live, mine, theirs).json()
    whose = httpx.get(f"{live.public}sessions/whoami", headers={"x-session-token": answer["session_token"]}).json()
    assert whose["identity"]["traits"]["email"] == "ann@example.org"
    assert swap(live, mine, theirs).status_code == 404


def test_of_twenty_apps_at_once_one_gets_the_session(live: LiveServer, acme: OpenIdProvider) -> None:
    _, mine, url = begun(live, acme)
    theirs = query_of(url)["code"]
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: swap(live, mine, theirs).status_code, range(20)))
    assert sorted(answers) == [200, *[404] * 19]


def test_an_app_is_told_how_far_its_sign_in_got(live: LiveServer, acme: OpenIdProvider) -> None:
    acme.error = "access_denied"
    _, mine, url = begun(live, acme)
    answer = swap(live, mine, query_of(url)["code"])
    assert answer.status_code == 422
    assert [m["id"] for m in answer.json()["ui"]["messages"]] == [4000001]


def test_an_app_does_not_get_the_session_of_the_browser_it_borrows(live: LiveServer, acme: OpenIdProvider) -> None:
    bob = Caller(live, "page")
    acme.user = {"sub": "bob", "email": "bob@example.org"}
    enter(bob, acme)
    acme.user = dict(ANN)
    app = Caller(live, "app")
    flow = app.start("login", **APP)
    url = goes_to(arrive(bob, acme.consent(press(app, flow))))
    answer: dict[str, Any] = swap(live, flow["session_token_exchange_code"], query_of(url)["code"]).json()
    assert answer["session"]["identity"]["traits"]["email"] == "ann@example.org"
    assert bob.whoami()["identity"]["traits"]["email"] == "bob@example.org"


def test_an_app_without_a_code_cannot_come_back_through_a_browser(live: LiveServer, acme: OpenIdProvider) -> None:
    app, browser = Caller(live, "app"), Caller(live, "page")
    arrive(browser, acme.consent(press(app, app.start("login"))))
    assert error_shown(browser)["code"] == 400
    assert httpx.get(f"{live.public}sessions/whoami", headers=JSON).status_code == 401


# --- what we call ---------------------------------------------------------------------------------------------------------


def test_private_addresses_are_not_called_where_that_is_forbidden(with_providers: With, acme: OpenIdProvider) -> None:
    live = with_providers(acme.configured(), over={"clients": {"http": {"disallow_private_ip_ranges": True}}})
    ann = Caller(live, "page")
    ann.submit(ann.start("login"), provider="acme")
    assert error_shown(ann)["id"] == "invalid_configuration"
    assert acme.fetched == []


@pytest.mark.parametrize("place", ["jwks_uri", "token_endpoint", "userinfo_endpoint"])
def test_a_public_provider_does_not_lead_to_private_addresses(
    place: str, with_providers: With, acme: OpenIdProvider, other: OpenIdProvider
) -> None:
    """What a provider publishes is called by the same rule as what is configured."""
    over = {
        "clients": {"http": {"disallow_private_ip_ranges": True, "private_ip_exception_urls": [f"{acme.issuer}/**"]}}
    }
    acme.description[place] = f"{other.issuer}/{place}"
    live = with_providers(acme.configured(claims_source="userinfo"), over=over)
    ann = Caller(live, "page")
    enter(ann, acme)
    assert not ann.is_signed_in
    assert other.fetched == []


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/keys", "/token", "/userinfo"])
def test_a_public_provider_does_not_redirect_to_private_addresses(
    path: str, with_providers: With, acme: OpenIdProvider, other: OpenIdProvider
) -> None:
    """The rule holds for every step of a redirect; a code and a secret are never carried on to another server at all."""
    acme.redirects[path] = f"{other.issuer}{path}"
    own = {"disallow_private_ip_ranges": True, "private_ip_exception_urls": [f"{acme.issuer}/**"]}
    live = with_providers(acme.configured(claims_source="userinfo"), over={"clients": {"http": own}})
    ann = Caller(live, "page")
    answer = ann.submit(ann.start("login"), provider="acme")
    if "/authorize?" in answer.headers["location"]:
        arrive(ann, acme.consent(answer.headers["location"]))
    assert error_shown(ann)["code"] >= 500
    assert not ann.is_signed_in
    assert other.fetched == []


@pytest.mark.parametrize("path", ["/token", "/userinfo"])
def test_what_is_secret_follows_no_redirect(
    path: str, with_providers: With, acme: OpenIdProvider, other: OpenIdProvider
) -> None:
    acme.redirects[path] = f"{other.issuer}{path}"
    live = with_providers(acme.configured(claims_source="userinfo"))
    ann = Caller(live, "page")
    enter(ann, acme)
    assert not ann.is_signed_in
    assert other.fetched == []


def test_a_mapper_is_not_read_from_a_private_address(
    with_providers: With, acme: OpenIdProvider, other: OpenIdProvider
) -> None:
    own = {"disallow_private_ip_ranges": True, "private_ip_exception_urls": [f"{acme.issuer}/**"]}
    acme.redirects["/mapper.jsonnet"] = f"{other.issuer}/mapper.jsonnet"
    for url in (f"{other.issuer}/mapper.jsonnet", f"{acme.issuer}/mapper.jsonnet"):
        live = with_providers(acme.configured(mapper_url=url), over={"clients": {"http": own}})
        ann = Caller(live, "page")
        enter(ann, acme)
        assert not ann.is_signed_in
    assert other.fetched == []


def test_a_name_that_becomes_private_is_not_called(
    with_providers: With, acme: OpenIdProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: the description comes from a public address; at the next call the name leads inside."""
    inside = False

    async def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.1"] if host != "acme.example" or not inside else ["127.0.0.2"]

    monkeypatch.setattr(addresses, "resolve", resolve)
    monkeypatch.setattr(addresses, "is_private", lambda address: address == "127.0.0.2")
    acme.issuer = acme.issuer.replace("127.0.0.1", "acme.example")
    acme.keeps_alive = False
    live = with_providers(acme.configured(), over={"clients": {"http": {"disallow_private_ip_ranges": True}}})
    ann = Caller(live, "page")
    back = acme.consent(leave(ann).replace("acme.example", "127.0.0.1"))
    inside = True
    arrive(ann, back)
    assert error_shown(ann)["code"] == 502
    assert not ann.is_signed_in
    assert "/token" not in acme.fetched


def test_pictures_are_never_fetched(live: LiveServer, acme: OpenIdProvider, other: OpenIdProvider) -> None:
    acme.user = {**ANN, "picture": f"{other.issuer}/ann.png", "profile": f"{other.issuer}/ann"}
    ann = Caller(live, "page")
    enter(ann, acme)
    assert ann.is_signed_in
    assert other.fetched == []
