"""Structured logs, JSON or text, with what is secret left out."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

from limen.core.config import Config
from limen.core.events import Event

LEVELS = {
    "trace": logging.DEBUG, "debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING,
    "error": logging.ERROR, "fatal": logging.CRITICAL, "panic": logging.CRITICAL,
}  # fmt: skip
_SECRET = ("password", "token", "secret", "cookie", "authorization", "code", "dsn", "connection_uri")
_EVENTS = structlog.get_logger("limen.events")


def configure(config: Config, out: TextIO | None = None) -> None:
    """Set up logging for the process, from `log.*`."""
    own = config.log
    redaction = own.redaction_text or "<redacted>"

    def redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        for key in event:
            if key != "event" and any(word in key.lower() for word in _SECRET):
                event[key] = redaction
        return event

    stream = out or sys.stderr
    coloured = stream.isatty()
    last: Any = (
        structlog.processors.JSONRenderer()
        if own.format == "json"
        else structlog.dev.ConsoleRenderer(colors=coloured, pad_event_to=0)
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            *([] if own.leak_sensitive_values else [redact]),
            structlog.processors.format_exc_info if own.format == "json" else _as_it_is,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[own.level]),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )


def _as_it_is(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return event


def sink(event: Event) -> None:
    """An event as a log line."""
    _EVENTS.info(event.kind, **({"identity": event.identity_id} if event.identity_id else {}), **event.about)
