"""Signing in at a provider, and confirming a session there."""

from __future__ import annotations

from limen.context import Context
from limen.core import messages
from limen.flow.method import Outcome, Part
from limen.flow.model import Flow, Submission
from limen.identity.model import Identity
from limen.methods.oidc import journey
from limen.methods.oidc.common import ID, UPSTREAM_PATHS, Start, button, claims, draw_buttons
from limen.methods.oidc.credential import linked
from limen.session.model import Subject
from limen.social import provider


async def _draw(ctx: Context, flow: Flow, subject: Subject | None) -> None:
    match flow.situation:
        case "first" | "identify":
            draw_buttons(ctx, flow, messages.SIGN_IN_WITH)
        case "refresh" if subject:
            _draw_linked(ctx, flow, subject.identity)


def _draw_linked(ctx: Context, flow: Flow, identity: Identity) -> None:
    """The buttons of the providers this person has linked."""
    mine = linked(identity)
    for config in provider.offered(ctx.project):
        if config.id in mine:
            label = messages.SIGN_IN_WITH(provider=config.label or config.id, provider_id=config.id)
            flow.ui.append(button(config.id, label))


async def _identified(ctx: Context, flow: Flow, identity: Identity | None) -> bool:
    """The buttons stand there already: those this person cannot use go, unless that would tell who has an account."""
    masked = ctx.project.config.security.account_enumeration.mitigate
    mine = linked(identity) if identity else set()
    has = any(config.id in mine for config in ctx.project.config.selfservice.methods.oidc.config.providers)
    if masked or identity is None:
        return masked or has
    offered = {config.id for config in provider.offered(ctx.project)}
    flow.ui.nodes = [n for n in flow.ui.nodes if not (n.group == ID and n.id == "provider" and n.value in offered)]
    _draw_linked(ctx, flow, identity)
    return has


async def _submit(ctx: Context, flow: Flow, form: Start, about: Submission, subject: Subject | None) -> Outcome:
    return await journey.start(ctx, flow, form, about)


PART = Part(
    form=Start,
    draw=_draw,
    submit=_submit,
    claims=claims,
    csrf=lambda _: False,  # all a forged submit could do is to send somebody to a provider
    traits=True,
    checks_traits=False,
    by_link=True,
    paths=UPSTREAM_PATHS,
    identified=_identified,
)
