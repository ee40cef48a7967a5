"""Apps that bring an id token they got by themselves, from Google, Apple or netID: it has to be made for this sign-in."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from limen.core.outbound import Answer, Outbound
from tests.social.conftest import With
from tests.social.test_accounts import SECOND, member, providers_of
from tests.support.callers import PASSWORD, Caller, told
from tests.support.factors import set_up_app
from tests.support.openid import ANN, OpenIdProvider, signed_by_stranger, unsigned
from tests.support.server import LiveServer

KEYS = {
    "google": ("https://accounts.google.com", "https://www.googleapis.com/oauth2/v3/certs"),
    "apple": ("https://appleid.apple.com", "https://appleid.apple.com/auth/keys"),
}
APPLE = {
    "apple_team_id": "TEAM",
    "apple_private_key_id": "KEY",
    "apple_private_key": "a key that no test here needs",
    "client_secret": None,
}


class Rerouted(Outbound):
    """The world outside, where some addresses are those of a provider on this machine."""

    def __init__(self, to: dict[str, str]) -> None:
        super().__init__()
        self._to = to

    async def request(self, method: str, url: str, **more: Any) -> Answer:
        return await super().request(method, self._to.get(url, url), **more)


@pytest.fixture(params=["google", "apple"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def live(with_providers: With, acme: OpenIdProvider, kind: str) -> LiveServer:
    return google_or_apple(with_providers, acme, kind)


def google_or_apple(with_providers: With, acme: OpenIdProvider, kind: str, **more: Any) -> LiveServer:
    """Its tokens are those of the real one, but for the keys that are published here."""
    own: dict[str, Any] = {"provider": kind, "issuer_url": None, "additional_id_token_audiences": ["ios-app"]}
    entry = acme.configured(**{**own, **(APPLE if kind == "apple" else {})})
    server = with_providers({name: value for name, value in entry.items() if value is not None}, **more)
    issuer, keys = KEYS[kind]
    acme.claims = {"iss": issuer}
    server.app.site.outbound = Rerouted({keys: f"{acme.issuer}/keys"})
    return server


def bring(app: Caller, token: str, nonce: str = "n-1", kind: str = "login", **more: Any) -> int:
    sent = {"provider": "acme", "method": "oidc", "id_token": token, **({"id_token_nonce": nonce} if nonce else {})}
    return app.submit(app.start(kind), **sent, **more).status_code


@pytest.mark.parametrize("flow", ["login", "registration"])
def test_a_token_made_for_this_sign_in_signs_in(flow: str, live: LiveServer, acme: OpenIdProvider) -> None:
    for audience in ("limen", "ios-app"):
        app = Caller(live, "app")
        assert bring(app, acme.id_token(audience=audience, nonce="n-1"), kind=flow) == 200
        assert app.whoami()["identity"]["traits"]["email"] == "ann@example.org"


def test_what_an_app_adds_is_kept(live: LiveServer, acme: OpenIdProvider) -> None:
    """Apple tells the name to the app only, once."""
    acme.user = {"sub": "una", "email": "una@example.org"}
    app = Caller(live, "app")
    assert bring(app, acme.id_token(nonce="n-1"), kind="registration", traits={"name": "Una"}) == 200
    assert app.whoami()["identity"]["traits"] == {"email": "una@example.org", "name": "Una"}


def test_a_token_that_does_not_hold_signs_nobody_in(live: LiveServer, acme: OpenIdProvider, kind: str) -> None:
    now = int(time.time())
    bad = [
        (acme.id_token(audience="another-app", nonce="n-1"), "n-1", 403),
        (acme.id_token(nonce="n-1", exp=now - 60), "n-1", 403),
        (acme.id_token(nonce="n-1", exp=now - 365 * 86400), "n-1", 403),
        (acme.id_token(nonce="n-1", sub=""), "n-1", 403),
        (acme.id_token(nonce="another-sign-in"), "n-1", 502),
        (acme.id_token(nonce="n-1"), "", 502),
        ("not.a.token", "n-1", 403),
        ("x", "n-1", 403),
        ("." * 70_000, "n-1", 403),
    ]
    acme.claims = {**acme.claims, "iss": "https://evil.example.org"}
    bad.append((acme.id_token(nonce="n-1"), "n-1", 403))
    acme.claims = {"iss": KEYS[kind][0]}
    for sign in (unsigned, signed_by_stranger(), signed_by_stranger(jwk=True)):
        acme.sign = sign
        bad.append((acme.id_token(nonce="n-1"), "n-1", 403))
    for token, nonce, status in bad:
        app = Caller(live, "app")
        assert bring(app, token, nonce) == status, (token[:60], nonce)
        assert not app.is_signed_in


def test_95_by_invitation_only_holds_for_apps_that_bring_a_token(with_providers: With, acme: OpenIdProvider) -> None:
    live = google_or_apple(with_providers, acme, "google", over={"limen": {"registration": {"invite_only": True}}})
    for flow in ("login", "registration"):
        app = Caller(live, "app")
        assert bring(app, acme.id_token(nonce="n-1"), kind=flow) == 400
        assert not app.is_signed_in
        assert 9040003 in told(app.last.json())


def test_a_token_signs_in_once(live: LiveServer, acme: OpenIdProvider) -> None:
    """Whoever finds one in a log has its nonce, too: it is in the token."""
    for flow in ("registration", "login"):
        token = acme.id_token(nonce="n-1", jti=flow)
        assert bring(Caller(live, "app"), token, kind=flow) == 200
        head, body, signature = token.split(".")
        spelt_otherwise = f"{head}.{body}.{signature[:-1]}{chr(ord(signature[-1]) + 1)}"
        for again in (token, spelt_otherwise):
            thief = Caller(live, "app")
            assert bring(thief, again, kind="login") == 403
            assert not thief.is_signed_in


def test_of_twenty_with_one_token_one_signs_in(live: LiveServer, acme: OpenIdProvider) -> None:
    assert bring(Caller(live, "app"), acme.id_token(nonce="n-1", jti="first")) == 200
    token = acme.id_token(nonce="n-1", jti="second")
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: bring(Caller(live, "app"), token), range(20)))
    assert sorted(answers) == [200, *[403] * 19]


def test_a_token_is_not_used_up_by_a_sign_up_that_asks_for_more(live: LiveServer, acme: OpenIdProvider) -> None:
    acme.user = {"sub": "una"}
    token = acme.id_token(nonce="n-1")
    app = Caller(live, "app")
    assert bring(app, token, kind="registration") == 400
    assert bring(app, token, kind="registration", traits={"email": "una@example.org"}) == 200
    assert app.whoami()["identity"]["traits"]["email"] == "una@example.org"


def test_a_token_without_a_nonce_is_taken_only_from_devices_that_know_none(
    live: LiveServer, acme: OpenIdProvider, kind: str
) -> None:
    assert bring(Caller(live, "app"), acme.id_token(), nonce="") == 200
    expected = 502 if kind == "apple" else 200
    assert bring(Caller(live, "app"), acme.id_token(nonce_supported=True), nonce="") == expected


def test_apples_text_for_true_is_believed_and_googles_is_not(live: LiveServer, acme: OpenIdProvider, kind: str) -> None:
    acme.user = {"sub": "una", "email": "una@example.org", "email_verified": "true"}
    app = Caller(live, "app")
    bring(app, acme.id_token(nonce="n-1"), kind="registration")
    assert [a["verified"] for a in app.whoami()["identity"]["verifiable_addresses"]] == [kind == "apple"]


def test_an_unknown_person_is_signed_up(live: LiveServer, acme: OpenIdProvider) -> None:
    acme.user = {"sub": "new", "email": "new@example.org"}
    app = Caller(live, "app")
    assert bring(app, acme.id_token(nonce="n-1")) == 200
    assert app.whoami()["identity"]["traits"]["email"] == "new@example.org"


@pytest.mark.parametrize("restarts", [0, 2])
def test_what_an_app_is_to_link_waits_for_its_second_step(
    restarts: int, with_providers: With, acme: OpenIdProvider, kind: str
) -> None:
    server = google_or_apple(with_providers, acme, kind, over=SECOND)
    id_ = member(server)
    owner = Caller(server, "app")
    owner.sign_in()
    factor = set_up_app(owner)
    app = Caller(server, "app")
    assert bring(app, acme.id_token(nonce="n-1")) == 400
    form = app.last.json()
    assert {m["id"] for m in form["ui"]["messages"]} == {1010016}
    app.submit(form, method="password", password=PASSWORD, identifier="ann@example.org")
    assert app.token
    assert providers_of(server, id_) == []
    for _ in range(restarts):
        app.start("login", aal="aal2")
    step = app.start("login", aal="aal2")
    app.submit(step, method="totp", totp_code=factor.next_code())
    assert providers_of(server, id_) == [ANN["sub"]]
    again = Caller(server, "app")
    assert bring(again, acme.id_token(nonce="n-1", jti="again")) == 200


def test_what_one_app_is_to_link_is_not_linked_by_another(
    with_providers: With, acme: OpenIdProvider, kind: str
) -> None:
    server = google_or_apple(with_providers, acme, kind, over=SECOND)
    id_ = member(server)
    owner = Caller(server, "app")
    owner.sign_in()
    factor = set_up_app(owner)
    acme.user = {"sub": "eve", "email": "ann@example.org"}
    eve = Caller(server, "app")
    bring(eve, acme.id_token(nonce="n-1"))
    eve.submit(eve.last.json(), method="password", password=PASSWORD, identifier="ann@example.org")
    ann = Caller(server, "app")
    ann.sign_in()
    ann.submit(ann.start("login", aal="aal2"), method="totp", totp_code=factor.next_code())
    assert ann.whoami()["authenticator_assurance_level"] == "aal2"
    assert providers_of(server, id_) == []


def test_tokens_of_other_providers_are_not_taken(with_providers: With, acme: OpenIdProvider) -> None:
    app = Caller(with_providers(acme.configured()), "app")
    assert bring(app, acme.id_token(nonce="n-1")) == 502
    assert not app.is_signed_in
