"""A webhook, and one thing it is told."""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

# What can be subscribed to, and the audit actions that are told under that name.
EVENTS: Final = {
    "login": "auth.login",
    "register": "auth.register",
    "recovery": "auth.recovery",
    "verification": "auth.verification",
    "logout": "auth.logout",
}
Status = Literal["pending", "delivered", "failed"]


class Webhook(Struct, frozen=True):
    """`secret` is sealed; `position` the number of the last audit entry that was looked at for it."""

    id: str
    url: str
    events: tuple[str, ...]
    secret: str
    position: int
    created_at: str


class Delivery(Struct, frozen=True):
    """One audit entry for one webhook. `about` is the person: what concerns one person is told in its order."""

    id: str
    webhook_id: str
    number: int
    about: str
    event: str
    body: str
    status: Status
    attempts: int
    due_at: str
    last_error: str
    created_at: str
    updated_at: str
