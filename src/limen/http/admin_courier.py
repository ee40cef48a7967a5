"""The admin API of messages: what was sent, what waits, what was given up."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from limen.core import clock, errors
from limen.core.errors import ApiError
from limen.core.ids import parse_id
from limen.core.urls import parse_query
from limen.courier import render, store
from limen.courier.model import STATUSES, Dispatch, Message, Rendered, Undelivered
from limen.http import paging
from limen.http.kit import Answer, Call, Routes, json_answer

DEFAULT_PAGE, MAX_PAGE = 10, 500
TOKEN_LIFE = 3600.0
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")
_PURPOSE = "page token of messages"
_HIDDEN = Rendered("<redacted-unless-dev-mode>", "<redacted-unless-dev-mode>", "")
_START = ("9999-12-31T23:59:59.999999Z", "")


def add(routes: Routes) -> None:
    routes.add("GET", "/admin/courier/messages", _list)
    routes.add("GET", "/admin/courier/messages/{id}", _get)


async def body_of(call: Call, message: Message) -> dict[str, Any]:
    """A message as it is shown. What is in it is for its recipient: only development shows it to others."""
    words = await _words(call, message)
    return {
        "id": message.id,
        "status": message.status,
        "type": "sms" if message.channel == "sms" else "email",
        "recipient": message.recipient,
        "body": words.text,
        "subject": words.subject,
        "template_type": message.template,
        "channel": message.channel,
        "send_count": message.send_count,
        "created_at": message.created_at,
        "updated_at": message.updated_at,
    }


async def _words(call: Call, message: Message) -> Rendered:
    if not call.site.project.dev:
        return _HIDDEN
    try:
        return await render.render(call.site.project, call.ctx.db, call.site.outbound, message)
    except Undelivered as error:
        return Rendered("", str(error), "")


def _dispatch(dispatch: Dispatch) -> dict[str, Any]:
    """The error has the shape of an answer of the API, and is null where there was none."""
    failure = dispatch.failure
    reason = {"reason": failure.reason} if failure and failure.reason else {}
    told = {"code": 500, "status": "Internal Server Error", **reason, "message": failure.message} if failure else None
    return {
        "id": dispatch.id,
        "message_id": dispatch.message_id,
        "status": dispatch.status,
        "error": told,
        "created_at": dispatch.created_at,
        "updated_at": dispatch.created_at,
    }


async def _list(call: Call) -> Answer:
    status, recipient = call.first("status"), call.first("recipient")
    if "status" in parse_query(call.query) and status not in STATUSES:
        raise errors.bad_request(f"{status!r} is no status of a message: {', '.join(STATUSES)} are.")
    before, after = _key(call)
    size = _size(call)
    found = await store.page(call.ctx.db, before, after, size + 1, status=status, recipient=recipient)
    last = found[size - 1] if len(found) > size else None
    following = _token(call, last.created_at, last.id) if last else None
    bodies = [await body_of(call, message) for message in found[:size]]
    return json_answer(bodies, headers=paging.key_headers(call, size, _token(call, *_START), following))


def _size(call: Call) -> int:
    """:raises ApiError: 400, `page_size` is no number; that the body says 500 is what Kratos' clients know"""
    asked = next(filter(None, call.all("page_size")), "")
    if not asked:
        return DEFAULT_PAGE
    if not _NUMBER.fullmatch(asked):
        raise ApiError(400, f"page_size has to be a number, not {asked!r}.", code=500)
    return min(int(asked), MAX_PAGE) if int(asked) > 0 else DEFAULT_PAGE


def _token(call: Call, created_at: str, id_: str) -> str:
    """Sealed, so that nobody can make one, and good for an hour, so that nobody keeps one."""
    expires = clock.unix(call.ctx.now) + TOKEN_LIFE
    return call.site.project.page_keys.seal(_PURPOSE, msgspec.json.encode([expires, created_at, id_]))


def _key(call: Call) -> tuple[str, str]:
    """:raises ApiError: 400, the token is not ours or too old"""
    token = next(filter(None, call.all("page_token")), "")
    if not token:
        return _START
    raw = call.site.project.page_keys.open(_PURPOSE, token)
    if raw is None:
        raise ApiError(400, "The page token is not one of ours.")
    expires, created_at, id_ = msgspec.json.decode(raw)
    if expires < clock.unix(call.ctx.now):
        raise ApiError(400, "The page token is too old: start from the first page.")
    return created_at, id_


async def _get(call: Call) -> Answer:
    id_ = parse_id(call.params["id"])
    if id_ is None:
        raise ApiError(400, f"{call.params['id']!r} is no id.")
    found = await store.by_id(call.ctx.db, id_)
    if found is None:
        raise errors.row_not_found()
    dispatches = [_dispatch(d) for d in await store.dispatches(call.ctx.db, id_)]
    return json_answer({**await body_of(call, found), "dispatches": dispatches})
