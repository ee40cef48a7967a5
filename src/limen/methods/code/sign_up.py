"""Signing up with a code: every address that may sign in with one gets its own, and is proved by it."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from limen.context import Context
from limen.core import messages, ui
from limen.core.errors import form_error
from limen.courier import service as courier
from limen.db.database import Commit
from limen.flow import oauth2, proofs
from limen.flow.method import Changed, Outcome, Part, Shown
from limen.flow.model import Flow, Submission
from limen.methods.code.common import CONTINUE, HIDDEN, ID, RESEND, count, field, lifespan, meant_for
from limen.session.model import Proof, Subject

_SIGN_UP = ui.submit("method", ID, ID, messages.SEND_REGISTRATION_CODE())
_BACK = ui.submit("screen", "credential-selection", "profile", messages.REGISTRATION_BACK())


class SignUp(Struct):
    traits: dict[str, Any] = {}
    code: str = ""
    resend: str = ""
    csrf_token: str = ""
    method: str = ""
    transient_payload: dict[str, Any] = {}


_SIGN_UP_FIELD = field(messages.REGISTRATION_CODE())
_SENT_NODES = (RESEND, _BACK, CONTINUE, HIDDEN, _SIGN_UP_FIELD)


def _serves(ctx: Context, flow: Flow) -> bool:
    """Also where codes are switched off: who asks for one is told so."""
    return ctx.project.config.selfservice.methods.code.passwordless_enabled or not ctx.project.has_method(ID)


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
    await oauth2.describe(ctx, flow)
    _draw_sent_sign_up(ctx, flow, extracted.traits)
    flow.state, flow.active = "sent_email", ID
    meant_for(flow, *(address for _, address in extracted.code_addresses))

    def then(commit: Commit) -> None:
        proofs.drop(commit, "registration", flow.id)
        for via, address in extracted.code_addresses:
            code = proofs.new_code()
            proofs.issue(
                commit, ctx, "registration", flow.id, code,
                via=via, address=address, identity_id=None, seconds=lifespan(ctx),
            )  # fmt: skip
            courier.queue_code(
                commit, ctx, flow.request_url, about.transient_payload, "registration_code", via, address, code, lifespan(ctx),
                traits=extracted.traits, login_request=oauth2.branding(flow),
            )  # fmt: skip

    return Shown(flow, then=then)


def _draw_sent_sign_up(ctx: Context, flow: Flow, traits: dict[str, Any]) -> None:
    form = flow.ui
    form.clear_messages()
    form.nodes = [n.hide() for n in form.nodes if n.group == "default" and not n.is_submit]
    form.append(HIDDEN, _SIGN_UP_FIELD, CONTINUE, RESEND)
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
    guess = await count(ctx, flow)
    proof = await proofs.find(ctx, "registration", flow.id, form.code)
    if proof is None or (proof.via, proof.address) not in extracted.code_addresses:
        raise form_error(messages.WRONG_REGISTRATION_CODE())
    flow.state = "passed_challenge"

    def then(commit: Commit) -> None:
        proofs.use(commit, ctx, proof, lambda: form_error(messages.WRONG_REGISTRATION_CODE()))
        guess.was_right(commit)

    return Changed(
        extracted.traits,
        verified=((proof.via, proof.address),),
        proof=Proof(ID, "aal1", ctx.stamp),
        keeps_flow=False,
        then=then,
    )


PART = Part(
    form=SignUp, serves=_serves, draws_token=False, draw=_draw_sign_up, submit=_sign_up, traits=True, steady=True
)
