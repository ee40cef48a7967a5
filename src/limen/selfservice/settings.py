"""Looking after one's account."""

from __future__ import annotations

from limen.context import Context
from limen.core import clock, csrf, errors, messages, urls
from limen.flow import store
from limen.flow.model import Flow, FlowType
from limen.identity.model import Identity
from limen.selfservice import engine
from limen.selfservice.reply import Reply
from limen.session import service as sessions
from limen.session.model import Session, Subject


async def start(ctx: Context, type_: FlowType) -> Reply:
    """`GET /self-service/settings/browser` and `…/api`; for people who are signed in."""
    subject = await sessions.current(ctx)
    if subject is None:
        if type_ == "browser" and not ctx.client.is_json:
            return Reply(json=False, url=_sign_in_first(ctx))
        raise errors.session_inactive()
    engine.asked_return_url(ctx)
    required = ctx.project.config.selfservice.flows.settings.required_aal
    if not sessions.satisfies(subject.session, subject.identity, required):
        raise errors.aal2_required(sessions.aal2_url(ctx.project, engine.query(ctx, "return_to")))
    flow = await fresh(ctx, type_, subject)
    await store.save_new(ctx.db, flow)
    return engine.shown(ctx, flow, json=type_ == "api" or ctx.client.accepts_json, identity=subject.identity)


def _sign_in_first(ctx: Context) -> str:
    """The sign-in that comes back here. What was asked for is kept when there was something to keep."""
    login = urls.join(ctx.project.public_url, "/self-service/login/browser")
    return urls.with_query(login, {"return_to": ctx.client.url}) if engine.query(ctx, "return_to") else login


async def fresh(ctx: Context, type_: FlowType, subject: Subject) -> Flow:
    """A new settings flow with its form drawn; not stored yet."""
    flow = engine.new(
        ctx, "settings", type_, "only", state="show_form",
        identity_id=subject.identity.id, session_id=subject.session.id,
    )  # fmt: skip
    await engine.draw(ctx, flow, subject)
    return flow


async def after_recovery(ctx: Context, recovery: Flow, session: Session, identity: Identity, secret: str) -> Flow:
    """The settings a recovered person goes on to. They lead where the recovery wanted to go."""
    flow = await fresh(ctx, recovery.type, Subject(session, identity))
    flow.csrf = csrf.digest(secret)
    base = urls.join(ctx.project.public_url, f"/self-service/settings/{recovery.type}")
    to = recovery.return_to or ctx.project.config.selfservice.flows.recovery.after.default_browser_return_url
    flow.request_url = urls.with_query(base, {"return_to": to}) if to else base
    max_age = ctx.project.config.selfservice.flows.settings.privileged_session_max_age
    flow.ui.messages = [messages.recovered(clock.later(ctx.now, max_age))]
    return flow
