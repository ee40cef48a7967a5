"""Spans, and how one knows of another: within a process by context, between processes by `traceparent`.

W3C Trace Context (https://www.w3.org/TR/trace-context/); names of attributes: OpenTelemetry's semantic conventions.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Final, Literal

Kind = Literal["server", "client", "internal"]
Value = str | int
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")
_NOTHING: Final = ("0" * 32, "0" * 16)


class Span:
    """Something that took time. Times are nanoseconds since 1970."""

    __slots__ = (
        "attributes", "began", "ended", "events", "failed", "id", "is_kept", "kind", "name", "parent_id", "trace_id",
    )  # fmt: skip

    def __init__(self, name: str, kind: Kind, trace_id: str, parent_id: str, *, is_kept: bool) -> None:
        self.name, self.kind, self.trace_id, self.parent_id, self.is_kept = name, kind, trace_id, parent_id, is_kept
        self.id = secrets.token_hex(8)
        self.began = self.ended = time.time_ns()
        self.attributes: dict[str, Value] = {}
        self.events: list[tuple[int, str]] = []
        self.failed = ""

    @property
    def traceparent(self) -> str:
        """The header that tells another process of this span."""
        return f"00-{self.trace_id}-{self.id}-{'01' if self.is_kept else '00'}"


current: ContextVar[Span | None] = ContextVar("span", default=None)


class Tracer:
    """Begins spans; `take` gets those that are over and are to be kept."""

    def __init__(self, take: Callable[[Span], None], ratio: float) -> None:
        self._take = take
        self._limit = int(ratio * (1 << 63))

    @contextlib.contextmanager
    def request(self, name: str, traceparent: str) -> Iterator[Span]:
        """A span of a request that came in: part of its caller's trace, or the first of its own."""
        found = _TRACEPARENT.fullmatch(traceparent)
        if found and found[1] != _NOTHING[0] and found[2] != _NOTHING[1]:
            span = Span(name, "server", found[1], found[2], is_kept=bool(int(found[3], 16) & 1))
        else:
            id_ = secrets.token_hex(16)
            span = Span(name, "server", id_, "", is_kept=int(id_[16:], 16) >> 1 < self._limit)
        with self._during(span):
            yield span

    @contextlib.contextmanager
    def step(self, name: str, kind: Kind) -> Iterator[Span | None]:
        """A span within the current one; None when there is none that is kept."""
        above = current.get()
        if above is None or not above.is_kept:
            yield None
            return
        span = Span(name, kind, above.trace_id, above.id, is_kept=True)
        with self._during(span):
            yield span

    @contextlib.contextmanager
    def _during(self, span: Span) -> Iterator[None]:
        token = current.set(span)
        try:
            yield
        except Exception as error:
            span.failed = type(error).__name__
            raise
        finally:
            current.reset(token)
            span.ended = time.time_ns()
            if span.is_kept:
                self._take(span)


def note(event: str) -> None:
    """Something happened during the current span."""
    span = current.get()
    if span is not None and span.is_kept:
        span.events.append((time.time_ns(), event))
