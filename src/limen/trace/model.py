"""A trace: one refused request, and why."""

from __future__ import annotations

from msgspec import Struct

from limen.core.causes import Cause


class Trace(Struct, frozen=True, kw_only=True):
    """What is kept and shown. `flow` is {"id", "kind"}, without what is not known; `method` is that of the flow."""

    id: str
    request_id: str
    at: str
    step: str  # `POST /self-service/login`
    status: int
    flow: dict[str, str] = {}
    method: str = ""
    error_id: str = ""  # as in the answer
    causes: tuple[Cause, ...] = ()
