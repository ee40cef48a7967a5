"""Who may come in: API keys, operators, and the link that makes the first one."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from limen.audit import record
from limen.core import clock, errors
from limen.core.errors import ApiError
from limen.core.ids import parse_id
from limen.db import chores
from limen.db.database import UniqueViolation
from limen.http.console.answers import read
from limen.http.console.route import Route
from limen.http.kit import Answer, Call, json_answer
from limen.identity import admin, service, store
from limen.identity.admin import Address, Body
from limen.identity.importing import Credentials, Password, PasswordConfig
from limen.project import apikeys, operators
from limen.project.apikeys import ApiKey, KeyRole
from limen.project.operators import Role
from limen.selfservice import firstoperator


class CreateKey(Struct, forbid_unknown_fields=True):
    """`expires_at`: a moment to come; without it the key is good until it is revoked."""

    name: str
    role: KeyRole = "service_role"
    expires_at: str | None = None


class RotateKey(Struct, forbid_unknown_fields=True):
    """`overlap`: seconds for which the old key goes on working."""

    overlap: int = 3600


class Appoint(Struct, forbid_unknown_fields=True):
    role: Role
    identity_id: str = ""
    email: str = ""


class SetRole(Struct, forbid_unknown_fields=True):
    role: Role


class SetUp(Struct, forbid_unknown_fields=True):
    token: str
    email: str
    password: str


# --- keys ---------------------------------------------------------------------------------------------------------------


def _key(key: ApiKey) -> dict[str, Any]:
    prefix = apikeys.PREFIXES[key.role]
    return {
        "id": key.id, "name": key.name, "role": key.role, "hint": f"{prefix}…{key.hint}", "created_at": key.created_at,
        "created_by": key.created_by, "expires_at": key.expires_at, "last_used_at": key.last_used_at,
    }  # fmt: skip


async def _keys(call: Call) -> Answer:
    return json_answer([_key(key) for key in await apikeys.everyone(call.ctx.db)])


async def _create_key(call: Call) -> Answer:
    asked = await read(call, CreateKey)
    ctx = call.ctx
    if not asked.name.strip() or len(asked.name) > 200:
        raise ApiError(400, "The body does not fit.", reason="name: give the key a name of up to 200 characters.")
    commit = ctx.db.begin()
    key, text = apikeys.make(
        commit, asked.name.strip(), asked.role, now=ctx.stamp, by=ctx.client.actor,
        expires_at=_to_come(call, asked.expires_at),
    )  # fmt: skip
    record.record(commit, ctx, "auth.key.create", key=key.id, name=key.name, role=key.role)
    await ctx.db.commit(commit)
    return json_answer(_key(key) | {"key": text}, 201)


def _to_come(call: Call, text: str | None) -> str | None:
    if text is None:
        return None
    try:
        moment = clock.text(clock.parse(text))
    except ValueError as error:
        raise ApiError(400, "The body does not fit.", reason=f"expires_at: {text!r} is no moment.") from error
    if moment <= call.ctx.stamp:
        raise ApiError(400, "The body does not fit.", reason="expires_at: this moment is over.")
    return moment


async def _found(call: Call) -> ApiKey:
    for key in await apikeys.everyone(call.ctx.db):
        if key.id == parse_id(call.params["id"]):
            return key
    raise errors.row_not_found()


async def _revoke_key(call: Call) -> Answer:
    key, ctx = await _found(call), call.ctx
    commit = ctx.db.begin()
    apikeys.revoke(commit, key.id, errors.row_not_found)
    record.record(commit, ctx, "auth.key.revoke", key=key.id, name=key.name)
    await ctx.db.commit(commit)
    return Answer(204)


async def _rotate_key(call: Call) -> Answer:
    asked = await read(call, RotateKey)
    key, ctx = await _found(call), call.ctx
    if not 0 <= asked.overlap <= 30 * 86400:
        raise ApiError(400, "The body does not fit.", reason="overlap: between 0 seconds and 30 days.")
    commit = ctx.db.begin()
    fresh, text = apikeys.make(
        commit, key.name, key.role, now=ctx.stamp, by=ctx.client.actor, expires_at=key.expires_at
    )
    apikeys.expire(commit, key.id, ctx.after(asked.overlap))
    record.record(commit, ctx, "auth.key.rotate", key=key.id, by=fresh.id, overlap=asked.overlap)
    await ctx.db.commit(commit)
    return json_answer(_key(fresh) | {"key": text}, 201)


# --- operators ----------------------------------------------------------------------------------------------------------


async def _operators(call: Call) -> Answer:
    found = []
    for one in await operators.everybody(call.ctx.db):
        identity = await store.by_id(call.ctx.db, one.identity_id)
        email = identity.called if identity else ""
        found.append({"identity_id": one.identity_id, "email": email, "role": one.role, "created_at": one.created_at})
    return json_answer(found)


async def _appoint(call: Call) -> Answer:
    asked = await read(call, Appoint)
    ctx = call.ctx
    if asked.identity_id:
        identity = await service.must(ctx.db, parse_id(asked.identity_id))
    else:
        known = await store.by_any_identifier(ctx.db, asked.email.strip().lower())
        if len(known) != 1:
            raise ApiError(
                404, "Nobody signs in with this e-mail address.", reason="They have to have an account first."
            )
        identity = known[0]
        if identity.only_claims(asked.email.strip().lower()):
            raise errors.conflict(
                "Nobody has proved this address yet. Let them verify it, or name the account you mean by its identity_id."
            )
    commit = ctx.db.begin()
    operators.appoint(commit, identity.id, asked.role, ctx.stamp, ctx.client.actor)
    chores.note(commit, firstoperator.CHORE, ctx.stamp)
    record.record(commit, ctx, "auth.operator.appoint", identity, role=asked.role)
    await ctx.db.commit(commit)
    body = {"identity_id": identity.id, "email": identity.called, "role": asked.role, "created_at": ctx.stamp}
    return json_answer(body, 201)


def _last_owner() -> ApiError:
    return errors.conflict("There is no such operator, or this is the last owner: appoint another one first.")


async def _set_role(call: Call) -> Answer:
    asked = await read(call, SetRole)
    ctx, id_ = call.ctx, parse_id(call.params["id"]) or ""
    commit = ctx.db.begin()
    operators.change(commit, id_, asked.role, _last_owner)
    record.record(commit, ctx, "auth.operator.role", id_, role=asked.role)
    await ctx.db.commit(commit)
    return json_answer({"identity_id": id_, "role": asked.role})


async def _dismiss(call: Call) -> Answer:
    ctx, id_ = call.ctx, parse_id(call.params["id"]) or ""
    commit = ctx.db.begin()
    operators.dismiss(commit, id_, _last_owner)
    record.record(commit, ctx, "auth.operator.dismiss", id_)
    await ctx.db.commit(commit)
    return Answer(204)


# --- the first one ------------------------------------------------------------------------------------------------------


async def _set_up(call: Call) -> Answer:
    """Make the account of the first operator. The token is used up in the same transaction, or the account is not made."""
    asked, ctx = await read(call, SetUp), call.ctx
    await firstoperator.check_open(ctx, asked.token)
    body = Body(
        traits={"email": asked.email},
        credentials=Credentials(password=Password(PasswordConfig(password=asked.password))),
        verifiable_addresses=(Address(asked.email, "email", verified=True, status="completed"),),
    )
    identity = admin.build(ctx, body, await admin.credentials(ctx, body))
    commit = ctx.db.begin()
    store.insert(commit, identity)
    firstoperator.appoint(commit, ctx, identity, asked.token)
    try:
        await ctx.db.commit(commit)
    except UniqueViolation:
        raise admin.conflict() from None
    return json_answer({"identity_id": identity.id, "email": identity.called, "role": "owner"}, 201)


_KEY = "/api/keys/{id}"
ROUTES: tuple[Route, ...] = (
    Route(
        id="listKeys", method="GET", path="/api/keys", tag="keys", says="The API keys, without their texts", may="owner",
        handler=_keys, answers={200: "key[]"},
    ),
    Route(
        id="createKey", method="POST", path="/api/keys", tag="keys", says="Make an API key, which is shown this once",
        may="owner", recent=True, handler=_create_key, body=CreateKey, answers={201: "newKey"},
        example={"name": "nightly export", "role": "service_role"},
    ),
    Route(
        id="rotateKey", method="POST", path=_KEY + "/rotate", tag="keys",
        says="Replace an API key; the old one works on for a while", may="owner", recent=True, handler=_rotate_key,
        body=RotateKey, answers={201: "newKey"}, errors=(404,), example={"overlap": 3600},
    ),
    Route(
        id="revokeKey", method="DELETE", path=_KEY, tag="keys", says="End an API key at once", may="owner", recent=True,
        handler=_revoke_key, answers={204: ""}, errors=(404,),
    ),
    Route(
        id="listOperators", method="GET", path="/api/operators", tag="operators", says="Who looks after this project",
        may="viewer", handler=_operators, answers={200: "operator[]"},
    ),
    Route(
        id="appoint", method="POST", path="/api/operators", tag="operators", says="Make somebody an operator", may="owner",
        recent=True, handler=_appoint, body=Appoint, answers={201: "operator"}, errors=(404, 409),
        example={"email": "ben@example.org", "role": "viewer"},
    ),
    Route(
        id="setRole", method="PATCH", path="/api/operators/{id}", tag="operators", says="Give an operator another role",
        may="owner", recent=True, handler=_set_role, body=SetRole, answers={200: "role"}, errors=(409,),
        example={"role": "developer"},
    ),
    Route(
        id="dismiss", method="DELETE", path="/api/operators/{id}", tag="operators", says="Take an operator's role away",
        may="owner", recent=True, handler=_dismiss, answers={204: ""}, errors=(409,),
    ),
    Route(
        id="setUp", method="POST", path="/api/auth/setup", tag="operators",
        says="Make the first operator, with the link the server printed", may="anyone", handler=_set_up, body=SetUp,
        answers={201: "operator"}, errors=(403, 409, 429),
        example={"token": "…", "email": "ann@example.org", "password": "correct-horse-battery-1"},
    ),
)  # fmt: skip
