"""The way back from a provider: whose it is, and where it leads."""

from __future__ import annotations

from collections.abc import Mapping

from limen.context import Context
from limen.core import errors
from limen.core.errors import ApiError, FormError, endpoint_disabled
from limen.core.form import Form
from limen.flow import store
from limen.flow.method import Arrived, FreshSignInNeeded
from limen.flow.model import Flow
from limen.methods import BY_ID
from limen.methods.oidc import journey
from limen.methods.oidc import settings as links
from limen.methods.oidc.common import ID, Start, must
from limen.methods.oidc.journey import State
from limen.methods.oidc.sign_up import ask_for_more
from limen.selfservice import change, engine, exchange, expiry, settings, social
from limen.selfservice.engine import Submitted
from limen.selfservice.reply import Reply
from limen.session import service as sessions
from limen.session.model import Subject


async def finish(ctx: Context, provider: str, query: Mapping[str, str]) -> Reply:
    """`GET /self-service/methods/oidc/callback/…`. `provider` is the one in the path, if any.

    :raises ApiError: whose way back this is cannot be said, so there is no form to show it on
    """
    if not ctx.project.has_method(ID):
        raise endpoint_disabled()
    state = journey.open_state(ctx, query, provider)
    flow = await store.must(ctx.db, state.kind, state.flow)
    if flow.is_expired(ctx.stamp):
        raise expiry.too_late(flow)
    # An app's flow has nothing to do with whoever is signed in in the browser that its person was sent through.
    subject = await sessions.current(ctx) if flow.is_browser else None
    if flow.kind == "settings":
        _check_owner(flow, subject)
    await journey.check_browser(ctx, flow, state, by_codes=exchange.is_wanted(flow))
    so_far = Submitted()
    so_far.method = BY_ID[ID]
    try:
        who = await _who(ctx, flow, state, query, so_far, subject)
    except FormError as error:
        if flow.kind == "registration":
            ask_for_more(ctx, flow, state.provider, None)
        return await social.refused(ctx, flow, error, so_far, subject)
    except ApiError as error:
        return engine.failed(ctx, error, flow)
    if who is None:
        return Reply(json=False, url=engine.return_url(ctx, flow, None))
    return await social.on_form(ctx, flow, so_far, lambda: _go_on(ctx, flow, who, so_far, subject), subject=subject)


def _check_owner(flow: Flow, subject: Subject | None) -> None:
    if subject is None:
        raise errors.session_inactive()
    if subject.identity.id != flow.identity_id:
        raise errors.identity_mismatch()


async def _who(
    ctx: Context, flow: Flow, state: State, query: Mapping[str, str], so_far: Submitted, subject: Subject | None
) -> Arrived | None:
    """Who comes back; None when they are signed in already, by another window.

    :raises FormError: to be shown on the form
    :raises ApiError: what no form can mend
    """
    journey.check_answer(ctx, state.provider, query)
    if subject is not None and flow.kind != "settings" and not flow.refresh:
        return None
    left = await journey.returned(ctx, flow, state)
    so_far.data = Start(traits=left.traits, transient_payload=left.transient_payload)
    return await journey.arrive(ctx, must(ctx, state.provider), left, query)


async def _go_on(ctx: Context, flow: Flow, who: Arrived, so_far: Submitted, subject: Subject | None) -> Reply:
    flow.active = ID
    if flow.kind != "settings" or subject is None:
        return await social.arrived(ctx, flow, who, so_far, subject)
    try:
        changed = links.link(ctx, who, subject, social.proof(ctx, who))
        return await change.save(ctx, flow, changed, so_far, subject, settings.fresh, settings.abort)
    except FreshSignInNeeded:
        form = Form({"link": [who.provider.id], "method": [ID]})
        return await settings.interrupt(ctx, flow, form, so_far, dict(ctx.client.paused))
