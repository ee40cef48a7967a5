"""The way to a provider and back: what is remembered meanwhile, and that it is the same person in the same browser.

`state` (RFC 6749, §10.12) is made here only, sealed, and names a pause, its flow and its provider. A browser must also
bring the pause's id in its cookie, one for each flow, so that two sign-ins at once do not get into each other's way. For
an app the way back ends in a browser that is not its own: there the exchange codes bind it (see selfservice/exchange.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from limen.context import Context
from limen.core import crypto, errors, messages, reasons, urls
from limen.core.errors import ApiError, LimenError
from limen.core.ids import new_id
from limen.core.outbound import OutboundError
from limen.db.database import Commit
from limen.flow import pauses
from limen.flow.method import Arrived, Sent, Then
from limen.flow.model import Flow, Submission
from limen.methods.oidc import credential
from limen.methods.oidc.common import ID, Start, must
from limen.project.model import Kind
from limen.social import arrival, oauth1, oauth2, openid, trouble
from limen.social import provider as providers
from limen.social.claims import Claims
from limen.social.kinds import Token
from limen.social.openid import EXPIRY_LEEWAY, Description
from limen.social.provider import Provider
from limen.social.trouble import Trouble

SECONDS = 30 * 60
ANOTHER_BROWSER = "way_back"  # the check that was not passed, when the state was lost
AT_ONCE = 5  # sign-ins of one browser that may be under way
_PAUSE = "oidc"
_COOKIE = "oidc."  # followed by the flow's id
_STATE = "oidc state"
_SPENT = "id_token"


class State(Struct, frozen=True, array_like=True):
    """What `state` says, sealed."""

    pause: str
    kind: Kind
    flow: str
    provider: str


class Left(Struct, frozen=True):
    """What is remembered of somebody who left for a provider."""

    provider: str
    verifier: str = ""
    nonce: str = ""
    traits: dict[str, Any] = {}
    transient_payload: dict[str, Any] = {}
    token: str = ""  # OAuth 1's request token, and its secret
    secret: str = ""


# --- there --------------------------------------------------------------------------------------------------------------


async def leave(ctx: Context, flow: Flow, provider: Provider, form: Start, about: Submission) -> Sent:
    """Send somebody to a provider.

    :raises LimenError: the provider cannot be used right now; the log has the reason
    """
    try:
        return await _leave(ctx, flow, provider, form, about)
    except Trouble as error:
        raise told(ctx, provider.id, error) from error


async def _leave(ctx: Context, flow: Flow, provider: Provider, form: Start, about: Submission) -> Sent:
    id_ = new_id()
    state = _sealed(ctx, State(id_, flow.kind, flow.id, provider.id))
    described = await providers.describe(ctx.outbound, provider)
    verifier = oauth2.new_verifier() if await providers.checks_proof_key(ctx.outbound, provider) else ""
    # A proof key binds the code to this sign-in; without one the id token has to say what it was made for.
    is_openid = provider.kind.protocol == "OpenID Connect" and not provider.kind.profile
    nonce = "" if verifier or not is_openid else crypto.token()
    left = Left(provider.id, verifier, nonce, form.traits, about.transient_payload)
    if provider.kind.protocol == "OAuth 1.0a":
        left, url = await _oauth1_url(ctx, provider, described, left, state)
    else:
        upstream = form.upstream_parameters
        url = oauth2.authorization_url(
            provider, described, state=state, verifier=verifier, nonce=nonce, refresh=flow.refresh, upstream=upstream
        )

    if flow.kind == "login":
        flow.active = ID

    def then(commit: Commit) -> None:
        pauses.pause(commit, ctx, _PAUSE, flow.id, left, seconds=SECONDS, identity_id=flow.identity_id or None, id_=id_)

    by_cookie = flow.is_browser or flow.kind == "settings"
    return Sent(url, _cookie(ctx, flow, id_) if by_cookie else None, may_be_lost=True, then=then)


def _sealed(ctx: Context, state: State) -> str:
    return ctx.project.keys.seal(_STATE, msgspec.json.encode(state)).rstrip("=")


def _cookie(ctx: Context, flow: Flow, id_: str) -> dict[str, str]:
    """The browser's pauses with this one; of sign-ins under way only the latest few are kept."""
    name = _COOKIE + flow.id
    under_way = [n for n in ctx.client.paused if n.startswith(_COOKIE) and n != name][-(AT_ONCE - 1) :]
    kept = {n: v for n, v in ctx.client.paused.items() if not n.startswith(_COOKIE) or n in under_way}
    return {**kept, name: id_}


async def _oauth1_url(
    ctx: Context, provider: Provider, described: Description, left: Left, state: str
) -> tuple[Left, str]:
    back = urls.with_query(provider.callback, {"state": state, "code": "unused"})
    try:
        token, secret = await oauth1.ask(
            ctx.outbound,
            provider.config,
            provider.kind.request_token,
            ctx.now.timestamp(),
            more={"oauth_callback": back},
        )
    except OutboundError as error:
        raise trouble.upstream(provider.name, "request token", str(error)) from error
    url = urls.with_query(described.authorization_endpoint, {"oauth_token": token})
    return msgspec.structs.replace(left, token=token, secret=secret), url


# --- and back -----------------------------------------------------------------------------------------------------------


def open_state(ctx: Context, query: Mapping[str, str], provider_in_path: str) -> State:
    """:raises ApiError: 400, there is no state, it is not ours, or the provider is another one"""
    text = query.get("state", "")
    if not text:
        raise errors.bad_request(reasons.BACK_STATELESS())
    raw = ctx.project.keys.open(_STATE, text + "=" * (-len(text) % 4))
    if raw is None:
        raise errors.bad_request(reasons.BACK_FORGED())
    state = msgspec.json.decode(raw, type=State)
    if provider_in_path and provider_in_path != state.provider:
        raise errors.bad_request(reasons.BACK_FROM_ANOTHER())
    return state


async def check_browser(ctx: Context, flow: Flow, state: State, *, by_codes: bool) -> None:
    """Whether this is the browser in which the sign-in began; nothing is used up by asking.

    :param by_codes: the flow is an app's, which two codes bind instead of a cookie
    :raises ApiError: 400, another browser, too late, or without cookies
    """
    brought = ctx.client.paused.get(_COOKIE + flow.id)
    if not by_codes and brought != state.pause:
        raise _lost(ctx, another=brought is not None)
    if await pauses.look(ctx, state.pause, _PAUSE) is None and not await pauses.is_used(ctx, state.pause, _PAUSE):
        raise _late()


async def returned(ctx: Context, flow: Flow, state: State) -> Left:
    """What was remembered of the person, handed out once.

    :raises ApiError: 400, it is too late, or this belongs to somebody else
    :raises FormError: the same way back was taken before
    """
    found = await pauses.use(ctx, state.pause, _PAUSE)
    if found is None:
        if await pauses.is_used(ctx, state.pause, _PAUSE):
            raise errors.form_error(messages.GENERIC(reason=reasons.BACK_AGAIN()))
        raise _late()
    if found.flow_id != flow.id or (found.identity_id or "") != flow.identity_id:
        raise errors.bad_request(reasons.BACK_TO_ANOTHER())
    return msgspec.convert(found.values, Left)


def _late() -> ApiError:
    return errors.bad_request(reasons.BACK_LATE())


def _lost(ctx: Context, *, another: bool) -> ApiError:
    if another:
        return errors.bad_request(reasons.BACK_NEWER(), check=ANOTHER_BROWSER)
    if not ctx.client.cookies:
        return errors.bad_request(reasons.BACK_COOKIELESS(), check=ANOTHER_BROWSER)
    return errors.bad_request(reasons.BACK_ELSEWHERE(), check=ANOTHER_BROWSER)


async def arrive(ctx: Context, provider: Provider, left: Left, query: Mapping[str, str]) -> Arrived:
    """Who comes back.

    :raises LimenError: the provider says no, or nothing that can be believed
    """
    try:
        token = await _token(ctx, provider, left, query)
        claims = await arrival.claims(ctx.outbound, provider, token, ctx.now.timestamp(), nonce=left.nonce, query=query)
    except Trouble as error:
        raise told(ctx, provider.id, error) from error
    return Arrived(provider=provider, claims=claims, tokens=credential.seal(ctx, token), traits=left.traits)


def check_answer(ctx: Context, provider: str, query: Mapping[str, str]) -> None:
    """:raises FormError: the provider says no, or nothing"""
    known = providers.find(ctx.project, provider)
    name = known.name if known else provider
    if said := query.get("error") or ("access_denied" if query.get("denied") else ""):
        raise told(ctx, provider, trouble.denied(name, said, query.get("error_description", "")))
    if not _code(query):
        raise told(ctx, provider, trouble.no_code(name))


def _code(query: Mapping[str, str]) -> str:
    return query.get("code") or query.get("authCode", "")


async def _token(ctx: Context, provider: Provider, left: Left, query: Mapping[str, str]) -> Token:
    if provider.kind.protocol == "OAuth 1.0a":
        return await _oauth1_token(ctx, provider, left, query)
    described = await providers.describe(ctx.outbound, provider)
    _check_issuer(provider, described, query)
    return await oauth2.exchange(ctx.outbound, provider, described, _code(query), left.verifier, ctx.now.timestamp())


def _check_issuer(provider: Provider, described: Description, query: Mapping[str, str]) -> None:
    """Whoever answers has to be who was asked (RFC 9207, §2.4)."""
    said = query.get("iss")
    if said is None and not described.authorization_response_iss_parameter_supported:
        return
    if described.issuer and said != described.issuer:
        raise trouble.bad_id_token(provider.name, "the answer comes from another issuer")


async def _oauth1_token(ctx: Context, provider: Provider, left: Left, query: Mapping[str, str]) -> Token:
    token, verifier = query.get("oauth_token", ""), query.get("oauth_verifier", "")
    if not left.token or not crypto.same(token, left.token):
        raise trouble.bad_id_token(provider.name, "the answer belongs to another sign-in")
    try:
        access, secret = await oauth1.ask(
            ctx.outbound,
            provider.config,
            provider.kind.token,
            ctx.now.timestamp(),
            token=left.token,
            secret=left.secret,
            more={"oauth_verifier": verifier},
        )
    except OutboundError as error:
        raise trouble.upstream(provider.name, "token", str(error)) from error
    return Token(access, secret=secret)


async def bring(ctx: Context, provider: Provider, form: Start) -> Arrived:
    """Who an app's id token is about.

    :raises LimenError: it does not hold, or this provider's tokens are not taken
    """
    try:
        claims = await arrival.native(ctx.outbound, provider, form.id_token, form.id_token_nonce, ctx.now.timestamp())
    except Trouble as error:
        raise told(ctx, provider.id, error) from error
    return Arrived(
        provider=provider, claims=claims, traits=form.traits, native=True, then=_spend(ctx, form.id_token, claims)
    )


def _spend(ctx: Context, token: str, claims: Claims) -> Then:
    """A token that signed somebody in signs nobody in a second time: whoever finds it later has nothing."""
    lives = float(claims.raw_claims["exp"]) - ctx.now.timestamp() + EXPIRY_LEEWAY
    used = trouble.foreign_id_token("it was used already")

    def then(commit: Commit) -> None:
        pauses.once(commit, ctx, _SPENT, openid.digest(token), seconds=lives, otherwise=lambda: used.answer)

    return then


def told(ctx: Context, provider: str, error: Trouble) -> LimenError:
    """The operator gets the reason, the person what to do."""
    ctx.events.tell("provider.failed", provider=provider, step=error.step, why=error.why)
    error.answer.check = "provider"
    error.answer.facts = {"provider": provider, "step": error.step, "found": error.why}
    return error.answer


async def start(ctx: Context, flow: Flow, form: Start, about: Submission) -> Sent | Arrived:
    """What a submit with a provider comes to.

    :raises LimenError: see `leave` and `bring`
    """
    if any(not isinstance(value, str) for value in form.upstream_parameters.values()):
        raise errors.untyped("Every upstream parameter has to be a text.")
    provider = must(ctx, form.provider)
    if form.id_token:
        return await bring(ctx, provider, form)
    return await leave(ctx, flow, provider, form, about)
