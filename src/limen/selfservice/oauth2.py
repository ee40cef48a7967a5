"""Login and registration that answer a login request of an OAuth 2.0 server: how they begin, and how they end."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from limen.context import Context
from limen.core import errors, urls
from limen.core.errors import ApiError
from limen.flow import oauth2
from limen.flow.model import Flow
from limen.flow.oauth2 import LoginRequest
from limen.identity.model import Identity
from limen.selfservice import engine
from limen.selfservice.reply import Reply
from limen.session import impersonation, strength
from limen.session.model import Session, Subject


def rewritten(ctx: Context, request: LoginRequest, **values: str) -> Context:
    """The request as if it had asked with these parameters, and, where configured, to come back to the login request."""
    if request.request_url and ctx.project.config.oauth2_provider.override_return_to:
        values["return_to"] = request.request_url
    if not values:
        return ctx
    return replace(ctx, client=replace(ctx.client, url=urls.with_query(ctx.client.url, values)))


async def remembered(
    ctx: Context, request: LoginRequest, subject: Subject, *, json: bool, script: ApiError | None = None
) -> Reply:
    """The server needs no new sign-in, and there is a session: the answer at once, if the session is strong enough.

    :param script: what a script is told once the request is accepted; without it, where the browser goes on
    :raises ApiError: 403, an operator acts as this person: what a client is given would outlive that
    """
    impersonation.refuse(subject)
    if missing := strength.lack(ctx.project, subject.session, subject.identity, ctx.stamp):
        return go(strength.way(ctx.project, missing, engine.query(ctx, "return_to"), request.challenge), json=json)
    url = await _accept(ctx, request.challenge, subject.session)
    if json and script:
        raise script
    return go(url, json=json)


def _is_strong_enough(ctx: Context, session: Session, identity: Identity) -> bool:
    return not strength.lack(ctx.project, session, identity, ctx.stamp)


async def _accept(ctx: Context, challenge: str, session: Session) -> str:
    url = await oauth2.accept(ctx, challenge, session)
    ctx.events.tell("oauth2.accepted", session.identity_id, session=session.id)
    return url


def go(url: str, *, json: bool, **more: Any) -> Reply:
    """Send the browser on; a script is told where."""
    if not json:
        return Reply(json=False, url=url, **more)
    error = errors.location_change_required(url)
    return Reply(json=True, status=error.status, error=error, **more)


async def answered(ctx: Context, flow: Flow, session: Session, identity: Identity) -> str:
    """Answer the login request of a flow that was passed; returns where the browser goes on.

    Empty when the flow answers none, is an app's, or the session still lacks a factor.

    :raises ApiError: the server did not take it; nothing is stored then
    """
    if not flow.oauth2_login_challenge or not flow.is_browser or not _is_strong_enough(ctx, session, identity):
        return ""
    return await _accept(ctx, flow.oauth2_login_challenge, session)


def begin_again(ctx: Context, flow: Flow) -> str:
    """The sign-in for the login request of a flow that could not answer it."""
    values = {oauth2.PARAMETER: flow.oauth2_login_challenge, "return_to": flow.return_to}
    login = urls.join(ctx.project.public_url, "/self-service/login/browser")
    return urls.with_query(login, {name: value for name, value in values.items() if value})


async def shown(ctx: Context, flow: Flow, *, json: bool, **more: Any) -> Reply:
    """The form once more; who reads it as JSON reads about the OAuth 2.0 client too."""
    if json:
        try:
            await oauth2.describe(ctx, flow)
        except ApiError as error:
            return engine.failed(ctx, error, flow)
    return engine.shown(ctx, flow, json=json, **more)


async def fetched(ctx: Context, flow: Flow) -> Reply:
    """The flow that was asked for by its id."""
    try:
        await oauth2.describe(ctx, flow)
    except ApiError as error:
        return engine.failed(ctx, error)
    return Reply(json=True, flow=flow)
