"""People, as operators look after them."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from limen.core import clock, errors
from limen.core.errors import ApiError
from limen.core.ids import parse_id
from limen.core.urls import parse_query
from limen.http import admin_search, paging
from limen.http.console.answers import read
from limen.http.console.route import Route
from limen.http.kit import Answer, Call, json_answer
from limen.http.people import body_of
from limen.identity import admin, bans, directory, search, service
from limen.identity.admin import Address, Body
from limen.identity.importing import Credentials, Password, PasswordConfig
from limen.identity.listing import Listed
from limen.identity.model import Identity
from limen.selfservice import recovery_by_admin, sent_by_operator
from limen.session import admin as session_admin
from limen.session import impersonation
from limen.session import service as sessions

DEFAULT_PAGE, MAX_PAGE, MAX_BATCH = 100, 500, 100
LINK_SECONDS = "1h"
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


class SetMetadata(Struct, forbid_unknown_fields=True):
    """What is left out stays; null clears."""

    metadata_public: Any | UnsetType = UNSET
    metadata_admin: Any | UnsetType = UNSET


class SetBan(Struct, forbid_unknown_fields=True):
    """`until`: a moment to come; without it the ban is for good."""

    reason: str = ""
    until: str | None = None


class Impersonate(Struct, forbid_unknown_fields=True):
    """`reason` goes on the record."""

    reason: str


class SetPassword(Struct, forbid_unknown_fields=True):
    password: str


def _id(call: Call) -> str:
    id_ = parse_id(call.params["id"])
    if id_ is None:
        raise errors.row_not_found()
    return id_


async def _shown(call: Call, identity: Identity) -> dict[str, Any]:
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
    following = admin_search.to_token(page.following) if page.following else None
    people = [_listed(call, one) for one in page.found]
    body = {"identities": people, "pagination": {"next": following, "page_size": size}}
    return json_answer(body, headers=paging.key_headers(call, size, "", following, stands_in=True))


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
    return json_answer(await _shown(call, await admin.create(call.ctx, body)), 201)


async def get(call: Call) -> Answer:
    return json_answer(await _shown(call, await service.must(call.ctx.db, _id(call))))


async def _delete(call: Call) -> Answer:
    await session_admin.delete_identity(call.ctx, _id(call))
    return Answer(204)


async def _state(call: Call) -> Answer:
    asked = await read(call, SetState)
    return json_answer(await _shown(call, await session_admin.set_state(call.ctx, _id(call), asked.state)))


async def _metadata(call: Call) -> Answer:
    asked = await read(call, SetMetadata)
    before = await service.must(call.ctx.db, _id(call))
    given = {
        name: value for name in ("metadata_public", "metadata_admin") if (value := getattr(asked, name)) is not UNSET
    }
    for name, value in given.items():
        if value is not None and not isinstance(value, dict):
            raise ApiError(400, "The body does not fit.", reason=f"{name} has to be an object or null.")
    after = replace(before, updated_at=call.ctx.stamp, **given)
    saved = await admin.save(call.ctx, before, after, "auth.identity.metadata", changed=sorted(given))
    return json_answer(await _shown(call, saved))


async def _ban(call: Call) -> Answer:
    asked = await read(call, SetBan)
    until = None
    if asked.until is not None:
        try:
            until = clock.text(clock.parse(asked.until))
        except ValueError as error:
            raise ApiError(400, "The body does not fit.", reason=f"until: {asked.until!r} is no moment.") from error
        if until <= call.ctx.stamp:
            raise ApiError(400, "The body does not fit.", reason="until: this moment is over.")
    return json_answer(await _shown(call, await session_admin.ban(call.ctx, _id(call), asked.reason, until)))


async def _unban(call: Call) -> Answer:
    return json_answer(await _shown(call, await bans.lift(call.ctx, _id(call))))


async def _impersonate(call: Call) -> Answer:
    asked = await read(call, Impersonate)
    if not asked.reason.strip() or len(asked.reason) > 1000:
        raise ApiError(400, "The body does not fit.", reason="reason: say why, in up to 1000 characters.")
    operator = await sessions.must(call.ctx)
    whom = await service.must(call.ctx.db, _id(call))
    session, token = await impersonation.begin(call.ctx, operator, whom, asked.reason.strip())
    return json_answer({"session_token": token, "session": sessions.body(call.ctx, session, whom)}, 201)


async def _reset_password(call: Call) -> Answer:
    asked = await read(call, SetPassword)
    before = await service.must(call.ctx.db, _id(call))
    saved = await session_admin.set_password(call.ctx, before, asked.password)
    return json_answer(await _shown(call, saved))


async def _recovery_link(call: Call) -> Answer:
    await service.must(call.ctx.db, _id(call))
    wanted = recovery_by_admin.Wanted(identity_id=_id(call), expires_in=LINK_SECONDS)
    return json_answer(await recovery_by_admin.link(call.ctx, wanted), 201)


async def _send_verification(call: Call) -> Answer:
    identity = await service.must(call.ctx.db, _id(call))
    sent = await sent_by_operator.verification(call.ctx, identity)
    call.site.wake_courier()
    return json_answer({"sent_to": sent}, 202)


async def _send_recovery(call: Call) -> Answer:
    identity = await service.must(call.ctx.db, _id(call))
    sent = await sent_by_operator.recovery(call.ctx, identity)
    call.site.wake_courier()
    return json_answer({"sent_to": [sent]}, 202)


_ONE = "/api/auth/identities/{id}"
_NOT_FOUND = (404,)
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
        id="getPerson", method="GET", path=_ONE, tag="people", says="A person", may="viewer", handler=get,
        answers={200: "person"}, errors=_NOT_FOUND,
    ),
    Route(
        id="deletePerson", method="DELETE", path=_ONE, tag="people", says="Delete a person for good", may="developer",
        recent=True, handler=_delete, answers={204: ""}, errors=_NOT_FOUND,
    ),
    Route(
        id="setState", method="PATCH", path=_ONE + "/state", tag="people",
        says="Switch a person on or off; their sessions end with it", may="developer", handler=_state, body=SetState,
        answers={200: "person"}, errors=(404, 409), example={"state": "inactive"},
    ),
    Route(
        id="setMetadata", method="PUT", path=_ONE + "/metadata", tag="people", says="Replace a person's metadata",
        may="developer", handler=_metadata, body=SetMetadata, answers={200: "person"}, errors=(404, 409),
        example={"metadata_public": {"plan": "gold"}},
    ),
    Route(
        id="ban", method="POST", path=_ONE + "/ban", tag="people", says="Ban a person, for good or until a moment",
        may="developer", handler=_ban, body=SetBan, answers={200: "person"}, errors=(404, 409),
        example={"reason": "spam"},
    ),
    Route(
        id="unban", method="POST", path=_ONE + "/unban", tag="people", says="Lift a ban", may="developer",
        handler=_unban, answers={200: "person"}, errors=(404, 409),
    ),
    Route(
        id="impersonate", method="POST", path=_ONE + "/impersonate", tag="people",
        says="Act as a person for a quarter of an hour, to see what they see", may="developer", recent=True,
        handler=_impersonate, body=Impersonate, answers={201: "impersonation"}, errors=(404, 409),
        example={"reason": "They asked for help with their settings."},
    ),
    Route(
        id="resetPassword", method="POST", path=_ONE + "/reset-password", tag="people",
        says="Give a person a new password; their sessions end with it", may="developer", recent=True,
        handler=_reset_password, body=SetPassword, answers={200: "person"}, errors=(404, 409, 429),
        example={"password": "another-fine-secret-2"},
    ),
    Route(
        id="sendVerification", method="POST", path=_ONE + "/send-verification", tag="people",
        says="Ask a person by mail to verify their addresses", may="developer", handler=_send_verification,
        answers={202: "sent"}, errors=(400, 404, 409),
    ),
    Route(
        id="sendRecovery", method="POST", path=_ONE + "/send-recovery", tag="people",
        says="Mail a person a link that lets them in once", may="developer", handler=_send_recovery,
        answers={202: "sent"}, errors=(400, 404, 409),
    ),
    Route(
        id="createRecoveryLink", method="POST", path=_ONE + "/create-recovery-link", tag="people",
        says="A link that lets a person in once, within an hour", may="developer", recent=True, handler=_recovery_link,
        answers={201: "recoveryLink"}, errors=(400, 404),
    ),
)  # fmt: skip
