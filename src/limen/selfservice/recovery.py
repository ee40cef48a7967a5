"""Getting back into an account: a message proves who one is, and a new password follows."""

from __future__ import annotations

from msgspec.structs import replace

from limen.context import Context
from limen.core import csrf, errors, messages
from limen.core.errors import ApiError, FormError
from limen.core.form import Form
from limen.flow import store
from limen.flow.method import Controls, Shown, StartAgain
from limen.flow.model import Flow, FlowType
from limen.identity import service as identities
from limen.selfservice import engine, expiry, guard, settings
from limen.selfservice.reply import Issued, Reply
from limen.session import service as sessions
from limen.session import store as session_store


async def start(ctx: Context, type_: FlowType) -> Reply:
    """`GET /self-service/recovery/browser` and `…/api`; for people who are signed out."""
    if await sessions.current(ctx):
        if ctx.client.is_json or type_ == "api":
            raise errors.session_already_available("recovery")
        return Reply(json=False, url=engine.asked_return_url(ctx), page_status=302)
    if not ctx.project.config.selfservice.flows.recovery.enabled:
        raise errors.recovery_disabled()
    engine.asked_return_url(ctx)
    flow = await fresh(ctx, type_)
    await store.save_new(ctx.db, flow)
    return engine.shown(ctx, flow, json=type_ == "api" or ctx.client.accepts_json)


async def fresh(ctx: Context, type_: FlowType) -> Flow:
    """A new recovery flow with its form drawn; not stored yet."""
    use = ctx.project.config.selfservice.flows.recovery.use
    flow = engine.new(ctx, "recovery", type_, "only", active=use)
    await engine.draw_with(ctx, flow, use)
    return flow


async def fetch(ctx: Context, id_: str | None) -> Reply:
    """`GET /self-service/recovery/flows`."""
    if not ctx.project.config.selfservice.flows.recovery.enabled:
        raise errors.recovery_disabled()
    flow = await store.must(ctx.db, "recovery", id_)
    guard.check_reader(ctx, flow)
    if flow.is_expired(ctx.stamp):
        raise expiry.gone(ctx, flow)
    return Reply(json=True, flow=flow)


async def submit(ctx: Context, id_: str | None, form: Form) -> Reply:
    """`POST /self-service/recovery`, and the `GET` of a link in a message."""
    flow = await engine.asked(ctx, "recovery", id_, "There is no such recovery any more. Start again.")
    so_far = engine.Submitted()
    json = ctx.client.is_json or not flow.is_browser
    try:
        if flow.is_expired(ctx.stamp):
            new = await fresh(ctx, flow.type)
            return await expiry.followed(ctx, flow, new, messages.RECOVERY_EXPIRED)
        outcome = await engine.submit(ctx, flow, form, None, so_far)
        match outcome:
            case Controls():
                return await _recovered(ctx, flow, outcome)
            case Shown():
                await engine.keep(ctx, flow, outcome.then)
                return engine.shown(ctx, flow, json=json, status=outcome.status, payload=so_far.about.transient_payload)
        raise errors.untyped("this method cannot recover an account")
    except StartAgain as error:
        return await start_again(ctx, flow, error)
    except FormError as error:
        engine.refuse(ctx, flow, error, so_far)
        await engine.keep(ctx, flow, error.then)
        return engine.shown(ctx, flow, json=json, status=400)
    except ApiError as error:
        return engine.failed(ctx, error, flow)


async def _recovered(ctx: Context, flow: Flow, outcome: Controls) -> Reply:
    """A session of the lowest level, and on to the settings: recovery proves an inbox, never a second factor."""
    identity = await identities.must(ctx.db, outcome.identity_id)
    after = identities.mark_address(ctx, identity, outcome.via, outcome.address, status="completed")
    after = identity if outcome.by_admin else after
    if not identity.is_active or outcome.proof is None:
        await engine.keep(ctx, flow, outcome.then, lambda commit: identities.save(commit, identity, after))
        raise StartAgain(messages.IDENTITY_DISABLED(), page=outcome.page)
    session, token = sessions.issue(ctx, after, outcome.proof)
    pages = flow.is_browser or outcome.page
    secret = csrf.new_secret() if pages else ""
    flow.state = "passed_challenge"
    flow.ui.clear_messages()
    flow.csrf = csrf.digest(secret) if secret else ""
    on = await settings.after_recovery(ctx, flow, session, after, secret)

    def then(commit: object) -> None:
        session_store.insert(commit, session, sessions.digest(token))  # type: ignore[arg-type]
        store.insert(commit, on)  # type: ignore[arg-type]
        if after is not identity:
            identities.save(commit, identity, after)  # type: ignore[arg-type]

    await engine.keep(ctx, flow, outcome.then, then)
    ctx.events.tell("session.issued", identity.id, session=session.id, method="recovery")
    url = engine.page(ctx, on)
    issued = Issued(session, token) if pages else None
    if ctx.client.is_json and not outcome.page:
        error = errors.location_change_required(url)
        return Reply(json=True, status=error.status, error=error, issued=issued, csrf=secret)
    return Reply(json=False, url=url, issued=issued, csrf=secret)


async def start_again(ctx: Context, flow: Flow, again: StartAgain) -> Reply:
    """This flow is over: the browser, or the script, is sent to a new one that says why."""
    new = await fresh(ctx, "browser" if again.page else flow.type)
    new.request_url = flow.request_url
    new.ui.messages = [again.message]
    secret = csrf.new_secret()
    new.csrf = csrf.digest(secret) if new.is_browser else ""
    await store.save_new(ctx.db, new)
    reply = Reply(json=False, url=engine.page(ctx, new)) if again.page else expiry.follow(ctx, new)
    return replace(reply, csrf=secret)
