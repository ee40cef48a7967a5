"""Signing out: a link only the session's own browser can use, and the call of an app."""

from __future__ import annotations

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from limen.context import Context
from limen.core import crypto, csrf, errors, urls
from limen.core.errors import ApiError
from limen.selfservice import engine
from limen.selfservice.reply import Reply
from limen.session import own, store
from limen.session import service as sessions
from limen.session.model import Subject


def link_token(ctx: Context, session_token: str) -> str:
    """The token of the sign-out link. It is made from the session's own token, so nothing of it needs to be stored."""
    return crypto.LOGOUT_PREFIX + ctx.project.keys.digest("logout", session_token)[:32]


async def start(ctx: Context) -> Reply:
    """`GET /self-service/logout/browser`: the link. It is JSON for everybody."""
    await sessions.must(ctx, errors.session_inactive())
    token = link_token(ctx, ctx.client.token)
    values = {"token": token}
    if engine.query(ctx, "return_to"):
        values["return_to"] = engine.asked_return_url(ctx)
    url = urls.with_query(urls.join(ctx.project.public_url, "/self-service/logout"), values)
    return Reply(json=True, body={"logout_url": url, "logout_token": token})


async def finish(ctx: Context) -> Reply:
    """`GET /self-service/logout`: the link was followed."""
    token = engine.query(ctx, "token")
    if not token:
        raise errors.bad_request(
            "The query parameter `token` is missing: open the link that was made for this session."
        )
    subject = await sessions.must(ctx, errors.session_inactive())
    if not crypto.same(token, link_token(ctx, ctx.client.token)):
        raise ApiError(403, reason="This link signs out another session than the one of this browser.")
    configured = ctx.project.config.selfservice.flows.logout.after.default_browser_return_url
    asked = engine.query(ctx, "return_to")
    try:
        return await _end(ctx, subject, _return_url(ctx, asked, configured or ctx.project.default_return_url))
    except ApiError as error:  # a bad address keeps nobody signed in
        return replace(await _end(ctx, subject, ""), error=error)


def _return_url(ctx: Context, asked: str, default: str) -> str:
    return urls.pick_return_to(asked, ctx.project.allowed_return_urls, default)


async def _end(ctx: Context, subject: Subject, to: str) -> Reply:
    await own.sign_out(ctx, subject)
    return Reply(json=ctx.client.accepts_json, status=204, url=to, ends_session=True, csrf=csrf.new_secret())


async def of_page(ctx: Context, return_to: str, default: str) -> Reply:
    """The sign-out button of our own pages. Who is signed out already is where they want to be.

    :raises ApiError: 400, `return_to` is not in the list of allowed addresses
    """
    configured = ctx.project.config.selfservice.flows.logout.after.default_browser_return_url
    to = _return_url(ctx, return_to, configured or default)
    subject = await sessions.current(ctx)
    if subject is None:
        return Reply(json=False, url=to, ends_session=True)
    return replace(await _end(ctx, subject, to), json=False)


class _OfApp(Struct, frozen=True):
    session_token: str | None = None


async def of_app(ctx: Context, body: bytes) -> Reply:
    """`DELETE /self-service/logout/api`, with a JSON object that names the `session_token`.

    :raises ApiError: 400, the body is anything else; 403, there is no such session
    """
    try:
        asked = msgspec.json.decode(body, type=_OfApp | None)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise errors.bad_request("The body has to be a JSON object with a session_token.") from error
    token = asked.session_token if asked else None
    subject = await store.subject(ctx.db, sessions.digest(token)) if token else None
    if subject is None:
        raise ApiError(403, reason="There is no session with this token.")
    await own.sign_out(ctx, subject)
    return Reply(json=True, status=204)
