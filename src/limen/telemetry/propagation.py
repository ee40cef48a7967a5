"""How a trace goes on from one process to the next: the headers it is told in.

W3C's `traceparent` (https://www.w3.org/TR/trace-context/), Jaeger's `uber-trace-id`
(https://www.jaegertracing.io/docs/1.62/client-libraries/#propagation-format) and Zipkin's B3, in one header or several
(https://github.com/openzipkin/b3-propagation). All are read, in this order, and all are sent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from limen.telemetry.span import Parent, Span

_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")
_UBER: Final = re.compile(r"([0-9a-f]{1,32}):([0-9a-f]{1,16}):[0-9a-f]*:([0-9a-f]{1,2})")
_B3: Final = re.compile(r"([0-9a-f]{16}|[0-9a-f]{32})-([0-9a-f]{16})(?:-([01d])(?:-[0-9a-f]{16})?)?")
_B3_TRACE: Final = re.compile(r"[0-9a-f]{16}|[0-9a-f]{32}")
_B3_SPAN: Final = re.compile(r"[0-9a-f]{16}")
_SAMPLED: Final[Mapping[str, bool]] = {"1": True, "true": True, "d": True, "0": False, "false": False}


def parent(headers: Mapping[bytes, bytes]) -> Parent | None:
    """The span that a request is part of. Names of headers are in lower case; what makes no sense is passed over."""
    for read in (_w3c, _jaeger, _b3, _b3_several):
        if (found := read(headers)) and int(found.trace_id, 16) and int(found.span_id, 16):
            return found
    return None


def told(span: Span) -> dict[str, str]:
    """The headers that tell another process of a span."""
    sampled = "1" if span.is_kept else "0"
    return {
        "traceparent": f"00-{span.trace_id}-{span.id}-0{sampled}",
        "uber-trace-id": f"{span.trace_id}:{span.id}:0:{sampled}",
        "b3": f"{span.trace_id}-{span.id}-{sampled}",
        "x-b3-traceid": span.trace_id,
        "x-b3-spanid": span.id,
        "x-b3-sampled": sampled,
    }


def _w3c(headers: Mapping[bytes, bytes]) -> Parent | None:
    found = _TRACEPARENT.fullmatch(_value(headers, b"traceparent"))
    return Parent(found[1], found[2], is_kept=bool(int(found[3], 16) & 1)) if found else None


def _jaeger(headers: Mapping[bytes, bytes]) -> Parent | None:
    found = _UBER.fullmatch(_value(headers, b"uber-trace-id").lower().replace("%3a", ":"))
    return _padded(found[1], found[2], is_kept=bool(int(found[3], 16) & 1)) if found else None


def _b3(headers: Mapping[bytes, bytes]) -> Parent | None:
    found = _B3.fullmatch(_value(headers, b"b3").lower())
    return _padded(found[1], found[2], is_kept=_SAMPLED.get(found[3] or "")) if found else None


def _b3_several(headers: Mapping[bytes, bytes]) -> Parent | None:
    trace, span = _value(headers, b"x-b3-traceid").lower(), _value(headers, b"x-b3-spanid").lower()
    if not (_B3_TRACE.fullmatch(trace) and _B3_SPAN.fullmatch(span)):
        return None
    is_wanted = _value(headers, b"x-b3-flags") == "1"
    return _padded(trace, span, is_kept=is_wanted or _SAMPLED.get(_value(headers, b"x-b3-sampled").lower()))


def _value(headers: Mapping[bytes, bytes], name: bytes) -> str:
    return headers.get(name, b"").decode("latin1")


def _padded(trace_id: str, span_id: str, *, is_kept: bool | None) -> Parent:
    return Parent(trace_id.zfill(32), span_id.zfill(16), is_kept=is_kept)
