"""Signing in with a security key: alone, to confirm a session, or as the second factor."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from limen.context import Context
from limen.core import messages, normalize, ui
from limen.core.errors import form_error
from limen.core.form import Form
from limen.core.messages import Message
from limen.flow import ceremony, script
from limen.flow.method import Outcome, Part, Passed, Sent
from limen.flow.model import Flow, Submission
from limen.identity import factors, keys
from limen.identity import service as identities
from limen.identity import store as people
from limen.identity.keys import Keys
from limen.identity.model import Identity
from limen.methods.webauthn.common import ID, passwordless, trigger
from limen.session.model import Proof, Subject

_LOGIN = ui.hidden("webauthn_login", "", ID)
_ASK = ui.submit("method", ID, ID, messages.SIGN_IN_WITH_SECURITY_KEY())
_AUTOCOMPLETE = "username webauthn"


class SignIn(Struct):
    identifier: str = ""
    webauthn_login: str = ""
    csrf_token: str = ""
    method: str = ""
    transient_payload: dict[str, Any] = {}


async def _draw_sign_in(ctx: Context, flow: Flow, subject: Subject | None) -> None:
    if not flow.is_browser:
        return
    match flow.situation:
        case "first" if passwordless(ctx):
            label = ctx.project.schema(flow.identity_schema).identifier_label()
            flow.ui.put(ui.text("identifier", "default", label, value="", required=True, autocomplete=_AUTOCOMPLETE))
            flow.ui.append(_ASK)
        case "refresh" | "second_refresh" | "second" if subject:
            credential = subject.identity.credentials.get(ID)
            named = credential.identifiers[0] if credential and credential.identifiers else ""
            if not named and flow.refresh:
                return
            if _ask(ctx, flow, subject.identity, messages.SIGN_IN_WITH_SECURITY_KEY()) and named:
                flow.ui.put(ui.hidden("identifier", named, "default"))


def _usable(flow: Flow, found: Keys) -> tuple[keys.Key, ...]:
    return keys.second(found) if flow.requested_aal == "aal2" else keys.first(found)


def _ask(ctx: Context, flow: Flow, identity: Identity, label: Message) -> bool:
    """Draw the question for the person's keys of this level; False when there are none."""
    found = _usable(flow, keys.of(identity, ID))
    if found:
        options = ceremony.ask_to_prove(flow, ID, ceremony.security_keys(ctx), keys.ids(found))
        flow.ui.put(script.node(ctx))
        flow.ui.put(trigger("webauthn_login_trigger", "oryWebAuthnLogin", ceremony.encode(options), label))
        flow.ui.put(_LOGIN)
    return bool(found)


async def _identified(ctx: Context, flow: Flow, identity: Identity | None) -> bool:
    if not flow.is_browser or not passwordless(ctx):
        return False
    usable = identity is not None and bool(factors.FIRST[ID](ctx.project.config, identity.credentials[ID]))
    if usable or ctx.project.config.security.account_enumeration.mitigate:
        flow.ui.append(_ASK)
    return usable


def _claims_sign_in(flow: Flow, form: Form) -> bool:
    return flow.is_browser and (form.method == ID or bool(form.get("webauthn_login")))


async def _sign_in(ctx: Context, flow: Flow, form: SignIn, about: Submission, subject: Subject | None) -> Outcome:
    if flow.requested_aal == "aal2" and subject and _serves_second(ctx, subject.identity):
        return _prove(ctx, flow, form, subject.identity)
    if flow.requested_aal != "aal1" or not (flow.refresh or passwordless(ctx)):
        raise form_error(messages.NO_WAY_TO_LOGIN())
    identity = await _find(ctx, form.identifier)
    if flow.refresh and subject and identity.id != subject.identity.id:
        raise form_error(messages.SECURITY_KEY_FAILED())
    return _prove(ctx, flow, form, identity) if form.webauthn_login else _identify(ctx, flow, form, identity)


def _serves_second(ctx: Context, identity: Identity) -> bool:
    """A second factor that was set up before keys became passwordless is asked for still, so it has to be answered."""
    return not passwordless(ctx) or bool(keys.second(keys.of(identity, ID)))


async def _find(ctx: Context, named: str) -> Identity:
    """:raises FormError: nobody has this identifier"""
    normal = normalize.identifier(named)
    found = await people.by_identifier(ctx.db, ID, normal)
    if found is None and named != normal:
        found = await people.by_identifier(ctx.db, ID, named)
    if found is None:
        raise form_error(messages.UNKNOWN_SECURITY_KEY())
    return found


def _identify(ctx: Context, flow: Flow, form: SignIn, identity: Identity) -> Outcome:
    """Who it is has been said: ask for one of that person's keys, on a page that is loaded anew to run the script."""
    before = flow.ui.nodes
    flow.ui.nodes = [ui.hidden("identifier", form.identifier, "default", required=True), ui.CSRF_NODE]
    if not _ask(ctx, flow, identity, messages.LOGIN_CONTINUE()):
        flow.ui.nodes = before
        raise form_error(messages.UNKNOWN_SECURITY_KEY())
    flow.ui.messages = [*flow.ui.messages, messages.HAVE_SECURITY_KEY_READY()]
    return Sent(ctx.project.flow_page("login", flow.id))


def _prove(ctx: Context, flow: Flow, form: SignIn, identity: Identity) -> Outcome:
    found = keys.of(identity, ID)
    if not found.credentials:
        raise form_error(messages.NO_SECURITY_KEY())
    answer = ceremony.read(form.webauthn_login)
    party = ceremony.security_keys(ctx)
    key, used = ceremony.proved(ctx, flow, ID, party, answer, _usable(flow, found), found.user_handle)
    after = identities.with_credential(ctx, identity, ID, keys.config(keys.after_use(found, key.id, used, ctx.stamp)))
    level = "aal1" if key.is_passwordless else "aal2"
    return Passed(after, Proof(ID, level, ctx.stamp), before=identity, may_be_lost=True)


PART = Part(
    form=SignIn, reads_first=True, required=("identifier",), claims=_claims_sign_in, draw=_draw_sign_in, submit=_sign_in,
    refused=lambda flow, _: flow.ui.reset("webauthn_login"), identified=_identified,
)  # fmt: skip
