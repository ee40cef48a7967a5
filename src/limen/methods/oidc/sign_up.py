"""Signing up at a provider; what it does not tell is asked for, and kept through the form."""

from __future__ import annotations

from typing import Any

from limen.context import Context
from limen.core import messages, ui
from limen.flow.method import Outcome, Part
from limen.flow.model import Flow, Submission
from limen.methods.oidc import journey
from limen.methods.oidc.common import ID, UPSTREAM_PATHS, Start, button, claims, draw_buttons
from limen.session.model import Subject


async def _draw(ctx: Context, flow: Flow, subject: Subject | None) -> None:
    draw_buttons(ctx, flow, messages.SIGN_UP_WITH)


async def _submit(ctx: Context, flow: Flow, form: Start, about: Submission, subject: Subject | None) -> Outcome:
    return await journey.start(ctx, flow, form, about)


def ask_for_more(ctx: Context, flow: Flow, provider: str, traits: dict[str, Any] | None) -> None:
    """The form of somebody who comes from a provider and cannot be signed up yet: that provider and, when its answer
    could be read, the traits with what is known of them.
    """
    form = flow.ui
    form.nodes = [ui.CSRF_NODE, button(provider, messages.REGISTRATION_CONTINUE())]
    if traits is None:
        return
    legacy = ctx.project.config.feature_flags.legacy_oidc_registration_node_group
    group = ID if legacy else "default"
    for node in ctx.project.schema(flow.identity_schema).nodes(group):
        form.put(node)
    form.fill(traits, "traits", group)


PART = Part(
    form=Start,
    draw=_draw,
    submit=_submit,
    claims=claims,
    csrf=lambda _: False,
    traits=True,
    checks_traits=False,
    paths=UPSTREAM_PATHS,
)
