"""Ports, database and client that leave spans. They are put in the place of the plain ones when there is a collector."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from limen.core.outbound import Answer, Outbound
from limen.db.database import Driver, Params, Row, Statement
from limen.telemetry import propagation
from limen.telemetry.span import Tracer

Port = Callable[[Any, Any, Any], Awaitable[None]]
_ID: Final = re.compile(r"/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?=/|$)")
_QUIET: Final = ("/health/", "/admin/health/", "/metrics/", "/admin/metrics/")
_SYSTEMS: Final = {"sqlite": "sqlite", "postgres": "postgresql"}


def traced(port: Port, tracer: Tracer) -> Port:
    """A port whose requests are spans. Queries and bodies are left out: there are secrets in them."""

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or path.startswith(_QUIET):
            await port(scope, receive, send)
            return
        route = _ID.sub("/{id}", path) if len(path) < 200 else path[:200]
        headers = dict(reversed(scope["headers"]))
        with tracer.request(f"{scope['method']} {route}", propagation.parent(headers)) as span:
            span.attributes = {
                "http.request.method": scope["method"], "http.route": route,
                "url.scheme": scope.get("scheme", "http"), "server.address": headers.get(b"host", b"").decode("latin1")[:200],
            }  # fmt: skip

            async def send_on(message: Any) -> None:
                if message["type"] == "http.response.start":
                    span.attributes["http.response.status_code"] = message["status"]
                    span.failed = str(message["status"]) if message["status"] >= 500 else ""
                await send(message)

            await port(scope, receive, send_on)

    return serve


class TracedDriver:
    """A driver whose statements are spans: the text with its `:names`, never the values."""

    def __init__(self, driver: Driver, tracer: Tracer) -> None:
        self._driver, self._tracer = driver, tracer
        self.dialect = driver.dialect
        self._system = _SYSTEMS[driver.dialect]

    async def rows(self, sql: str, params: Params) -> Sequence[Row]:
        with self._step(sql):
            return await self._driver.rows(sql, params)

    async def scan(self, sql: str, params: Params) -> Sequence[Row]:
        with self._step(sql):
            return await self._driver.scan(sql, params)

    async def write(self, sql: str, params: Params) -> Sequence[Row]:
        with self._step(sql):
            return await self._driver.write(sql, params)

    async def commit(self, statements: Sequence[Statement]) -> None:
        with self._step(";".join(one.sql for one in statements[:20])):
            await self._driver.commit(statements)

    async def insert_each(self, groups: Sequence[Sequence[Statement]]) -> list[bool]:
        with self._step("insert"):
            return await self._driver.insert_each(groups)

    async def script(self, statements: Sequence[str]) -> None:
        await self._driver.script(statements)

    async def locked(self, work: Callable[[], Awaitable[None]]) -> None:
        await self._driver.locked(work)

    async def ping(self) -> None:
        await self._driver.ping()

    async def close(self) -> None:
        await self._driver.close()

    @contextlib.contextmanager
    def _step(self, sql: str) -> Iterator[None]:
        with self._tracer.step(sql.split(maxsplit=1)[0], "client") as span:
            if span:
                span.attributes = {"db.system.name": self._system, "db.query.text": " ".join(sql.split())[:2000]}
            yield


class TracedOutbound(Outbound):
    """Calls that are spans, and tell the other side of it."""

    def __init__(self, tracer: Tracer, **more: Any) -> None:
        super().__init__(**more)
        self._tracer = tracer

    async def request(self, method: str, url: str, **more: Any) -> Answer:
        with self._tracer.step(method, "client") as span:
            if span is None:
                return await super().request(method, url, **more)
            parts = urlsplit(url)
            span.attributes = {"http.request.method": method, "server.address": parts.hostname or ""}
            headers = {**(more.pop("headers", None) or {}), **propagation.told(span)}
            answer = await super().request(method, url, headers=headers, **more)
            span.attributes["http.response.status_code"] = answer.status
            return answer
