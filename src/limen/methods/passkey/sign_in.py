"""Signing in with a passkey: from a button, or from the list a browser offers in the field of the name."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from limen.context import Context
from limen.core import messages, ui
from limen.core.errors import form_error
from limen.core.form import Form
from limen.core.webauthn import Answer
from limen.core.webauthnoptions import Options
from limen.flow import ceremony, script
from limen.flow.method import Outcome, Part, Passed, Sent
from limen.flow.model import Flow, Submission
from limen.identity import factors, identifiers, keys
from limen.identity import service as identities
from limen.identity import store as people
from limen.identity.model import Identity
from limen.methods.passkey.common import ID, name_of, trigger
from limen.session.model import Proof, Subject

_CHALLENGE, _LOGIN = "passkey_challenge", "passkey_login"
_AUTOFILL = "oryPasskeyLoginAutocompleteInit"
_AUTOCOMPLETE = "username webauthn"


class SignIn(Struct):
    passkey_login: str = ""
    csrf_token: str = ""
    method: str = ""
    transient_payload: dict[str, Any] = {}


# --- drawing --------------------------------------------------------------------------------------------------------


async def _draw(ctx: Context, flow: Flow, subject: Subject | None) -> None:
    match flow.situation:
        case "first":
            _draw_discoverable(ctx, flow)
            flow.ui.append(_button(flow))
        case "identify":
            _draw_discoverable(ctx, flow)
        case "refresh" if subject:
            _draw_own(ctx, flow, subject.identity)


def _button(flow: Flow) -> ui.Node:
    return trigger(flow, "passkey_login_trigger", "oryPasskeyLogin", messages.SIGN_IN_WITH_PASSKEY(), value="")


def _draw_discoverable(ctx: Context, flow: Flow) -> None:
    """Any passkey for this domain will do; with autofill the browser offers them as soon as the page is there."""
    label = ctx.project.schema(flow.identity_schema).identifier_label()
    flow.ui.put(ui.text("identifier", "default", label, value="", required=True, autocomplete=_AUTOCOMPLETE))
    _put_challenge(ctx, flow, ceremony.ask_to_prove(flow, ID, ceremony.passkeys(ctx)))
    call = f"window.{_AUTOFILL}()" if flow.is_browser else ""
    flow.ui.put(ui.field(_LOGIN, "hidden", ID, onload=call, onloadTrigger=_AUTOFILL))


def _put_challenge(ctx: Context, flow: Flow, options: Options) -> None:
    flow.ui.put(ui.hidden(_CHALLENGE, ceremony.encode(options), ID))
    if flow.is_browser:
        flow.ui.put(script.node(ctx))


def _draw_own(ctx: Context, flow: Flow, identity: Identity) -> None:
    """To confirm a session only this person's passkeys count."""
    own = keys.of(identity, ID)
    credential = identity.credentials.get(ID)
    if not own.credentials or credential is None or not any(credential.identifiers):
        return
    _put_challenge(ctx, flow, ceremony.ask_to_prove(flow, ID, ceremony.passkeys(ctx), keys.ids(own.credentials)))
    flow.ui.put(ui.field(_LOGIN, "hidden", ID))
    flow.ui.append(_button(flow))
    named = name_of(ctx.project.schema(identity.schema_id), identity)
    flow.ui.put(ui.hidden("identifier", named, "default"))


async def _identified(ctx: Context, flow: Flow, identity: Identity | None) -> bool:
    credential = identity.credentials.get(ID) if identity else None
    usable = credential is not None and bool(factors.FIRST[ID](ctx.project.config, credential))
    if usable or ctx.project.config.security.account_enumeration.mitigate:
        flow.ui.append(_button(flow))
    return usable


# --- submitting -----------------------------------------------------------------------------------------------------


def _claims(flow: Flow, form: Form) -> bool:
    return form.method == ID or (flow.requested_aal == "aal1" and bool(form.get(_LOGIN)))


async def _sign_in(ctx: Context, flow: Flow, form: SignIn, about: Submission, subject: Subject | None) -> Outcome:
    if flow.requested_aal != "aal1":
        raise form_error(messages.NO_WAY_TO_LOGIN())
    if not form.passkey_login:  # the button was pressed where its script did not run: load the page again
        return Sent(ctx.project.flow_page("login", flow.id))
    answer = ceremony.read(form.passkey_login)
    type_, identity = await _find(ctx, answer)
    if flow.refresh and subject and identity.id != subject.identity.id:
        raise form_error(messages.SECURITY_KEY_FAILED())
    found = keys.of(identity, type_)
    key, used = ceremony.proved(ctx, flow, ID, ceremony.passkeys(ctx), answer, keys.first(found), answer.handle)
    after = identities.with_credential(
        ctx, identity, type_, keys.config(keys.after_use(found, key.id, used, ctx.stamp))
    )
    return Passed(after, Proof(ID, "aal1", ctx.stamp), before=identity, may_be_lost=True)


async def _find(ctx: Context, answer: Answer) -> tuple[str, Identity]:
    """Whose handle this is, and in which credential: a security key that signs in alone is a passkey, too, if it can.

    That the key belongs to this person is not believed, but looked up among the person's keys afterwards.

    :raises FormError: nobody's
    """
    if answer.handle:
        if identity := await people.by_identifier(ctx.db, ID, identifiers.passkey(answer.handle)):
            return ID, identity
        if identity := await people.by_key_handle(ctx.db, answer.handle):
            return "webauthn", identity
    raise form_error(messages.UNKNOWN_SECURITY_KEY())


PART = Part(
    form=SignIn, reads_first=True, claims=_claims, draw=_draw, submit=_sign_in, identified=_identified,
    refused=lambda flow, _: flow.ui.reset(_LOGIN),
)  # fmt: skip
