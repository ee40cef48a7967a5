"""The admin API of identities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import UNSET, Struct

from limen.core import errors, normalize, urls
from limen.core.errors import ApiError
from limen.core.ids import parse_id
from limen.core.urls import parse_query
from limen.http import bodies, paging
from limen.http.bodies import BodyError
from limen.http.kit import Answer, Call, Routes, json_answer
from limen.identity import admin, batch, patching, removing, service, showing, store
from limen.identity.admin import Body, ReplaceBody
from limen.identity.identifiers import TYPES
from limen.identity.model import Identity
from limen.session import admin as session_admin
from limen.session import service as sessions

NIL = "00000000-0000-0000-0000-000000000000"
MAX_PAGE, DEFAULT_PAGE, MAX_IDS, LEGACY_REACH = 500, 250, 500, 1000
_FILTERS = ("ids", "credentials_identifier", "preview_credentials_identifier_similar", "organization_id")
_NORMALISED = ("password", "webauthn", "code")


def add(routes: Routes) -> None:
    base = "/admin/identities"
    routes.add("GET", base, _list)
    routes.add("POST", base, _create)
    routes.add("PATCH", base, _batch)
    routes.add("GET", f"{base}/by/external/{{external_id}}", _get_external)
    routes.add("GET", f"{base}/{{id}}", _get)
    routes.add("PUT", f"{base}/{{id}}", _put)
    routes.add("PATCH", f"{base}/{{id}}", _patch)
    routes.add("DELETE", f"{base}/{{id}}", _delete)
    routes.add("DELETE", f"{base}/{{id}}/credentials/{{type}}", _delete_credential)


def body_of(
    call: Call, identity: Identity, *, credentials: bool = True, include: Sequence[str] = (), new: bool = False
) -> dict[str, Any]:
    """An identity as the admin API shows it: with private metadata and credentials, without their configs unless asked."""
    body = sessions.identity_body(call.site.project, identity)
    if not new or identity.metadata_admin is not None:
        body["metadata_admin"] = identity.metadata_admin
    if credentials:
        body["credentials"] = {
            t: showing.credential(call.site.project, identity, c, with_config=t in include, new=new)
            for t, c in sorted(identity.credentials.items())
        }
    return body


def _include(call: Call) -> list[str]:
    asked = call.all("include_credential")
    for type_ in asked:
        if type_ not in TYPES:
            raise errors.bad_request(f"{type_!r} is no credential type that can be included.")
    return asked


# --- lists --------------------------------------------------------------------------------------------------------------


async def _list(call: Call) -> Answer:
    include = _include(call)
    filters = [name for name in _FILTERS if any(call.all(name)) or (name == "ids" and call.all(name))]
    if len(filters) > 1:
        raise errors.bad_request("Use one filter at a time: " + ", ".join(filters) + " were combined.")
    chosen = filters[0] if filters else ""
    asked = parse_query(call.query)
    if "page" in asked and "page_token" not in asked and "page_size" not in asked:
        return await _list_by_number(call, include, chosen)
    size = paging.page_size(call, default=DEFAULT_PAGE, most=MAX_PAGE)
    token = call.first("page_token")
    after = parse_id(token) if token else NIL
    if after is None:
        raise ApiError(400, "The page token is not one of ours.", reason="Start again from the first page.")
    found = await _filtered(call, chosen, after, size + 1)
    shown = found[:size]
    following = shown[-1].id if len(found) > size else None
    bodies = _bodies(call, shown, include, chosen)
    return json_answer(bodies, headers=paging.key_headers(call, size, NIL, following, stands_in=True))


def _bodies(call: Call, found: Sequence[Identity], include: Sequence[str], chosen: str) -> list[dict[str, Any]]:
    detailed = bool(include) or chosen in ("credentials_identifier", "preview_credentials_identifier_similar")
    return [body_of(call, identity, credentials=detailed, include=include) for identity in found]


async def _list_by_number(call: Call, include: Sequence[str], chosen: str) -> Answer:
    """The older way to page, by number, which reaches a thousand people and no further."""
    page = paging.offset_page(call, most=MAX_PAGE)
    if page.offset > LEGACY_REACH:
        raise errors.bad_request(f"Paging by number ends at {LEGACY_REACH}. Use page_size and page_token.")
    db = call.ctx.db
    if chosen:
        found = (await _filtered(call, chosen, NIL, page.offset + page.size))[page.offset :]
    else:
        found = await store.page_at(db, page.offset, page.size)
    # With any other filter Kratos tells how many there are without it.
    total = len(found) if chosen == "credentials_identifier" else await store.count(db)
    headers = paging.number_headers(call, page, total)
    return json_answer(_bodies(call, found, include, chosen), headers=headers)


async def _filtered(call: Call, chosen: str, after: str, limit: int) -> list[Identity]:
    db = call.ctx.db
    match chosen:
        case "ids":
            asked = call.all("ids")
            if len(asked) > MAX_IDS:
                raise errors.bad_request(f"The number of ids to filter must not exceed {MAX_IDS}.")
            return await store.by_ids(db, [_must_id(text, "ids") for text in asked], after, limit)
        case "credentials_identifier":
            found = await _by_identifier(call, call.first(chosen))
            return [identity for identity in found if identity.id > after][:limit]
        case "preview_credentials_identifier_similar":
            return await store.page_similar(db, normalize.canonical(call.first(chosen)), after, limit)
        case "organization_id":
            return await store.page_of_organization(db, _must_id(call.first(chosen), chosen), after, limit)
    return await store.page(db, after, limit)


def _must_id(text: str, name: str) -> str:
    id_ = parse_id(text)
    if id_ is None:
        raise errors.bad_request(f"The query parameter {name} has to be a UUID, not {text!r}.")
    return id_


async def _by_identifier(call: Call, asked: str) -> list[Identity]:
    """Everybody with this identifier: normalised where the credential is, to the letter everywhere else."""
    db, normal = call.ctx.db, normalize.identifier(asked)
    found = {i.id: i for i in await store.by_any_identifier(db, normal)}
    if asked != normal:
        exact = await store.by_any_identifier(db, asked)
        found |= {i.id: i for i in exact}
    kept = {
        id_: i
        for id_, i in found.items()
        if any(
            asked in c.identifiers or (normal in c.identifiers and t in _NORMALISED) for t, c in i.credentials.items()
        )
    }
    return [kept[id_] for id_ in sorted(kept)]


# --- one ----------------------------------------------------------------------------------------------------------------


async def _get(call: Call) -> Answer:
    identity = await service.must(call.ctx.db, parse_id(call.params["id"]))
    return json_answer(body_of(call, identity, include=_include(call)))


async def _get_external(call: Call) -> Answer:
    include = _include(call)
    identity = await store.by_external_id(call.ctx.db, call.params["external_id"])
    if identity is None:
        raise errors.row_not_found()
    return json_answer(body_of(call, identity, include=include))


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
    if identity.metadata_admin is None:
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
