"""What operators do with one person's account: bans, acting as them, new passwords, and ways back in."""

from __future__ import annotations

from msgspec import Struct

from limen.core import clock
from limen.core.errors import ApiError
from limen.http.console.answers import read
from limen.http.console.people import ONE, shown, whom
from limen.http.console.route import Route
from limen.http.kit import Answer, Call, json_answer
from limen.identity import bans, service
from limen.selfservice import recovery_by_admin, sent_by_operator
from limen.session import admin as session_admin
from limen.session import impersonation
from limen.session import service as sessions

LINK_SECONDS, MAX_REASON = "1h", 1000


class SetBan(Struct, forbid_unknown_fields=True):
    """`until`: a moment to come; without it the ban is for good."""

    reason: str = ""
    until: str | None = None


class Impersonate(Struct, forbid_unknown_fields=True):
    """`reason` goes on the record."""

    reason: str = ""


class SetPassword(Struct, forbid_unknown_fields=True):
    password: str


async def _ban(call: Call) -> Answer:
    asked = await read(call, SetBan)
    _check_reason(asked.reason)
    until = None
    if asked.until is not None:
        try:
            until = clock.text(clock.parse(asked.until))
        except ValueError as error:
            raise ApiError(400, "The body does not fit.", reason=f"until: {asked.until!r} is no moment.") from error
        if until <= call.ctx.stamp:
            raise ApiError(400, "The body does not fit.", reason="until: this moment is over.")
    return json_answer(await shown(call, await session_admin.ban(call.ctx, await whom(call), asked.reason, until)))


def _check_reason(reason: str) -> None:
    if len(reason) > MAX_REASON:
        raise ApiError(400, "The body does not fit.", reason=f"reason: at most {MAX_REASON} characters.")


async def _unban(call: Call) -> Answer:
    return json_answer(await shown(call, await bans.lift(call.ctx, await whom(call))))


async def _impersonate(call: Call) -> Answer:
    asked = await read(call, Impersonate)
    _check_reason(asked.reason)
    operator = await sessions.must(call.ctx)
    person = await service.must(call.ctx.db, await whom(call))
    session, token = await impersonation.begin(call.ctx, operator, person, asked.reason.strip())
    return json_answer({"session_token": token, "session": sessions.body(call.ctx, session, person)}, 201)


async def _reset_password(call: Call) -> Answer:
    asked = await read(call, SetPassword)
    before = await service.must(call.ctx.db, await whom(call))
    saved = await session_admin.set_password(call.ctx, before, asked.password)
    return json_answer(await shown(call, saved))


async def _recovery_link(call: Call) -> Answer:
    person = await service.must(call.ctx.db, await whom(call))
    wanted = recovery_by_admin.Wanted(identity_id=person.id, expires_in=LINK_SECONDS)
    return json_answer(await recovery_by_admin.link(call.ctx, wanted), 201)


async def _send_verification(call: Call) -> Answer:
    identity = await service.must(call.ctx.db, await whom(call))
    sent = await sent_by_operator.verification(call.ctx, identity)
    call.site.wake_courier()
    return json_answer({"sent_to": sent}, 202)


async def _send_recovery(call: Call) -> Answer:
    identity = await service.must(call.ctx.db, await whom(call))
    sent = await sent_by_operator.recovery(call.ctx, identity)
    call.site.wake_courier()
    return json_answer({"sent_to": [sent]}, 202)


ROUTES: tuple[Route, ...] = (
    Route(
        id="ban", method="POST", path=ONE + "/ban", tag="people", says="Ban a person, for good or until a moment",
        may="developer", handler=_ban, body=SetBan, answers={200: "person"}, errors=(404, 409),
        example={"reason": "spam"},
    ),
    Route(
        id="unban", method="POST", path=ONE + "/unban", tag="people", says="Lift a ban", may="developer",
        handler=_unban, answers={200: "person"}, errors=(404, 409),
    ),
    Route(
        id="impersonate", method="POST", path=ONE + "/impersonate", tag="people",
        says="Act as a person for a quarter of an hour, to see what they see", may="developer", recent=True,
        handler=_impersonate, body=Impersonate, answers={201: "impersonation"}, errors=(404, 409),
        example={"reason": "They asked for help with their settings."},
    ),
    Route(
        id="resetPassword", method="POST", path=ONE + "/reset-password", tag="people",
        says="Give a person a new password; their sessions end with it", may="developer", recent=True,
        handler=_reset_password, body=SetPassword, answers={200: "person"}, errors=(404, 409, 429),
        example={"password": "another-fine-secret-2"},
    ),
    Route(
        id="sendVerification", method="POST", path=ONE + "/send-verification", tag="people",
        says="Ask a person by mail to verify their addresses", may="developer", handler=_send_verification,
        answers={202: "sent"}, errors=(400, 404, 409),
    ),
    Route(
        id="sendRecovery", method="POST", path=ONE + "/send-recovery", tag="people",
        says="Mail a person a link that lets them in once", may="developer", handler=_send_recovery,
        answers={202: "sent"}, errors=(400, 404, 409),
    ),
    Route(
        id="createRecoveryLink", method="POST", path=ONE + "/create-recovery-link", tag="people",
        says="A link that lets a person in once, within an hour", may="developer", recent=True, handler=_recovery_link,
        answers={201: "recoveryLink"}, errors=(400, 404),
    ),
)  # fmt: skip
