"""Structured logs, JSON or text, with what is secret left out."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO, cast

from limen.core.config import Config
from limen.core.events import Event

# Where rich is installed, structlog loads it for tracebacks that we do not want: a tenth of a second at each start.
_modules = cast("dict[str, object]", sys.modules)
_modules.setdefault("rich", None)
import structlog  # noqa: E402

if _modules["rich"] is None:
    del _modules["rich"]

LEVELS = {
    "trace": logging.DEBUG, "debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING,
    "error": logging.ERROR, "fatal": logging.CRITICAL, "panic": logging.CRITICAL,
}  # fmt: skip
_SECRET = ("password", "token", "secret", "cookie", "authorization", "code", "dsn", "connection_uri")
_EVENTS = structlog.get_logger("limen.events")
_REQUESTS = structlog.get_logger("limen.http")
_threshold = logging.DEBUG


def configure(config: Config, out: TextIO | None = None) -> None:
    """Set up logging for the process, from `log.*`."""
    global _threshold  # noqa: PLW0603 - what structlog has too, where asking costs 30 µs
    own = config.log
    _threshold = LEVELS[own.level]
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
        else structlog.dev.ConsoleRenderer(
            colors=coloured,
            pad_event_to=0,
            pad_level=False,
            timestamp_key="time",
            exception_formatter=structlog.dev.plain_traceback,  # the richer ones print local variables: passwords too
        )
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            *([] if own.leak_sensitive_values else [redact]),
            structlog.processors.format_exc_info if own.format == "json" else _visible,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[own.level]),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, _Losing(stream))),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(handlers=[_Libraries()], level=logging.WARNING, force=True)


class _Losing:
    """A stream that loses a line rather than the request it is about: the log's disk may be full, its reader gone."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError):
            self._stream.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._stream.flush()


def _visible(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A path may hold what moves a terminal's cursor: whoever reads the log must see it, not feel it."""
    for key, value in event.items():
        if isinstance(value, str) and not value.isprintable():
            event[key] = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in value)
    return event


class _Libraries(logging.Handler):
    """What libraries have to say, as lines of ours."""

    def emit(self, record: logging.LogRecord) -> None:
        more = {"exc_info": record.exc_info} if record.exc_info else {}
        structlog.get_logger().log(record.levelno, record.getMessage(), library=record.name, **more)


def sink(event: Event) -> None:
    """An event as a log line."""
    if _threshold > logging.INFO:
        return
    more = {"identity": event.identity_id} if event.identity_id else {}
    if event.causes:
        more["why"] = " ".join(map(str, event.causes))
    _EVENTS.info(event.kind, **more, **event.about)


def request(**about: Any) -> None:
    """A request that was answered, as a log line."""
    if _threshold <= logging.INFO:
        _REQUESTS.info("request", **about)
