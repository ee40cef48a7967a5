"""What happened, typed. A sink takes it: for now the log; later also the audit table, metrics and web hooks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from limen.core.causes import Cause


class Event(Struct, frozen=True):
    """Something that happened. `kind` is dotted (`session.issued`); `about` never holds a secret.

    `causes` say why something was refused (`flow.refused`).
    """

    kind: str
    identity_id: str = ""
    about: dict[str, Any] = {}
    causes: tuple[Cause, ...] = ()


Sink = Callable[[Event], None]


class Events:
    """Hands each event to every sink, after the commit that made it true."""

    __slots__ = ("_sinks",)

    def __init__(self, *sinks: Sink) -> None:
        self._sinks = sinks

    def tell(self, kind: str, identity_id: str = "", **about: Any) -> None:
        self._hand_on(Event(kind, identity_id, about))

    def refuse(self, causes: tuple[Cause, ...], about: dict[str, Any]) -> None:
        """Tell that a step of a flow was refused: `flow.refused`."""
        self._hand_on(Event("flow.refused", "", about, causes))

    def _hand_on(self, event: Event) -> None:
        for sink in self._sinks:
            sink(event)
