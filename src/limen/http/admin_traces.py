"""Why did this fail? `GET /admin/traces`: the traces of refused steps, all or those of one request."""

from __future__ import annotations

from limen.core import errors
from limen.http import paging
from limen.http.kit import Answer, Call, Routes, json_answer
from limen.trace import store

MOST = 100  # in one answer


def add(routes: Routes) -> None:
    routes.add("GET", "/admin/traces", _newest)
    routes.add("GET", "/admin/traces/{request_id}", _of_request)


async def _newest(call: Call) -> Answer:
    page = paging.offset_page(call, default=MOST, most=MOST)
    return json_answer(await store.newest(call.ctx.db, page.size))


async def _of_request(call: Call) -> Answer:
    """:raises ApiError: 404, nothing is known of this request: nothing was refused, or it is forgotten"""
    found = await store.of_request(call.ctx.db, call.params["request_id"], MOST)
    if not found:
        raise errors.not_found("There is no trace of this request: nothing was refused in it, or it is too long ago.")
    return json_answer(found)
