"""People, as operators look after them."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from limen.core import errors
from limen.core.errors import ApiError
from limen.core.ids import parse_id
from limen.core.urls import parse_query
from limen.http import admin_search, paging
from limen.http.console.answers import read
from limen.http.console.callers import check_rank
from limen.http.console.route import Route
from limen.http.kit import Answer, Call, json_answer
from limen.http.people import body_of
from limen.identity import admin, bans, directory, search, service
from limen.identity.admin import Address, Body
from limen.identity.importing import Credentials, Password, PasswordConfig
from limen.identity.listing import Listed
from limen.identity.model import Identity
from limen.session import admin as session_admin

DEFAULT_PAGE, MAX_PAGE, MAX_BATCH = 100, 500, 100
State = Literal["active", "inactive"]


class Create(Struct, forbid_unknown_fields=True):
    """`verified`: the e-mail is known to be theirs."""

    email: str | None = None
    password: str | None = None
    traits: dict[str, Any] = {}
    schema_id: str = ""
    verified: bool = False


class BatchAction(Struct, forbid_unknown_fields=True):
    action: Literal["activate", "deactivate", "delete"]
    ids: list[str]


class SetState(Struct, forbid_unknown_fields=True):
    state: State


class SetTraits(Struct, forbid_unknown_fields=True):
    """All the traits there are to be. With `schema_id` the person changes to that schema."""

    traits: dict[str, Any]
    schema_id: str = ""


class SetMetadata(Struct, forbid_unknown_fields=True):
    """What is left out stays; null clears."""

    metadata_public: Any | UnsetType = UNSET
    metadata_admin: Any | UnsetType = UNSET


def id_of(call: Call) -> str:
    id_ = parse_id(call.params["id"])
    if id_ is None:
        raise errors.row_not_found()
    return id_


async def whom(call: Call) -> str:
    """The id of the person that this is to be done to.

    :raises ApiError: 404, it is none; 403, see `check_rank`
    """
    id_ = id_of(call)
    await check_rank(call, id_)
    return id_


async def shown(call: Call, identity: Identity) -> dict[str, Any]:
    ban = await bans.of(call.ctx.db, identity.id)
    last = await directory.last_login(call.ctx.db, identity.id)
    return body_of(call, identity) | {"last_login_at": last, "ban": ban}


# --- lists --------------------------------------------------------------------------------------------------------------


async def list_(call: Call) -> Answer:
    asked = dict(parse_query(call.query))
    if "schema" in asked:
        asked["schema_id"] = asked.pop("schema")
    query = admin_search.read(asked)
    size = paging.page_size(call, default=DEFAULT_PAGE, most=MAX_PAGE)
    token = call.first("page_token")
    page = await search.page(call.ctx.db, query, admin_search.from_token(token, query.sort) if token else None, size)
    following, before = (admin_search.to_token(key) if key else None for key in (page.following, page.before))
    people = [_listed(call, one) for one in page.found]
    body = {"identities": people, "pagination": {"next": following, "prev": before, "page_size": size}}
    return json_answer(body, headers=paging.key_headers(call, size, "", following, before, stands_in=True))


def _listed(call: Call, one: Listed) -> dict[str, Any]:
    return body_of(call, one.identity(), credentials=False) | {"last_login_at": one.last_login_at or None}


async def _batch(call: Call) -> Answer:
    asked = await read(call, BatchAction)
    if not asked.ids or len(asked.ids) > MAX_BATCH:
        raise ApiError(400, f"Name between 1 and {MAX_BATCH} people.")
    results = []
    for id_ in dict.fromkeys(asked.ids):
        try:
            await _act(call, asked.action, parse_id(id_))
            results.append({"id": id_, "success": True, "error": None})
        except ApiError as error:
            results.append({"id": id_, "success": False, "error": error.message})
    done = sum(bool(one["success"]) for one in results)
    return json_answer({"results": results, "succeeded": done, "failed": len(results) - done})


async def _act(call: Call, action: str, id_: str | None) -> None:
    if id_ is None:
        raise errors.row_not_found()
    await check_rank(call, id_)
    if action == "delete":
        await session_admin.delete_identity(call.ctx, id_)
    else:
        await session_admin.set_state(call.ctx, id_, "active" if action == "activate" else "inactive")


# --- one ----------------------------------------------------------------------------------------------------------------


async def _create(call: Call) -> Answer:
    asked = await read(call, Create)
    traits = {**({"email": asked.email} if asked.email else {}), **asked.traits}
    credentials = Credentials(password=Password(PasswordConfig(password=asked.password))) if asked.password else None
    verified = (
        (Address(asked.email, "email", verified=True, status="completed"),) if asked.verified and asked.email else ()
    )
    body = Body(schema_id=asked.schema_id, traits=traits, credentials=credentials, verifiable_addresses=verified)
    return json_answer(await shown(call, await admin.create(call.ctx, body)), 201)


async def get(call: Call) -> Answer:
    return json_answer(await shown(call, await service.must(call.ctx.db, id_of(call))))


async def _delete(call: Call) -> Answer:
    await session_admin.delete_identity(call.ctx, await whom(call))
    return Answer(204)


async def _state(call: Call) -> Answer:
    asked = await read(call, SetState)
    return json_answer(await shown(call, await session_admin.set_state(call.ctx, await whom(call), asked.state)))


async def _traits(call: Call) -> Answer:
    asked, ctx = await read(call, SetTraits), call.ctx
    before = await service.must(ctx.db, await whom(call))
    schema = ctx.project.schema(asked.schema_id or before.schema_id).id
    extracted = admin.extract(ctx, schema, asked.traits)
    after = service.change(ctx, replace(before, schema_id=schema), extracted)
    return json_answer(await shown(call, await admin.save(ctx, before, after)))


async def _metadata(call: Call) -> Answer:
    asked = await read(call, SetMetadata)
    before = await service.must(call.ctx.db, await whom(call))
    given = {
        name: value for name in ("metadata_public", "metadata_admin") if (value := getattr(asked, name)) is not UNSET
    }
    for name, value in given.items():
        if value is not None and not isinstance(value, dict):
            raise ApiError(400, "The body does not fit.", reason=f"{name} has to be an object or null.")
    after = replace(before, updated_at=call.ctx.stamp, **given)
    saved = await admin.save(call.ctx, before, after, "auth.identity.metadata", changed=sorted(given))
    return json_answer(await shown(call, saved))


ONE = "/api/auth/identities/{id}"
ROUTES: tuple[Route, ...] = (
    Route(
        id="listPeople", method="GET", path="/api/auth/identities", tag="people", says="People, found and page by page",
        may="viewer", handler=list_, answers={200: "people"}, errors=(400,),
        takes="search, per_page: integer, page_token, state: 'active|inactive', schema, verified: boolean, "
        "has_credential: string[], created_after, sort: 'created_at|-created_at|last_login_at|-last_login_at'",
    ),
    Route(
        id="createPerson", method="POST", path="/api/auth/identities", tag="people", says="Add a person", may="developer",
        handler=_create, body=Create, answers={201: "person"}, errors=(409, 429),
        example={"email": "ben@example.org", "password": "correct-horse-battery-1", "verified": True},
    ),
    Route(
        id="batchAction", method="POST", path="/api/auth/identities/batch-action", tag="people",
        says="Switch on, switch off or delete up to a hundred people", may="developer", recent=True, handler=_batch,
        body=BatchAction, answers={200: "batchResults"},
        example={"action": "deactivate", "ids": ["00000000-0000-4000-8000-000000000000"]},
    ),
    Route(
        id="getPerson", method="GET", path=ONE, tag="people", says="A person", may="viewer", handler=get,
        answers={200: "person"}, errors=(404,),
    ),
    Route(
        id="setTraits", method="PUT", path=ONE, tag="people", says="Replace a person's traits", may="developer",
        handler=_traits, body=SetTraits, answers={200: "person"}, errors=(404, 409),
        example={"traits": {"email": "ben@example.org"}},
    ),
    Route(
        id="deletePerson", method="DELETE", path=ONE, tag="people", says="Delete a person for good", may="developer",
        recent=True, handler=_delete, answers={204: ""}, errors=(404,),
    ),
    Route(
        id="setState", method="PATCH", path=ONE + "/state", tag="people",
        says="Switch a person on or off; their sessions end with it", may="developer", handler=_state, body=SetState,
        answers={200: "person"}, errors=(404, 409), example={"state": "inactive"},
    ),
    Route(
        id="setMetadata", method="PUT", path=ONE + "/metadata", tag="people", says="Replace a person's metadata",
        may="developer", handler=_metadata, body=SetMetadata, answers={200: "person"}, errors=(404, 409),
        example={"metadata_public": {"plan": "gold"}},
    ),
)  # fmt: skip
