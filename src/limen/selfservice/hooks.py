"""Which hooks run, when, and in which order: Kratos' order, before and after each kind of flow.

A sign-up and a change of settings are stored between two rounds of hooks: before it run those that may refuse or change
them, after it all others, which find stored what they are told about. What a hook adds is in `effects.py`, what a web
hook is told and answers in `webhook.py`.
"""

from __future__ import annotations

from typing import Any

from limen.context import Context
from limen.core import confighooks as kinds
from limen.core import errors, messages
from limen.core.errors import FormError, form_error
from limen.flow import oauth2
from limen.flow.model import Flow
from limen.identity import service as identities
from limen.identity.model import Identity
from limen.project.model import Kind
from limen.selfservice import continue_with, newaddress, webhook
from limen.selfservice.effects import Effects
from limen.selfservice.reply import Leave, Reply
from limen.selfservice.webhook import Occasion
from limen.session import store as sessions
from limen.session.model import Session, Subject

# These do nothing after what they stand behind was stored: a list of nothing else is an empty one.
_IDLE = (kinds.B2bSso, kinds.Organization, kinds.VerifyNewAddress)


def after(ctx: Context, kind: Kind, method: str) -> tuple[Any, ...]:
    """The hooks after a flow: the method's own list replaces the flow's when it has any. `session` comes last."""
    configured: Any = getattr(ctx.project.config.selfservice.flows, kind).after
    listed = [hook for hook in _own(ctx, kind, method) if not isinstance(hook, _IDLE)] or configured.hooks
    return tuple(sorted(listed, key=lambda hook: isinstance(hook, kinds.SessionHook)))


def _own(ctx: Context, kind: Kind, method: str) -> tuple[Any, ...]:
    """The hooks of a method alone: no other may refuse or change what is about to be stored."""
    configured: Any = getattr(ctx.project.config.selfservice.flows, kind).after
    own = getattr(configured, method, None)
    return tuple(own.hooks) if own else ()


def return_url(ctx: Context, kind: Kind, method: str) -> str | None:
    """The configured address for after a flow: the method's, or the flow's."""
    configured: Any = getattr(ctx.project.config.selfservice.flows, kind).after
    own = getattr(configured, method, None)
    url: str | None = (own.default_browser_return_url if own else None) or configured.default_browser_return_url
    return url


# --- before -----------------------------------------------------------------------------------------------------------


async def before(ctx: Context, flow: Flow, subject: Subject | None = None) -> None:
    """Ask before a flow begins.

    :raises ApiError: a web hook says no, or failed
    """
    status = 400 if flow.kind == "login" and not flow.is_browser else 500
    about = Occasion(flow, session=subject.session if subject else None, owner=subject.identity if subject else None)
    for hook in getattr(ctx.project.config.selfservice.flows, flow.kind).before.hooks:
        if not isinstance(hook, kinds.WebHook):
            continue
        try:
            await webhook.call(ctx, hook.config, about)
        except FormError as error:
            raise webhook.as_api_error(error, status=status) from error
        except errors.ApiError as error:
            if error.code == 500 and not error.id:
                error.status = status
            raise


# --- after a sign-in ----------------------------------------------------------------------------------------------------


async def after_login(effects: Effects, session: Session, method: str) -> None:
    """Run the hooks of a sign-in. What a web hook makes of the person is shown, and not stored.

    :raises Leave: the person has to verify an address first
    :raises FormError: the same, told on the form (a feature flag of older clients); or a web hook says no
    :raises ApiError: a web hook failed
    """
    ctx = effects.ctx
    for hook in after(ctx, "login", method):
        match hook:
            case kinds.RevokeActiveSessions():
                _revoke_others(effects, session)
            case kinds.Verification() if effects.flow.requested_aal == "aal1":
                if ctx.project.config.selfservice.flows.verification.enabled:
                    await oauth2.describe(ctx, effects.flow)  # its message may show the client
                    effects.verify_addresses()
            case kinds.ShowVerificationUi():
                effects.show_verification()
            case kinds.RequireVerifiedAddress():
                await _require_verified(effects, method)
            case kinds.WebHook(config):
                effects.shown = await webhook.call(ctx, config, _occasion(effects, effects.seen, session))


def _revoke_others(effects: Effects, session: Session) -> None:
    effects.thens.append(lambda commit: sessions.revoke_all_but(commit, session.identity_id, session.id))


def _occasion(effects: Effects, identity: Identity, session: Session | None = None) -> Occasion:
    return Occasion(effects.flow, effects.payload, identity, session)


async def _require_verified(effects: Effects, method: str) -> None:
    identity, ctx = effects.identity, effects.ctx
    if effects.seen.has_verified_address():
        return
    if not identity.verifiable_addresses:
        raise errors.misconfigured(
            "The hook require_verified_address is set, but the identity schema marks no address to verify."
        )
    if ctx.project.config.feature_flags.legacy_require_verified_login_error:
        if method == "password":
            raise form_error(messages.ADDRESS_NOT_VERIFIED())
        return
    first = next((a for a in identity.verifiable_addresses if a.value), None)
    if first is None:
        raise form_error(messages.ADDRESS_NOT_VERIFIED())
    await oauth2.describe(ctx, effects.flow)
    effects.verify(first, renews_csrf=False)
    commit = ctx.db.begin()
    identities.save(commit, identity, effects.identity)
    for then in effects.thens:
        then(commit)
    await ctx.db.commit(commit)
    item = effects.verification or {}
    url = ctx.project.flow_page("verification", item["flow"]["id"])
    error = errors.address_not_verified([continue_with.verification(item["flow"]["id"], first.value, url)])
    json = ctx.client.is_json or not effects.flow.is_browser
    raise Leave(Reply(json=json, status=error.status, error=error, url=url))


# --- around a sign-up -----------------------------------------------------------------------------------------------------


async def before_sign_up(effects: Effects, method: str) -> None:
    """Run the hooks that may refuse a sign-up, or change the person, who is not checked again here.

    :raises FormError: one says no
    :raises ApiError: one failed
    """
    for hook in _own(effects.ctx, "registration", method):
        if isinstance(hook, kinds.WebHook) and _is_asked(hook):
            changed = await webhook.call(effects.ctx, hook.config, _occasion(effects, effects.identity))
            effects.identity = changed or effects.identity


def _is_asked(hook: kinds.WebHook) -> bool:
    """Whether a hook is asked before something is stored, rather than told about it."""
    return hook.config.can_interrupt or hook.config.response.parse


def with_sign_up(effects: Effects, method: str) -> bool:
    """What the built-in hooks add to a sign-up; returns whether the person is signed in at once."""
    if effects.ctx.project.config.selfservice.flows.verification.enabled:
        effects.verify_addresses()
    signs_in = False
    for hook in after(effects.ctx, "registration", method):
        match hook:
            case kinds.ShowVerificationUi():
                effects.show_verification()
            case kinds.SessionHook():
                signs_in = True
    return signs_in


async def after_sign_up(effects: Effects, method: str) -> None:
    """Tell the web hooks about somebody who exists now.

    :raises ApiError: one failed
    """
    for hook in after(effects.ctx, "registration", method):
        if isinstance(hook, kinds.WebHook) and not _is_asked(hook):
            await webhook.call(effects.ctx, hook.config, _occasion(effects, effects.identity))


# --- around a change of settings --------------------------------------------------------------------------------------------


async def before_change(effects: Effects, subject: Subject, method: str) -> None:
    """Run the hooks that may refuse a change, alter it, or hold it back until a new address is proved.

    :raises FormError: one says no
    :raises ApiError: one failed
    :raises FreshSignInNeeded: an address changes, and the sign-in is not fresh
    :raises Leave: the change waits until the new address is proved
    """
    for hook in _own(effects.ctx, "settings", method):
        match hook:
            case kinds.WebHook(config) if _is_asked(hook):
                about = Occasion(effects.flow, effects.payload, effects.identity, subject.session, subject.identity)
                effects.identity = await webhook.call(effects.ctx, config, about) or effects.identity
            case kinds.VerifyNewAddress():
                await newaddress.hold_back(effects, subject)


def with_change(effects: Effects, before: Identity, session: Session, method: str) -> None:
    """What the built-in hooks add to a change."""
    ctx = effects.ctx
    if ctx.project.config.selfservice.flows.verification.enabled:
        effects.verify_addresses()
    for hook in after(ctx, "settings", method):
        match hook:
            case kinds.RevokeActiveSessions():
                _revoke_others(effects, session)
            case kinds.ShowVerificationUi():
                effects.show_verification()
            case kinds.NotifyPreviousAddresses(config):
                newaddress.notify(effects, before, config.recipients)


async def after_change(effects: Effects, before: Identity, session: Session, method: str) -> None:
    """Tell the web hooks about a change that is stored.

    :raises ApiError: one failed
    """
    about = Occasion(effects.flow, effects.payload, effects.identity, session, before)
    for hook in after(effects.ctx, "settings", method):
        if isinstance(hook, kinds.WebHook) and not _is_asked(hook):
            await webhook.call(effects.ctx, hook.config, about)


# --- after a recovery, after a verification -----------------------------------------------------------------------------------


async def after_proof(effects: Effects, session: Session | None = None) -> None:
    """Run the hooks of a recovery (`session` is the one it leads to) or of a verification.

    :raises FormError: one says no
    :raises ApiError: one failed
    """
    for hook in after(effects.ctx, effects.flow.kind, ""):
        match hook:
            case kinds.RevokeActiveSessions() if session:
                _revoke_others(effects, session)
            case kinds.WebHook(config):
                await webhook.call(effects.ctx, config, _occasion(effects, effects.identity))
