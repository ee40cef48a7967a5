"""What a caller wants to read. Kratos asks three questions that look alike and are not; clients rely on all three."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

HTML, JSON = "text/html", "application/json"
_SPEC: Final = re.compile(
    r"(?P<type>[!#$%&'*+\-.^_`|~\w/]++)[ \t]*+"
    r"(?:;[ \t]*+q=(?P<q>[01](?:\.\d*+)?+)|(?!;))[ \t]*+(?:(?P<more>,)[ \t]*+)?+",
    re.ASCII,
)


def is_json(content_type: str, accept: str) -> bool:
    """Sends JSON (exactly: a charset does not count), or prefers it among everything: decides errors and submits."""
    return content_type == JSON or _best(accept, (HTML, "text/*", "*/*", JSON), HTML) == JSON


def is_browser(accept: str) -> bool:
    """Prefers a page; what is sent does not matter."""
    return _best(accept, (HTML, "text/*", "*/*", JSON), HTML) == HTML


def accepts_json(accept: str) -> bool:
    """Prefers JSON to a page, and nothing else is on offer: decides whether a flow is an answer or a redirect."""
    return _best(accept, (HTML, JSON), HTML) == JSON


@lru_cache(maxsize=512)
def _best(accept: str, offers: tuple[str, ...], default: str) -> str:
    """The offer with the highest quality; at equal quality an exact type beats `type/*`, which beats `*/*`."""
    best, best_q, best_rank = default, -1.0, 3
    specs = list(_specs(accept))
    for offer in offers:
        for wanted, q in specs:
            if q == 0 or q < best_q:
                continue
            rank = _rank(wanted, offer)
            if rank is not None and (q > best_q or rank < best_rank):
                best, best_q, best_rank = offer, q, rank
    return best


def _rank(wanted: str, offer: str) -> int | None:
    if wanted == offer:
        return 0
    if wanted == "*/*":
        return 2
    if wanted.endswith("/*") and offer.startswith(wanted[:-1]):
        return 1
    return None


def _specs(accept: str) -> Iterator[tuple[str, float]]:
    """What is accepted, and how gladly. As Kratos reads it: letters count, and what has a parameter that is no quality ends
    the list, so that `application/json; charset=utf-8` asks for nothing.
    """
    at = 0
    while spec := _SPEC.match(accept, at):
        yield spec["type"], float(spec["q"] or 1)
        if not spec["more"]:
            return
        at = spec.end()
