"""The admin API of recovery: codes and links for operators to hand out."""

from __future__ import annotations

import msgspec

from limen.core.errors import ApiError
from limen.http.kit import Answer, Call, Routes, json_answer
from limen.selfservice import recovery_by_admin
from limen.selfservice.recovery_by_admin import Wanted


def add(routes: Routes) -> None:
    routes.add("POST", "/admin/recovery/code", _code)
    routes.add("POST", "/admin/recovery/link", _link)


async def _code(call: Call) -> Answer:
    return json_answer(await recovery_by_admin.code(call.ctx, await _decode(call)), 201)


async def _link(call: Call) -> Answer:
    return json_answer(await recovery_by_admin.link(call.ctx, await _decode(call)))


async def _decode(call: Call) -> Wanted:
    try:
        return msgspec.json.decode(await call.body(), type=Wanted)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ApiError(
            400, f"The body cannot be read: {error}", reason="Send a JSON object with an identity_id."
        ) from error
