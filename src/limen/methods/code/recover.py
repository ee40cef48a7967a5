"""Getting back into an account by a code that was sent to one of its addresses."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from limen.context import Context
from limen.core import formats, messages, normalize, ui
from limen.core.errors import form_error
from limen.core.form import Form
from limen.courier import service as courier
from limen.db.database import Commit
from limen.flow import proofs
from limen.flow.method import AlreadySignedIn, Controls, Outcome, Part, Shown, StartAgain, Then
from limen.flow.model import Flow, Submission
from limen.identity import store as people
from limen.methods.code.common import CONTINUE, HIDDEN, ID, LENGTH, count, field, lifespan, meant_for, wrong
from limen.session.model import Proof, Subject

FIRST, PREFIX = "recovery_awaiting_address", "recovery_"  # states of a recovery whose address is chosen
FIELD = field(messages.RECOVERY_CODE(), pattern="[0-9]+", maxlength=LENGTH)
_EMAIL = ui.field("email", "email", ID, label=messages.EMAIL(), required=True)
_ANY_ADDRESS = ui.text("recovery_address", ID, messages.RECOVERY_ADDRESS(), required=True)


class Recover(Struct):
    email: str = ""
    code: str = ""
    recovery_address: str = ""
    recovery_select_address: str = ""
    recovery_confirm_address: str = ""
    screen: str = ""
    csrf_token: str = ""
    method: str = ""
    transient_payload: dict[str, Any] = {}


def _claims(flow: Flow, form: Form) -> bool:
    """Where a code is awaited the form need not say so."""
    if flow.active not in ("", ID):
        return False
    if form.get("email") and not formats.email_loose(form.get("email")):
        return True
    waits = flow.state.startswith(PREFIX) or (flow.state != "choose_method" and not form.get("email"))
    return waits or form.method == ID


async def _draw(ctx: Context, flow: Flow, subject: Subject | None) -> None:
    if ctx.project.config.feature_flags.choose_recovery_address:
        draw_first(flow)
        return
    flow.ui.put(ui.CSRF_NODE)
    flow.ui.append(_EMAIL, CONTINUE)


def draw_first(flow: Flow) -> None:
    """The first step where the address is chosen: any address of the account, or its name."""
    flow.state = FIRST
    flow.ui = ui.Ui([ui.CSRF_NODE, _ANY_ADDRESS, CONTINUE])


def draw_code_only(flow: Flow) -> None:
    """The form for a code that did not come from here: there is no address to send another one to."""
    flow.ui = ui.Ui([FIELD, CONTINUE])


async def _submit(ctx: Context, flow: Flow, form: Recover, about: Submission, subject: Subject | None) -> Outcome:
    chooses = flow.state.startswith(PREFIX)
    if not chooses and flow.state != "choose_method" and not form.email:
        return await use(ctx, flow, form.code)
    if subject is not None:
        raise AlreadySignedIn
    if chooses:
        from limen.methods.code import recover_choice  # noqa: PLC0415 - the steps of a choice build on this file

        return await recover_choice.submit(ctx, flow, form, about)
    if flow.state == "passed_challenge":
        raise StartAgain(messages.RECOVERY_DONE_ALREADY())
    if not form.email:
        raise form_error(messages.PROPERTY_MISSING(property="email"), "email")
    then = await send(ctx, flow, "email", form.email, about)
    flow.state, flow.active = "sent_email", ID
    resend = ui.submit("email", form.email, ID, messages.RESEND_CODE())
    flow.ui = ui.Ui([ui.CSRF_NODE, FIELD, HIDDEN, CONTINUE, resend], [messages.RECOVERY_CODE_SENT()])
    return Shown(flow, status=200, even=True, then=then)


async def send(ctx: Context, flow: Flow, via: str, asked: str, about: Submission) -> Then:
    """What sends a code to this address, if it is somebody's; older codes of the flow die. Strangers may be told."""
    address = normalize.address(asked, via)
    identity = await people.by_address(ctx.db, "recovery", via, address) if address else None
    meant_for(flow, identity.id if identity else address or asked)

    def then(commit: Commit) -> None:
        proofs.drop(commit, "recovery", flow.id)
        if identity is not None and address:
            code = proofs.new_code()
            proofs.issue(
                commit, ctx, "recovery", flow.id, code,
                via=via, address=address, identity_id=identity.id, seconds=lifespan(ctx),
            )  # fmt: skip
            courier.queue_code(
                commit, ctx, flow.request_url, about.transient_payload, "recovery_code", via, address, code, lifespan(ctx),
                identity=identity,
            )  # fmt: skip
        elif via == "email" and ctx.project.config.selfservice.flows.recovery.notify_unknown_recipients:
            courier.queue_unknown(commit, ctx, flow.request_url, about.transient_payload, "recovery_code", asked)

    return then


async def use(ctx: Context, flow: Flow, code: str) -> Controls | Shown:
    """:raises StartAgain: too many codes were tried"""
    guess = await count(ctx, flow)
    proof = await proofs.find(ctx, "recovery", flow.id, code, even_used=True)
    if proof and proof.is_used:
        raise StartAgain(messages.GENERIC(reason="This code was used before. Ask for a new one."))
    if proof is None or proof.identity_id is None:
        return wrong(flow, messages.WRONG_RECOVERY_CODE())

    def then(commit: Commit) -> None:
        proofs.use(commit, ctx, proof, lambda: StartAgain(messages.WRONG_RECOVERY_CODE()))
        guess.was_right(commit)

    return Controls(
        proof.identity_id, proof.via, proof.address,
        proof=Proof("code_recovery", "aal1", ctx.stamp), by_admin=not proof.address, then=then,
    )  # fmt: skip


PART = Part(form=Recover, draw=_draw, submit=_submit, claims=_claims, emails=("email",))
