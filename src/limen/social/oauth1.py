"""OAuth 1.0a as a client (RFC 5849), which X still speaks: every request is signed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, urlsplit

from limen.core.configmethods import OidcProvider
from limen.core.outbound import Outbound, OutboundError


def header(
    config: OidcProvider,
    method: str,
    url: str,
    now: float,
    *,
    token: str = "",
    secret: str = "",
    more: Mapping[str, str] | None = None,
    nonce: str = "",
) -> str:
    """The `Authorization` header of a request without a form in its body. `more` are `oauth_…` parameters of the step."""
    sent = {
        "oauth_consumer_key": config.client_id,
        "oauth_nonce": nonce or secrets.token_hex(16),
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": str(int(now)),
        "oauth_version": "1.0",
        **({"oauth_token": token} if token else {}),
        **(more or {}),
    }
    parts = urlsplit(url)
    pairs = sorted(
        (_escaped(k), _escaped(v)) for k, v in [*sent.items(), *parse_qsl(parts.query, keep_blank_values=True)]
    )
    plain = f"{parts.scheme}://{parts.netloc}{parts.path}"
    base = "&".join((method, _escaped(plain), _escaped("&".join(f"{k}={v}" for k, v in pairs))))
    key = f"{_escaped(config.client_secret or '')}&{_escaped(secret)}"
    signature = base64.b64encode(hmac.new(key.encode(), base.encode(), hashlib.sha1).digest()).decode()
    told = sorted({**sent, "oauth_signature": signature}.items())
    return "OAuth " + ", ".join(f'{_escaped(k)}="{_escaped(v)}"' for k, v in told)


def _escaped(text: str) -> str:
    return quote(text, safe="~")


async def ask(
    outbound: Outbound,
    config: OidcProvider,
    url: str,
    now: float,
    *,
    token: str = "",
    secret: str = "",
    more: Mapping[str, str],
) -> tuple[str, str]:
    """A token and its secret: a request token (§2.1) or, with one and its verifier, an access token (§2.3).

    :raises OutboundError: no answer, or none with a token
    """
    signed = header(config, "POST", url, now, token=token, secret=secret, more=more)
    answer = await outbound.request("POST", url, headers={"Authorization": signed}, seconds=10)
    if answer.status != 200:
        raise OutboundError(f"{url} answered {answer.status}")
    found = dict(parse_qsl(answer.body.decode("utf8", "replace")))
    if not found.get("oauth_token"):
        raise OutboundError(f"{url} answered without a token")
    return found["oauth_token"], found.get("oauth_token_secret", "")
