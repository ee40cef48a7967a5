"""OAuth 2.0 as a client: the address people are sent to, and the exchange of the code they bring back (RFC 6749, §4.1)."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlencode

import msgspec
from joserfc.errors import JoseError

from limen.core import urls
from limen.core.configmethods import OidcProvider, RequestedClaims
from limen.core.outbound import Answer, Outbound, OutboundError
from limen.social import trouble
from limen.social.kinds import Token
from limen.social.openid import Description
from limen.social.provider import Provider

UPSTREAM = ("hd", "prompt", "auth_type", "acr_values")  # what a caller may add; others could steer whose account it is
_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"
APPLE = "https://appleid.apple.com"
APPLE_SECRET_SECONDS = 300


def new_verifier() -> str:
    """A proof key: 32 random bytes in base64url (RFC 7636, §4.1)."""
    return secrets.token_urlsafe(32)


def challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def authorization_url(
    provider: Provider,
    endpoints: Description,
    *,
    state: str,
    verifier: str,
    nonce: str,
    refresh: bool,
    upstream: Mapping[str, str],
) -> str:
    """Where the person goes. `verifier` and `nonce` are empty when none is used; parameters come out sorted."""
    config, kind = provider.config, provider.kind
    sent = {
        "client_id": config.client_id,
        "response_type": "code",
        "redirect_uri": provider.callback,
        "state": state,
        **({"scope": " ".join(provider.scope)} if provider.scope else {}),
        **({"code_challenge": challenge(verifier), "code_challenge_method": "S256"} if verifier else {}),
        **({"nonce": nonce} if nonce else {}),
        **kind.asks,
        **(kind.asks_again if refresh else kind.asks_first),
    }
    if kind.takes_claims and config.requested_claims is not None:
        sent["claims"] = requested(config.requested_claims)
    if kind.id == "google" and "offline_access" in config.scope:
        sent["access_type"] = "offline"
    if kind.id == "apple" and {"email", "name"} & set(config.scope):
        sent["response_mode"] = "form_post"  # which Apple insists on for these
    sent |= {name: value for name, value in upstream.items() if name in UPSTREAM}
    return urls.with_query(endpoints.authorization_endpoint, sent)


def requested(claims: RequestedClaims) -> str:
    """The parameter `claims` (OpenID Connect Core, §5.5), in JSON with sorted keys."""
    asked = {
        place: {
            name: None
            if claim is None
            else {k: v for k, v in msgspec.structs.asdict(claim).items() if v is not None and v != ()}
            for name, claim in wanted.items()
        }
        for place, wanted in (("id_token", claims.id_token), ("userinfo", claims.userinfo))
        if wanted
    }
    return msgspec.json.encode(asked, order="sorted").decode()


# --- the exchange -----------------------------------------------------------------------------------------------------


async def exchange(
    outbound: Outbound, provider: Provider, endpoints: Description, code: str, verifier: str, now: float
) -> Token:
    """What the code is worth.

    :raises Trouble: the provider refuses it, or does not answer as it should
    """
    secret = client_secret(provider, now)
    if provider.kind.json_exchange:
        return await _exchange_json(outbound, provider, endpoints, code, secret)
    sent = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": provider.callback,
        **({"code_verifier": verifier} if verifier else {}),
        **provider.kind.with_code,
    }
    styles = _styles(provider, endpoints)
    for style in styles:
        answer = await _post(outbound, provider, endpoints.token_endpoint, sent, secret, style)
        if style == styles[-1] or answer.status not in (400, 401) or _error(answer) != "invalid_client":
            break
    return _token(provider, answer)


def client_secret(provider: Provider, now: float) -> str:
    """The configured one, or Apple's, which is signed anew each time.

    :raises Trouble: the private key is none
    """
    config = provider.config
    if not provider.kind.signs_secret:
        return config.client_secret or ""
    from joserfc import jwt  # noqa: PLC0415 - 50 ms that a start need not wait for
    from joserfc.jwk import ECKey  # noqa: PLC0415

    try:
        key = ECKey.import_key(config.apple_private_key or "")
        return jwt.encode(
            {"alg": "ES256", "kid": config.apple_private_key_id},
            {
                "iss": config.apple_team_id,
                "iat": int(now),
                "exp": int(now) + APPLE_SECRET_SECONDS,
                "aud": APPLE,
                "sub": config.client_id,
            },
            key,
        )
    except (JoseError, ValueError, TypeError) as error:
        raise trouble.unconfigured(provider.name, "apple_private_key is no ES256 key in PEM (PKCS #8)") from error


def _styles(provider: Provider, endpoints: Description) -> tuple[str, ...]:
    """How to show the client secret: as is known, as is published, else both ways, the header first (§2.3.1)."""
    if provider.kind.secret_in:
        return (provider.kind.secret_in,)
    published = endpoints.token_endpoint_auth_methods_supported
    if published and "client_secret_basic" not in published and "client_secret_post" in published:
        return ("form",)
    return ("header", "form")


async def _post(
    outbound: Outbound, provider: Provider, url: str, sent: Mapping[str, str], secret: str, style: str
) -> Answer:
    headers = {"Content-Type": _FORM, "Accept": _JSON}
    form = dict(sent)
    if style == "header":
        pair = f"{quote_plus(provider.config.client_id)}:{quote_plus(secret)}"
        headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    else:
        form |= {"client_id": provider.config.client_id, "client_secret": secret}
    return await _call(outbound, provider, url, headers, urlencode(form).encode())


async def _call(outbound: Outbound, provider: Provider, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
    try:
        return await outbound.request("POST", url, headers=headers, body=body, seconds=10)
    except OutboundError as error:
        raise trouble.upstream(provider.name, "token", str(error)) from error


def _document(answer: Answer) -> dict[str, Any]:
    """The answer as an object, whether it is JSON or, from older providers, a form."""
    if answer.headers.get("content-type", "").partition(";")[0].strip() in (_FORM, "text/plain"):
        return dict(parse_qsl(answer.body.decode("utf8", "replace")))
    try:
        return msgspec.json.decode(answer.body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}


def _error(answer: Answer) -> str:
    return str(_document(answer).get("error", ""))


def _token(provider: Provider, answer: Answer) -> Token:
    found = _document(answer)
    access = found.get("access_token")
    if answer.status not in range(200, 300) or found.get("error") or not isinstance(access, str) or not access:
        said = str(found.get("error", ""))[:60]
        raise trouble.upstream(provider.name, "token", f"the token endpoint answered {answer.status} {said}".rstrip())
    texts = {name: value for name in ("id_token", "refresh_token") if isinstance(value := found.get(name), str)}
    return Token(access, texts.get("id_token", ""), texts.get("refresh_token", ""), raw=found)


async def _exchange_json(
    outbound: Outbound, provider: Provider, endpoints: Description, code: str, secret: str
) -> Token:
    """DingTalk's own way."""
    sent = {
        "clientId": provider.config.client_id,
        "clientSecret": secret,
        "code": code,
        "grantType": "authorization_code",
    }
    headers = {"Content-Type": _JSON, "Accept": _JSON}
    answer = await _call(outbound, provider, endpoints.token_endpoint, headers, msgspec.json.encode(sent))
    found = _document(answer)
    access = found.get("accessToken")
    if answer.status != 200 or not isinstance(access, str) or not access:
        said = str(found.get("code", ""))[:60]
        raise trouble.upstream(provider.name, "token", f"the token endpoint answered {answer.status} {said}".rstrip())
    return Token(access, raw=found)


def granted(config: OidcProvider, token: Token, separator: str) -> str:
    """The first configured scope that the person or the provider did not grant; empty when all are."""
    have = str(token.raw.get("scope", "")).split(separator)
    return next((scope for scope in config.scope if scope not in have), "")
