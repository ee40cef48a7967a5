"""Signing in for an OAuth 2.0 server (Ory Hydra): its login requests, looked up and accepted.

The server sends a browser here with a `login_challenge`. Its admin API says what the request is about and takes the
answer, which names who signed in and how. The guide is docs/guide/oauth2-provider.md.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit

import msgspec
from msgspec import Struct

from limen.context import Context
from limen.core import errors, urls
from limen.core.errors import ApiError
from limen.core.outbound import Answer, OutboundError, Retry
from limen.flow.model import Flow
from limen.session.model import Session

PARAMETER = "login_challenge"
_PATH = "/admin/oauth2/auth/requests/login"
_SECONDS, _RETRY = 10.0, Retry(2, 0.1)


class LoginRequest(Struct, frozen=True):
    """What the server says about a request. `skip`: it remembers the person and needs no new sign-in."""

    challenge: str
    skip: bool
    request_url: str  # the address with which the OAuth 2.0 client began: whoever opens it comes back here
    shown: dict[str, Any]  # all of it, as flows show it


class _Told(Struct):
    challenge: str | None
    client: dict[str, Any] | None
    request_url: str | None
    skip: bool | None
    subject: str | None
    oidc_context: dict[str, Any] | None = None
    requested_scope: list[str] | None = None
    requested_access_token_audience: list[str] | None = None
    session_id: str | None = None


class _Next(Struct):
    redirect_to: str


class _Refusal(Struct):
    error_hint: str | None = None


def challenge(ctx: Context) -> str:
    """The challenge in the request's own address; empty when there is none.

    :raises ApiError: 500, no OAuth 2.0 server is configured; 400, the parameter is there but empty
    """
    found = urls.parse_query(urlsplit(ctx.client.url).query).get(PARAMETER)
    if found is None:
        return ""
    if ctx.project.config.oauth2_provider.url is None:
        raise errors.misconfigured("There is a login_challenge, but oauth2_provider.url is not set.")
    if not found[0]:
        raise errors.bad_request("The parameter login_challenge is empty.")
    return found[0]


# Between a client and that server. It sends neither along; whoever opens a flow would read them.
_CLIENTS_OWN = ("client_secret", "registration_access_token")


async def look_up(ctx: Context, challenge_: str) -> LoginRequest:
    """Ask what a login request is about.

    :raises ApiError: 400, it is unknown, used or too old; 500, the OAuth 2.0 server is not well
    """
    failed = "The OAuth 2.0 server does not know this login request (any more). Begin again where you came from."
    answer = await _call(ctx, "GET", _PATH, challenge_, failed)
    try:
        told = msgspec.json.decode(answer.body, type=_Told)
        shown = msgspec.json.decode(answer.body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _unreadable(failed, answer, error, fault=False) from error
    body = {
        **_without_nulls(shown),
        "challenge": told.challenge or "",
        "client": {k: v for k, v in _without_nulls(told.client or {}).items() if k not in _CLIENTS_OWN},
        "request_url": told.request_url or "",
        "skip": bool(told.skip),
        "subject": told.subject or "",
    }
    if told.oidc_context is not None:
        body["oidc_context"] = _without_nulls(told.oidc_context)
    return LoginRequest(challenge_, bool(told.skip), told.request_url or "", body)


def _without_nulls(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


async def describe(ctx: Context, flow: Flow) -> None:
    """Have the flow show the login request it answers; nothing to do for one that answers none.

    :raises ApiError: see `look_up`
    """
    if flow.oauth2_login_challenge and flow.oauth2_login_request is None:
        flow.oauth2_login_request = (await look_up(ctx, flow.oauth2_login_challenge)).shown


_BRANDING = ("client_name", "client_uri", "logo_uri", "metadata")


def branding(flow: Flow) -> dict[str, Any] | None:
    """What messages of this flow may tell of the OAuth 2.0 client, once the flow was described: no more than its looks."""
    told = flow.oauth2_login_request
    if told is None:
        return None
    client = told["client"]
    shown = {name: client[name] for name in _BRANDING if client.get(name)}
    return {"challenge": told["challenge"], "client": {"client_id": client.get("client_id", ""), **shown}}


async def accept(ctx: Context, challenge_: str, session: Session) -> str:
    """Tell the server who signed in; returns where the browser goes on.

    It comes before what is stored: an answer that the browser never hears of signs nobody in.

    :raises ApiError: 400, the server refuses; 500, it is not well
    """
    own = ctx.project.config.session
    body = {
        "subject": session.identity_id,
        "identity_provider_session_id": session.id,
        "remember": own.cookie.persistent,
        "remember_for": int(own.lifespan),
        "amr": list(dict.fromkeys(proof.method for proof in session.proofs)),
    }
    failed = "The OAuth 2.0 server did not accept this sign-in. Begin again where you came from."
    answer = await _call(ctx, "PUT", _PATH + "/accept", challenge_, failed, msgspec.json.encode(body))
    try:
        to = msgspec.json.decode(answer.body, type=_Next).redirect_to
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _unreadable(failed, answer, error, fault=True) from error
    if not to:
        raise _unreadable(failed, answer, ValueError("redirect_to is empty"), fault=True)
    return to


async def _call(ctx: Context, method: str, path: str, challenge_: str, failed: str, body: bytes = b"") -> Answer:
    """:raises ApiError: no answer, or one that is not 2xx"""
    provider = ctx.project.config.oauth2_provider
    if provider.url is None:  # taken out of the configuration since the flow began
        raise errors.misconfigured("The flow answers a login request, but oauth2_provider.url is not set.")
    headers = {**provider.headers, "Accept": "application/json"}
    if body:
        headers["Content-Type"] = "application/json"
    url = f"{urls.join(provider.url, path)}?{PARAMETER}={quote(challenge_, safe='')}"
    try:
        answer = await ctx.outbound.request(method, url, headers=headers, body=body, seconds=_SECONDS, retry=_RETRY)
    except OutboundError as error:
        raise errors.login_request_failed(failed, status=None, hint=None, debug=str(error), fault=True) from error
    if answer.status < 300:
        return answer
    raise _refused(failed, answer, is_elsewhere=method == "GET" and answer.status == 410)


def _refused(failed: str, answer: Answer, *, is_elsewhere: bool) -> ApiError:
    if answer.status == 429 or (
        answer.status >= 500 and answer.status != 501
    ):  # what passes: Kratos says no more of it
        return errors.login_request_failed(failed, status=None, hint=None, debug="", fault=True)
    hint: str | None = None
    if not is_elsewhere:  # else the body says where the request was answered already
        try:
            hint = msgspec.json.decode(answer.body, type=_Refusal).error_hint or ""
        except (msgspec.MsgspecError, UnicodeDecodeError):
            hint = None
    debug = f"The OAuth 2.0 server answered {answer.status}."
    return errors.login_request_failed(failed, status=answer.status, hint=hint, debug=debug, fault=answer.status >= 500)


def _unreadable(failed: str, answer: Answer, error: Exception, *, fault: bool) -> ApiError:
    debug = f"The OAuth 2.0 server answered what cannot be read: {error}."
    return errors.login_request_failed(failed, status=answer.status, hint=None, debug=debug, fault=fault)
