"""The search of `GET /admin/identities`: its parameters, and its page tokens. Only what is named here can be asked about."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import date
from typing import get_args

import msgspec

from limen.core import clock, errors
from limen.http import paging, people
from limen.http.kit import Answer, Call
from limen.identity import search
from limen.identity.admin import STATES
from limen.identity.identifiers import TYPES
from limen.identity.search import Key, Query, Sort

PARAMETERS = ("search", "state", "schema_id", "created_after", "verified", "has_credential", "sort")
MAX_PAGE, DEFAULT_PAGE = 500, 250
_SORTS: tuple[str, ...] = get_args(Sort)
_keys = msgspec.json.Decoder(Key)
Asked = Mapping[str, Sequence[str]]


def given(asked: Asked) -> list[str]:
    """Which parameters of a search are there."""
    return [name for name in PARAMETERS if name in asked]


async def identities(call: Call, asked: Asked, include: Sequence[str]) -> Answer:
    """A page of the people who fit, with their last sign-ins.

    :raises ApiError: 400, a parameter or the page token makes no sense
    """
    query = read(asked)
    size = paging.page_size(call, default=DEFAULT_PAGE, most=MAX_PAGE)
    token = call.first("page_token")
    page = await search.page(call.ctx.db, query, from_token(token, query.sort) if token else None, size)
    following = to_token(page.following) if page.following else None
    headers = paging.key_headers(call, size, "", following, stands_in=True)
    return people.answer(call, page.found, headers, last_login=True, include=include)


def read(asked: Asked) -> Query:
    """:raises ApiError: 400, a value is none that can be asked for"""

    def first(name: str) -> str:
        return next(iter(asked.get(name, ())), "")

    after, verified = first("created_after"), first("verified")
    return msgspec.convert(
        {
            "text": first("search"),
            "state": _one_of("state", first("state"), STATES),
            "schema_id": first("schema_id"),
            "created_after": _stamp(after) if after else "",
            "verified": {"true": True, "false": False}[_one_of("verified", verified, ("true", "false"))]
            if verified
            else None,
            "has": tuple(
                _one_of("has_credential", type_, TYPES) for type_ in dict.fromkeys(asked.get("has_credential", ()))
            ),
            "sort": _one_of("sort", first("sort"), _SORTS) or "-created_at",
        },
        Query,
    )


def _one_of(name: str, value: str, known: Sequence[str]) -> str:
    if value and value not in known:
        raise errors.bad_request(f"The query parameter {name} cannot be {value!r}: {', '.join(known)} can.")
    return value


def _stamp(text: str) -> str:
    try:
        if len(text) == len("2026-11-21"):
            return f"{date.fromisoformat(text)}T00:00:00.000000Z"
        return clock.text(clock.parse(text.replace(" ", "+")))  # a plus that was not escaped
    except (ValueError, OverflowError) as error:
        raise errors.bad_request(
            f"The query parameter created_after has to be a date or a time, not {text!r}."
        ) from error


def to_token(key: Key) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).rstrip(b"=").decode()


def from_token(token: str, sort: Sort) -> Key:
    """:raises ApiError: 400, the token is none, or of a search that is sorted otherwise"""
    try:
        key = _keys.decode(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (binascii.Error, msgspec.DecodeError, ValueError) as error:
        raise errors.bad_request("The page token is not one of ours. Start again from the first page.") from error
    if sort not in (key.sort, search.opposite(key.sort)):
        raise errors.bad_request("The page token belongs to a search that is sorted otherwise.")
    return key
