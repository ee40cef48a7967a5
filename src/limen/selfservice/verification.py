"""Proving that an address is one's own."""

from __future__ import annotations

from limen.context import Context
from limen.core import csrf, errors, messages, ui
from limen.core.errors import ApiError, FormError
from limen.core.form import Form
from limen.core.messages import Message
from limen.flow import store
from limen.flow.method import Controls, Shown, StartAgain
from limen.flow.model import Flow, FlowType
from limen.identity import service as identities
from limen.selfservice import engine, expiry, guard, hooks
from limen.selfservice.reply import Reply


async def start(ctx: Context, type_: FlowType) -> Reply:
    """`GET /self-service/verification/browser` and `…/api`; signed in or not."""
    if not ctx.project.config.selfservice.flows.verification.enabled:
        raise errors.verification_disabled()
    engine.asked_return_url(ctx)
    flow = await fresh(ctx, type_)
    await store.save_new(ctx.db, flow)
    return engine.shown(ctx, flow, json=type_ == "api" or ctx.client.accepts_json)


async def fresh(ctx: Context, type_: FlowType) -> Flow:
    """A new verification flow with its form drawn; not stored yet."""
    use = ctx.project.config.selfservice.flows.verification.use
    flow = engine.new(ctx, "verification", type_, "only", active=use)
    await engine.draw_with(ctx, flow, use)
    return flow


async def fetch(ctx: Context, id_: str | None) -> Reply:
    """`GET /self-service/verification/flows`."""
    if not ctx.project.config.selfservice.flows.verification.enabled:
        raise errors.verification_disabled()
    flow = await store.must(ctx.db, "verification", id_)
    guard.check_reader(ctx, flow)
    if flow.is_expired(ctx.stamp):
        raise expiry.gone(ctx, flow)
    return Reply(json=True, flow=flow)


async def submit(ctx: Context, id_: str | None, form: Form) -> Reply:
    """`POST /self-service/verification`, and the `GET` of a link in a message."""
    flow = await engine.asked(ctx, "verification", id_, "There is no such verification any more. Start again.")
    so_far = engine.Submitted()
    json = ctx.client.is_json or not flow.is_browser
    try:
        if flow.is_expired(ctx.stamp):
            return await _expired(ctx, flow)
        outcome = await engine.submit(ctx, flow, form, None, so_far)
        match outcome:
            case Controls():
                return await _verified(ctx, flow, outcome)
            case Shown(claims_flow=True):
                # The link is opened where the mail is read, which may be another browser: the form goes over to it.
                secret = csrf.new_secret()
                flow.csrf = csrf.digest(secret)
                await engine.keep(ctx, flow)
                return Reply(json=False, url=engine.page(ctx, flow), csrf=secret)
            case Shown():
                await engine.keep(ctx, flow, outcome.then)
                return engine.shown(ctx, flow, json=json, status=outcome.status, payload=so_far.about.transient_payload)
        raise errors.untyped("this method cannot verify an address")
    except StartAgain as error:
        return await start_again(ctx, flow, error.message)
    except FormError as error:
        engine.refuse(ctx, flow, error, so_far)
        await engine.keep(ctx, flow, error.then)
        return engine.shown(ctx, flow, json=json, status=400)
    except ApiError as error:
        return engine.failed(ctx, error, flow)


async def _verified(ctx: Context, flow: Flow, outcome: Controls) -> Reply:
    identity = await identities.must(ctx.db, outcome.identity_id)
    after = identities.mark_address(ctx, identity, outcome.via, outcome.address, status="completed")
    to = engine.return_url(ctx, flow, hooks.return_url(ctx, "verification", ""))
    flow.state = "passed_challenge"
    told = messages.PHONE_VERIFIED() if outcome.via == "sms" else messages.EMAIL_VERIFIED()
    nodes = [ui.CSRF_NODE] if flow.is_browser else []
    flow.ui = ui.Ui([*nodes, ui.anchor("continue", to, "code", messages.CONTINUE())], [told], action=to, method="GET")
    await engine.keep(
        ctx,
        flow,
        outcome.then,
        lambda commit: identities.save(commit, identity, after) if after is not identity else None,
    )
    ctx.events.tell("address.verified", identity.id, via=outcome.via)
    return engine.shown(ctx, flow, json=ctx.client.is_json or not flow.is_browser)


async def start_again(ctx: Context, flow: Flow, message: Message) -> Reply:
    """This flow is over: the answer names a new one that says why."""
    new = await fresh(ctx, flow.type)
    new.request_url = flow.request_url
    new.ui.messages = [message]
    await store.save_new(ctx.db, new)
    if ctx.client.is_json:
        error = errors.flow_replaced(new.id)
        return Reply(json=True, status=error.status, error=error)
    return Reply(json=False, url=engine.page(ctx, new))


async def _expired(ctx: Context, flow: Flow) -> Reply:
    """The flow that replaces an expired one is always a browser's (Kratos' habit, which clients know)."""
    new = await fresh(ctx, "browser")
    return await expiry.followed(ctx, flow, new, messages.VERIFICATION_EXPIRED)
