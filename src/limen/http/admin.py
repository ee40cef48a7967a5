"""The admin port: identities, sessions, schemas, health. 4434 by default; it has no authentication, so keep it private."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from limen import __version__
from limen.audit.model import ADMIN
from limen.core import urls
from limen.core.errors import ApiError
from limen.http import (
    admin_courier,
    admin_identities,
    admin_metrics,
    admin_recovery,
    admin_sessions,
    admin_traces,
    openapi,
)
from limen.http.kit import Answer, Call, Current, Port, Routes, guarded, json_answer, redirect, tidied, untidy

# What is asked of this port by mistake is answered on the other one.
_FLOWS = ("login", "registration", "settings", "recovery", "verification")
_PUBLIC = (
    *(("GET", f"/self-service/{kind}{place}") for kind in _FLOWS for place in ("", "/browser", "/api", "/flows")),
    *(("POST", f"/self-service/{kind}") for kind in _FLOWS),
    ("GET", "/self-service/logout"), ("GET", "/self-service/logout/browser"), ("DELETE", "/self-service/logout/api"),
    ("GET", "/self-service/errors"), ("GET", "/schemas"), ("GET", "/schemas/{id}"),
    ("DELETE", "/sessions"), ("GET", "/sessions/whoami"),
)  # fmt: skip


class AdminPort(Port):
    name = "admin"

    def __init__(self, current: Current, ready: Callable[[], Awaitable[bool]]) -> None:
        super().__init__(current)
        self._ready = ready
        self.routes = self._routes()

    async def serve(self, call: Call) -> tuple[Answer, list[tuple[str, str]]]:
        call.enter_as(ADMIN)
        if not call.scope["path"].startswith("/admin"):
            call.path = "/admin" + tidied(call.path).rstrip("/")
        elif away := untidy(call):
            return away, self.dress(call, away)
        found = self.routes.find(call)
        answer = found if isinstance(found, Answer) else await guarded(call, found)
        return answer, self.dress(call, answer)

    def _routes(self) -> Routes:
        routes = Routes()
        admin_identities.add(routes)
        admin_sessions.add(routes)
        admin_courier.add(routes)
        admin_recovery.add(routes)
        admin_metrics.add(routes)
        admin_traces.add(routes)
        routes.add("GET", "/admin" + openapi.PATH, openapi.of_both)
        routes.add("GET", "/admin/health/alive", _alive)
        routes.add("GET", "/admin/health/ready", self._readiness)
        routes.add("GET", "/admin/health/config", _config)
        routes.add("GET", "/admin/version", _version)
        for method, path in _PUBLIC:
            routes.add(method, "/admin" + path, _to_public)
        return routes

    async def _readiness(self, call: Call) -> Answer:
        if await self._ready():
            return json_answer({"status": "ok"})
        raise ApiError(503, "The server is not ready: the database cannot be reached or is not migrated.", code=500)


async def _to_public(call: Call) -> Answer:
    path = tidied(call.path.removeprefix("/admin")) + (f"?{call.query}" if call.query else "")
    return redirect(call, urls.join(call.site.project.public_url, path), 307)


async def _alive(call: Call) -> Answer:
    return json_answer({"status": "ok"})


async def _config(call: Call) -> Answer:
    """Which configuration is in force: its `revision`, or without one the digest of the whole."""
    return Answer(200, call.ctx.project.revision.encode(), [("content-type", "text/plain")])


async def _version(call: Call) -> Answer:
    return json_answer({"version": f"v{__version__}"})
