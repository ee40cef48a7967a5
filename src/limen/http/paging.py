"""Pages of lists. Kratos has four families of parameters and tokens; this is the one place that knows them."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from urllib.parse import quote_plus

import msgspec
from msgspec import Struct

from limen.core import errors
from limen.http.kit import Call

Headers = list[tuple[str, str]]
_PLAIN = re.compile(r"[A-Za-z0-9_.~-]*")
_ADDRESS = re.compile(r"[A-Za-z0-9_.~@-]*")
_FAR = 10**12  # past the end of every list, and no number that a database could not take


class OffsetPage(Struct, frozen=True):
    size: int
    number: int
    by_token: bool = False

    @property
    def offset(self) -> int:
        return self.number * self.size

    @property
    def session_offset(self) -> int:
        """Lists of sessions count a page named by number from 1; Kratos' own links, which count from 0, carry a token."""
        return self.offset if self.by_token else max(0, self.number - 1) * self.size


def offset_page(call: Call, *, default: int = 250, most: int = 1000) -> OffsetPage:
    """`page` and `per_page`, or `page_size` and `page_token`. What makes no sense counts as the default."""
    if "page_token" in call.query or "page_size" in call.query:
        size = _clamp(_number(call.first("page_size"), default), most)
        return OffsetPage(size, _offset(call.first("page_token")) // size, by_token=True)
    size = _clamp(_number(call.first("per_page"), default), most)
    return OffsetPage(size, max(0, _number(call.first("page"), 0)))


def _clamp(size: int, most: int) -> int:
    return max(1, min(size, most))


def _number(text: str, default: int) -> int:
    try:
        return min(int(text), _FAR)
    except ValueError:
        return default


def _offset(token: str) -> int:
    """The offset in a token (base64url of {"offset", "v"}); 0 for what is none of ours."""
    try:
        document = msgspec.json.decode(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        return max(0, min(int(document["offset"]), _FAR))
    except (binascii.Error, msgspec.DecodeError, KeyError, TypeError, ValueError):
        return 0


def _offset_token(offset: int) -> str:
    raw = msgspec.json.encode({"offset": str(offset), "v": 2})
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _by_token(size: int, number: int) -> dict[str, str]:
    return {
        "page": str(number),
        "page_size": str(size),
        "page_token": _offset_token(number * size),
        "per_page": str(size),
    }


def _by_number(size: int, number: int) -> dict[str, str]:
    return {"page": str(number), "per_page": str(size)}


def offset_headers(call: Call, page: OffsetPage, total: int) -> Headers:
    """`Link` and `X-Total-Count` of a list that is paged by offset, with tokens in its links."""
    return _links(call, page, total, _by_token)


def number_headers(call: Call, page: OffsetPage, total: int) -> Headers:
    """The same with nothing but numbers in its links."""
    return _links(call, page, total, _by_number)


def _links(call: Call, page: OffsetPage, total: int, values: Callable[[int, int], dict[str, str]]) -> Headers:
    size, number = page.size, page.number
    last = (total - 1) // size
    if number >= last:  # the last page, or one past it
        if total == 0:
            shown = [("first", size, 0), ("next", size, number + 1), ("prev", size, number - 1)]
        elif total <= size:
            shown = [("first", total, 0)]
        else:
            shown = [("first", size, 0), ("prev", size, last - 1)]
    elif number == 0:
        shown = [("next", size, 1), ("last", size, last)]
    else:
        shown = [("first", size, 0), ("next", size, number + 1), ("prev", size, number - 1), ("last", size, last)]
    links = [f'<{call.path}?{_merged(call, values(s, n))}>; rel="{rel}"' for rel, s, n in shown]
    return [("link", ",".join(links)), ("x-total-count", str(total))]


def _merged(call: Call, values: dict[str, str], without: Sequence[str] = ()) -> str:
    """The request's query with these parameters set, keys sorted."""
    pairs: dict[str, Sequence[str]] = {**call.asked, **{k: (v,) for k, v in values.items()}}
    return "&".join([f"{_quoted(k)}={_quoted(v)}" for k in sorted(pairs) if k not in without for v in pairs[k]])


def _quoted(text: str) -> str:
    """As `quote_plus` does it, which takes its time over what needs little: names, numbers, ids, addresses."""
    if _PLAIN.fullmatch(text):
        return text
    return text.replace("@", "%40") if _ADDRESS.fullmatch(text) else quote_plus(text)


def key_headers(
    call: Call, size: int, first: str, following: str | None, before: str | None = None, *, stands_in: bool = False
) -> Headers:
    """`Link` of a list that is paged by key: the first page and, when there is more, the next one, and the one before.

    :param stands_in: whether `per_page` stands in for `page_size`, and is therefore gone from the links
    """
    gone = ("per_page",) if stands_in and not call.first("page_size") else ()

    def entry(token: str, rel: str) -> str:
        query = _merged(call, {"page_size": str(size), "page_token": token}, without=gone)
        return f'<{call.path}?{query}>; rel="{rel}"'

    links = [entry(first, "first"), *([entry(following, "next")] if following else [])]
    links += [entry(before, "prev")] if before else []
    return [("link", ",".join(links))]


def page_size(call: Call, *, default: int, most: int) -> int:
    """`page_size`, or `per_page` in its place; out of range means the default or the most.

    :raises ApiError: 400, it is no number
    """
    text = call.first("page_size") or call.first("per_page")
    if not text:
        return default
    try:
        size = int(text)
    except ValueError as error:
        raise errors.bad_request(f"page_size has to be a number, not {text!r}.") from error
    return default if size < 1 else min(size, most)
