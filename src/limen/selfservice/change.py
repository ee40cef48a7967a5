"""The end of a settings flow that went well: hooks, one transaction, and the form drawn anew."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from msgspec.structs import replace

from limen.audit import record
from limen.context import Context
from limen.core import messages, urls
from limen.core.errors import ApiError
from limen.db.database import UniqueViolation
from limen.flow import store as flows
from limen.flow.method import Changed, FreshSignInNeeded
from limen.flow.model import Flow, FlowType
from limen.identity import service as identities
from limen.identity import unproved
from limen.identity.model import Identity
from limen.methods.oidc import credential
from limen.selfservice import continue_with, engine, finish, hooks, linking, notices
from limen.selfservice.effects import Effects
from limen.selfservice.reply import Issued, Reply
from limen.session import service as sessions
from limen.session import store as session_store
from limen.session.model import Subject

Fresh = Callable[[Context, FlowType, Subject], Awaitable[Flow]]
Abort = Callable[[Context, Any], dict[str, str] | None]


_FACTORS = {"totp": "totp", "webauthn": "webauthn", "passkey": "webauthn", "lookup_secret": "recovery_codes"}


def _called(method: str, before: Identity, after: Identity) -> str:
    """What a change of one's settings is called: `auth.settings.<method>`, or which factor was set up or removed."""
    factor = _FACTORS.get(method)
    if factor is None:
        return f"auth.settings.{method}"
    had, has = (len(str(one.credentials[method].config)) if method in one.credentials else 0 for one in (before, after))
    return f"auth.mfa.{factor}.{'remove' if has < had else 'setup'}"


async def save(
    ctx: Context, flow: Flow, changed: Changed, so_far: engine.Submitted, subject: Subject, fresh: Fresh, abort: Abort
) -> Reply:
    """Store what a method changed, and answer.

    :raises FormError: the traits do not fit, or an address belongs to somebody else
    :raises ApiError: a web hook failed; after the change was stored, which the error says
    :raises FreshSignInNeeded: something is touched that protects the account, and the sign-in is not fresh
    """
    identity = subject.identity
    extracted = ctx.project.schema(identity.schema_id).extract(changed.traits)
    after = identities.change(
        ctx, identity, extracted, changed.credentials,
        identifiers=changed.identifiers, verified=changed.verified, removed=changed.removed,
    )  # fmt: skip
    effects = Effects(ctx, flow, after, so_far.about.transient_payload)
    await hooks.before_change(effects, subject, so_far.id)
    if effects.identity is not after:
        effects.identity = after = finish.checked(ctx, effects.identity)
    if _is_protected(identity, after) and not sessions.is_privileged(ctx, subject.session):
        raise FreshSignInNeeded
    effects.identity = after = unproved.marked(identity, after)
    own = engine.page(ctx, flow)
    to = engine.return_url(ctx, flow, hooks.return_url(ctx, "settings", so_far.id) or own)
    session = sessions.proved(ctx, subject.session, changed.proof) if changed.proof else subject.session
    hooks.with_change(effects, identity, session, so_far.id)
    following = await fresh(ctx, flow.type, Subject(session, effects.identity))
    effects.flow = flow = _drawn_anew(ctx, flow, following)
    commit = ctx.db.begin()
    identities.save(commit, identity, effects.identity)
    if changed.proof:
        session_store.update(commit, session, sessions.ended)
    flows.update(commit, flow)
    flows.insert(commit, following)
    paused = abort(ctx, commit)
    for then in (changed.then, *effects.thens, *notices.after_change(ctx, identity, effects.identity)):
        if then is not None:
            then(commit)
    called, providers = _called(so_far.id, identity, effects.identity), credential.changed(identity, effects.identity)
    record.record(commit, ctx, called, effects.identity, method=so_far.id, **providers)
    try:
        await ctx.db.commit(commit)
    except UniqueViolation:
        raise await finish.duplicate(ctx, after) from None
    ctx.events.tell("settings.changed", identity.id, method=so_far.id)
    linking.tell(ctx, identity, effects.identity)
    try:
        await hooks.after_change(effects, identity, session, so_far.id)
    except ApiError as error:
        error.message += " Your change was saved all the same."
        raise
    items = effects.continue_with
    if flow.is_browser and ctx.client.is_json:
        items.append(continue_with.redirect(to))
    return Reply(
        json=ctx.client.is_json or not flow.is_browser,
        flow=flow,
        identity=effects.identity,
        continue_with=items,
        url=to,
        issued=Issued(session, ctx.client.token) if flow.is_browser else None,
        paused=paused,
    )


def _is_protected(before: Identity, after: Identity) -> bool:
    """Whether a change touches what somebody signs in or recovers the account with."""
    return (
        before.credentials != after.credentials
        or before.verifiable_addresses != after.verifiable_addresses
        or before.recovery_addresses != after.recovery_addresses
    )


def _drawn_anew(ctx: Context, flow: Flow, following: Flow) -> Flow:
    """The flow shows the account as it is now, with the form of a fresh flow, which its next submit goes to."""
    form = following.ui.copy()
    form.messages = [messages.CHANGES_SAVED()]
    form.action = urls.join(ctx.project.public_url, f"/self-service/settings?flow={following.id}")
    return replace(flow, state="success", ui=form, private=dict(following.private), updated_at=ctx.stamp)
