"""The way of spans to the collector: gathered, sent once a second, and dropped rather than kept when it is away."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import structlog
from msgspec import Struct

from limen.core.configserver import Tracing
from limen.core.metrics import Family, counter
from limen.core.outbound import Outbound, OutboundError
from limen.telemetry import formats
from limen.telemetry.span import Span

EVERY: Final = 1.0  # seconds between two sendings
WAITING: Final = 8192  # spans at most
_log = structlog.get_logger("limen.telemetry")


class Collector(Struct, frozen=True):
    """Where spans are sent, how they are written, and which share of traces is kept."""

    url: str
    write: Callable[[Sequence[Span], Mapping[str, str]], bytes]
    headers: Mapping[str, str]
    ratio: float


def collector(config: Tracing) -> Collector | None:
    """The collector that is configured; None when there is none."""
    otlp, zipkin = config.providers.otlp, config.providers.zipkin
    if config.provider == "otel" and otlp.server_url:
        host, slash, path = otlp.server_url.partition("/")
        url = f"{'http' if otlp.insecure else 'https'}://{host}/{path if slash else 'v1/traces'}"
        headers = {"Authorization": otlp.authorization_header} if otlp.authorization_header else {}
        return Collector(url, formats.otlp, headers, _ratio(otlp.sampling.sampling_ratio))
    if config.provider == "zipkin" and zipkin.server_url:
        return Collector(zipkin.server_url, formats.zipkin, {}, _ratio(zipkin.sampling.sampling_ratio))
    return None


def _ratio(configured: float | None) -> float:
    return 1.0 if configured is None else configured


class Exporter:
    """Of one process. A collector stands where it stands: its address is never refused as a private one."""

    def __init__(self, to: Collector, resource: Mapping[str, str]) -> None:
        self._to, self._resource = to, resource
        self._waiting: deque[Span] = deque()
        self._lost = 0
        self._is_away = False
        self._outbound = Outbound()

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
            await self._outbound.close()

    async def send(self) -> None:
        spans, self._waiting = list(self._waiting), deque()
        if not spans:
            return
        body = self._to.write(spans, self._resource)
        headers = {"Content-Type": "application/json", **self._to.headers}
        try:
            answer = await self._outbound.request("POST", self._to.url, headers=headers, body=body, seconds=5)
            trouble = f"it answered {answer.status}" if answer.status >= 300 else ""
        except OutboundError as error:
            trouble = str(error)
        if trouble:
            self._lost += len(spans)
        if bool(trouble) != self._is_away:  # once, not once a second
            self._is_away = bool(trouble)
            _log.warning("telemetry.lost", why=trouble) if trouble else _log.info("telemetry.back")

    def families(self) -> list[Family]:
        return [counter("limen_spans_lost_total", "Spans that did not reach the collector.", self._lost)]
