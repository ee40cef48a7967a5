"""How an app gets the session of a sign-in that went through a browser: with two codes, of which each side has one.

The app asks for the first code with its flow (`return_session_token_exchange_code`); the second one is made when the
person comes back, and reaches the app at its `return_to`. Whoever has only one of them gets nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from limen.context import Context
from limen.core import crypto, errors, urls
from limen.core.form import is_true
from limen.flow import body, pauses, store
from limen.flow.model import Flow
from limen.selfservice import engine
from limen.selfservice.reply import Reply
from limen.session import service as sessions
from limen.session import store as session_store

PARAMETER = "return_session_token_exchange_code"
LENGTH = 64
SECONDS = 3600
_KEY = "exchange"  # in a flow's private part: the digest of the app's code
_PAUSE = "token exchange"


def offer(ctx: Context, flow: Flow) -> str:
    """The app's code for this flow, when it asked for one; empty otherwise."""
    asked = engine.query(ctx, PARAMETER)
    if flow.is_browser or not (is_true(asked) if flow.kind == "login" else asked == "true"):
        return ""
    code = crypto.token(length=LENGTH)
    flow.private[_KEY] = _digest(ctx, "app", code)
    return code


def is_wanted(flow: Flow) -> bool:
    return not flow.is_browser and _KEY in flow.private


def hand_over(old: Flow, new: Flow) -> None:
    """A flow that goes on as another one keeps its app."""
    if _KEY in old.private:
        new.private[_KEY] = old.private[_KEY]


def _digest(ctx: Context, side: str, code: str) -> str:
    return ctx.project.keys.digest("token exchange", side, code)


async def send_back(ctx: Context, flow: Flow, token: str = "", query: Mapping[str, str] | None = None) -> Reply:
    """Send the browser to the app with the second code. Without a token the app learns how far its flow has come."""
    code = crypto.token(length=LENGTH)
    commit = ctx.db.begin()
    kept = {"kind": flow.kind, "app": flow.private[_KEY], "token": token}
    pauses.pause(commit, ctx, _PAUSE, flow.id, kept, seconds=SECONDS, id_=_digest(ctx, "browser", code))
    await ctx.db.commit(commit)
    to = engine.return_url(ctx, flow, None)
    return Reply(json=False, url=urls.with_query(to, {"code": code, **(query or {})}))


async def exchange(ctx: Context) -> Reply:
    """`GET /sessions/token-exchange`: the session, once.

    :raises ApiError: 400, a code is missing; 404, the codes do not belong together, or were used
    """
    app, browser = engine.query(ctx, "init_code"), engine.query(ctx, "return_to_code")
    if not app or not browser:
        raise errors.bad_request("Both query parameters are needed: init_code and return_to_code.")
    found = await redeem(ctx, app, browser)
    if isinstance(found, Flow):
        return Reply(json=True, status=422, body=body.flow_body(ctx.project, found, ""))
    return await _session(ctx, found)


async def redeem(ctx: Context, app: str, browser: str) -> str | Flow:
    """The session's token, handed out once; or the flow of a sign-in that has not come to its end, which says why.

    :raises ApiError: 404, the codes do not belong together, or were used
    """
    for id_ in ctx.project.keys.digests("token exchange", "browser", browser):
        found = await pauses.look(ctx, id_, _PAUSE)
        if found is None or not any(
            crypto.same(known, found.values["app"]) for known in ctx.project.keys.digests("token exchange", "app", app)
        ):
            continue
        if not found.values["token"]:
            return await store.must(ctx.db, found.values["kind"], found.flow_id)
        if used := await pauses.use(ctx, id_, _PAUSE):
            return str(used.values["token"])
    raise errors.not_found("There is no session for these codes, or they were used already.")


async def _session(ctx: Context, token: str) -> Reply:
    subject = await session_store.subject(ctx.db, sessions.digest(token))
    if subject is None:
        raise errors.not_found("The session is gone.")
    shown: dict[str, Any] = sessions.body(ctx, subject.session, subject.identity)
    return Reply(json=True, body={"session_token": token, "session": {**shown, "devices": []}})
