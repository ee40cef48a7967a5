"""Signing up: in two steps (profile, then credentials) or with one form."""

from __future__ import annotations

from urllib.parse import urlsplit

from limen.context import Context
from limen.core import errors, messages, urls
from limen.core.errors import ApiError, FormError
from limen.core.form import Form
from limen.flow import oauth2 as provider
from limen.flow import store
from limen.flow.method import Arrived, Changed, Next, Sent, Shown, StartAgain
from limen.flow.model import Flow, FlowType
from limen.selfservice import engine, exchange, expiry, finish, guard, hooks, oauth2, social
from limen.selfservice.reply import Reply
from limen.session import service as sessions
from limen.session.model import Subject


async def start(ctx: Context, type_: FlowType) -> Reply:
    """`GET /self-service/registration/browser` and `…/api`."""
    json = type_ == "api" or ctx.client.accepts_json
    if type_ == "api" and await sessions.current(ctx):
        raise errors.session_already_available("signing up")
    to = engine.asked_return_url(ctx)
    challenge = provider.challenge(ctx)
    schema = engine.query(ctx, "identity_schema")
    if schema:
        ctx.project.selfservice_schema(schema)
    if not ctx.project.config.selfservice.flows.registration.enabled:
        raise errors.flow_disabled("Registration")
    request = await provider.look_up(ctx, challenge) if type_ == "browser" and challenge else None
    if type_ == "browser" and (subject := await sessions.current(ctx)):
        if request is not None:
            return await _signed_in(ctx, request, subject)
        if ctx.client.is_json:
            raise errors.session_already_available("signing up")
        return Reply(json=False, url=to)
    flow = await fresh(ctx, type_, schema)
    flow.oauth2_login_challenge = challenge
    await hooks.before(ctx, flow)
    code = exchange.offer(ctx, flow)
    await store.save_new(ctx.db, flow)
    ctx.events.tell("registration.started", flow=flow.id)
    return engine.shown(ctx, flow, json=json, exchange_code=code)


async def _signed_in(ctx: Context, request: provider.LoginRequest, subject: Subject) -> Reply:
    """Who has a session needs no registration: the OAuth 2.0 server is answered, or wants a new sign-in."""
    ctx = oauth2.rewritten(ctx, request)
    if request.skip:
        return await oauth2.remembered(ctx, request, subject, json=ctx.client.is_json)
    login = urls.join(ctx.project.public_url, "/self-service/login/browser")
    return Reply(json=False, url=f"{login}?{urlsplit(ctx.client.url).query}", page_status=302)


async def fresh(ctx: Context, type_: FlowType, schema: str) -> Flow:
    """A new registration flow with its form drawn; not stored yet."""
    situation = "profile" if ctx.project.is_two_step else "unified"
    flow = engine.new(ctx, "registration", type_, situation, identity_schema=schema)  # type: ignore[arg-type]
    await engine.draw(ctx, flow)
    return flow


async def fetch(ctx: Context, id_: str | None) -> Reply:
    """`GET /self-service/registration/flows`."""
    if not ctx.project.config.selfservice.flows.registration.enabled:
        raise errors.flow_disabled("Registration")
    flow = await store.must(ctx.db, "registration", id_)
    guard.check_reader(ctx, flow)
    if flow.is_expired(ctx.stamp):
        raise expiry.gone(ctx, flow)
    return await oauth2.fetched(ctx, flow)


async def submit(ctx: Context, id_: str | None, form: Form) -> Reply:
    """`POST /self-service/registration`."""
    if await sessions.current(ctx):
        if ctx.client.is_json:
            raise errors.session_already_available("signing up")
        return Reply(json=False, url=ctx.project.default_return_url, page_status=302)
    flow = await engine.asked(ctx, "registration", id_)
    if not ctx.project.config.selfservice.flows.registration.enabled:
        raise errors.flow_disabled("Registration")
    so_far = engine.Submitted()
    json = ctx.client.is_json or not flow.is_browser
    try:
        if flow.is_expired(ctx.stamp):
            new = await fresh(ctx, flow.type, flow.identity_schema)
            new.oauth2_login_challenge = flow.oauth2_login_challenge
            await hooks.before(ctx, new)
            return await expiry.replaced(ctx, flow, new, messages.REGISTRATION_EXPIRED, json=json)
        outcome = await engine.submit(ctx, flow, form, None, so_far)
        match outcome:
            case Changed():
                return await finish.sign_up(ctx, flow, outcome, so_far)
            case Shown():
                await engine.keep_shown(ctx, flow, outcome, so_far)
                return engine.shown(ctx, flow, json=json, status=outcome.status, payload=so_far.about.transient_payload)
            case Sent():
                return await engine.send(ctx, flow, outcome)
            case Arrived():
                return await social.arrived(ctx, flow, outcome, so_far, None)
            case Next():
                await engine.go_on(ctx, flow, outcome)
                await engine.keep(ctx, flow)
                shown = so_far.about.transient_payload if outcome.situation == "credentials" else None
                return engine.shown(ctx, flow, json=json, status=400, payload=shown)
        raise errors.untyped("this method cannot sign anybody up")
    except (FormError, StartAgain) as error:
        refusal = error if isinstance(error, FormError) else FormError((error.message, ""))
        engine.refuse(ctx, flow, refusal, so_far)
        await engine.keep_refused(ctx, flow, refusal.then)
        ctx.events.tell("registration.failed", flow=flow.id, method=so_far.id, why=str(refusal))
        # Kratos sends pages back with 302 here, not with 303 as everywhere else.
        return await oauth2.shown(ctx, flow, json=json, status=400, page_status=302)
    except ApiError as error:
        return engine.failed(ctx, error, flow)
