"""An entry of the audit log."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import Struct

Outcome = Literal["success", "failure"]
ADMIN = "admin"  # the actor of the admin API: whoever reaches it


class Entry(Struct, frozen=True, kw_only=True):
    """Who did what, to whom, from where, and what came of it; never a secret.

    :param actor: "" for the person the entry is about, `admin`, `operator:<identity>`, `key:<id>`, or `configuration`
    :param email: what the person is called, kept for when they are gone
    :param number: the place in the chain, from 1; None until it is sealed
    :param seal: HMAC-SHA256 in hex over the seal before it and this entry
    """

    id: str
    at: str
    action: str
    outcome: Outcome
    actor: str
    identity_id: str
    email: str
    ip_address: str
    user_agent: str
    request_id: str
    method: str
    detail: dict[str, Any]
    number: int | None = None
    seal: str | None = None

    def sealed_text(self) -> str:
        """What is sealed: all of it but the seal, in one spelling."""
        fields = (
            self.id, self.at, self.action, self.outcome, self.actor, self.identity_id, self.email, self.ip_address,
            self.user_agent, self.request_id, self.method, self.detail,
        )  # fmt: skip
        return msgspec.json.encode(fields, order="deterministic").decode()
