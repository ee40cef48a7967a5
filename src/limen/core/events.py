"""What happened, typed. A sink takes it: for now the log; later also the audit table, metrics and web hooks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct


class Event(Struct, frozen=True):
    """Something that happened. `kind` is dotted (`session.issued`); `about` never holds a secret."""

    kind: str
    identity_id: str = ""
    about: dict[str, Any] = {}


Sink = Callable[[Event], None]


class Events:
    """Hands each event to every sink, after the commit that made it true."""

    __slots__ = ("_sinks",)

    def __init__(self, *sinks: Sink) -> None:
        self._sinks = sinks

    def tell(self, kind: str, identity_id: str = "", **about: Any) -> None:
        event = Event(kind, identity_id, about)
        for sink in self._sinks:
            sink(event)
