"""The admin API of recovery: codes and links for operators to hand out."""

from __future__ import annotations

from typing import TypeVar

from limen.core.errors import ApiError
from limen.http import bodies
from limen.http.bodies import BodyError
from limen.http.kit import Answer, Call, Routes, json_answer
from limen.selfservice import recovery_by_admin
from limen.selfservice.recovery_by_admin import Wanted, WantedCode

T = TypeVar("T", bound=Wanted)


def add(routes: Routes) -> None:
    routes.add("POST", "/admin/recovery/code", _code)
    routes.add("POST", "/admin/recovery/link", _link)


async def _code(call: Call) -> Answer:
    recovery_by_admin.check_offered(call.ctx, "code")
    return json_answer(await recovery_by_admin.code(call.ctx, await _read(call, WantedCode)), 201)


async def _link(call: Call) -> Answer:
    recovery_by_admin.check_offered(call.ctx, "link")
    return json_answer(await recovery_by_admin.link(call.ctx, await _read(call, Wanted)))


async def _read(call: Call, shape: type[T]) -> T:
    try:
        return bodies.read(await bodies.json(call), shape, strict=False)
    except BodyError as error:
        raise ApiError(400, str(error), reason="Send a JSON object with an identity_id.") from error
