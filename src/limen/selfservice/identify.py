"""The second step of a sign-in by identifier first: what this person can sign in with, or all there is."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from limen.context import Context
from limen.core import messages, ui
from limen.core.errors import form_error
from limen.flow.method import Identified, Method, Outcome, Shown
from limen.flow.model import Flow, Submission
from limen.identity.factors import FIRST, SECOND, Count
from limen.identity.model import Identity
from limen.methods import ALL
from limen.methods import identifier_first as first


async def offer(ctx: Context, flow: Flow, step: Identified, about: Submission) -> Outcome:
    """Draw the form of the second step, or go on at once when there is only one way.

    With `security.account_enumeration.mitigate` the form is the same for everybody, strangers included.

    :raises FormError: a stranger
    """
    masked = ctx.project.config.security.account_enumeration.mitigate
    flow.ui.clear_messages()
    flow.ui.set_value("identifier", step.named)
    drawn = False
    for method in _enabled(ctx):
        part = method.login
        if part is None or part.identified is None or not await part.identified(ctx, flow, step.identity):
            continue
        drawn = True
        if part.at_once and step.identity and not masked and not _has_other(ctx, FIRST, step.identity, method):
            outcome = await part.at_once(ctx, flow, step.identity, step.named, about)
            if outcome is not None:
                return outcome
    if not drawn and not masked:
        raise form_error(messages.NO_ACCOUNT(), "identifier")
    flow.ui.remove_like(first.BUTTON)
    flow.ui.change("identifier", _settle)
    flow.active = first.ID
    return Shown(flow, even=masked)


def _settle(node: ui.Node) -> ui.Node:
    """Who signs in is settled, but password managers still want to see it."""
    node = node.hide()
    if isinstance(node.attributes, ui.Input):
        node = replace(node, attributes=replace(node.attributes, autocomplete="username webauthn"))
    return node


def _enabled(ctx: Context) -> list[Method]:
    return [m for m in ALL if m.id == "profile" or ctx.project.has_method(m.id)]


def _has_other(ctx: Context, counts: Mapping[str, Count], identity: Identity, but: Method) -> bool:
    """Whether the person has a factor of another method that is offered."""
    held = identity.credentials
    others = [m.id for m in _enabled(ctx) if m is not but and m.id in counts and m.id in held]
    return any(counts[id_](ctx.project.config, held[id_]) for id_ in others)


async def second_step_at_once(ctx: Context, flow: Flow, identity: Identity) -> Outcome | None:
    """Take the only step there is to the second factor, such as sending a code, before the form is even shown."""
    for method in _enabled(ctx):
        part = method.login
        if part is None or part.at_once is None or _has_other(ctx, SECOND, identity, method):
            continue
        outcome = await part.at_once(ctx, flow, identity, "", Submission(method=method.id))
        if outcome is not None:
            return outcome
    return None
