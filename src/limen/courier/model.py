"""A message and what became of it."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from limen.courier import kinds
from limen.courier.kinds import Kind

QUEUED, PROCESSING, SENT, ABANDONED = "queued", "processing", "sent", "abandoned"
STATUSES = (QUEUED, SENT, PROCESSING, ABANDONED)


class Undelivered(Exception):
    """An attempt failed, but may succeed later. `reason` says in a few words what was tried; the text, what happened."""

    def __init__(self, text: str, reason: str = "") -> None:
        super().__init__(text)
        self.reason = reason


class Refused(Undelivered):
    """It failed for good: the other side will never take this message, or nobody could."""


class Rendered(Struct, frozen=True):
    """The words of a message. A text message has neither subject nor HTML."""

    subject: str
    text: str
    html: str


class Origin(Struct, frozen=True, omit_defaults=True):
    """What is known of the request that caused a message."""

    language: str = ""  # of the person, "" when unknown
    headers: dict[str, list[str]] = {}  # those that `clients.web_hook.header_allowlist` lets through
    rendered: Rendered | None = None  # the words, where they were made at once: in a test of a template


class Message(Struct, frozen=True, kw_only=True):
    """`template` is Kratos' template type, such as verification_code_valid; `data` what it is rendered with.

    The words are made when it is sent. Once it is, `data` is forgotten, except in development: it holds a code or a link.
    """

    id: str
    status: str
    channel: str  # email or sms
    recipient: str
    template: str
    data: dict[str, Any]
    origin: Origin
    send_count: int
    created_at: str
    updated_at: str

    @property
    def kind(self) -> Kind:
        """:raises Refused: a newer version queued it, and this one does not know the kind"""
        if self.template not in kinds.BY_TYPE:
            raise Refused(f"there is no kind of message {self.template!r}")
        return kinds.BY_TYPE[self.template]


class Failure(Struct, frozen=True, omit_defaults=True):
    """Why an attempt failed, as the admin API shows it."""

    message: str
    reason: str = ""


class Dispatch(Struct, frozen=True):
    """One attempt: success, or failed with what the other side said."""

    id: str
    message_id: str
    status: str
    failure: Failure | None
    created_at: str
