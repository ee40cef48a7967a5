"""Ids of rows: UUIDs that begin with the moment they were made (RFC 9562, version 7), in their canonical spelling.

Rows written at one time then lie together in every index, instead of each on a page of its own (docs/decisions/0026). What
follows the moment is random, 74 bits of it, so that nobody guesses an id.
"""

from __future__ import annotations

import os
import re
import time
import uuid

_AHEAD = 256  # random texts made at once: asking the kernel costs more than all the rest
_LENGTH = 20  # hex digits of each
_waiting: list[str] = []
_CANONICAL = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def new_id() -> str:
    moment, d = f"{time.time_ns() // 1_000_000:012x}", _random()
    return f"{moment[:8]}-{moment[8:]}-7{d[:3]}-{'89ab'[int(d[3], 16) & 3]}{d[4:7]}-{d[7:19]}"


def short_id() -> str:
    """16 random hex digits: enough to tell requests apart, and no secret."""
    return _random()[:16]


def _random() -> str:
    try:
        return _waiting.pop()
    except IndexError:
        digits = os.urandom(_LENGTH // 2 * _AHEAD).hex()
        _waiting.extend(digits[at : at + _LENGTH] for at in range(0, len(digits), _LENGTH))
        return _waiting.pop()


os.register_at_fork(after_in_child=_waiting.clear)  # or two processes would hand out the same ones


def parse_id(text: str) -> str | None:
    """A UUID in its canonical spelling, or None when the text is none (braces, urn and bare hex are read too)."""
    if _CANONICAL.fullmatch(text):
        return text
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return None
