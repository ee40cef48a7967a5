"""A message and what became of it."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

QUEUED, PROCESSING, SENT, ABANDONED = "queued", "processing", "sent", "abandoned"
STATUSES = (QUEUED, SENT, PROCESSING, ABANDONED)


class Refused(Exception):
    """The other side will never take this message (a 5xx reply, an address that is none)."""


class Failed(Exception):
    """It may take it later."""


class Message(Struct, frozen=True, kw_only=True):
    """`template` is Kratos' template type, such as verification_code_valid; `data` what it was rendered with."""

    id: str
    status: str
    channel: str  # email or sms
    recipient: str
    template: str
    subject: str
    body: str
    html: str
    data: dict[str, Any]
    send_count: int
    created_at: str
    updated_at: str


class Dispatch(Struct, frozen=True):
    """One attempt: success, or failed with what the other side said."""

    id: str
    message_id: str
    status: str
    error: str | None
    created_at: str
