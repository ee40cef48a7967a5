"""Sessions of people, and identity schemas, as operators see them."""

from __future__ import annotations

from typing import Any

from limen.core import errors
from limen.core.devices import browser, device_name, system
from limen.core.errors import ApiError
from limen.core.ids import parse_id
from limen.http import paging
from limen.http.console.callers import check_rank
from limen.http.console.route import Route
from limen.http.kit import Answer, Call, json_answer
from limen.identity import service as identities
from limen.identity.model import Identity
from limen.session import admin, service
from limen.session.model import Session

START = "2200-12-31T00:00:00.000000Z"
MAX_PAGE, DEFAULT_PAGE = 500, 100


def _id(call: Call) -> str:
    id_ = parse_id(call.params["id"])
    if id_ is None:
        raise errors.row_not_found()
    return id_


def _body(call: Call, session: Session, identity: Identity) -> dict[str, Any]:
    """A session, with what its devices are called."""
    found = service.body(call.ctx, session, None)
    found["identity"] = {"id": identity.id, "traits": identity.traits, "state": identity.state}
    for device in found["devices"]:
        agent = device["user_agent"]
        device |= {"name": device_name(agent), "browser": browser(agent), "system": system(agent)}
    return found


async def _list(call: Call) -> Answer:
    ctx = call.ctx
    asked, active = call.first("identity_id"), {"true": True, "false": False}.get(call.first("active"))
    size = paging.page_size(call, default=DEFAULT_PAGE, most=MAX_PAGE)
    if asked:
        id_ = parse_id(asked)
        if id_ is None:
            raise ApiError(400, "identity_id has to be a UUID.")
        found, _ = await admin.of_identity(ctx.db, id_, ctx.stamp, size, 0, active=active)
        return json_answer({"sessions": [_body(call, *one) for one in found], "pagination": {"next": None}})
    before, _, after = call.first("page_token").partition("|")
    page = await admin.page(ctx.db, ctx.stamp, before or START, after, size + 1, active=active)
    last = page[size - 1][0] if len(page) > size else None
    following = f"{last.created_at}|{last.id}" if last else None
    return json_answer({"sessions": [_body(call, *one) for one in page[:size]], "pagination": {"next": following}})


async def _check_rank_of(call: Call) -> None:
    """:raises ApiError: 404, there is no such session; 403, it is that of an operator with more rights"""
    _, identity = await admin.must(call.ctx.db, _id(call))
    await check_rank(call, identity.id)


async def _end(call: Call) -> Answer:
    await _check_rank_of(call)
    await admin.end(call.ctx, _id(call))
    return Answer(204)


async def _extend(call: Call) -> Answer:
    await _check_rank_of(call)
    await admin.extend(call.ctx, _id(call))
    session, identity = await admin.must(call.ctx.db, _id(call))
    return json_answer(_body(call, session, identity))


async def _end_all(call: Call) -> Answer:
    await identities.must(call.ctx.db, _id(call))
    await check_rank(call, _id(call))
    ended = await admin.manage(call.ctx, "disable", "identity_id", [_id(call)])
    return json_answer({"ended": ended})


# --- schemas ------------------------------------------------------------------------------------------------------------


def _schema(call: Call, id_: str) -> dict[str, Any]:
    schema = call.site.project.schemas[id_]
    return {
        "id": id_,
        "url": call.site.project.schema_url(id_),
        "is_default": id_ == call.site.project.config.identity.default_schema_id,
        "traits": [
            {
                "name": path.name,
                "kind": path.kind,
                "title": path.title,
                "required": path.required,
                "format": path.format,
            }
            for path in schema.trait_paths
        ],
        "schema": schema.document,
    }


async def _schemas(call: Call) -> Answer:
    return json_answer([_schema(call, id_) for id_ in call.site.project.schemas])


async def _one_schema(call: Call) -> Answer:
    if call.params["id"] not in call.site.project.schemas:
        raise errors.row_not_found()
    return json_answer(_schema(call, call.params["id"]))


ROUTES: tuple[Route, ...] = (
    Route(
        id="listSessions", method="GET", path="/api/auth/sessions", tag="sessions", says="Sessions, newest first",
        may="viewer", handler=_list, answers={200: "sessions"}, errors=(400,),
        takes="identity_id, active: boolean, per_page: integer, page_token",
    ),
    Route(
        id="endSession", method="DELETE", path="/api/auth/sessions/{id}", tag="sessions", says="End a session",
        may="developer", handler=_end, answers={204: ""}, errors=(404,),
    ),
    Route(
        id="extendSession", method="PATCH", path="/api/auth/sessions/{id}/extend", tag="sessions",
        says="Prolong a session", may="developer", handler=_extend, answers={200: "session"}, errors=(404,),
    ),
    Route(
        id="endSessionsOf", method="DELETE", path="/api/auth/identities/{id}/sessions", tag="sessions",
        says="End all sessions of a person", may="developer", handler=_end_all, answers={200: "ended"}, errors=(404,),
    ),
    Route(
        id="listSchemas", method="GET", path="/api/auth/schemas", tag="schemas", says="The identity schemas", may="viewer",
        handler=_schemas, answers={200: "schema[]"},
    ),
    Route(
        id="getSchema", method="GET", path="/api/auth/schemas/{id}", tag="schemas", says="An identity schema", may="viewer",
        handler=_one_schema, answers={200: "schema"}, errors=(404,),
    ),
)  # fmt: skip
