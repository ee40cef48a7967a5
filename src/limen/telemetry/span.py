"""Spans, and how one knows of another: within a process by context, between processes by headers (propagation.py).

Names of attributes: OpenTelemetry's semantic conventions.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Literal, NamedTuple

from limen.telemetry.sampling import Sampler

Kind = Literal["server", "client", "internal"]
Value = str | int


class Parent(NamedTuple):
    """A span of another process. `is_kept` None: it leaves that to us."""

    trace_id: str
    span_id: str
    is_kept: bool | None


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


current: ContextVar[Span | None] = ContextVar("span", default=None)


class Tracer:
    """Begins spans; `take` gets those that are over and are to be kept."""

    def __init__(self, take: Callable[[Span], None], keeps: Sampler) -> None:
        self._take, self._keeps = take, keeps

    @contextlib.contextmanager
    def request(self, name: str, parent: Parent | None) -> Iterator[Span]:
        """A span of a request that came in: part of its caller's trace, or the first of its own."""
        trace_id, above, is_kept = parent or Parent(secrets.token_hex(16), "", is_kept=None)
        if is_kept is None:
            is_kept = self._keeps(trace_id, name)
        span = Span(name, "server", trace_id, above, is_kept=is_kept)
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
