"""Signing in in two steps: who are you, then what can you show."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from limen.context import Context
from limen.core import messages, normalize, ui
from limen.core.form import Form
from limen.flow.method import Identified, Method, Outcome, Part
from limen.flow.model import Flow, Submission
from limen.identity import store as people
from limen.session.model import Subject

ID = "identifier_first"
BUTTON = ui.submit("method", ID, ID, messages.CONTINUE())
_AUTOCOMPLETE = "username webauthn"


class Identify(Struct):
    identifier: str = ""
    csrf_token: str = ""
    method: str = ""
    transient_payload: dict[str, Any] = {}


async def _draw(ctx: Context, flow: Flow, subject: Subject | None) -> None:
    if flow.situation == "identify":
        label = ctx.project.schema(flow.identity_schema).identifier_label()
        flow.ui.put(ui.text("identifier", ID, label, value="", required=True, autocomplete=_AUTOCOMPLETE))
        flow.ui.append(BUTTON)


async def _submit(ctx: Context, flow: Flow, form: Identify, about: Submission, subject: Subject | None) -> Outcome:
    found = await people.by_any_identifier(ctx.db, normalize.identifier(form.identifier))
    if not found and form.identifier != normalize.identifier(form.identifier):
        found = await people.by_any_identifier(ctx.db, form.identifier)
    return Identified(form.identifier, found[0] if found else None)


def _serves(ctx: Context, flow: Flow) -> bool:
    return flow.requested_aal == "aal1" and ctx.project.config.selfservice.flows.login.style == ID


def _claims(flow: Flow, form: Form) -> bool:
    """It comes last: what nobody else claimed names somebody, or fails to."""
    return True


def _refuse(flow: Flow, form: Identify | None) -> None:
    if form is not None:
        flow.ui.set_value("identifier", form.identifier)


METHOD = Method(
    id=ID,
    login=Part(form=Identify, draw=_draw, submit=_submit, serves=_serves, claims=_claims, refused=_refuse, steady=True),
)
