"""Every provider that is known by name: what it is asked, and what is made of its answer."""

from __future__ import annotations

import hashlib
import hmac
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from limen.core.configmethods import OidcProvider, RequestedClaim, RequestedClaims
from limen.core.errors import ApiError, FormError
from limen.core.outbound import Answer, Outbound
from limen.social import arrival, oauth1, oauth2
from limen.social.catalogue import kinds
from limen.social.kinds import Token
from limen.social.openid import Description
from limen.social.provider import Provider, checks_proof_key, describe
from limen.social.trouble import Trouble

# Under the name of a provider, perhaps with a comma and which of its people it is.
ALL_ANSWERS = tomllib.loads((Path(__file__).parent / "answers.toml").read_text())
ANSWERS = {name: given for name, given in ALL_ANSWERS.items() if "id_token" not in given}  # of a profile
TOKENS = {name: given for name, given in ALL_ANSWERS.items() if "id_token" in given}  # of OpenID Connect
KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
NOW = 1_700_000_000.0
BACK = "https://id.example.org/self-service/methods/oidc/callback/x"


class World(Outbound):
    """The providers' servers: addresses without their queries, and what each answers."""

    def __init__(self, at: Mapping[str, Any]) -> None:
        super().__init__()
        self.at, self.calls = at, []  # type: ignore[var-annotated]

    async def request(self, method: str, url: str, **sent: Any) -> Answer:  # type: ignore[override]
        self.calls.append((method, url, dict(sent.get("headers") or {}), sent.get("body", b"")))
        found = self.at.get(url.partition("?")[0])
        body = b"" if found is None else json.dumps(found).encode()
        return Answer(200 if found is not None else 404, {"content-type": "application/json"}, body)


def provider(kind: str, **more: Any) -> Provider:
    config = OidcProvider(**{
        "id": "x", "provider": kind, "client_id": "client", "client_secret": "secret", "mapper_url": "base64://e30=", **more,
    })  # fmt: skip
    return Provider(config, kinds()[kind], BACK)


_CONFIGURED = ("issuer_url", "microsoft_tenant", "subject_source", "claims_source")


def kind_of(name: str) -> str:
    return name.partition(",")[0]


def of_answers(name: str) -> tuple[Provider, Token, World]:
    given = ALL_ANSWERS[name]
    own = {key: given[key] for key in _CONFIGURED if key in given}
    one = provider(kind_of(name), scope=tuple(given.get("scope", ())), **own)
    if "id_token" in given:
        return one, _signed(given["id_token"]), World({**_openid(given["id_token"]["iss"]), **given.get("at", {})})
    access = given["token"].get("access_token") or given["token"]["accessToken"]
    return one, Token(access, raw=given["token"], secret="s"), World(given["at"])


def _signed(claims: dict[str, Any]) -> Token:
    whole = {"aud": "client", "iat": int(NOW), "exp": int(NOW) + 600, **claims}
    return Token("t", id_token=jwt.encode({"alg": "RS256", "kid": "one"}, whole, KEY))


def _openid(issuer: str) -> dict[str, Any]:
    """What an issuer publishes."""
    base = issuer.rstrip("/")
    document = {"issuer": issuer, "jwks_uri": f"{base}/keys", "userinfo_endpoint": f"{base}/userinfo"}
    keys = {"keys": [KEY.as_dict(private=False)]}
    return {f"{base}/.well-known/openid-configuration": document, f"{base}/keys": keys}


@pytest.mark.parametrize("name", ALL_ANSWERS)
async def test_what_a_provider_answers_becomes_claims(name: str) -> None:
    one, token, world = of_answers(name)
    query = {"user": ALL_ANSWERS[name].get("user", "")}
    found = await arrival.claims(world, one, token, NOW, nonce="", query=query)
    shown = found.for_mapper()
    assert shown.pop("raw_claims")
    assert json.loads(json.dumps(shown)) == ALL_ANSWERS[name]["claims"]


def test_every_provider_has_an_answer_here() -> None:
    assert {kind_of(name) for name in ALL_ANSWERS} == set(kinds())
    assert {kind_of(name) for name in ANSWERS} == {id_ for id_, kind in kinds().items() if kind.profile}


async def test_the_tenant_of_a_token_has_to_be_the_configured_one() -> None:
    _, token, world = of_answers("microsoft")
    for tenant in ("consumers", "4338e03d-0000-0000-0000-000000000000"):
        one = provider("microsoft", microsoft_tenant=tenant)
        with pytest.raises(Trouble, match=r"another tenant|answered 404"):
            await arrival.claims(world, one, token, NOW, nonce="", query={})


@pytest.mark.parametrize("kind", ANSWERS)
async def test_no_token_is_ever_part_of_an_address(kind: str) -> None:
    """Addresses are logged, by us and by everybody in between."""
    one, token, world = of_answers(kind)
    token = Token("very-secret", raw=token.raw, secret="also-secret")
    await arrival.claims(world, one, token, NOW, nonce="", query={})
    assert not any("very-secret" in url or "also-secret" in url for _, url, _, _ in world.calls)


@pytest.mark.parametrize("kind", ANSWERS)
@pytest.mark.parametrize(
    "answer", [{}, [], "x", None, {"id": 0}, {"id": None, "sub": None}, {"data": [], "user": 5}], ids=repr
)
async def test_an_answer_without_a_person_in_it_is_nobody(kind: str, answer: Any) -> None:
    one, token, world = of_answers(kind)
    world.at = dict.fromkeys(world.at, answer)
    with pytest.raises(Trouble) as trouble:
        await arrival.claims(world, one, token, NOW, nonce="", query={})
    assert isinstance(trouble.value.answer, ApiError)
    assert trouble.value.answer.status == 502


@pytest.mark.parametrize("kind", [k for k in kinds() if kinds()[k].granted_by])
async def test_a_scope_that_was_not_granted_is_asked_for_again(kind: str) -> None:
    one, token, world = of_answers(kind)
    token = Token(token.access, raw={**token.raw, "scope": "something-else"})
    with pytest.raises(Trouble) as trouble:
        await arrival.claims(world, one, token, NOW, nonce="", query={})
    assert isinstance(trouble.value.answer, FormError)
    assert world.calls == []


async def test_a_refusal_in_an_answer_that_looks_well_is_noticed() -> None:
    for kind, answer in (
        ("slack", {"ok": False, "error": "invalid_auth"}),
        ("dingtalk", {"message": "no", "code": "x"}),
    ):
        one, token, world = of_answers(kind)
        world.at = dict.fromkeys(world.at, answer)
        with pytest.raises(Trouble, match="answered"):
            await arrival.claims(world, one, token, NOW, nonce="", query={})


async def test_github_tells_no_address_without_the_scope() -> None:
    one, _, world = of_answers("github")
    one = provider("github")
    found = await arrival.claims(world, one, Token("t", raw={"scope": ""}), NOW, nonce="", query={})
    assert found.email == ""
    assert len(world.calls) == 1


async def test_facebook_is_shown_that_the_token_is_ours() -> None:
    one, token, world = of_answers("facebook")
    await arrival.claims(world, one, token, NOW, nonce="", query={})
    query = dict(parse_qsl(urlsplit(world.calls[0][1]).query))
    assert query["appsecret_proof"] == hmac.new(b"secret", b"t", hashlib.sha256).hexdigest()


# --- the way there --------------------------------------------------------------------------------------------------------


def asked(one: Provider, **more: Any) -> dict[str, str]:
    described = Description(issuer="https://i", authorization_endpoint="https://i/a?own=1")
    given: dict[str, Any] = {"state": "s", "verifier": "", "nonce": "", "refresh": False, "upstream": {}, **more}
    return dict(parse_qsl(urlsplit(oauth2.authorization_url(one, described, **given)).query))


def test_openid_providers_are_asked_for_openid_and_others_for_what_is_configured() -> None:
    assert asked(provider("generic", scope=("email",)))["scope"] == "email openid"
    assert asked(provider("github", scope=("user:email",)))["scope"] == "user:email"
    assert "scope" not in asked(provider("github"))
    assert asked(provider("generic"))["own"] == "1"


def test_google_is_asked_for_offline_access_in_its_own_way() -> None:
    query = asked(provider("google", scope=("email", "offline_access")))
    assert (query["scope"], query["access_type"]) == ("email openid", "offline")


def test_apple_posts_its_answer_when_asked_for_a_name_or_an_address() -> None:
    assert asked(provider("apple", scope=("name",)))["response_mode"] == "form_post"
    assert "response_mode" not in asked(provider("apple"))


@pytest.mark.parametrize(
    ("kind", "first", "again"),
    [("generic", None, "login"), ("google", None, "login"), ("discord", "none", "consent"), ("patreon", "none", "consent"),
     ("dingtalk", "consent", "consent"), ("github", None, None)],
)  # fmt: skip
def test_a_refresh_asks_for_a_new_sign_in(kind: str, first: str | None, again: str | None) -> None:
    assert asked(provider(kind)).get("prompt") == first
    assert asked(provider(kind), refresh=True).get("prompt") == again


def test_claims_are_requested_as_configured() -> None:
    wanted = RequestedClaims(
        id_token={"email": RequestedClaim(essential=True), "given_name": None},
        userinfo={"acr": RequestedClaim(values=("a", "b"))},
    )
    query = asked(provider("generic", requested_claims=wanted))
    assert query["claims"] == (
        '{"id_token":{"email":{"essential":true},"given_name":null},"userinfo":{"acr":{"values":["a","b"]}}}'
    )
    assert "claims" not in asked(provider("github", requested_claims=wanted))


async def test_a_proof_key_is_used_always_never_or_when_the_provider_checks_it() -> None:
    def published(*methods: str) -> World:
        document = {"issuer": "https://i", "code_challenge_methods_supported": list(methods)}
        return World({"https://i/.well-known/openid-configuration": document})

    def of(mode: str) -> Provider:
        return provider("generic", issuer_url="https://i", pkce=mode)

    assert await checks_proof_key(published("plain", "S256"), of("auto"))
    assert not await checks_proof_key(published("plain"), of("auto"))
    assert not await checks_proof_key(World({}), of("auto"))
    assert await checks_proof_key(World({}), of("force"))
    assert not await checks_proof_key(published("S256"), of("never"))
    assert await checks_proof_key(World({}), provider("uaepass"))
    assert await checks_proof_key(World({}), provider("microsoft", microsoft_tenant="common"))
    assert not await checks_proof_key(World({}), provider("github"))
    assert not await checks_proof_key(World({}), provider("x", pkce="force"))


async def test_a_known_provider_cannot_be_given_another_issuer() -> None:
    for kind in ("google", "apple", "line", "linkedin_v2", "netid", "twitch"):
        assert provider(kind, issuer_url="https://evil.example.org").issuer == kinds()[kind].issuer


async def test_amazon_has_three_scopes() -> None:
    with pytest.raises(Trouble, match="no scope email"):
        await describe(World({}), provider("amazon", scope=("profile", "email")))


# --- the exchange ---------------------------------------------------------------------------------------------------------

TOKEN = {"access_token": "t"}


async def exchanged(one: Provider, answer: Any = TOKEN, **published: Any) -> tuple[Token, World]:
    world = World({"https://i/token": answer})
    described = Description(issuer="https://i", token_endpoint="https://i/token", **published)
    return await oauth2.exchange(world, one, described, "a-code", "a-verifier", NOW), world


async def test_the_client_shows_its_secret_as_the_provider_wants() -> None:
    one = provider("generic", client_id="a b", client_secret="p:w")
    _, world = await exchanged(one)
    assert world.calls[0][2]["Authorization"] == "Basic YStiOnAlM0F3"
    _, world = await exchanged(one, token_endpoint_auth_methods_supported=("client_secret_post",))
    form = dict(parse_qsl(world.calls[0][3].decode()))
    assert (form["client_id"], form["client_secret"], form["code_verifier"]) == ("a b", "p:w", "a-verifier")
    assert "Authorization" not in world.calls[0][2]


async def test_line_signs_with_a_key_pair_when_asked() -> None:
    _, world = await exchanged(provider("line"))
    assert dict(parse_qsl(world.calls[0][3].decode()))["id_token_key_type"] == "JWK"


async def test_dingtalk_trades_codes_in_json() -> None:
    token, world = await exchanged(provider("dingtalk"), {"accessToken": "t"})
    assert token.access == "t"
    assert json.loads(world.calls[0][3]) == {
        "clientId": "client", "clientSecret": "secret", "code": "a-code", "grantType": "authorization_code",
    }  # fmt: skip


NO_TOKENS: list[Any] = [{}, {"access_token": ""}, {"access_token": 5}, {"error": "invalid_grant"}, [], "x", None]


@pytest.mark.parametrize("answer", NO_TOKENS, ids=repr)
async def test_an_answer_without_a_token_is_the_providers_trouble(answer: Any) -> None:
    with pytest.raises(Trouble) as trouble:
        await exchanged(provider("generic"), answer)
    assert "secret" not in trouble.value.why


async def test_apples_secret_is_signed_anew_and_good_for_five_minutes() -> None:
    key = ECKey.generate_key("P-256")
    one = provider(
        "apple", client_secret=None, apple_team_id="TEAM", apple_private_key_id="KEY",
        apple_private_key=key.as_pem(private=True).decode(),
    )  # fmt: skip
    token = jwt.decode(oauth2.client_secret(one, NOW), key, algorithms=["ES256"])
    assert token.header == {"typ": "JWT", "alg": "ES256", "kid": "KEY"}
    assert token.claims == {
        "iss": "TEAM", "sub": "client", "aud": "https://appleid.apple.com", "iat": int(NOW), "exp": int(NOW) + 300,
    }  # fmt: skip


def test_a_private_key_that_is_none_is_the_operators_mistake() -> None:
    one = provider("apple", client_secret=None, apple_private_key="no key")
    with pytest.raises(Trouble, match="apple_private_key"):
        oauth2.client_secret(one, NOW)


def test_requests_to_x_are_signed_as_the_manual_shows() -> None:
    """The example of Twitter's "Creating a signature" and of RFC 5849's method, with its own parameters in the query."""
    config = provider(
        "x", client_id="xvz1evFS4wEEPTGEFPHBog", client_secret="kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw"
    ).config
    query = "include_entities=true&status=Hello%20Ladies%20%2B%20Gentlemen%2C%20a%20signed%20OAuth%20request%21"
    signed = oauth1.header(
        config, "POST", f"https://api.twitter.com/1.1/statuses/update.json?{query}", 1318622958,
        token="370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb",
        secret="LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE", nonce="kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg",
    )  # fmt: skip
    assert 'oauth_signature="hCtSmYh%2BiHYCEqBWrE7C7hYmtUk%3D"' in signed
    assert "LswwdoUaIvS8" not in signed
