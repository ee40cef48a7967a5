"""The public port: self-service, sessions, schemas, health. 4433 by default."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

import msgspec

from limen.context import Context
from limen.core import errors, urls
from limen.core.errors import ApiError
from limen.core.form import Form
from limen.core.ids import parse_id
from limen.flow import script
from limen.flow.model import FlowType
from limen.http import bodies, browserguard, cookies, openapi, pages, paging, social_routes, whoami, why
from limen.http.cors import is_preflight
from limen.http.kit import (
    JSON,
    Answer,
    Call,
    Current,
    Port,
    Receive,
    Routes,
    Scope,
    Send,
    guarded,
    json_answer,
    redirect,
    untidy,
)
from limen.http.render import fail, render
from limen.selfservice import exchange, login, logout, pageerrors, recovery, registration, settings, verification
from limen.selfservice.reply import Reply
from limen.session import own as own_sessions
from limen.session import service as sessions
from limen.session import store as session_store
from limen.session import strength, trusted
from limen.session.model import Subject

FLOWS = {
    "login": login,
    "registration": registration,
    "settings": settings,
    "recovery": recovery,
    "verification": verification,
}


class PublicPort(Port):
    name = "public"

    def __init__(self, current: Current, ready: Callable[[], Awaitable[bool]]) -> None:
        super().__init__(current)
        self._ready = ready
        self.routes = self._routes()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == whoami.PATH and whoami.serves(scope):
            site, started = self.current.site, time.perf_counter()
            status, sent = await whoami.answer(site, scope, send)
            site.requests.note(whoami.PATH, scope["method"], status, time.perf_counter() - started, 0, sent)
            return
        await super().__call__(scope, receive, send)

    async def serve(self, call: Call) -> tuple[Answer, list[tuple[str, str]]]:
        cors = call.site.cors
        if cors.enabled and is_preflight(call.method, call.headers):
            vary = ("vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers")
            allowed = cors.preflight(call.headers)
            if not allowed:
                call.enter()
                why.note_origin(call)
            return Answer(204), [vary, *allowed]
        call.enter()
        answer = await browserguard.passed(call, self._find)
        if any(k == "set-cookie" for k, _ in answer.headers):
            call.site.wake_courier()
        return answer, self.dress(call, answer)

    def dress(self, call: Call, answer: Answer) -> list[tuple[str, str]]:
        if call.path.startswith(pages.STATIC):
            return []
        extra = super().dress(call, answer)
        if call.path not in browserguard.PLAIN:
            extra.append(("vary", "Cookie"))
        if call.site.cors.enabled and not call.path.startswith(pages.PREFIX):
            extra.append(("vary", "Origin"))
            extra += call.site.cors.actual(call.headers, call.method)
        if "origin" in call.headers and call.ctx.client.is_ajax and not call.site.may_read(call.headers["origin"]):
            why.note_origin(call)
        name = call.site.project.config.session.cookie.name
        if not any(k == "set-cookie" and v.startswith(f"{name}=") for k, v in answer.headers):
            ours = cookies.replaced(call.site.project, call.cookies, call.site.now().timestamp())
            extra += [("set-cookie", ours)] if ours else []
        return extra

    async def _find(self, call: Call) -> Answer:
        if away := untidy(call):
            return away
        found = self.routes.find(call)
        if isinstance(found, Answer):
            return found
        return pages.instead_of_trouble(call, await guarded(call, found, why.note))

    def _routes(self) -> Routes:
        routes = Routes()
        for kind, flow in FLOWS.items():
            routes.add("GET", f"/self-service/{kind}/browser", _start(flow.start, "browser"))
            routes.add("GET", f"/self-service/{kind}/api", _start(flow.start, "api"))
            if hasattr(flow, "fetch"):
                routes.add("GET", f"/self-service/{kind}/flows", _fetch(flow.fetch))
            if hasattr(flow, "submit"):
                handler = _submit(flow.submit)
                routes.add("POST", f"/self-service/{kind}", handler)
                routes.add("GET", f"/self-service/{kind}", handler)
        routes.add("GET", "/self-service/logout/browser", _replying(logout.start))
        routes.add("GET", "/self-service/logout", _replying(logout.finish))
        routes.add("DELETE", "/self-service/logout/api", _logout_of_app)
        routes.add("GET", "/self-service/errors", _errors)
        routes.add("GET", "/.well-known/change-password", _change_password)
        routes.add("GET", script.PATH, _webauthn)
        routes.add("*", whoami.PATH, _whoami_options)
        routes.add("GET", "/sessions", _sessions)
        routes.add("DELETE", "/sessions", _revoke_others)
        routes.add("DELETE", "/sessions/{id}", _revoke)
        routes.add("GET", "/sessions/trusted-devices", _trusted)
        routes.add("DELETE", "/sessions/trusted-devices/{id}", _forget)
        routes.add("GET", "/sessions/token-exchange", _exchange)
        social_routes.add(routes)
        pages.routes(routes)
        routes.add("GET", openapi.PATH, openapi.of_public)
        routes.add("GET", "/health/alive", _alive)
        routes.add("GET", "/health/ready", self._readiness)
        for prefix in ("", "/admin"):
            routes.add("GET", f"{prefix}/schemas", schemas)
            routes.add("GET", f"{prefix}/schemas/{{id}}", schema)
            _admin_redirects(routes, prefix)
        return routes

    async def _readiness(self, call: Call) -> Answer:
        if await self._ready():
            return json_answer({"status": "ok"})
        raise ApiError(503, "The server is not ready.", code=500)


def _admin_redirects(routes: Routes, prefix: str) -> None:
    """Requests of the admin API that come to the wrong port are sent to the right one."""
    for method, path in (
        ("GET", "/identities"), ("POST", "/identities"),
        ("GET", "/identities/{id}"), ("PUT", "/identities/{id}"), ("PATCH", "/identities/{id}"), ("DELETE", "/identities/{id}"),
        ("GET", "/identities/by/external/{external_id}"), ("DELETE", "/identities/{id}/credentials/{type}"),
    ):  # fmt: skip
        routes.add(method, prefix + path, _to_admin)
    if prefix:
        routes.add("GET", prefix + "/courier/messages", _to_admin)
        routes.add("GET", prefix + "/courier/messages/{id}", _to_admin)
    else:
        routes.add("DELETE", "/identities/{id}/sessions", _to_admin)
        routes.add("POST", "/recovery/code", _to_admin)
        routes.add("POST", "/recovery/link", _to_admin)


async def _to_admin(call: Call) -> Answer:
    path = call.path if call.path.startswith("/admin/") else "/admin" + call.path
    return redirect(call, urls.join(call.site.project.admin_url, path) + (f"?{call.query}" if call.query else ""), 307)


# --- flows ----------------------------------------------------------------------------------------------------------


def _start(
    start: Callable[[Context, FlowType], Awaitable[Reply]], type_: FlowType
) -> Callable[[Call], Awaitable[Answer]]:
    async def handler(call: Call) -> Answer:
        try:
            return await render(call, await start(call.ctx, type_))
        except ApiError as error:
            # Kratos asks who wants JSON here even at the address for apps.
            app = type_ == "api" and error.check != errors.SWITCHED_OFF
            return await fail(call, error, json=app or _wants_json(call))

    return handler


def _fetch(fetch: Callable[[Context, str | None], Awaitable[Reply]]) -> Callable[[Call], Awaitable[Answer]]:
    async def handler(call: Call) -> Answer:
        try:
            return await render(call, await fetch(call.ctx, parse_id(call.first("id"))))
        except ApiError as error:
            if error.check == errors.SWITCHED_OFF or error.id == "self_service_flow_disabled":
                return await fail(call, error, json=_wants_json(call))
            raise

    return handler


def _wants_json(call: Call) -> bool:
    return call.ctx.client.is_json or call.ctx.client.accepts_json


def _submit(submit: Callable[[Context, str | None, Form], Awaitable[Reply]]) -> Callable[[Call], Awaitable[Answer]]:
    async def handler(call: Call) -> Answer:
        if call.method == "HEAD" and call.first("flow"):  # who looks at links before people do must not do what they do
            return Answer(200, b"", [("content-type", "text/html; charset=utf-8")])
        try:
            reply = await submit(call.ctx, parse_id(call.first("flow")), await call.form())
        except ApiError as error:
            return await fail(call, error, json=call.ctx.client.is_json)
        answer = await render(call, reply)
        call.site.wake_courier()
        return answer

    return handler


def _replying(act: Callable[[Context], Awaitable[Reply]]) -> Callable[[Call], Awaitable[Answer]]:
    async def handler(call: Call) -> Answer:
        try:
            return await render(call, await act(call.ctx))
        except ApiError as error:
            client = call.ctx.client
            return await fail(call, error, json=client.is_json or client.accepts_json)

    return handler


async def _logout_of_app(call: Call) -> Answer:
    return await render(call, await logout.of_app(call.ctx, await bodies.json(call)))


async def _exchange(call: Call) -> Answer:
    """Only apps call it, and few of them say that they want JSON."""
    return await render(call, await exchange.exchange(call.ctx))


async def _errors(call: Call) -> Answer:
    return json_answer(await pageerrors.must(call.ctx, call.first("error") or call.first("id")))


# --- sessions -------------------------------------------------------------------------------------------------------


async def _whoami_options(call: Call) -> Answer:
    """A request to the session check that is no ordinary one: OPTIONS, or a token to be made."""
    subject = await sessions.must(call.ctx)
    _check_strength(call.ctx, subject)
    named = [("x-kratos-authenticated-identity-id", subject.identity.id)]
    return json_answer(sessions.body(call.ctx, subject.session, subject.identity), headers=named)


async def _sessions(call: Call) -> Answer:
    """The person's other sessions."""
    ctx = call.ctx
    subject = await sessions.must(ctx)
    _check_strength(ctx, subject)
    page = paging.offset_page(call)
    total = await session_store.count_others(ctx.db, subject.identity.id, subject.session.id, ctx.stamp)
    found = await session_store.others(
        ctx.db, subject.identity.id, subject.session.id, ctx.stamp, page.size, page.session_offset
    )
    bodies = [sessions.listed(sessions.body(ctx, s, subject.identity)) for s in found]
    return json_answer(bodies, headers=paging.offset_headers(call, page, total))


def _check_strength(ctx: Context, subject: Subject) -> None:
    if missing := strength.lack(ctx.project, subject.session, subject.identity, ctx.stamp):
        raise errors.too_weak(missing, strength.way(ctx.project, missing))


async def _revoke_others(call: Call) -> Answer:
    ctx = call.ctx
    subject = await sessions.must(ctx)
    count = await own_sessions.revoke_others(ctx, subject)
    return json_answer({"count": count})


async def _revoke(call: Call) -> Answer:
    ctx = call.ctx
    subject = await sessions.must(ctx)
    asked = call.params["id"]
    id_ = parse_id(asked)
    if id_ is None:
        raise ApiError(400, f"{asked!r} is no session id.")
    if id_ == subject.session.id:
        raise ApiError(400, "This is the session of this request: sign out instead of revoking it.")
    await own_sessions.revoke(ctx, subject, id_)
    return Answer(204, b"", [("content-type", JSON)])


async def _trusted(call: Call) -> Answer:
    """The browsers in which the person is spared the second step; Kratos has nothing like it."""
    subject = await sessions.must(call.ctx)
    _check_strength(call.ctx, subject)
    current = subject.session.trusted_device
    found = await trusted.of_person(call.ctx, subject.identity.id)
    return json_answer([{**msgspec.to_builtins(one), "current": one.id == current} for one in found])


async def _forget(call: Call) -> Answer:
    subject = await sessions.must(call.ctx)
    _check_strength(call.ctx, subject)
    if id_ := parse_id(call.params["id"]):
        await own_sessions.forget(call.ctx, subject, id_)
    return Answer(204, b"", [("content-type", JSON)])


# --- small documents --------------------------------------------------------------------------------------------------


async def schemas(call: Call) -> Answer:
    """All identity schemas."""
    known = list(call.site.project.schemas.values())
    page = paging.offset_page(call)
    shown = known[page.offset : page.offset + page.size]
    bodies = [{"id": s.id, "schema": s.document} for s in shown]
    return json_answer(bodies, headers=paging.offset_headers(call, page, len(known)))


async def schema(call: Call) -> Answer:
    """One identity schema, by its id or the id's base64url."""
    asked = call.params["id"]
    for known in call.site.project.schemas.values():
        if asked in (known.id, known.encoded_id):
            return Answer(200, known.raw, [("content-type", "application/json; charset=utf-8")])
    raise errors.not_found(f"There is no identity schema with the id {asked!r}.")


async def _alive(call: Call) -> Answer:
    return json_answer({"status": "ok"})


async def _change_password(call: Call) -> Answer:
    """Where password managers find the page to change a password (W3C, A Well-Known URL for Changing Passwords)."""
    return redirect(call, call.site.project.ui_url("settings"))


async def _webauthn(call: Call) -> Answer:
    """Forms load it with `crossorigin="anonymous"`, for its digest is checked: a page of another origin has to be let."""
    headers = [("content-type", "text/javascript; charset=UTF-8")]
    if "origin" in call.headers and not call.site.cors.enabled:  # with CORS configured, that says who may
        headers += [("access-control-allow-origin", "*"), ("vary", "Origin")]
    return Answer(200, script.SOURCE, headers)
