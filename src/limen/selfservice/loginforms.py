"""New login flows with their forms drawn: for whoever asks for one, and where one sign-in goes on as the next step."""

from __future__ import annotations

from msgspec.structs import replace

from limen.context import Context
from limen.core import messages
from limen.flow.model import Flow, FlowType, Situation
from limen.selfservice import engine, trust
from limen.session.model import Subject


async def fresh(ctx: Context, type_: FlowType, subject: Subject | None, aal: str, refresh: bool, schema: str) -> Flow:
    """A new login flow with its form drawn; not stored yet."""
    flow = engine.new(
        ctx, "login", type_, _situation(ctx, aal, refresh),
        refresh=refresh, requested_aal=aal, identity_schema=schema if aal == "aal1" else "",
    )  # fmt: skip
    await engine.draw(ctx, flow, subject)
    if refresh:
        flow.ui.messages = [messages.CONFIRM_ITS_YOU()]
    if subject and subject.session.aal < aal and aal == "aal2":
        flow.ui.messages = [*flow.ui.messages, messages.SECOND_STEP()]
    return flow


def _situation(ctx: Context, aal: str, refresh: bool) -> Situation:
    if aal == "aal2":
        return "second_refresh" if refresh else "second"
    if refresh:
        return "refresh"
    return "identify" if ctx.project.config.selfservice.flows.login.style == "identifier_first" else "first"


async def second_step(ctx: Context, url: str, subject: Subject, csrf: str) -> Flow:
    """The flow that asks for the second factor of somebody who has just passed the first step; not stored yet.

    :param url: the address that would begin it
    :param csrf: the browser's secret, which may be new
    """
    there = replace(ctx, client=replace(ctx.client, url=url, csrf=csrf))
    flow = await fresh(there, "browser", subject, "aal2", refresh=False, schema="")
    trust.offer(there, flow)
    return flow
