"""Trusted browsers in a sign-in: the offer beside the second step, what follows from it, and being spared the step.

Being spared adds nothing to the session: it stays at aal1, and whatever asks for aal2 itself (the settings, an app that
steps up) still gets the real factor. Decision record 18 says why.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from limen.context import Context
from limen.core import messages, ui
from limen.core.form import Form, is_true
from limen.db.database import Commit
from limen.flow import store as flows
from limen.flow.model import Flow
from limen.identity.model import Identity
from limen.session import trusted
from limen.session.model import Session
from limen.session.trusted import Recognised

FIELD = "trust_device"
MOST_PEOPLE = 8  # who trust one browser; of more, those who were longest away are forgotten
_DAY = 86400


def offer(ctx: Context, flow: Flow) -> None:
    """Put the offer on the form of the second step, in browsers; what was chosen before stays chosen."""
    if not trusted.is_on(ctx) or not flow.is_browser or flow.situation != "second" or not _asks(flow):
        return
    days = max(1, round(ctx.project.config.limen.second_factor.trusted_devices.lifespan / _DAY))
    chosen = flow.private.get(FIELD) is True
    flow.ui.put(ui.field(FIELD, "checkbox", "default", label=messages.TRUST_DEVICE(days=days), value=chosen))


def _asks(flow: Flow) -> bool:
    return any(isinstance(n.attributes, ui.Input) and n.attributes.type in ("submit", "button") for n in flow.ui.nodes)


def choose(ctx: Context, flow: Flow, form: Form) -> None:
    """Remember what was chosen: a code may have to be asked for before it can be sent."""
    if FIELD in form.values and trusted.is_on(ctx) and flow.is_browser and flow.situation == "second":
        flow.private[FIELD] = is_true(form.values[FIELD][-1])  # the last one: a box stands behind a hidden "false"


async def spared(ctx: Context, flow: Flow, identity: Identity, session: Session) -> Recognised | None:
    """The trusted browser of somebody who signed in anew with a first factor, and would be asked for the second."""
    if not flow.is_browser or identity.available_aal != "aal2" or session.aal == "aal2":
        return None
    return await trusted.recognised(ctx, identity.id)


def placed(session: Session, found: Recognised | None) -> Session:
    """The session, in the trusted browser it begins in."""
    return replace(session, trusted_device=found.device.id) if found else session


def write(
    commit: Commit, ctx: Context, flow: Flow, session: Session, found: Recognised | None
) -> Mapping[str, str] | None:
    """Exchange the secret of a browser that was recognised, or begin to trust one; returns the cookie's new content."""
    if found:
        secret = trusted.exchange(commit, ctx, found, flows.overtaken)
    elif flow.requested_aal == "aal2" and session.aal == "aal2" and flow.private.get(FIELD) is True:
        secret = trusted.begin(commit, ctx, session)
    else:
        return None
    others = {id_: kept for id_, kept in ctx.client.trusted.items() if id_ != session.identity_id}
    return dict([*others.items(), (session.identity_id, secret)][-MOST_PEOPLE:])
