"""Spans as collectors read them: OTLP/HTTP in JSON (opentelemetry-proto 1.x), and Zipkin's API v2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from limen import __version__
from limen.telemetry.span import Kind, Span, Value

_KINDS: Final[Mapping[Kind, int]] = {"internal": 1, "server": 2, "client": 3}
_FAILED: Final = 2  # STATUS_CODE_ERROR


def otlp(spans: Sequence[Span], resource: Mapping[str, str]) -> bytes:
    """An ExportTraceServiceRequest (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding)."""
    scope = {"scope": {"name": "limen", "version": __version__}, "spans": [_otlp(span) for span in spans]}
    return msgspec.json.encode(
        {"resourceSpans": [{"resource": {"attributes": _attributes(resource)}, "scopeSpans": [scope]}]}
    )


def _otlp(span: Span) -> dict[str, Any]:
    return {
        "traceId": span.trace_id,
        "spanId": span.id,
        **({"parentSpanId": span.parent_id} if span.parent_id else {}),
        "name": span.name,
        "kind": _KINDS[span.kind],
        "startTimeUnixNano": str(span.began),
        "endTimeUnixNano": str(span.ended),
        "attributes": _attributes(span.attributes),
        "events": [{"timeUnixNano": str(at), "name": name} for at, name in span.events],
        "status": {"code": _FAILED, "message": span.failed} if span.failed else {},
    }


def _attributes(values: Mapping[str, Value]) -> list[dict[str, Any]]:
    return [
        {"key": key, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}}
        for key, value in values.items()
    ]


def zipkin(spans: Sequence[Span], resource: Mapping[str, str]) -> bytes:
    """A list of spans (https://zipkin.io/zipkin-api/)."""
    service = {"serviceName": resource["service.name"]}
    return msgspec.json.encode([_zipkin(span, service, resource) for span in spans])


def _zipkin(span: Span, service: Mapping[str, str], resource: Mapping[str, str]) -> dict[str, Any]:
    tags = {**resource, **{key: str(value) for key, value in span.attributes.items()}}
    return {
        "traceId": span.trace_id,
        "id": span.id,
        **({"parentId": span.parent_id} if span.parent_id else {}),
        "name": span.name,
        **({} if span.kind == "internal" else {"kind": span.kind.upper()}),
        "timestamp": span.began // 1000,
        "duration": max(1, (span.ended - span.began) // 1000),
        "localEndpoint": service,
        "annotations": [{"timestamp": at // 1000, "value": name} for at, name in span.events],
        "tags": {**tags, **({"error": span.failed} if span.failed else {})},
    }
