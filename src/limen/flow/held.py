"""A change of traits that is held back, in the verification of the new address, until that address is proved.

It is proved by a proof of its own purpose: what was minted to verify an address the account has changes nothing, and what
was minted for a change verifies nothing else.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from limen.core import crypto
from limen.flow.model import Flow

_KEY = "change"
PURPOSE = "address_change"
PURPOSES = (PURPOSE, f"{PURPOSE}_link")


class Held(Struct, frozen=True):
    """The traits as they shall be. `traits_before` is a digest: they must not have changed meanwhile."""

    identity_id: str
    session_id: str
    settings_id: str
    via: str
    address: str
    traits: dict[str, Any]
    traits_before: str


def put(flow: Flow, held: Held) -> None:
    flow.private[_KEY] = msgspec.to_builtins(held)


def of(flow: Flow) -> Held | None:
    """The change that waits for this verification."""
    found = flow.private.get(_KEY)
    return msgspec.convert(found, Held) if found else None


def purpose(flow: Flow) -> str:
    """What a code minted in this flow is for; of a link's token it is the beginning."""
    return PURPOSE if _KEY in flow.private else flow.kind


def digest(traits: dict[str, Any]) -> str:
    return crypto.digest(msgspec.json.encode(traits, order="deterministic").decode())
