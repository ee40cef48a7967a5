"""Adding and removing passkeys."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from limen.context import Context
from limen.core import errors, messages, ui
from limen.core.errors import form_error
from limen.core.form import Form
from limen.flow import ceremony, script
from limen.flow.method import Changed, Outcome, Part
from limen.flow.model import Flow, Submission
from limen.identity import factors, keys
from limen.identity.model import Identity
from limen.methods.passkey.common import CREATE_DATA, ID, name_of, new_handle, trigger
from limen.session.model import Proof, Subject

_REGISTER, _REMOVE = "passkey_settings_register", "passkey_remove"


class Change(Struct):
    passkey_settings_register: str = ""
    passkey_remove: str = ""
    csrf_token: str = ""
    method: str = ""
    transient_payload: dict[str, Any] = {}


async def _draw(ctx: Context, flow: Flow, subject: Subject | None) -> None:
    if subject is None:
        raise errors.no_session()
    identity = subject.identity
    own = keys.of(identity, ID)
    is_last = factors.first(ctx.project.config, identity) < 2
    for key in own.credentials:
        label = messages.remove_passkey(key.display_name or "unnamed", keys.added(key))
        flow.ui.append(ui.submit(_REMOVE, key.hex, ID, label, disabled=is_last))
    named = name_of(ctx.project.schema(identity.schema_id), identity)
    if not named:
        flow.ui.messages = [*flow.ui.messages, messages.NO_IDENTIFIER()]
        return
    options = ceremony.ask_to_create(
        flow, ID, ceremony.passkeys(ctx), new_handle(), named, exclude=keys.ids(own.credentials)
    )
    if flow.is_browser:
        flow.ui.put(script.node(ctx))
    label = messages.ADD_PASSKEY()
    flow.ui.put(trigger(flow, "passkey_register_trigger", "oryPasskeySettingsRegistration", label, value=""))
    flow.ui.put(ui.field(_REGISTER, "hidden", ID))
    flow.ui.put(ui.hidden(CREATE_DATA, ceremony.encode(options), ID))


def _claims(flow: Flow, form: Form) -> bool:
    return bool(form.get(_REGISTER) or form.get(_REMOVE))


async def _change(ctx: Context, flow: Flow, form: Change, about: Submission, subject: Subject | None) -> Outcome:
    if subject is None:
        raise errors.no_session()
    return _remove(ctx, form, subject.identity) if form.passkey_remove else _add(ctx, flow, form, subject.identity)


def _add(ctx: Context, flow: Flow, form: Change, identity: Identity) -> Outcome:
    own = keys.of(identity, ID)
    new, handle = ceremony.created(ctx, flow, ID, ceremony.passkeys(ctx), form.passkey_settings_register)
    if own.find(new.id):
        raise form_error(messages.GENERIC(reason="This passkey is registered already."), _REGISTER)
    after = keys.add(own, new, handle=handle, name="", added_at=keys.now(ctx), passwordless=True)
    credential = identity.credentials.get(ID)
    known = credential.identifiers if credential else ()
    return Changed(
        identity.traits,
        {ID: keys.config(after)},
        identifiers={ID: (*known, handle.decode())},
        proof=Proof(ID, "aal1", ctx.stamp),
    )


def _remove(ctx: Context, form: Change, identity: Identity) -> Outcome:
    own = keys.of(identity, ID)
    after = keys.without(own, form.passkey_remove)
    if len(after.credentials) == len(own.credentials):
        raise form_error(messages.GENERIC(reason="There is no such passkey on this account."))
    if factors.first(ctx.project.config, identity) < 2:
        reason = "This is the only way left to sign in to this account. Add another one first."
        raise form_error(messages.GENERIC(reason=reason), "webauthn_remove")  # the name of the field that Kratos uses
    if not after.credentials:
        return Changed(identity.traits, removed=(ID,))
    known = identity.credentials[ID].identifiers
    return Changed(identity.traits, {ID: keys.config(after)}, identifiers={ID: known})


PART = Part(
    form=Change,
    reads_first=True,
    claims=_claims,
    draw=_draw,
    submit=_change,
    privileged=lambda _: True,
    guards_factors=True,
)
