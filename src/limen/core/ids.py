"""Ids of rows: random UUIDs (RFC 9562, version 4) in their canonical spelling."""

from __future__ import annotations

import uuid


def new_id() -> str:
    return str(uuid.uuid4())


def parse_id(text: str) -> str | None:
    """A UUID in its canonical spelling, or None when the text is none (braces, urn and bare hex are read too)."""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return None
