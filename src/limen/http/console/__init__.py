"""The operator's port: 8787 by default, on this machine only. What is not declared in a route is not there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
from msgspec.structs import replace

from limen.core import errors
from limen.core.errors import ApiError
from limen.http.console import callers, description
from limen.http.console.route import Route
from limen.http.kit import Answer, Call, Current, Handler, Port, Routes, error_answer, guarded, json_answer, untidy

_METHODS = "GET, POST, PUT, PATCH, DELETE"
_HEADERS = "content-type, apikey, x-api-key, authorization, x-session-token"
# Nothing here is a page: no browser is to guess one, frame it, or run what it says.
_SAFE = [
    ("x-content-type-options", "nosniff"), ("x-frame-options", "DENY"), ("referrer-policy", "no-referrer"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
]  # fmt: skip


class ConsolePort(Port):
    name = "console"

    def __init__(self, current: Current, ready: Callable[[], Awaitable[bool]]) -> None:
        super().__init__(current)
        self._ready = ready
        self.routes = Routes()
        for route in description.ROUTES:
            self.routes.add(route.method, route.path, _checked(route))
        self.routes.add("GET", "/api/openapi.json", _openapi)
        self.routes.add("GET", "/health/alive", _alive)
        self.routes.add("GET", "/health/ready", self._readiness)

    async def serve(self, call: Call) -> tuple[Answer, list[tuple[str, str]]]:
        call.enter()
        origin = call.headers.get("origin", "")
        extra = [*_SAFE, *self.dress(call, Answer(200)), ("vary", "Origin")]
        if origin and origin in callers.origins(call):
            extra += [("access-control-allow-origin", origin), ("access-control-allow-credentials", "true")]
            if call.method == "OPTIONS":
                extra += [("access-control-allow-methods", _METHODS), ("access-control-allow-headers", _HEADERS)]
        if call.method == "OPTIONS":
            return Answer(204), extra
        if away := untidy(call):
            return away, extra
        found = self.routes.find(call)
        if isinstance(found, Answer):
            reason = (
                "There is nothing at this address." if found.status == 404 else "This address does not answer that."
            )
            return error_answer(ApiError(found.status, reason=reason, headers=dict(found.headers)), call.id), extra
        return await guarded(call, found), extra

    def _is_quiet(self, call: Call) -> bool:
        return True

    async def _readiness(self, call: Call) -> Answer:
        if await self._ready():
            return json_answer({"status": "ok"})
        raise ApiError(503, "The server is not ready: the database cannot be reached or is not migrated.")


def _checked(route: Route) -> Handler:
    """The handler behind the question who asks."""

    async def handle(call: Call) -> Answer:
        caller = await callers.identify(call)
        callers.check_origin(call, caller)
        callers.check(call, caller, route)
        if any("\0" in value for values in call.asked.values() for value in values):
            raise errors.null_character()  # a database would say so, but an answer that is streamed has begun by then
        if route.may not in ("anyone", "person"):
            call.ctx = replace(call.ctx, client=replace(call.ctx.client, actor=caller.actor))
        return await route.handler(call)

    return handle


async def _openapi(call: Call) -> Answer:
    document = description.document(callers.base_url(call))
    return Answer(200, msgspec.json.encode(document), [("content-type", "application/json")])


async def _alive(call: Call) -> Answer:
    return json_answer({"status": "ok"})
