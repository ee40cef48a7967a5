"""The admin API of sessions."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from limen.core import errors
from limen.core.errors import ApiError
from limen.core.ids import parse_id
from limen.http import bodies, paging
from limen.http.bodies import BodyError
from limen.http.kit import JSON, Answer, Call, Routes, json_answer
from limen.identity import service as identities
from limen.identity.model import Identity
from limen.session import admin, service
from limen.session.model import Session

MAX_PAGE, DEFAULT_PAGE, MAX_IDS = 1000, 250, 500
EVERYBODY = "*"
START = "2200-12-31T00:00:00.000000Z"  # no session is newer: the first page begins here
_TRUE, _FALSE = ("1", "t", "T", "TRUE", "true", "True"), ("0", "f", "F", "FALSE", "false", "False")


def add(routes: Routes) -> None:
    routes.add("GET", "/admin/sessions", _list)
    routes.add("POST", "/admin/sessions", _manage)
    routes.add("GET", "/admin/sessions/{id}", _get)
    routes.add("DELETE", "/admin/sessions/{id}", _end)
    routes.add("PATCH", "/admin/sessions/{id}/extend", _extend)
    routes.add("GET", "/admin/identities/{id}/sessions", _of_identity)
    routes.add("DELETE", "/admin/identities/{id}/sessions", _delete_of_identity)


def _id(call: Call) -> str:
    id_ = parse_id(call.params["id"])
    if id_ is None:
        raise ApiError(400, f"{call.params['id']!r} is no id.")
    return id_


def _active(call: Call) -> bool | None:
    text = call.first("active")
    if not text:
        return None
    if text not in (*_TRUE, *_FALSE):
        raise ApiError(400, f"The query parameter active is true or false, not {text!r}.")
    return text in _TRUE


def _expand(call: Call) -> set[str]:
    asked = {text.lower() for text in call.all("expand")}
    for name in asked - {"devices", "identity"}:
        raise errors.bad_request(f"{name!r} cannot be expanded: devices and identity can.")
    return asked


def body_of(call: Call, session: Session, identity: Identity, expand: set[str]) -> dict[str, Any]:
    """A session with what was asked to be expanded; the rest is null."""
    shown = identity if "identity" in expand else None
    return service.body(call.ctx, session, shown, admin=True, devices="devices" in expand)


async def _list(call: Call) -> Answer:
    ctx = call.ctx
    expand, active = _expand(call), _active(call)
    size = _size(call)
    before, after = _key(call.first("page_token")) if call.first("page_token") else (START, "")
    found = await admin.page(ctx.db, ctx.stamp, before, after, size + 1, active=active)
    following = _token(found[size - 1][0]) if len(found) > size else None
    bodies = [_without_addresses(body_of(call, session, identity, expand)) for session, identity in found[:size]]
    first = _encode(START, "00000000-0000-0000-0000-000000000000")
    return json_answer(bodies, headers=paging.key_headers(call, size, first, following))


def _size(call: Call) -> int:
    """`page_size`; unlike elsewhere `per_page` does not stand in for it."""
    text = call.first("page_size")
    try:
        size = int(text or DEFAULT_PAGE)
    except ValueError as error:
        raise ApiError(400, f"page_size has to be a number, not {text!r}.") from error
    return DEFAULT_PAGE if size < 1 else min(size, MAX_PAGE)


def _without_addresses(body: dict[str, Any]) -> dict[str, Any]:
    """The list of everybody's sessions leaves the addresses of identities out."""
    if body["identity"]:
        body["identity"] = service.without_addresses(body["identity"])
    return body


def _token(session: Session) -> str:
    return _encode(session.created_at, session.id)


def _encode(moment: str, id_: str) -> str:
    text = f"created_at={moment.replace('T', ' ').rstrip('Z')}/id={id_}"
    return base64.b64encode(text.encode()).rstrip(b"=").decode()


def _key(token: str) -> tuple[str, str]:
    """:raises ApiError: 400, the token is not ours"""
    try:
        text = base64.b64decode(token + "=" * (-len(token) % 4), validate=True).decode()
        parts = dict(part.split("=", 1) for part in text.split("/"))
        moment, id_ = parts["created_at"].replace(" ", "T") + "Z", parts["id"]
    except (binascii.Error, ValueError, KeyError) as error:
        raise ApiError(400, "The page token is not one of ours.") from error
    return moment, id_


async def _get(call: Call) -> Answer:
    expand = _expand(call)
    session, identity = await admin.must(call.ctx.db, _id(call))
    body = body_of(call, session, identity, expand)
    return json_answer({**body, "devices": body["devices"] or []})


async def _end(call: Call) -> Answer:
    await admin.end(call.ctx, _id(call))
    return Answer(204, b"", [("content-type", JSON)])


async def _extend(call: Call) -> Answer:
    id_ = _id(call)
    await admin.must(call.ctx.db, id_)
    await admin.extend(call.ctx, id_)
    if call.site.project.config.feature_flags.faster_session_extend:
        return Answer(204)
    session, identity = await admin.must(call.ctx.db, id_)
    return json_answer({**service.body(call.ctx, session, identity), "devices": []})


async def _of_identity(call: Call) -> Answer:
    ctx, id_, active = call.ctx, _id(call), _active(call)
    page = paging.offset_page(call)
    found, total = await admin.of_identity(ctx.db, id_, ctx.stamp, page.size, page.session_offset, active=active)
    expand = {"identity", "devices"}
    bodies = [service.listed(body_of(call, session, identity, expand)) for session, identity in found]
    return json_answer(bodies, headers=paging.offset_headers(call, page, total))


async def _delete_of_identity(call: Call) -> Answer:
    id_ = _id(call)
    await identities.must(call.ctx.db, id_)
    if not await admin.delete_of(call.ctx, id_):
        raise errors.row_not_found()
    return Answer(204)


# --- many at once -------------------------------------------------------------------------------------------------------


class Managed(Struct, frozen=True):
    """Exactly one of the lists names what is meant; `["*"]` in `identities` means everybody."""

    action: str = ""
    identities: tuple[str, ...] = ()
    sessions: tuple[str, ...] = ()


async def _manage(call: Call) -> Answer:
    """End or delete many sessions. A caller that means everybody asks again while `more` is true."""
    raw = await bodies.raw(call)
    try:
        asked = bodies.read(raw, Managed, strict=False)
    except BodyError as error:
        raise ApiError(
            400, str(error), reason="The body has to be JSON with action, and identities or sessions."
        ) from error
    action: admin.Action
    match asked.action:
        case "disable" | "delete" as action:
            pass
        case other:
            raise errors.bad_request(f"The action is disable or delete, not {other!r}.")
    if bool(asked.identities) == bool(asked.sessions):
        raise errors.bad_request("Name either identities or sessions.")
    if asked.identities == (EVERYBODY,):
        done = await admin.manage_all(call.ctx, action)
        return json_answer({"processed": done, "more": done == admin.EVERYBODY})
    ids = _ids(asked.identities or asked.sessions)
    done = await admin.manage(call.ctx, action, "identity_id" if asked.identities else "id", ids)
    return json_answer({"processed": done, "more": False})


def _ids(texts: Sequence[str]) -> list[str]:
    if len(texts) > MAX_IDS:
        raise errors.bad_request(f"At most {MAX_IDS} ids can be named at once.")
    found = []
    for text in texts:
        id_ = parse_id(text)
        if id_ is None:
            raise errors.bad_request(f"{text!r} is no id.")
        found.append(id_)
    return found
