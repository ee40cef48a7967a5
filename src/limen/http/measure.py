"""Requests, counted: how many, how long, how large. Kept as one row for each endpoint, method and status."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from limen.core.metrics import BYTES, SECONDS, Family, Labels, Sample, Spread

_METHODS = frozenset(("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"))
Key = tuple[str, str, int]  # endpoint, method, status


class _Row:
    __slots__ = ("received", "seconds", "sent")

    def __init__(self) -> None:
        self.seconds = Spread(SECONDS)
        self.received = Spread(BYTES)
        self.sent = Spread(BYTES)


class Requests:
    """What was asked and answered since the process began."""

    __slots__ = ("_rows",)

    def __init__(self) -> None:
        self._rows: dict[Key, _Row] = {}

    def note(self, endpoint: str, method: str, status: int, seconds: float, received: int, sent: int) -> None:
        """One request. `endpoint` is the route's pattern, never the path: there must not be a row for each person."""
        key = (endpoint, method, status)
        row = self._rows.get(key)
        if row is None:
            row = self._rows.setdefault((endpoint, method if method in _METHODS else "unknown", status), _Row())
        row.seconds.note(seconds)
        row.received.note(received)
        row.sent.note(sent)

    def families(self) -> list[Family]:
        """The six families that Kratos has, under its names and labels."""
        rows = sorted(self._rows.items())
        return [
            Family("http_requests_total", "counter", "Requests answered.", _totals(rows, _by_all)),
            Family(
                "http_requests_statuses_total",
                "counter",
                "Requests answered, by kind of status.",
                _totals(rows, _by_status),
            ),
            _spread("http_response_time_seconds", "How long answers took.", rows, "seconds", _by_endpoint),
            _spread("http_requests_duration_seconds", "How long requests took.", rows, "seconds", _by_all),
            _spread("http_requests_size_bytes", "How large the bodies of requests were.", rows, "received", _by_code),
            _spread("http_response_size_bytes", "How large the bodies of answers were.", rows, "sent", _by_code),
        ]


Rows = list[tuple[Key, _Row]]


def _totals(rows: Rows, labels: Callable[[Key], Labels]) -> list[Sample]:
    sums: dict[Labels, int] = defaultdict(int)
    for key, row in rows:
        sums[labels(key)] += sum(row.seconds.counts)
    return [Sample("", key, count) for key, count in sorted(sums.items())]


def _spread(name: str, says: str, rows: Rows, what: str, labels: Callable[[Key], Labels]) -> Family:
    sums: dict[Labels, Spread] = {}
    for key, row in rows:
        seen: Spread = getattr(row, what)
        sums.setdefault(labels(key), Spread(seen.bounds)).add(seen)
    return Family(name, "histogram", says, [one for key, seen in sorted(sums.items()) for one in seen.samples(key)])


def _by_all(key: Key) -> Labels:
    endpoint, method, status = key
    return ("code", str(status)), ("endpoint", endpoint), ("method", method.lower())


def _by_code(key: Key) -> Labels:
    return ("code", str(key[2])), ("method", key[1].lower())


def _by_status(key: Key) -> Labels:
    return ("method", key[1]), ("status_bucket", f"{key[2] // 100}xx")


def _by_endpoint(key: Key) -> Labels:
    return (("endpoint", key[0]),)
