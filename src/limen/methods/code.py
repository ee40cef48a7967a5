"""A six-digit code to an address: signs up, verifies an address, recovers an account."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from msgspec import Struct

from limen.context import Context
from limen.core import messages, normalize, ui, urls
from limen.core.errors import form_error
from limen.core.form import Form
from limen.core.messages import Message
from limen.courier import service as courier
from limen.db.database import Commit
from limen.flow import proofs
from limen.flow.method import Changed, Controls, CredentialRules, Method, Outcome, Part, Shown, StartAgain
from limen.flow.model import Flow, Submission
from limen.identity import service as identities
from limen.identity import store as people
from limen.identity.model import Credential
from limen.session.model import Proof, Subject

ID = "code"
LENGTH = 6
_HIDDEN = ui.hidden("method", ID, ID)
_CONTINUE = ui.submit("method", ID, ID, messages.CONTINUE())
_RESEND = ui.submit("resend", ID, ID, messages.RESEND_CODE())
_SIGN_UP = ui.submit("method", ID, ID, messages.SEND_REGISTRATION_CODE())
_BACK = ui.submit("screen", "credential-selection", "profile", messages.REGISTRATION_BACK())


def _field(label: Message, **more: Any) -> ui.Node:
    return ui.text("code", ID, label, required=True, autocomplete="one-time-code", **more)


def _lifespan(ctx: Context) -> float:
    return ctx.project.config.selfservice.methods.code.config.lifespan


async def _count(ctx: Context, flow: Flow) -> None:
    """:raises StartAgain: this flow has seen too many codes"""
    most = ctx.project.config.selfservice.methods.code.config.max_submissions
    if await proofs.count_submit(ctx, flow.id) > most:
        raise StartAgain(messages.GENERIC(reason="Too many codes were tried here. Ask for a new one."))


# --- sign-up --------------------------------------------------------------------------------------------------------


class SignUp(Struct):
    traits: dict[str, Any] = {}
    code: str = ""
    resend: str = ""
    csrf_token: str = ""
    method: str = ""
    transient_payload: dict[str, Any] = {}


_SIGN_UP_FIELD = _field(messages.REGISTRATION_CODE())
_SENT_NODES = (_RESEND, _BACK, _CONTINUE, _HIDDEN, _SIGN_UP_FIELD)


async def _draw_sign_up(ctx: Context, flow: Flow, subject: Subject | None) -> None:
    if not ctx.project.config.selfservice.methods.code.passwordless_enabled:
        return
    form = flow.ui
    if flow.situation == "profile":
        form.remove_like(_SIGN_UP)
    if flow.situation != "unified":
        for node in _SENT_NODES:
            form.remove_like(node)
    if flow.situation != "profile":
        form.append(_SIGN_UP)


async def _sign_up(ctx: Context, flow: Flow, form: SignUp, about: Submission, subject: Subject | None) -> Outcome:
    if form.resend.lower() == ID:
        flow.state = "choose_method"
    match flow.state:
        case "choose_method":
            return await _send_sign_up_codes(ctx, flow, form, about)
        case "sent_email":
            return await _use_sign_up_code(ctx, flow, form)
    raise form_error(messages.NO_WAY_TO_REGISTER())


async def _send_sign_up_codes(ctx: Context, flow: Flow, form: SignUp, about: Submission) -> Outcome:
    extracted = ctx.project.schema(flow.identity_schema).extract(form.traits)
    if not extracted.code_addresses:
        raise form_error(messages.NO_IDENTIFIER())
    _draw_sent_sign_up(ctx, flow, extracted.traits)
    flow.state, flow.active = "sent_email", ID

    def then(commit: Commit) -> None:
        proofs.drop(commit, "registration", flow.id)
        for via, address in extracted.code_addresses:
            code = proofs.new_code()
            proofs.issue(
                commit, ctx, "registration", flow.id, code,
                via=via, address=address, identity_id=None, seconds=_lifespan(ctx),
            )  # fmt: skip
            courier.queue_code(
                commit, ctx, flow.request_url, about.transient_payload, "registration_code", via, address, code, _lifespan(ctx),
                traits=extracted.traits,
            )  # fmt: skip

    return Shown(flow, then=then)


def _draw_sent_sign_up(ctx: Context, flow: Flow, traits: dict[str, Any]) -> None:
    form = flow.ui
    form.clear_messages()
    form.nodes = [n.hide() for n in form.nodes if n.group == "default" and not n.is_submit]
    form.append(_HIDDEN, _SIGN_UP_FIELD, _CONTINUE, _RESEND)
    if ctx.project.is_two_step:
        form.append(_BACK)
    form.refill(traits, "traits")
    form.messages = [messages.REGISTRATION_CODE_SENT()]


async def _use_sign_up_code(ctx: Context, flow: Flow, form: SignUp) -> Outcome:
    if not form.code:
        raise form_error(messages.PROPERTY_MISSING(property="code"), "code")
    extracted = ctx.project.schema(flow.identity_schema).extract(form.traits)
    for name, value in ui.flatten(extracted.traits, "traits"):
        shown = flow.ui.find(name)
        if shown is not None and shown.value != value:
            raise form_error(messages.DETAILS_CHANGED())
    await _count(ctx, flow)
    proof = await proofs.find(ctx, "registration", flow.id, form.code)
    if proof is None or (proof.via, proof.address) not in extracted.code_addresses:
        raise form_error(messages.WRONG_REGISTRATION_CODE())
    flow.state = "passed_challenge"

    def then(commit: Commit) -> None:
        proofs.use(commit, ctx, proof, lambda: form_error(messages.WRONG_REGISTRATION_CODE()))

    return Changed(
        extracted.traits,
        verified=((proof.via, proof.address),),
        proof=Proof(ID, "aal1", ctx.stamp),
        keeps_flow=False,
        then=then,
    )


# --- verification ---------------------------------------------------------------------------------------------------


class Verify(Struct):
    email: str = ""
    code: str = ""
    csrf_token: str = ""
    method: str = ""
    transient_payload: dict[str, Any] = {}


_VERIFY_FIELD = _field(messages.VERIFICATION_CODE())


def _claims_verification(flow: Flow, form: Form) -> bool:
    return form.method == ID or (not form.method and bool(form.get("code")))


def has_sms(ctx: Context) -> bool:
    return any(channel.id == "sms" for channel in ctx.project.config.courier.channels)


def _ask_address(ctx: Context, **more: Any) -> ui.Node:
    if has_sms(ctx):
        return ui.text("email", ID, messages.EMAIL_OR_PHONE(), required=True, **more)
    return ui.field("email", "email", ID, label=messages.EMAIL(), required=True, **more)


async def _draw_verification(ctx: Context, flow: Flow, subject: Subject | None) -> None:
    flow.ui.append(_ask_address(ctx), _CONTINUE)
    if flow.is_browser:
        flow.ui.put(ui.CSRF_NODE)


def draw_sent_verification(flow: Flow, via: str, address: str, *, resend: str = "email") -> None:
    """The form that asks for a code that was just sent; `resend` names the button's field."""
    form = flow.ui
    form.nodes = [_HIDDEN, _VERIFY_FIELD, _CONTINUE]
    if flow.is_browser:
        form.append(ui.CSRF_NODE)
    form.append(ui.submit(resend, address, ID, messages.RESEND_CODE()))
    form.messages = [messages.VERIFICATION_CODE_SENT_TO_PHONE() if via == "sms" else messages.VERIFICATION_CODE_SENT()]


async def _verify(ctx: Context, flow: Flow, form: Verify, about: Submission, subject: Subject | None) -> Outcome:
    if flow.state == "passed_challenge":
        raise StartAgain(messages.VERIFICATION_DONE_ALREADY())
    if form.code:
        if ctx.client.method == "GET":
            flow.ui.set_value("code", form.code)
            return Shown(flow, status=200, claims_flow=True)
        return await _use_verification_code(ctx, flow, form.code)
    if not form.email:
        raise form_error(messages.PROPERTY_MISSING(property="email"), "email")
    return await _send_verification_code(ctx, flow, form.email, about)


async def _send_verification_code(ctx: Context, flow: Flow, asked: str, about: Submission) -> Outcome:
    via = normalize.channel(asked)
    address = normalize.address(asked, via)
    identity = await people.by_address(ctx.db, "verifiable", via, address) if address else None
    flow.state = "sent_email"
    draw_sent_verification(flow, via, asked)

    def then(commit: Commit) -> None:
        proofs.drop(commit, "verification", flow.id)
        if identity is not None and address is not None:
            issue_verification(commit, ctx, flow, about.transient_payload, identity, via, address)
            identities.save(commit, identity, identities.mark_address(ctx, identity, via, address, status="sent"))
        elif via == "email" and ctx.project.config.selfservice.flows.verification.notify_unknown_recipients:
            courier.queue_unknown(commit, ctx, flow.request_url, about.transient_payload, "verification_code", asked)

    return Shown(flow, status=200, then=then)


def issue_verification(
    commit: Commit, ctx: Context, flow: Flow, payload: dict[str, Any], identity: Any, via: str, address: str
) -> None:
    """Mint a code for this address and queue the message that brings it."""
    code = proofs.new_code()
    proofs.issue(
        commit, ctx, "verification", flow.id, code,
        via=via, address=address, identity_id=identity.id, seconds=_lifespan(ctx),
    )  # fmt: skip
    query = urlencode({"code": code, "flow": flow.id})
    link = urls.join(ctx.project.public_url, "/self-service/verification?" + query)
    courier.queue_code(
        commit, ctx, flow.request_url, payload, "verification_code", via, address, code, _lifespan(ctx),
        identity=identity, link=link,
    )  # fmt: skip


async def _use_verification_code(ctx: Context, flow: Flow, code: str) -> Outcome:
    await _count(ctx, flow)
    proof = await proofs.find(ctx, "verification", flow.id, code)
    if proof is None or proof.identity_id is None:
        return _wrong_code(flow, messages.WRONG_VERIFICATION_CODE())

    def then(commit: Commit) -> None:
        proofs.use(commit, ctx, proof, lambda: StartAgain(messages.WRONG_VERIFICATION_CODE()))

    return Controls(proof.identity_id, proof.via, proof.address, then=then)


def _wrong_code(flow: Flow, message: Message) -> Outcome:
    """A wrong code is told with status 200: scripts take 400 for an answer without a flow here."""
    flow.ui.clear_messages()
    flow.ui.messages = [message]
    return Shown(flow, status=200)


def _refuse_verification(flow: Flow, form: Verify | None) -> None:
    node = flow.ui.find("email")
    value = form.email if form else ""
    flow.ui.put(
        node.with_value(value)
        if node
        else ui.field("email", "email", ID, label=messages.EMAIL(), required=True, value=value)
    )


# --- recovery -------------------------------------------------------------------------------------------------------


class Recover(Struct):
    email: str = ""
    code: str = ""
    csrf_token: str = ""
    method: str = ""
    transient_payload: dict[str, Any] = {}


_RECOVERY_FIELD = _field(messages.RECOVERY_CODE(), pattern="[0-9]+", maxlength=LENGTH)
_RECOVERY_EMAIL = ui.field("email", "email", ID, label=messages.EMAIL(), required=True)


def _claims_recovery(flow: Flow, form: Form) -> bool:
    return flow.active in ("", ID)


async def _draw_recovery(ctx: Context, flow: Flow, subject: Subject | None) -> None:
    flow.ui.put(ui.CSRF_NODE)
    flow.ui.append(_RECOVERY_EMAIL, _CONTINUE)


async def _recover(ctx: Context, flow: Flow, form: Recover, about: Submission, subject: Subject | None) -> Outcome:
    flow.ui.clear_messages()
    if flow.state == "passed_challenge":
        raise StartAgain(messages.RECOVERY_DONE_ALREADY())
    if flow.state == "sent_email" and not form.email:
        return await _use_recovery_code(ctx, flow, form.code)
    if form.method != ID:
        raise form_error(messages.NO_WAY_TO_RECOVER())
    if not form.email:
        raise form_error(messages.PROPERTY_MISSING(property="email"), "email")
    return await _send_recovery_code(ctx, flow, form.email, about)


async def _send_recovery_code(ctx: Context, flow: Flow, asked: str, about: Submission) -> Outcome:
    identity = await people.by_address(ctx.db, "recovery", "email", normalize.canonical(asked))
    flow.state, flow.active = "sent_email", ID
    form = flow.ui
    form.nodes = [
        ui.CSRF_NODE,
        _RECOVERY_FIELD,
        _HIDDEN,
        _CONTINUE,
        ui.submit("email", asked, ID, messages.RESEND_CODE()),
    ]
    form.messages = [messages.RECOVERY_CODE_SENT()]

    def then(commit: Commit) -> None:
        proofs.drop(commit, "recovery", flow.id)
        if identity is not None:
            code = proofs.new_code()
            address = normalize.canonical(asked)
            proofs.issue(
                commit, ctx, "recovery", flow.id, code,
                via="email", address=address, identity_id=identity.id, seconds=_lifespan(ctx),
            )  # fmt: skip
            courier.queue_code(
                commit, ctx, flow.request_url, about.transient_payload, "recovery_code", "email", address, code, _lifespan(ctx),
                identity=identity,
            )  # fmt: skip
        elif ctx.project.config.selfservice.flows.recovery.notify_unknown_recipients:
            courier.queue_unknown(commit, ctx, flow.request_url, about.transient_payload, "recovery_code", asked)

    return Shown(flow, status=200, then=then)


async def _use_recovery_code(ctx: Context, flow: Flow, code: str) -> Outcome:
    await _count(ctx, flow)
    proof = await proofs.find(ctx, "recovery", flow.id, code)
    if proof is None or proof.identity_id is None:
        return _wrong_code(flow, messages.WRONG_RECOVERY_CODE())

    def then(commit: Commit) -> None:
        proofs.use(commit, ctx, proof, lambda: StartAgain(messages.WRONG_RECOVERY_CODE()))

    return Controls(
        proof.identity_id, proof.via, proof.address, proof=Proof("code_recovery", "aal1", ctx.stamp), then=then
    )


def _refuse_recovery(flow: Flow, form: Recover | None) -> None:
    flow.ui.put(_RECOVERY_EMAIL.with_value(form.email if form else ""))


def _first_factors(ctx: Context, credential: Credential) -> int:
    enabled = ctx.project.config.selfservice.methods.code.passwordless_enabled
    return int(enabled and bool(credential.config.get("addresses")))


METHOD = Method(
    id=ID,
    registration=Part(form=SignUp, draw=_draw_sign_up, submit=_sign_up, traits=True),
    recovery=Part(
        form=Recover, draw=_draw_recovery, submit=_recover, claims=_claims_recovery, refused=_refuse_recovery
    ),
    verification=Part(
        form=Verify,
        draw=_draw_verification,
        submit=_verify,
        claims=_claims_verification,
        # A code proves itself, wherever it is typed; asking for one must come from the page that was opened.
        csrf=lambda form: not form.code,
        refused=_refuse_verification,
    ),
    credential=CredentialRules(first_factors=_first_factors),
)
