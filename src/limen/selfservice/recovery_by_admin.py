"""Recovery that an operator begins for somebody: a code to read out, or a link to send by other means."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from msgspec import Struct

from limen.audit import record
from limen.context import Context
from limen.core import clock, errors, urls
from limen.core.configtypes import duration
from limen.core.ids import parse_id
from limen.flow import proofs, store
from limen.flow.model import Flow, FlowType
from limen.identity import store as people
from limen.methods.code import recover as by_code
from limen.methods.link import common as by_link
from limen.selfservice import engine


class Wanted(Struct):
    """`expires_in` is a duration such as 1h30m; by default a code or link lives as long as one that people ask for."""

    identity_id: str = "00000000-0000-0000-0000-000000000000"
    expires_in: str = ""


class WantedCode(Wanted):
    """`flow_type`: where the code is typed, in a browser or in an app."""

    flow_type: str | None = None


def check_offered(ctx: Context, method: str) -> None:
    """:raises ApiError: 404, the method is switched off: nobody could use what is handed out"""
    if not ctx.project.has_method(method):
        raise errors.endpoint_disabled()


async def code(ctx: Context, wanted: WantedCode) -> dict[str, Any]:
    """`POST /admin/recovery/code`: `recovery_link` opens the form, `recovery_code` is typed there.

    :raises ApiError: 400, the duration or type is none, or recovery is switched off; 404, there is no such person
    """
    identity_id, seconds = _read(ctx, wanted, ctx.project.config.selfservice.methods.code.config.lifespan)
    type_ = _type(wanted)
    engine.asked_return_url(ctx)
    if await people.by_id(ctx.db, identity_id) is None:
        raise errors.not_found("There is no identity with this id.")
    flow = _flow(ctx, type_, seconds, active="code", state="sent_email", private={"unguarded": True})
    by_code.draw_code_only(flow)
    secret = proofs.new_code()
    await _store(ctx, flow, "recovery", secret, identity_id, seconds)
    link = urls.with_query(ctx.project.ui_url("recovery"), {"flow": flow.id})
    return {"recovery_link": link, "recovery_code": secret, "expires_at": flow.expires_at}


async def link(ctx: Context, wanted: Wanted) -> dict[str, Any]:
    """`POST /admin/recovery/link`: whoever opens `recovery_link` is signed in.

    :raises ApiError: 400, there is no such person, or as for a code
    """
    engine.asked_return_url(ctx)
    identity_id, seconds = _read(ctx, wanted, ctx.project.config.selfservice.methods.link.config.lifespan)
    if await people.by_id(ctx.db, identity_id) is None:
        raise errors.bad_request("There is no identity with this id.")
    flow = _flow(ctx, "browser", seconds, active="link")
    by_link.draw_form(flow)
    token = by_link.new_token()
    await _store(ctx, flow, "recovery_link", token, identity_id, seconds)
    return {"recovery_link": by_link.url(ctx, flow, token), "expires_at": flow.expires_at}


def _read(ctx: Context, wanted: Wanted, usual: float) -> tuple[str, float]:
    identity_id = parse_id(wanted.identity_id)
    if identity_id is None:
        raise errors.bad_request(f"identity_id: {wanted.identity_id!r} is no id.")
    seconds = duration(wanted.expires_in) if wanted.expires_in else usual
    if seconds is None or seconds <= 0:
        raise errors.bad_request(f"expires_in: {wanted.expires_in!r} is no time span to come. Write it as 1h or 1m30s.")
    return identity_id, seconds


def _type(wanted: WantedCode) -> FlowType:
    match wanted.flow_type:
        case None | "browser":
            return "browser"
        case "api":
            return "api"
    raise errors.bad_request(f"flow_type: {wanted.flow_type!r} is none; browser and api are.")


def _flow(ctx: Context, type_: FlowType, seconds: float, **more: Any) -> Flow:
    flow = engine.new(ctx, "recovery", type_, "only", **more)
    flow.expires_at = clock.text(ctx.now + timedelta(seconds=seconds))
    return flow


async def _store(ctx: Context, flow: Flow, purpose: str, secret: str, identity_id: str, seconds: float) -> None:
    """The proof names no address: what an operator hands out proves none."""
    commit = ctx.db.begin()
    store.insert(commit, flow)
    proofs.issue(
        commit, ctx, purpose, flow.id, secret, via="email", address="", identity_id=identity_id, seconds=seconds
    )
    record.record(commit, ctx, "auth.recovery.handed_out", identity_id, method=flow.active)
    await ctx.db.commit(commit)
    ctx.events.tell("recovery.handed_out", identity_id, flow=flow.id, by=flow.active)
