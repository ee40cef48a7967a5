"""Proving that an address is one's own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from msgspec.structs import replace

from limen.audit import record
from limen.context import Context
from limen.core import csrf, errors, messages, ui
from limen.core.errors import ApiError, FormError
from limen.core.form import Form
from limen.db.database import Commit, UniqueViolation
from limen.flow import held, store
from limen.flow.held import Held
from limen.flow.method import Controls, Shown, StartAgain, Then
from limen.flow.model import Flow, FlowType
from limen.identity import service as identities
from limen.identity.model import Identity
from limen.selfservice import engine, expiry, guard, hooks, newaddress, oauth2
from limen.selfservice.effects import Effects
from limen.selfservice.reply import Issued, Reply
from limen.session import service as sessions
from limen.session import store as session_store
from limen.session.model import Session


async def start(ctx: Context, type_: FlowType) -> Reply:
    """`GET /self-service/verification/browser` and `…/api`; signed in or not."""
    if not ctx.project.config.selfservice.flows.verification.enabled:
        raise errors.verification_disabled()
    try:
        engine.asked_return_url(ctx)
    except ApiError as error:
        return Reply(json=True, status=error.status, error=error)  # also to pages, as Kratos does here
    flow = await fresh(ctx, type_)
    await hooks.before(ctx, flow)
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
        if confirm := engine.confirmation(ctx, flow, form):
            return confirm
        if flow.is_expired(ctx.stamp):
            return await _expired(ctx, flow)
        if flow.active == "default":  # what no method was responsible for before has nobody who would read it
            form = replace(form, unreadable=None)
        outcome = await engine.submit(ctx, flow, form, None, so_far)
        match outcome:
            case Controls():
                return await _verified(ctx, flow, outcome, so_far)
            case Shown(claims_flow=True):
                return await _claimed(ctx, flow)
            case Shown():
                await engine.keep_shown(ctx, flow, outcome, so_far)
                payload = so_far.about.transient_payload if outcome.echoes else None
                return engine.shown(ctx, flow, json=not ctx.client.wants_page, status=outcome.status, payload=payload)
        raise errors.untyped("this method cannot verify an address")
    except StartAgain as error:
        return await start_again(ctx, flow, error, so_far.id)
    except FormError as error:
        engine.refuse(ctx, flow, error, so_far)
        flow.active = so_far.id or (flow.active if form.unreadable else "default")
        await engine.keep_refused(ctx, flow, error.then)
        return engine.shown(ctx, flow, json=json, status=400)
    except ApiError as error:
        return engine.failed(ctx, error, flow)


async def _claimed(ctx: Context, flow: Flow) -> Reply:
    """The link is opened where the mail is read, which may be another browser: the form goes over to it."""
    secret = csrf.new_secret()
    if flow.csrf != csrf.digest(ctx.client.csrf):
        flow.oauth2_login_challenge = ""  # the OAuth 2.0 server waits for the browser it sent
    if ctx.project.has_own_page("verification"):  # a scanner that opens the link must not take the form away
        flow.readers = (*flow.readers, flow.csrf)[-engine.MAX_READERS :]
    flow.csrf = csrf.digest(secret)
    flow.ui.put(ui.CSRF_NODE)
    await engine.keep(ctx, flow)
    return Reply(json=False, url=engine.page(ctx, flow), csrf=secret)


async def _verified(ctx: Context, flow: Flow, outcome: Controls, so_far: engine.Submitted) -> Reply:
    identity = await identities.must(ctx.db, outcome.identity_id)
    if change := held.of(flow):
        return await _changed(ctx, flow, outcome, so_far, identity, change)
    after = identities.mark_address(ctx, identity, outcome.via, outcome.address, status="completed")
    return await _passed(ctx, flow, outcome, so_far, identity, after)


async def _changed(
    ctx: Context, flow: Flow, outcome: Controls, so_far: engine.Submitted, identity: Identity, change: Held
) -> Reply:
    """The address is one that the person wanted to change to: now the change is made, and its hooks run."""
    try:
        effects, session = await newaddress.applied(ctx, change, identity)
    except newaddress.Overtaken:
        newaddress.gone(flow)
        await engine.keep(ctx, flow, outcome.then)
        return engine.shown(ctx, flow, json=not ctx.client.wants_page, payload=so_far.about.transient_payload)
    hooks.with_change(effects, identity, session, "profile")

    async def tell() -> None:
        await hooks.after_change(effects, identity, session, "profile")

    try:
        return await _passed(ctx, flow, outcome, so_far, identity, effects.identity, effects.thens, tell)
    except UniqueViolation:
        flow.ui.clear_messages()
        flow.ui.tell(messages.IDENTIFIER_TAKEN())
        await engine.keep(ctx, flow)
        json, payload = not ctx.client.wants_page, so_far.about.transient_payload
        return engine.shown(ctx, flow, json=json, status=400, payload=payload)


async def _passed(
    ctx: Context,
    open_: Flow,
    outcome: Controls,
    so_far: engine.Submitted,
    identity: Identity,
    after: Identity,
    thens: Sequence[Then] = (),
    tell: Callable[[], Awaitable[None]] | None = None,
) -> Reply:
    flow = replace(open_, state="passed_challenge")
    to = engine.return_url(ctx, flow, hooks.return_url(ctx, "verification", ""))
    waits = bool(flow.oauth2_login_challenge) and flow.csrf == csrf.digest(ctx.client.csrf)
    session = await _live_session(ctx, flow, after) if waits else None
    secret = csrf.new_secret() if flow.is_browser and not ctx.client.csrf else ""
    if secret or ctx.client.csrf:  # the browser that proved it reads on
        flow.csrf = csrf.digest(secret or ctx.client.csrf)
    told = messages.PHONE_VERIFIED() if outcome.via == "sms" else messages.EMAIL_VERIFIED()
    on = oauth2.begin_again(ctx, flow) if waits and session is None else to
    flow.ui = ui.Ui([ui.CSRF_NODE, _continue(on, so_far.id)], [told], action=to, method="GET")

    def saved(commit: Commit) -> None:
        if after is not identity:
            identities.save(commit, identity, after)

    proved = record.recorded(ctx, "auth.verification", after, method=so_far.id, via=outcome.via)
    await engine.keep(ctx, flow, outcome.then, saved, *thens, proved)
    ctx.events.tell("address.verified", identity.id, via=outcome.via)
    try:
        if tell is not None:
            await tell()
        await hooks.after_proof(Effects(ctx, flow, after, so_far.about.transient_payload))
    except FormError as error:  # the address is verified, whatever hooks say
        raise StartAgain(messages.GENERIC(reason=str(error)), page=outcome.page, told=error.told) from error
    except ApiError as error:
        return replace(engine.failed(ctx, error, flow), csrf=csrf.new_secret())
    if session is not None:
        return await _answered(ctx, flow, session, after, so_far)
    return engine.shown(ctx, flow, json=not ctx.client.wants_page, csrf=secret)


def _continue(to: str, group: str) -> ui.Node:
    return ui.anchor("continue", to, group, messages.CONTINUE())


async def _live_session(ctx: Context, flow: Flow, identity: Identity) -> Session | None:
    """The session of the sign-up that this flow follows, if it is still active."""
    session = await session_store.by_id(ctx.db, flow.session_id) if flow.session_id else None
    if session is None or session.identity_id != identity.id or not session.is_active(ctx.stamp, identity):
        return None
    return session


async def _answered(ctx: Context, flow: Flow, session: Session, identity: Identity, so_far: engine.Submitted) -> Reply:
    """The address is verified: a page goes back to the OAuth 2.0 server, a script finds the way there in the form."""
    server = await oauth2.answered(ctx, flow, session, identity)
    subject = await sessions.current(ctx)
    own = subject is not None and subject.session.id == session.id
    issued = Issued(session, ctx.client.token) if own else None
    if not ctx.client.is_json:
        return Reply(json=False, url=server or engine.page(ctx, flow), issued=issued)
    if server:
        flow.ui.put(_continue(server, flow.active))
        await engine.keep(ctx, flow)
    return engine.shown(ctx, flow, json=True, issued=issued, payload=so_far.about.transient_payload)


async def start_again(ctx: Context, flow: Flow, again: StartAgain, method: str) -> Reply:
    """This flow is over: the answer names a new one that says why."""
    new = await fresh(ctx, "browser" if again.page else flow.type)
    for message, field in again.told:
        new.ui.tell(message, field)
    secret = csrf.new_secret()
    new.csrf = csrf.digest(secret) if new.is_browser else ""
    await store.save_new(ctx.db, new)
    if method == "link" and not new.is_browser:
        return expiry.follow(ctx, new)
    if method != "link" and ctx.client.is_json:
        error = errors.flow_replaced(new.id)
        return Reply(json=True, status=error.status, error=error, csrf=secret)
    return Reply(json=False, url=engine.page(ctx, new), csrf=secret)


async def _expired(ctx: Context, flow: Flow) -> Reply:
    """The flow that replaces an expired one is always a browser's (Kratos' habit, which clients know)."""
    new = await fresh(ctx, "browser")
    return await expiry.followed(ctx, flow, new, messages.VERIFICATION_EXPIRED)
