"""Getting back into an account: a message proves who one is, and a new password follows."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from limen.audit import record
from limen.context import Context
from limen.core import csrf, errors, messages, urls
from limen.core.errors import ApiError, FormError
from limen.core.form import Form, is_true
from limen.db.database import Commit
from limen.flow import proofs, store
from limen.flow.method import AlreadySignedIn, Controls, Shown, StartAgain, Then
from limen.flow.model import Flow, FlowType
from limen.identity import service as identities
from limen.identity import store as people
from limen.identity import unproved
from limen.selfservice import continue_with, engine, expiry, guard, hooks, notices, settings
from limen.selfservice.effects import Effects
from limen.selfservice.reply import Issued, Reply
from limen.session import service as sessions
from limen.session import store as session_store
from limen.session.model import Session

PURPOSES = ("recovery", "recovery_link")


async def start(ctx: Context, type_: FlowType) -> Reply:
    """`GET /self-service/recovery/browser` and `…/api`; for people who are signed out."""
    if await sessions.current(ctx):
        return _signed_in(ctx, json=type_ == "api")
    if not ctx.project.config.selfservice.flows.recovery.enabled:
        raise errors.recovery_disabled()
    engine.asked_return_url(ctx)
    flow = await fresh(ctx, type_)
    await hooks.before(ctx, flow)
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
        if confirm := engine.confirmation(ctx, flow, form):
            return confirm
        if flow.is_expired(ctx.stamp):
            return await _expired(ctx, flow)
        outcome = await engine.submit(ctx, flow, form, await sessions.current(ctx), so_far)
        payload = so_far.about.transient_payload if getattr(outcome, "echoes", True) else None
        match outcome:
            case Controls():
                return await _recovered(ctx, flow, outcome, payload)
            case Shown():
                await engine.keep_shown(ctx, flow, outcome, so_far)
                return engine.shown(ctx, flow, json=json, status=outcome.status, payload=payload)
        raise errors.untyped("this method cannot recover an account")
    except AlreadySignedIn:
        return _signed_in(ctx)
    except StartAgain as error:
        return await start_again(ctx, flow, error)
    except FormError as error:
        if error.check == "app_flow" and so_far.id == "code":  # a browser that got hold of an app's flow gets its own
            return await start_again(ctx, flow, StartAgain(error.told[0][0]), "browser")
        unread = form.unreadable or ctx.client.method == "GET"
        read_by = "code" if flow.active == "code" else "link"  # whose form it would have been
        engine.refuse(ctx, flow, error, so_far)
        flow.active = so_far.id or (read_by if unread else "default")
        await engine.keep_refused(ctx, flow, error.then)
        return engine.shown(ctx, flow, json=json, status=400)
    except ApiError as error:
        reply = engine.failed(ctx, error, flow)
        # A form that comes from elsewhere ends the recovery it was for: its browser gets a new secret.
        return (
            replace(reply, csrf=csrf.new_secret())
            if error.id == "security_csrf_violation" and so_far.id == "code"
            else reply
        )


def _signed_in(ctx: Context, *, json: bool = False) -> Reply:
    if json or ctx.client.is_json:
        raise errors.session_already_available("recovery")
    own = urls.Url.parse(ctx.project.public_url)
    try:  # only back to this server: whoever asks did not want to be signed in
        to = urls.pick_return_to(engine.query(ctx, "return_to"), [own] if own else [], ctx.project.default_return_url)
    except ApiError:
        to = ctx.project.default_return_url
    return Reply(json=False, url=to, page_status=302)


async def _expired(ctx: Context, flow: Flow) -> Reply:
    new = await fresh(ctx, flow.type)
    reply = await expiry.followed(ctx, flow, new, messages.RECOVERY_EXPIRED)
    if not _goes_on_in_answers(ctx) or new.is_browser:
        return reply
    error = errors.flow_expired(new.id, flow.expires_at, expiry.since(ctx, flow))
    return Reply(json=True, status=error.status, error=_pointing(error, new))


def _goes_on_in_answers(ctx: Context) -> bool:
    """Whether scripts are told what comes next in `continue_with` instead of by redirect."""
    return ctx.project.config.feature_flags.use_continue_with_transitions


def _pointing(error: ApiError, flow: Flow) -> ApiError:
    """The error with the way to the flow that goes on."""
    error.details = {**error.details, "continue_with": [continue_with.recovery(flow.id, "")]}
    return error


async def _recovered(ctx: Context, flow: Flow, outcome: Controls, payload: dict[str, Any] | None) -> Reply:
    """A session of the lowest level, and on to the settings: recovery proves an inbox, never a second factor."""
    identity = await identities.must(ctx.db, outcome.identity_id)
    after = identities.mark_address(ctx, identity, outcome.via, outcome.address, status="completed")
    after = identity if outcome.by_admin else after
    gone = unproved.removed(identity, after)
    after = unproved.without(ctx, after, gone) if gone else after
    if not identity.is_active or outcome.proof is None:
        await engine.keep(ctx, flow, outcome.then, lambda commit: identities.save(commit, identity, after))
        disabled = errors.bad_request(
            messages.IDENTITY_DISABLED().text, id="identity_disabled", details={"identity_id": identity.id}
        )
        raise StartAgain(messages.IDENTITY_DISABLED(), page=outcome.page, error=disabled)
    session, token = sessions.issue(ctx, after, outcome.proof)
    pages = flow.is_browser or outcome.page
    secret = csrf.new_secret() if pages else ""
    flow.state = "passed_challenge"
    flow.ui.clear_messages()
    flow.csrf = csrf.digest(secret) if secret else ""

    def proved(commit: Commit) -> None:
        for purpose in PURPOSES:  # whoever reads along in the mailbox must not use what else lies there
            proofs.drop_all_of(commit, purpose, identity.id)
        people.end_trust(commit, identity.id)
        if after is not identity:
            identities.save(commit, identity, after)
        if gone:
            session_store.revoke_all_but(commit, identity.id, session.id)

    told = notices.of_removed(ctx, after, gone)
    thens: list[Then | None] = [outcome.then, proved, *told]
    if hooks.after(ctx, "recovery", ""):  # whatever they say, the proof is used up
        await engine.keep(ctx, flow, *thens)
        effects = Effects(ctx, flow, after, payload or {})
        if refused := await _asked_hooks(effects, session, secret, page=outcome.page):
            return refused
        thens = [*effects.thens]
    skips = is_true(urls.query_value(flow.request_url, "skip_settings")) and not outcome.page
    on = None if skips else await settings.after_recovery(ctx, flow, session, after, secret)

    def then(commit: Commit) -> None:
        session_store.insert(commit, session, sessions.digest(token))
        record.record(commit, ctx, "auth.recovery", after, method=outcome.proof.method if outcome.proof else "")
        if on is not None:
            store.insert(commit, on)

    await engine.keep(ctx, flow, *thens, then)
    ctx.events.tell("session.issued", identity.id, session=session.id, method="recovery")
    reply = _go_on(ctx, flow, on, "" if pages else token, page=outcome.page)
    return replace(reply, payload=payload, issued=Issued(session, token) if pages else None, csrf=secret)


async def _asked_hooks(effects: Effects, session: Session, secret: str, *, page: bool) -> Reply | None:
    """Run the hooks; the answer of one that failed.

    :raises StartAgain: one says no, and what
    """
    try:
        await hooks.after_proof(effects, session)
    except FormError as error:
        raise StartAgain(messages.GENERIC(reason=str(error)), page=page, told=error.told, csrf=secret) from error
    except ApiError as error:
        return replace(engine.failed(effects.ctx, error, effects.flow), csrf=secret or csrf.new_secret())
    return None


def _go_on(ctx: Context, flow: Flow, on: Flow | None, token: str, *, page: bool) -> Reply:
    """The answer to a recovery that went well; an app gets its session's token only where it is told what comes next."""
    steps = [continue_with.session_token(token)] if token else []
    if on is None:
        to = engine.return_url(ctx, flow, None)
        return Reply(json=ctx.client.accepts_json, flow=flow, continue_with=steps, url=to)
    url = engine.page(ctx, on)
    if _goes_on_in_answers(ctx) and not page and (ctx.client.is_json or not flow.is_browser):
        return Reply(json=True, flow=flow, continue_with=[*steps, continue_with.settings(on.id, url)])
    if ctx.client.is_json and not page:
        error = errors.location_change_required(url)
        return Reply(json=True, status=error.status, error=error)
    return Reply(json=False, url=url)


async def start_again(ctx: Context, flow: Flow, again: StartAgain, type_: FlowType | None = None) -> Reply:
    """This flow is over: the browser, or the script, is sent to a new one that says why."""
    new = await fresh(ctx, "browser" if again.page else type_ or flow.type)
    for message, field in again.told:
        new.ui.tell(message, field)
    secret = again.csrf or csrf.new_secret()
    new.csrf = csrf.digest(secret) if new.is_browser else ""
    await store.save_new(ctx.db, new)
    if again.page:
        return Reply(json=False, url=engine.page(ctx, new), csrf=secret)
    if _goes_on_in_answers(ctx) and ctx.client.is_json:
        error = _pointing(again.error or errors.bad_request(again.message.text), new)
        return Reply(json=True, status=error.status, error=error, csrf=secret)
    return replace(expiry.follow(ctx, new), csrf=secret)
