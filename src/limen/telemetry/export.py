"""The way of spans to the collector: gathered, sent once a second, and dropped rather than kept when it is away."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

import structlog
from msgspec import Struct

from limen.core.configserver import Tracing
from limen.core.metrics import Family, counter
from limen.core.outbound import Outbound, OutboundError
from limen.telemetry import formats
from limen.telemetry.jaeger import Agent
from limen.telemetry.sampling import Remote, Sampler, share
from limen.telemetry.span import Span

EVERY: Final = 1.0  # seconds between two sendings
WAITING: Final = 8192  # spans at most
_log = structlog.get_logger("limen.telemetry")


class Way(Protocol):
    """How spans come to a collector."""

    async def send(self, spans: Sequence[Span], resource: Mapping[str, str]) -> str:
        """What was in the way; "": nothing."""

    async def close(self) -> None: ...


class Collector(Struct, frozen=True):
    """Where spans go, and which traces are kept."""

    way: Way
    keeps: Sampler


def collector(config: Tracing, service: str) -> Collector | None:
    """The collector that is configured; None when there is none. `service` is our name there."""
    jaeger, otlp, zipkin = config.providers.jaeger, config.providers.otlp, config.providers.zipkin
    if config.provider == "jaeger" and jaeger.local_agent_address:
        keeps = _share(jaeger.sampling.trace_id_ratio)
        if url := jaeger.sampling.server_url:
            keeps = Remote(url, service, keeps)
        return Collector(Agent(jaeger.local_agent_address), keeps)
    if config.provider == "otel" and otlp.server_url:
        host, slash, path = otlp.server_url.partition("/")
        url = f"{'http' if otlp.insecure else 'https'}://{host}/{path if slash else 'v1/traces'}"
        headers = {"Authorization": otlp.authorization_header} if otlp.authorization_header else {}
        return Collector(_Posted(url, formats.otlp, headers), _share(otlp.sampling.sampling_ratio))
    if config.provider == "zipkin" and zipkin.server_url:
        return Collector(_Posted(zipkin.server_url, formats.zipkin, {}), _share(zipkin.sampling.sampling_ratio))
    return None


def _share(configured: float | None) -> Sampler:
    return share(1.0 if configured is None else configured)


class _Posted:
    """Posted in JSON. A collector stands where it stands: its address is never refused as a private one."""

    def __init__(
        self, url: str, write: Callable[[Sequence[Span], Mapping[str, str]], bytes], headers: Mapping[str, str]
    ) -> None:
        self._url, self._write = url, write
        self._headers = {"Content-Type": "application/json", **headers}
        self._outbound = Outbound()

    async def send(self, spans: Sequence[Span], resource: Mapping[str, str]) -> str:
        body = self._write(spans, resource)
        try:
            answer = await self._outbound.request("POST", self._url, headers=self._headers, body=body, seconds=5)
        except OutboundError as error:
            return str(error)
        return f"it answered {answer.status}" if answer.status >= 300 else ""

    async def close(self) -> None:
        await self._outbound.close()


class Exporter:
    """Of one process."""

    def __init__(self, to: Way, resource: Mapping[str, str]) -> None:
        self._to, self._resource = to, resource
        self._waiting: deque[Span] = deque()
        self._lost = 0
        self._is_away = False

    def take(self, span: Span) -> None:
        if len(self._waiting) >= WAITING:
            self._lost += 1
        else:
            self._waiting.append(span)

    async def run(self) -> None:
        """Send until cancelled, then send the rest."""
        try:
            while True:
                await asyncio.sleep(EVERY)
                await self.send()
        finally:
            await self.send()
            await self._to.close()

    async def send(self) -> None:
        spans, self._waiting = list(self._waiting), deque()
        if not spans:
            return
        trouble = await self._to.send(spans, self._resource)
        if trouble:
            self._lost += len(spans)
        if bool(trouble) != self._is_away:  # once, not once a second
            self._is_away = bool(trouble)
            _log.warning("telemetry.lost", why=trouble) if trouble else _log.info("telemetry.back")

    def families(self) -> list[Family]:
        return [counter("limen_spans_lost_total", "Spans that did not reach the collector.", self._lost)]
