"""The admin API of identities."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import UNSET, Struct

from limen.core import errors, urls
from limen.core.errors import ApiError
from limen.core.ids import parse_id
from limen.http import admin_lists, bodies, people
from limen.http.bodies import BodyError
from limen.http.kit import Answer, Call, Routes, json_answer
from limen.http.people import body_of, included, with_last_login
from limen.identity import admin, batch, directory, listing, patching, removing, service, store
from limen.identity.admin import Body, ReplaceBody
from limen.identity.model import Identity
from limen.session import admin as session_admin


def add(routes: Routes) -> None:
    base = "/admin/identities"
    routes.add("GET", base, admin_lists.identities)
    routes.add("POST", base, _create)
    routes.add("PATCH", base, _batch)
    routes.add("GET", f"{base}/by/external/{{external_id}}", _get_external)
    routes.add("GET", f"{base}/{{id}}", _get)
    routes.add("PUT", f"{base}/{{id}}", _put)
    routes.add("PATCH", f"{base}/{{id}}", _patch)
    routes.add("DELETE", f"{base}/{{id}}", _delete)
    routes.add("DELETE", f"{base}/{{id}}/credentials/{{type}}", _delete_credential)


# --- one ----------------------------------------------------------------------------------------------------------------


async def _get(call: Call) -> Answer:
    id_ = parse_id(call.params["id"])
    if not call.query:
        if found := await listing.one(call.ctx.db, id_) if id_ else None:
            return people.single(call, found)
        raise errors.row_not_found()
    return json_answer(await _shown(call, await service.must(call.ctx.db, id_)))


async def _get_external(call: Call) -> Answer:
    identity = await store.by_external_id(call.ctx.db, call.params["external_id"])
    if identity is None:
        raise errors.row_not_found()
    return json_answer(await _shown(call, identity))


async def _shown(call: Call, identity: Identity) -> dict[str, Any]:
    body = body_of(call, identity, include=included(call))
    return (
        body | {"last_login_at": await directory.last_login(call.ctx.db, identity.id)}
        if with_last_login(call)
        else body
    )


async def _create(call: Call) -> Answer:
    raw = await bodies.raw(call)
    try:
        body = bodies.read(raw, Body, strict=True)
    except BodyError as error:
        raise ApiError(400, str(error)) from error
    identity = await admin.create(call.ctx, body)
    place = urls.join(call.site.project.admin_url, f"/identities/{identity.id}")
    shown = body_of(call, identity, new=True) | _region(body.region)
    if body.metadata_admin is not UNSET:
        shown["metadata_admin"] = identity.metadata_admin
    return json_answer(shown, 201, [("location", place)])


def _region(region: str) -> dict[str, str]:
    """A region is told by the answer to whoever set it, and by nobody else."""
    return {"region": region} if region else {}


async def _put(call: Call) -> Answer:
    raw = await bodies.json(call)
    try:
        body = bodies.read(raw, ReplaceBody, strict=False)
    except BodyError as error:
        raise errors.bad_request(str(error)) from error
    identity = await admin.put(call.ctx, parse_id(call.params["id"]), body)
    shown = body_of(call, identity) | _region(body.region)
    if body.metadata_admin is UNSET:
        del shown["metadata_admin"]
    return json_answer(shown)


async def _patch(call: Call) -> Answer:
    raw = await bodies.raw(call)
    before = await service.must(call.ctx.db, parse_id(call.params["id"]))
    changed = await patching.patch(call.ctx, before, body_of(call, before, credentials=False), raw)
    shown = body_of(call, changed.identity) | _region(changed.region)
    if not changed.has_metadata_admin:
        del shown["metadata_admin"]
    return json_answer(shown)


async def _delete(call: Call) -> Answer:
    await session_admin.delete_identity(call.ctx, parse_id(call.params["id"]))
    return Answer(204)


async def _delete_credential(call: Call) -> Answer:
    id_, type_ = parse_id(call.params["id"]), call.params["type"]
    await removing.credential(call.ctx, id_, type_, call.first("identifier"))
    return Answer(204)


# --- batch --------------------------------------------------------------------------------------------------------------


class BatchItem(Struct, frozen=True):
    create: Body | None = None
    patch_id: str | None = None

    def __post_init__(self) -> None:
        if self.patch_id is not None and parse_id(self.patch_id) is None:
            raise ValueError(f"patch_id has to be a UUID, not {self.patch_id!r}")


class Batch(Struct, frozen=True):
    identities: tuple[BatchItem, ...] = ()


async def _batch(call: Call) -> Answer:
    """Create many people; each one's error is its own."""
    raw = await bodies.raw(call)
    try:
        asked = bodies.read(raw, Batch, strict=True).identities
    except BodyError as error:
        raise ApiError(400, str(error), code=500) from error
    if len(asked) > batch.LIMIT:
        raise errors.bad_request(f"A batch may have at most {batch.LIMIT} identities.")
    made = await batch.create(call.ctx, [item.create for item in asked if item.create is not None])
    if len(made) == 1 and isinstance(made[0], ApiError) and made[0].status == 409:
        raise made[0]
    results = iter(made)
    return json_answer({"identities": [_result(item, results) for item in asked]})


def _result(item: BatchItem, made: Iterator[Identity | ApiError]) -> dict[str, Any] | None:
    if item.create is None:
        return None
    named = {"patch_id": parse_id(item.patch_id)} if item.patch_id else {}
    one = next(made)
    if isinstance(one, ApiError):
        return {"action": "error", **named, "error": one.envelope()}
    return {"action": "create", "identity": one.id, **named}
