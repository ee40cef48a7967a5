"""Signing in: the first factor, the second one, and confirming a session again."""

from __future__ import annotations

from limen.audit import record
from limen.context import Context
from limen.core import errors, messages
from limen.core.errors import ApiError, FormError, form_error
from limen.core.form import Form, is_true
from limen.flow import oauth2 as provider
from limen.flow import store
from limen.flow.method import Arrived, Identified, Passed, Sent, Shown, StartAgain, Then
from limen.flow.model import Flow, FlowType
from limen.selfservice import engine, exchange, expiry, finish, guard, hooks, identify, linking, oauth2, social, trust
from limen.selfservice.loginforms import fresh
from limen.selfservice.reply import Reply
from limen.session import service as sessions
from limen.session.model import Subject

LEVELS = ("aal1", "aal2")


async def start(ctx: Context, type_: FlowType) -> Reply:
    """`GET /self-service/login/browser` and `…/api`."""
    json = type_ == "api" or ctx.client.accepts_json
    request = None
    if type_ == "browser" and (challenge := provider.challenge(ctx)):
        request = await provider.look_up(ctx, challenge)
        ctx = oauth2.rewritten(ctx, request, **({} if request.skip else {"refresh": "true"}))
    engine.asked_return_url(ctx)
    challenge = provider.challenge(ctx)
    wanted = engine.query(ctx, "aal").lower() or "aal1"
    if wanted not in LEVELS:
        raise errors.bad_request(f"{wanted!r} is no assurance level: aal1 and aal2 are.")
    schema = engine.query(ctx, "identity_schema")
    if schema and wanted == "aal1":
        ctx.project.selfservice_schema(schema)
    subject = await sessions.current(ctx)
    refresh = is_true(engine.query(ctx, "refresh"))
    if subject is None:
        if wanted == "aal2":
            raise errors.aal1_required()
    elif not refresh and wanted <= subject.session.aal:
        already = errors.session_already_available("signing in")
        if request is not None:
            return await oauth2.remembered(ctx, request, subject, json=json, script=already)
        if json:
            raise already
        return Reply(json=False, url=engine.asked_return_url(ctx))
    flow = await fresh(ctx, type_, subject, wanted, refresh and subject is not None, schema)
    flow.oauth2_login_challenge = challenge
    flow.oauth2_login_request = request.shown if request else None
    await hooks.before(ctx, flow)
    code = exchange.offer(ctx, flow) if subject is None else ""
    commit = ctx.db.begin()
    if subject and wanted == "aal2":
        await linking.take_up(ctx, flow, subject.session)
        step = await identify.second_step_at_once(ctx, flow, subject.identity)
        if isinstance(step, Shown) and step.then:
            step.then(commit)
    trust.offer(ctx, flow)
    store.insert(commit, flow)
    await ctx.db.commit(commit)
    ctx.events.tell("login.started", flow=flow.id)
    return engine.shown(ctx, flow, json=json, exchange_code=code)


async def fetch(ctx: Context, id_: str | None) -> Reply:
    """`GET /self-service/login/flows`."""
    flow = await store.must(ctx.db, "login", id_)
    guard.check_reader(ctx, flow)
    if flow.is_expired(ctx.stamp):
        raise expiry.gone(ctx, flow)
    return await oauth2.fetched(ctx, flow)


async def submit(ctx: Context, id_: str | None, form: Form) -> Reply:
    """`POST /self-service/login`."""
    flow = await engine.asked(ctx, "login", id_)
    so_far = engine.Submitted()
    subject = None
    try:
        if confirm := engine.confirmation(ctx, flow, form):
            return confirm
        subject = await sessions.current(ctx)
        if subject is not None and not flow.refresh and flow.requested_aal <= subject.session.aal:
            if not (ctx.client.is_json or not flow.is_browser):
                return Reply(json=False, url=ctx.project.default_return_url)
            raise _signed_in()
        if subject is None and flow.requested_aal == "aal2":
            raise errors.aal1_required()
        if flow.is_expired(ctx.stamp):
            return await _replace(ctx, flow, subject)
        trust.choose(ctx, flow, form)
        outcome = await engine.submit(ctx, flow, form, subject, so_far)
        match outcome:
            case Passed():
                so_far.part = None  # the method is done: what hooks refuse leaves the form as it is
                return await finish.sign_in(ctx, flow, outcome, so_far, subject)
            case Shown():
                return await _shown(ctx, flow, outcome, so_far)
            case Sent():
                return await engine.send(ctx, flow, outcome)
            case Arrived():
                return await social.arrived(ctx, flow, outcome, so_far, subject)
            case Identified():
                step = await identify.offer(ctx, flow, outcome, so_far.about)
                if isinstance(step, Shown):
                    return await _shown(ctx, flow, step, so_far)
        raise errors.untyped("this method cannot sign anybody in")
    except (FormError, StartAgain) as error:
        if isinstance(error, StartAgain) and error.page:
            return await _start_again(ctx, flow, error)
        refusal = error if isinstance(error, FormError) else FormError((error.message, ""))
        trust.offer(ctx, flow)
        engine.refuse(ctx, flow, refusal, so_far)
        await engine.keep_refused(ctx, flow, refusal.then, _failed(ctx, flow, refusal, so_far, subject))
        ctx.events.tell("login.failed", flow=flow.id, method=so_far.id, why=str(refusal))
        return await oauth2.shown(ctx, flow, json=_json(ctx, flow), status=400)
    except ApiError as error:
        return engine.failed(ctx, error, flow)


def _failed(
    ctx: Context, flow: Flow, refusal: FormError, so_far: engine.Submitted, subject: Subject | None
) -> Then | None:
    """What records a sign-in that failed; a form that was merely not filled in is none."""
    if all(field for _, field in refusal.told):
        return None
    whom = subject.identity if subject else refusal.whom
    return record.recorded(
        ctx, "auth.login.failed", whom, outcome="failure", method=so_far.id,
        email=str(getattr(so_far.data, "identifier", "")), why=refusal.ids, aal=flow.requested_aal,
    )  # fmt: skip


async def _start_again(ctx: Context, flow: Flow, again: StartAgain) -> Reply:
    """A link led nowhere: whoever opened it goes on in a new flow, which is this browser's."""
    new = await fresh(ctx, "browser", None, "aal1", refresh=False, schema=flow.identity_schema)
    new.ui.messages = [again.message]
    await store.save_new(ctx.db, new)
    return Reply(json=False, url=engine.page(ctx, new))


async def _shown(ctx: Context, flow: Flow, step: Shown, so_far: engine.Submitted) -> Reply:
    trust.offer(ctx, flow)
    await engine.keep_shown(ctx, flow, step, so_far)
    return engine.shown(ctx, flow, json=_json(ctx, flow), status=step.status, payload=so_far.about.transient_payload)


def _signed_in() -> FormError:
    return form_error(
        messages.GENERIC(reason="You are signed in already. Ask for a refresh to confirm that it is you.")
    )


def _json(ctx: Context, flow: Flow) -> bool:
    return ctx.client.is_json or not flow.is_browser


async def _replace(ctx: Context, flow: Flow, subject: Subject | None) -> Reply:
    """An expired flow is replaced by a fresh one that says so."""
    if subject is not None:
        raise _signed_in()
    # The level and the refresh come from the address that asks now, as a submit does not repeat them: aal1, none.
    new = await fresh(ctx, flow.type, subject, "aal1", refresh=False, schema=flow.identity_schema)
    new.oauth2_login_challenge = flow.oauth2_login_challenge
    await hooks.before(ctx, new)
    return await expiry.replaced(ctx, flow, new, messages.LOGIN_EXPIRED, json=_json(ctx, flow))
