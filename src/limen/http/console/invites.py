"""Inviting people by mail."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from limen.audit.store import END_OF_TIME
from limen.core import formats
from limen.core.errors import ApiError
from limen.core.ids import parse_id
from limen.courier import service as courier
from limen.http import paging
from limen.http.console.answers import read
from limen.http.console.route import Route
from limen.http.kit import Answer, Call, json_answer
from limen.identity import invitations
from limen.identity.invitations import Invitation

LIFESPAN = 7 * 86400  # seconds, unless it is said otherwise
LONGEST = 90 * 86400
MAX_PAGE, DEFAULT_PAGE = 500, 100


class Invite(Struct, forbid_unknown_fields=True):
    """`expires_in`: seconds for which the link is good, by default a week."""

    email: str
    expires_in: int = LIFESPAN


class Resend(Struct, forbid_unknown_fields=True):
    expires_in: int = LIFESPAN


def _shown(call: Call, one: Invitation) -> dict[str, Any]:
    return {
        "id": one.id, "email": one.email, "status": one.status(call.ctx.stamp), "created_at": one.created_at,
        "created_by": one.created_by, "sent_at": one.sent_at, "expires_at": one.expires_at,
        "accepted_at": one.accepted_at, "identity_id": one.identity_id,
    }  # fmt: skip


def _seconds(asked: int) -> int:
    if not 60 <= asked <= LONGEST:
        raise ApiError(
            400, "The body does not fit.", reason=f"expires_in: between a minute and {LONGEST // 86400} days."
        )
    return asked


async def _invite(call: Call) -> Answer:
    asked, ctx = await read(call, Invite), call.ctx
    if not formats.email_loose(asked.email):
        raise ApiError(400, "The body does not fit.", reason="email: this is no e-mail address.")
    seconds = _seconds(asked.expires_in)
    commit = ctx.db.begin()
    made, token = invitations.invite(commit, ctx, asked.email, seconds)
    courier.queue_invitation(commit, ctx, made.email, invitations.link(ctx, token), seconds)
    await ctx.db.commit(commit)
    call.site.wake_courier()
    return json_answer(_shown(call, made), 201)


async def _list(call: Call) -> Answer:
    size = paging.page_size(call, default=DEFAULT_PAGE, most=MAX_PAGE)
    before, _, id_ = call.first("page_token").partition("|")
    found = await invitations.page(call.ctx.db, (before or END_OF_TIME, id_), size + 1)
    following = f"{found[size - 1].created_at}|{found[size - 1].id}" if len(found) > size else None
    shown = [_shown(call, one) for one in found[:size]]
    return json_answer({"invitations": shown, "pagination": {"next": following}})


async def _resend(call: Call) -> Answer:
    asked, ctx = await read(call, Resend), call.ctx
    seconds = _seconds(asked.expires_in)
    found = await invitations.must(ctx.db, parse_id(call.params["id"]))
    commit = ctx.db.begin()
    token = invitations.renew(commit, ctx, found, seconds)
    courier.queue_invitation(commit, ctx, found.email, invitations.link(ctx, token), seconds)
    await ctx.db.commit(commit)
    call.site.wake_courier()
    return json_answer(_shown(call, await invitations.must(ctx.db, found.id)))


async def _revoke(call: Call) -> Answer:
    ctx = call.ctx
    found = await invitations.must(ctx.db, parse_id(call.params["id"]))
    commit = ctx.db.begin()
    invitations.revoke(commit, ctx, found)
    await ctx.db.commit(commit)
    return Answer(204)


_ONE = "/api/auth/invitations/{id}"
ROUTES: tuple[Route, ...] = (
    Route(
        id="invite", method="POST", path="/api/auth/invite", tag="invitations", says="Invite somebody by mail",
        may="developer", handler=_invite, body=Invite, answers={201: "invitation"}, example={"email": "ben@example.org"},
    ),
    Route(
        id="listInvitations", method="GET", path="/api/auth/invitations", tag="invitations",
        says="Invitations, newest first", may="viewer", handler=_list, answers={200: "invitations"}, errors=(400,),
        takes="per_page: integer, page_token",
    ),
    Route(
        id="resendInvitation", method="POST", path=_ONE + "/resend", tag="invitations",
        says="Send an invitation once more, with a new link", may="developer", handler=_resend, body=Resend,
        answers={200: "invitation"}, errors=(404, 409), example={},
    ),
    Route(
        id="revokeInvitation", method="DELETE", path=_ONE, tag="invitations", says="Take an invitation back",
        may="developer", handler=_revoke, answers={204: ""}, errors=(404, 409),
    ),
)  # fmt: skip
