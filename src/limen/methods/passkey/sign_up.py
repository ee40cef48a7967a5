"""Signing up with a passkey: no password is ever made."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from limen.context import Context
from limen.core import messages, ui
from limen.core.form import Form
from limen.flow import ceremony, script
from limen.flow.method import Changed, Outcome, Part
from limen.flow.model import Flow, Submission
from limen.identity import keys
from limen.identity.keys import Keys
from limen.methods.passkey.common import CREATE_DATA, ID, name_fields, new_handle, trigger
from limen.session.model import Proof, Subject

_REGISTER, _TRIGGER = "passkey_register", "passkey_register_trigger"


class SignUp(Struct):
    traits: dict[str, Any] = {}
    passkey_register: str = ""
    csrf_token: str = ""
    method: str = ""
    transient_payload: dict[str, Any] = {}


async def _draw(ctx: Context, flow: Flow, subject: Subject | None) -> None:
    names = name_fields(ctx.project.schema(flow.identity_schema))
    if not names:  # a passkey that nobody can tell from another is not offered
        return
    if flow.situation == "profile":
        flow.ui.remove(_REGISTER, _TRIGGER, CREATE_DATA, script.NODE_ID)
        return
    flow.ui.put(ui.hidden(CREATE_DATA, _create_data(ctx, flow, names), ID))
    flow.ui.put(trigger(flow, _TRIGGER, "oryPasskeyRegistration", messages.SIGN_UP_WITH_PASSKEY()))
    if flow.is_browser:
        flow.ui.put(script.node(ctx))
    flow.ui.put(ui.field(_REGISTER, "hidden", ID))


def _create_data(ctx: Context, flow: Flow, names: tuple[str, ...]) -> str:
    """The question, which stays the same however often the form is drawn, and the fields that name the passkey."""
    if asked := ceremony.pending(flow, ID):
        return asked.options
    options = ceremony.ask_to_create(flow, ID, ceremony.passkeys(ctx), new_handle())
    data = {"credentialOptions": options, "displayNameFieldName": names[0], "displayNameFieldNames": names}
    ceremony.keep_options(flow, ID, ceremony.encode(data))
    return ceremony.encode(data)


def _claims(flow: Flow, form: Form) -> bool:
    """`true` is what Kratos' React components send for an empty field."""
    return form.get(_REGISTER) not in ("", "true")


async def _sign_up(ctx: Context, flow: Flow, form: SignUp, about: Submission, subject: Subject | None) -> Outcome:
    extracted = ctx.project.schema(flow.identity_schema).extract(form.traits)
    new, handle = ceremony.created(ctx, flow, ID, ceremony.passkeys(ctx), form.passkey_register)
    config = keys.add(Keys(), new, handle=handle, name="", added_at=keys.now(ctx), passwordless=True)
    return Changed(
        extracted.traits,
        {ID: keys.config(config)},
        identifiers={ID: (handle.decode(),)},
        proof=Proof(ID, "aal1", ctx.stamp),
        keeps_flow=False,
    )


PART = Part(form=SignUp, claims=_claims, draw=_draw, submit=_sign_up, traits=True, reads_first=True)
