"""Signing up with a security key instead of a password."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from limen.context import Context
from limen.core import messages
from limen.core.errors import form_error
from limen.core.form import Form
from limen.flow import ceremony, script
from limen.flow.method import Changed, Outcome, Part
from limen.flow.model import Flow, Submission
from limen.identity import keys
from limen.identity.keys import Keys
from limen.methods.webauthn.common import ID, NAME, REGISTER, passwordless, put_registration
from limen.session.model import Proof, Subject


class SignUp(Struct):
    traits: dict[str, Any] = {}
    webauthn_register: str = ""
    webauthn_register_displayname: str = ""
    csrf_token: str = ""
    method: str = ""
    transient_payload: dict[str, Any] = {}


async def _draw_sign_up(ctx: Context, flow: Flow, subject: Subject | None) -> None:
    if not flow.is_browser or not passwordless(ctx):
        return
    options = _options(ctx, flow)
    if flow.situation == "profile":
        flow.ui.remove(NAME.id, REGISTER.id, "webauthn_register_trigger", script.NODE_ID)
        return
    put_registration(ctx, flow, options, messages.SIGN_UP_WITH_SECURITY_KEY())


def _options(ctx: Context, flow: Flow) -> str:
    """The question, which stays the same however often the form is drawn."""
    if asked := ceremony.pending(flow, ID):
        return asked.options
    asking = ceremony.ask_to_create(flow, ID, ceremony.security_keys(ctx), ceremony.new_handle())
    ceremony.keep_options(flow, ID, ceremony.encode(asking))
    return ceremony.encode(asking)


def _refuse_sign_up(flow: Flow, form: SignUp | None) -> None:
    if form is not None:
        flow.ui.set_value(NAME.id, form.webauthn_register_displayname)


async def _sign_up(ctx: Context, flow: Flow, form: SignUp, about: Submission, subject: Subject | None) -> Outcome:
    extracted = ctx.project.schema(flow.identity_schema).extract(form.traits)
    if not any(extracted.identifiers.get(ID, ())):
        raise form_error(messages.NO_IDENTIFIER())
    new, handle = ceremony.created(ctx, flow, ID, ceremony.security_keys(ctx), form.webauthn_register)
    name = form.webauthn_register_displayname
    config = keys.add(Keys(), new, handle=handle, name=name, added_at=keys.now(ctx), passwordless=True)
    return Changed(extracted.traits, {ID: keys.config(config)}, proof=Proof(ID, "aal1", ctx.stamp), keeps_flow=False)


def _claims(flow: Flow, form: Form) -> bool:
    return ceremony.pending(flow, ID) is not None and bool(form.get("webauthn_register"))


PART = Part(
    form=SignUp,
    claims=_claims,
    draw=_draw_sign_up,
    submit=_sign_up,
    refused=_refuse_sign_up,
    traits=True,
    reads_first=True,
)
