"""Signing out: a link only the session's own browser can use, and the call of an app."""

from __future__ import annotations

from limen.context import Context
from limen.core import crypto, csrf, errors, urls
from limen.core.form import Form
from limen.selfservice import engine
from limen.selfservice.reply import Reply
from limen.session import service as sessions
from limen.session import store


def link_token(ctx: Context, session_token: str) -> str:
    """The token of the sign-out link. It is made from the session's own token, so nothing of it needs to be stored."""
    return crypto.LOGOUT_PREFIX + ctx.project.keys.digest("logout", session_token)[:32]


async def start(ctx: Context) -> Reply:
    """`GET /self-service/logout/browser`: the link. It is JSON for everybody."""
    await sessions.must(ctx, errors.session_inactive())
    token = link_token(ctx, ctx.client.token)
    values = {"token": token}
    if to := engine.query(ctx, "return_to"):
        engine.asked_return_url(ctx)
        values["return_to"] = to
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
        raise errors.ApiError(403, reason="This link signs out another session than the one of this browser.")
    configured = ctx.project.config.selfservice.flows.logout.after.default_browser_return_url
    default = configured or ctx.project.default_return_url
    to = urls.pick_return_to(engine.query(ctx, "return_to"), ctx.project.allowed_return_urls, default)
    await store.revoke(ctx.db, subject.session.id)
    ctx.events.tell("session.revoked", subject.identity.id, session=subject.session.id)
    return Reply(json=ctx.client.accepts_json, status=204, url=to, ends_session=True, csrf=csrf.new_secret())


async def of_app(ctx: Context, form: Form) -> Reply:
    """`DELETE /self-service/logout/api`."""
    if form.unreadable:
        raise errors.bad_request("The body has to be a JSON object with a session_token.")
    token = form.get("session_token")
    if not token or not await store.revoke_by_digest(ctx.db, sessions.digest(token)):
        raise errors.ApiError(403, reason="There is no session with this token.")
    return Reply(json=True, status=204)
