"""What a caller wants to read. Kratos asks three questions that look alike and are not; clients rely on all three."""

from __future__ import annotations

from functools import lru_cache

HTML, JSON = "text/html", "application/json"


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
    specs = [_spec(part) for part in accept.split(",") if part.strip()]
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


def _spec(part: str) -> tuple[str, float]:
    media, *params = part.split(";")
    q = 1.0
    for param in params:
        name, _, value = param.strip().partition("=")
        if name == "q":
            try:
                q = float(value)
            except ValueError:
                q = 0.0
    return media.strip().lower(), q
