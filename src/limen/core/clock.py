"""Time as it is stored and sent: UTC, RFC 3339, always the same width, so that text sorts as time does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

ZERO = "0001-01-01T00:00:00.000000Z"


def now() -> datetime:
    return datetime.now(UTC)


@lru_cache(maxsize=16)  # a request asks for its own moment again and again
def text(moment: datetime) -> str:
    """`2026-11-21T09:04:05.123456Z`."""
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="microseconds")[:-6] + "Z"


def parse(stamp: str) -> datetime:
    """Any RFC 3339 text.

    :raises ValueError: when it is none, or names no zone
    """
    moment = datetime.fromisoformat(stamp)
    if moment.tzinfo is None:
        raise ValueError("a time needs a zone, such as Z")
    return moment.astimezone(UTC)


def later(moment: datetime, seconds: float) -> datetime:
    return moment + timedelta(seconds=seconds)


def after(moment: datetime, seconds: float) -> str:
    """The text of a moment so many seconds after another one."""
    return text(later(moment, seconds))


def unix(moment: datetime) -> int:
    return int(moment.timestamp())
