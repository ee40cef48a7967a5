"""Spans for Jaeger's agent: datagrams of Thrift's compact protocol (jaeger-idl: agent.thrift, jaeger.thrift)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from limen import __version__
from limen.telemetry import thrift
from limen.telemetry.span import Span, Value

LARGEST: Final = 65_000  # bytes the agent takes at a time
_ENVELOPE: Final = 70  # of them for what is around process and spans
_ANEW: Final = 30.0  # seconds after which the agent's name is resolved again
_STRING, _BOOL, _LONG = 0, 2, 3
_LIBRARY: Final[Mapping[str, Value]] = {"otel.library.name": "limen", "otel.library.version": __version__}


class Agent(asyncio.DatagramProtocol):
    """Sends spans to `host:port`. Nothing comes back but, from a machine that is up, word that nobody listens."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._host, self._port = host.strip("[]"), int(port)
        self._transport: asyncio.DatagramTransport | None = None
        self._opened = 0.0
        self._trouble = ""

    def error_received(self, exc: Exception) -> None:
        self._trouble = str(exc) or type(exc).__name__

    async def send(self, spans: Sequence[Span], resource: Mapping[str, str]) -> str:
        """Why they may not have arrived; "": nothing is known against it."""
        self._trouble = ""
        try:
            to = await self._to_agent()
        except OSError as error:
            return f"the agent cannot be reached: {error}"
        for datagram in datagrams(spans, resource):
            to.sendto(datagram)
            await asyncio.sleep(0)  # for the word about it
        return self._trouble

    async def _to_agent(self) -> asyncio.DatagramTransport:
        loop = asyncio.get_running_loop()
        if self._transport and (self._transport.is_closing() or self._opened + _ANEW < loop.time()):
            await self.close()
        if self._transport is None:
            self._transport, _ = await loop.create_datagram_endpoint(lambda: self, remote_addr=(self._host, self._port))
            self._opened = loop.time()
        return self._transport

    async def close(self) -> None:
        if self._transport:
            self._transport.close()
            self._transport = None


def datagrams(spans: Sequence[Span], resource: Mapping[str, str]) -> Iterator[bytes]:
    """Batches as large as the agent takes them. A span that is too large by itself is left out."""
    tags = {key: value for key, value in resource.items() if key != "service.name"}
    process = thrift.struct(thrift.text(1, resource["service.name"]), _tags(2, tags))
    room = LARGEST - _ENVELOPE - len(process)
    batch: list[bytes] = []
    filled = 0
    for written in map(_span, spans):
        if len(written) > room:
            continue
        if filled + len(written) > room:
            yield _emit(process, batch)
            batch, filled = [], 0
        batch.append(written)
        filled += len(written)
    if batch:
        yield _emit(process, batch)


def _emit(process: bytes, spans: Sequence[bytes]) -> bytes:
    batch = thrift.struct(thrift.inner(1, process), thrift.many(2, spans))
    return thrift.one_way("emitBatch", thrift.struct(thrift.inner(1, batch)))


def _span(span: Span) -> bytes:
    tags: dict[str, Value] = {**span.attributes, **_LIBRARY}
    if span.kind != "internal":
        tags["span.kind"] = span.kind
    if span.failed:
        tags |= {"error": True, "otel.status_code": "ERROR", "otel.status_description": span.failed}
    return thrift.struct(
        thrift.i64(1, _signed(span.trace_id[16:])),
        thrift.i64(2, _signed(span.trace_id[:16])),
        thrift.i64(3, _signed(span.id)),
        thrift.i64(4, _signed(span.parent_id)),
        thrift.text(5, span.name),
        thrift.i32(7, 1),  # flags: kept
        thrift.i64(8, span.began // 1000),
        thrift.i64(9, max(1, (span.ended - span.began) // 1000)),
        _tags(10, tags),
        thrift.many(11, [_log(at, name) for at, name in span.events]),
    )


def _log(at: int, name: str) -> bytes:
    return thrift.struct(thrift.i64(1, at // 1000), _tags(2, {"event": name}))


def _tags(number: int, values: Mapping[str, Value]) -> thrift.Field:
    return thrift.many(number, [_tag(key, value) for key, value in values.items()])


def _tag(key: str, value: Value) -> bytes:
    if isinstance(value, bool):
        return thrift.struct(thrift.text(1, key), thrift.i32(2, _BOOL), thrift.truth(5, value))
    if isinstance(value, int):
        return thrift.struct(thrift.text(1, key), thrift.i32(2, _LONG), thrift.i64(6, value))
    return thrift.struct(thrift.text(1, key), thrift.i32(2, _STRING), thrift.text(3, value))


def _signed(id_: str) -> int:
    """Sixteen hexadecimal digits as Thrift has 64 bits: with a sign. "" is 0."""
    value = int(id_ or "0", 16)
    return value - (1 << 64) if value >= 1 << 63 else value
