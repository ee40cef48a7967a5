"""Linking providers to an account, and unlinking them; never the last way in."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from limen.context import Context
from limen.core import errors, messages, reasons
from limen.core.errors import FormError, form_error
from limen.core.form import Form
from limen.flow.method import Arrived, Changed, FreshSignInNeeded, Outcome, Part
from limen.flow.model import Flow, Submission
from limen.identity import factors
from limen.identity.model import Identity
from limen.methods.oidc import credential, journey
from limen.methods.oidc.common import ID, UPSTREAM_PATHS, Start, button, must
from limen.session import service as sessions
from limen.session.model import Proof, Subject
from limen.social import provider


class Change(Struct):
    link: str = ""
    unlink: str = ""
    traits: dict[str, Any] = {}
    upstream_parameters: dict[str, Any] = {}
    csrf_token: str = ""
    method: str = ""
    transient_payload: dict[str, Any] = {}


async def _draw(ctx: Context, flow: Flow, subject: Subject | None) -> None:
    if subject is None:
        raise errors.no_session()
    flow.ui.nodes = [n for n in flow.ui.nodes if not (n.group == ID and n.id in ("link", "unlink"))]
    mine = credential.linked(subject.identity)
    for config in provider.offered(ctx.project):
        if config.id not in mine:
            label = messages.LINK_PROVIDER(provider=config.label or config.id)
            flow.ui.append(button(config.id, label, "link"))
    if _ways_in(ctx, subject) < 2:
        return
    for entry in credential.entries(subject.identity):
        if found := provider.find(ctx.project, str(entry.get("provider", ""))):
            flow.ui.append(button(found.id, messages.UNLINK_PROVIDER(provider=found.label), "unlink"))


def _ways_in(ctx: Context, subject: Subject) -> int:
    return factors.first(ctx.project.config, subject.identity)


def _claims(flow: Flow, form: Form) -> bool:
    return bool(form.get("link") or form.get("unlink"))


async def _change(ctx: Context, flow: Flow, form: Change, about: Submission, subject: Subject | None) -> Outcome:
    if subject is None:
        raise errors.no_session()
    if form.link and form.unlink:
        raise _refused(reasons.LINK_BOTH())
    if form.unlink:
        return _unlink(ctx, subject, form.unlink)
    check_linkable(ctx, subject.identity, form.link)
    _check_fresh(ctx, subject)
    start = Start(provider=form.link, traits=form.traits, upstream_parameters=form.upstream_parameters)
    return await journey.leave(ctx, flow, must(ctx, form.link), start, about)


def _check_fresh(ctx: Context, subject: Subject) -> None:
    if not sessions.is_privileged(ctx, subject.session):
        raise FreshSignInNeeded


def check_linkable(ctx: Context, identity: Identity, id_: str) -> None:
    """:raises FormError: there is no such provider, or it is linked already"""
    known = any(config.id == id_ for config in provider.offered(ctx.project))
    if not known or id_ in credential.linked(identity):
        raise _refused(reasons.LINK_UNKNOWN())


def _unlink(ctx: Context, subject: Subject, id_: str) -> Outcome:
    identity = subject.identity
    _check_fresh(ctx, subject)
    if ID not in identity.credentials:
        raise errors.not_found("This account has no providers linked.")
    if _ways_in(ctx, subject) < 2:
        raise _refused(reasons.LINK_LAST())
    if id_ not in credential.linked(identity) or provider.find(ctx.project, id_) is None:
        raise _refused(reasons.LINK_NONE())
    return _with(identity, credential.without_provider(identity, id_))


def _with(identity: Identity, config: dict[str, Any], **more: Any) -> Changed:
    return Changed(identity.traits, {ID: config}, **more)


def link(ctx: Context, arrived: Arrived, subject: Subject, proof: Proof) -> Changed:
    """The account with one more provider, for somebody who came back from it.

    :raises FormError: it is linked already
    :raises FreshSignInNeeded: the way to the provider took so long that the sign-in is not fresh any more
    """
    check_linkable(ctx, subject.identity, arrived.provider.id)
    _check_fresh(ctx, subject)
    config = arrived.provider.config
    new = credential.entry(config.id, arrived.claims.sub, config.organization_id, arrived.tokens)
    return _with(subject.identity, credential.with_entry(subject.identity, new), proof=proof)


def _refused(reason: str) -> FormError:
    return form_error(messages.GENERIC(reason=reason))


PART = Part(form=Change, draw=_draw, submit=_change, claims=_claims, paths=UPSTREAM_PATHS)
