"""Ids of rows: random UUIDs (RFC 9562, version 4) in their canonical spelling."""

from __future__ import annotations

import os
import re
import uuid

_AHEAD = 256  # ids made at once: asking the kernel costs more than all the rest
_waiting: list[str] = []
_CANONICAL = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def new_id() -> str:
    try:
        return _waiting.pop()
    except IndexError:
        _waiting.extend(_made())
        return _waiting.pop()


def short_id() -> str:
    """16 hex digits, of which 60 bits are random: enough to tell requests apart, and no secret."""
    id_ = new_id()
    return id_[:8] + id_[9:13] + id_[15:18] + id_[-1]


def _made() -> list[str]:
    digits = os.urandom(16 * _AHEAD).hex()
    return [_spelled(digits[at : at + 32]) for at in range(0, len(digits), 32)]


def _spelled(d: str) -> str:
    """Version 4, variant 10."""
    return f"{d[:8]}-{d[8:12]}-4{d[13:16]}-{'89ab'[int(d[16], 16) & 3]}{d[17:20]}-{d[20:]}"


os.register_at_fork(after_in_child=_waiting.clear)  # or two processes would hand out the same ones


def parse_id(text: str) -> str | None:
    """A UUID in its canonical spelling, or None when the text is none (braces, urn and bare hex are read too)."""
    if _CANONICAL.fullmatch(text):
        return text
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return None
