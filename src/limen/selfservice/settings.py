"""Looking after one's account."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from limen.context import Context
from limen.core import clock, csrf, errors, messages, urls
from limen.core.errors import ApiError, FormError, form_error
from limen.core.form import Form
from limen.flow import pauses, store
from limen.flow.method import Changed, FreshSignInNeeded, SecondStepNeeded, Sent, Shown
from limen.flow.model import Flow, FlowType
from limen.identity.model import Identity
from limen.methods import ALL
from limen.selfservice import change, engine, expiry, hooks
from limen.selfservice.reply import Leave, Reply
from limen.session import impersonation, strength
from limen.session import service as sessions
from limen.session.model import Session, Subject

PAUSE = "ory_kratos_settings_"  # followed by the method
PAUSE_SECONDS = 15 * 60


async def start(ctx: Context, type_: FlowType) -> Reply:
    """`GET /self-service/settings/browser` and `…/api`; for people who are signed in."""
    subject = await sessions.current(ctx)
    if subject is None:
        if type_ == "browser" and not ctx.client.is_json:
            return Reply(json=False, url=_sign_in_first(ctx))
        raise errors.session_inactive(marked=type_ == "browser")
    engine.asked_return_url(ctx)
    if not _is_strong_enough(ctx, subject):
        asked = type_ == "browser" and engine.query(ctx, "return_to")
        url = strength.aal2_url(ctx.project, ctx.client.url if asked else "")
        return _weak(ctx, url, json=type_ == "api" or ctx.client.is_json)
    flow = await fresh(ctx, type_, subject)
    commit = ctx.db.begin()
    store.insert(commit, flow)
    paused = abort(ctx, commit)
    await ctx.db.commit(commit)
    json = type_ == "api" or ctx.client.accepts_json
    return engine.shown(ctx, flow, json=json, identity=subject.identity, paused=paused)


def _sign_in_first(ctx: Context) -> str:
    """The sign-in, which leads to where the settings would have led in the end."""
    login = urls.join(ctx.project.public_url, "/self-service/login/browser")
    to = engine.query(ctx, "return_to")
    return urls.with_query(login, {"return_to": to}) if to else login


def _is_strong_enough(ctx: Context, subject: Subject) -> bool:
    required = ctx.project.config.selfservice.flows.settings.required_aal
    return sessions.satisfies(subject.session, subject.identity, required)


def _weak(ctx: Context, url: str, *, json: bool) -> Reply:
    if json:
        raise errors.aal2_required(url)
    return Reply(json=False, url=url)


def abort(ctx: Context, commit: Any) -> dict[str, str] | None:
    """Who opens the settings anew does not mean an interrupted change any more; None when there is none."""
    kept = {name: id_ for name, id_ in ctx.client.paused.items() if not name.startswith(PAUSE)}
    if len(kept) == len(ctx.client.paused):
        return None
    for name, id_ in ctx.client.paused.items():
        if name not in kept:
            pauses.drop(commit, id_)
    return kept


async def fresh(ctx: Context, type_: FlowType, subject: Subject) -> Flow:
    """A new settings flow with its form drawn; not stored yet."""
    flow = engine.new(
        ctx, "settings", type_, "only", state="show_form",
        identity_id=subject.identity.id, session_id=subject.session.id,
    )  # fmt: skip
    await hooks.before(ctx, flow, subject)
    await engine.draw(ctx, flow, subject)
    return flow


async def after_recovery(ctx: Context, recovery: Flow, session: Session, identity: Identity, secret: str) -> Flow:
    """The settings a recovered person goes on to. They lead where the recovery wanted to go."""
    type_: FlowType = "browser" if secret else recovery.type
    flow = await fresh(ctx, type_, Subject(session, identity))
    flow.csrf = csrf.digest(secret) if secret else ""
    to = recovery.return_to or ctx.project.config.selfservice.flows.recovery.after.default_browser_return_url
    flow.request_url = urls.with_query(ctx.client.url, {"return_to": to}) if to else ctx.client.url
    max_age = ctx.project.config.selfservice.flows.settings.privileged_session_max_age
    flow.ui.messages = [messages.recovered(clock.later(ctx.now, max_age))]
    return flow


async def fetch(ctx: Context, id_: str | None) -> Reply:
    """`GET /self-service/settings/flows`; for the person who opened it."""
    subject = await sessions.current(ctx)
    if subject is None:
        return _signed_out(ctx)
    flow = await store.must(ctx.db, "settings", id_)
    if flow.identity_id != subject.identity.id:
        raise errors.identity_mismatch()
    if not _is_strong_enough(ctx, subject):
        raise errors.aal2_required(strength.aal2_url(ctx.project, engine.page(ctx, flow)))
    if flow.is_expired(ctx.stamp):
        raise expiry.gone(ctx, flow)
    return Reply(json=True, flow=flow, identity=subject.identity)


def _signed_out(ctx: Context) -> Reply:
    if ctx.client.is_json:
        raise errors.no_session()
    return Reply(json=False, url=ctx.project.ui_url("login"), page_status=302)


async def submit(ctx: Context, id_: str | None, form: Form) -> Reply:
    """`POST /self-service/settings`, and the `GET` with which a browser comes back to an interrupted change."""
    subject = await sessions.current(ctx)
    if subject is None:
        return _signed_out(ctx)
    try:
        impersonation.refuse(subject)
    except ApiError as error:
        return engine.failed(ctx, error)
    flow = await engine.asked(ctx, "settings", id_, "There is no such settings page any more. Open it again.")
    json = ctx.client.is_json or not flow.is_browser
    if not _is_strong_enough(ctx, subject):
        return _weak(ctx, strength.aal2_url(ctx.project, ctx.client.url), json=json)
    so_far = engine.Submitted()
    paused = dict(ctx.client.paused)
    try:
        if flow.is_expired(ctx.stamp):
            return await _expired(ctx, flow, subject, json=json)
        if flow.identity_id != subject.identity.id:
            raise errors.identity_mismatch()
        if ctx.client.method == "GET":
            form = await _resumed(ctx, flow, paused, json=json)
        reply = await _apply(ctx, flow, form, subject, so_far)
    except Leave as leave:
        reply = leave.reply
    except FreshSignInNeeded as needed:
        second = isinstance(needed, SecondStepNeeded)
        reply = await interrupt(ctx, flow, form, so_far, paused, second=second)
    except FormError as error:
        engine.refuse(ctx, flow, error, so_far, subject)
        await engine.keep_refused(ctx, flow, error.then)
        reply = engine.shown(ctx, flow, json=json, status=400, identity=subject.identity)
    except ApiError as error:
        reply = engine.failed(ctx, error, flow)
    if reply.paused is None and paused != ctx.client.paused:
        reply = replace(reply, paused=paused)
    return reply


async def _apply(ctx: Context, flow: Flow, form: Form, subject: Subject, so_far: engine.Submitted) -> Reply:
    outcome = await engine.submit(ctx, flow, form, subject, so_far)
    match outcome:
        case Changed():
            return await change.save(ctx, flow, outcome, so_far, subject, fresh, abort)
        case Sent():
            return await engine.send(ctx, flow, outcome)
        case Shown():
            await engine.keep(ctx, flow, outcome.then)
            json, payload = ctx.client.is_json or not flow.is_browser, so_far.about.transient_payload
            return engine.shown(ctx, flow, json=json, status=outcome.status, identity=subject.identity, payload=payload)
    raise errors.untyped("this method cannot change an account")


async def _resumed(ctx: Context, flow: Flow, paused: dict[str, str], *, json: bool) -> Form:
    """The change this browser was interrupted in, if it was in this flow. Whatever is found is used up.

    :raises FormError: there is none, so that this GET is a form sent the wrong way
    """
    for method in () if json else ALL:
        name = PAUSE + method.id
        if name not in paused:
            continue
        found = await pauses.take(ctx, name)
        del paused[name]
        if found and found.flow_id == flow.id and found.identity_id == flow.identity_id:
            return Form(found.values)
    raise form_error(messages.GENERIC(reason="Forms are sent with POST."))


async def interrupt(
    ctx: Context, flow: Flow, form: Form, so_far: engine.Submitted, paused: dict[str, str], *, second: bool = False
) -> Reply:
    """Sign in once more first, or with the `second` factor, too. What was sent is kept for the way back."""
    back = urls.join(ctx.project.public_url, f"/self-service/settings?flow={flow.id}")
    login = urls.join(ctx.project.public_url, "/self-service/login/browser")
    url = urls.with_query(login, {"refresh": "true", "return_to": back})
    if second:
        url = strength.aal2_url(ctx.project, back)
    kept: dict[str, str] | None = None
    if flow.is_browser or so_far.id == "profile":  # an app that changes its profile gets the cookie too, as from Kratos
        commit = ctx.db.begin()
        name = PAUSE + so_far.id
        id_ = pauses.pause(commit, ctx, name, flow.id, form.values, seconds=PAUSE_SECONDS, identity_id=flow.identity_id)
        await ctx.db.commit(commit)
        kept = {**paused, name: id_}
    error = errors.aal2_required(url) if second else errors.refresh_required(url)
    if ctx.client.is_json or not flow.is_browser:
        return Reply(json=True, status=error.status, error=error, paused=kept)
    return Reply(json=False, url=url, paused=kept)


async def _expired(ctx: Context, flow: Flow, subject: Subject, *, json: bool) -> Reply:
    new = await fresh(ctx, flow.type, subject)
    return await expiry.replaced(ctx, flow, new, messages.SETTINGS_EXPIRED, json=json)
