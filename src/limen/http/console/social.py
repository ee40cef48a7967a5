"""Signing in and up with a provider, on the operator's port, for front ends wherever they are.

A front end starts, and keeps one code; the person goes to the provider, which sends them back to the public port; that one
sends them back to the front end with a second code; both together are a session (see selfservice/exchange.py). The front
end's code is in the answer and in a cookie: a front end on this site need not keep it.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from limen.core.errors import ApiError, not_found
from limen.flow.model import Flow
from limen.http.console import flows
from limen.http.console.account import signed_in
from limen.http.console.answers import passing_cookie, read
from limen.http.console.callers import base_url
from limen.http.console.route import Route
from limen.http.kit import Answer, Call, json_answer, redirect
from limen.selfservice import exchange, login, registration
from limen.selfservice.reply import Reply
from limen.social import provider

COOKIE = "truss_provider"
_PATH = "/api/auth/providers"


class StartProvider(Struct, forbid_unknown_fields=True):
    """`return_to`: where the browser comes back to, with a `code`. `flow_id`: of a sign-up that wants to know more, with it in
    `traits`.
    """

    return_to: str = ""
    flow_id: str | None = None
    traits: dict[str, Any] = {}
    invite_token: str = ""
    upstream_parameters: dict[str, str] = {}


class Exchange(Struct, forbid_unknown_fields=True):
    """`code` is the one that came back with the browser, `init_code` the one of the start; without it the cookie counts."""

    code: str
    init_code: str | None = None


async def _list(call: Call) -> Answer:
    project = call.site.project
    offered = provider.offered(project) if project.has_method("oidc") else []
    here = base_url(call).rstrip("/")
    return json_answer(
        [
            {
                "id": one.id,
                "label": one.label or one.id,
                "provider": one.provider,
                "start": f"{here}{_PATH}/{one.id}/start",
            }
            for one in offered
        ]
    )


async def _leave(call: Call) -> Answer:
    """What a link leads to: on to the provider at once."""
    asked = StartProvider(return_to=call.first("return_to"), invite_token=call.first("invite_token"))
    _, code, to = await _begun(call, asked)
    return redirect_with(call, to, code)


def redirect_with(call: Call, to: str, code: str) -> Answer:
    answer = redirect(call, to)
    answer.headers.append(passing_cookie(call, COOKIE, code, _PATH, exchange.SECONDS))
    return answer


async def _start(call: Call) -> Answer:
    flow, code, to = await _begun(call, await read(call, StartProvider))
    body = {"flow_id": flow, "init_code": code or None, "redirect_to": to}
    return json_answer(body, headers=[passing_cookie(call, COOKIE, code, _PATH, exchange.SECONDS)] if code else [])


async def _begun(call: Call, asked: StartProvider) -> tuple[str, str, str]:
    """The flow, the front end's code (none when the flow was begun before), and where the browser goes.

    :raises ApiError: 400, nobody said where to come back to, or that is not allowed; 404, no such provider
    """
    id_ = call.params["id"]
    if not call.site.project.has_method("oidc") or provider.find(call.site.project, id_) is None:
        raise not_found(f"There is no provider with the id {id_!r} here.")
    form = flows.form(
        method="oidc", provider=id_, traits=asked.traits or None, upstream_parameters=asked.upstream_parameters or None
    )
    if asked.flow_id:
        ctx = flows.inner(call, "registration")
        return asked.flow_id, "", _way(await registration.submit(ctx, asked.flow_id, form))
    if not asked.return_to:
        raise ApiError(400, "Where to?", reason="return_to: say where the browser is to come back to.")
    query = {"return_to": asked.return_to, exchange.PARAMETER: "true"}
    ctx = flows.inner(call, "login", **query, **({"invite_token": asked.invite_token} if asked.invite_token else {}))
    begun = await login.start(ctx, flows.API)
    flow = flows.flow_of(begun)
    return flow.id, begun.exchange_code, _way(await login.submit(ctx, flow.id, form))


def _way(reply: Reply) -> str:
    """Where a submit sends the browser.

    :raises ApiError: nowhere
    """
    if reply.error is not None and (to := reply.error.top.get("redirect_browser_to")):
        return str(to)
    flows.body_of(reply, message="The provider cannot be used.")
    raise ApiError(400, "The provider cannot be used.")


async def _exchange(call: Call) -> Answer:
    asked = await read(call, Exchange)
    mine = asked.init_code or call.cookies.get(COOKIE, "")
    done = await exchange.redeem(flows.inner(call, "login"), mine, asked.code)
    if isinstance(done, Flow):
        status = 403 if flows.is_uninvited(done) else 401
        raise flows.refused(done, status, "The sign-in did not come to its end.")
    answer = await signed_in(call, {}, done)
    answer.headers.append(passing_cookie(call, COOKIE, "", _PATH, 0))
    return answer


ROUTES: tuple[Route, ...] = (
    Route(
        id="listProviders", method="GET", path=_PATH, tag="account", says="Providers people may sign in with", may="anyone",
        handler=_list, answers={200: "provider[]"},
    ),
    Route(
        id="goToProvider", method="GET", path=_PATH + "/{id}/start", tag="account",
        says="Sign in or up with a provider, from a link: leads there", may="anyone", handler=_leave, answers={303: ""},
        errors=(400, 403, 404), takes="return_to, invite_token",
    ),
    Route(
        id="startProvider", method="POST", path=_PATH + "/{id}/start", tag="account",
        says="Sign in or up with a provider, from a script: tells where to send the browser", may="anyone", handler=_start,
        body=StartProvider, answers={200: "leaving"}, errors=(403, 404, 410),
        example={"return_to": "http://localhost:8787/"},
    ),
    Route(
        id="exchangeCodes", method="POST", path=_PATH + "/exchange", tag="account",
        says="Turn the code that came back from a provider into a session", may="anyone", handler=_exchange, body=Exchange,
        answers={200: "signedIn"}, errors=(401, 403, 404), example={"code": "…", "init_code": "…"},
    ),
)  # fmt: skip
