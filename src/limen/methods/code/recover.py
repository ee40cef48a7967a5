"""Getting back into an account by a code that was sent to one of its addresses."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from limen.context import Context
from limen.core import messages, normalize, ui
from limen.core.errors import form_error
from limen.core.form import Form
from limen.courier import service as courier
from limen.db.database import Commit
from limen.flow import proofs
from limen.flow.method import Controls, Outcome, Part, Shown, StartAgain
from limen.flow.model import Flow, Submission
from limen.identity import store as people
from limen.methods.code.common import CONTINUE, HIDDEN, ID, LENGTH, count, field, lifespan, wrong
from limen.session.model import Proof, Subject


class Recover(Struct):
    email: str = ""
    code: str = ""
    csrf_token: str = ""
    method: str = ""
    transient_payload: dict[str, Any] = {}


_RECOVERY_FIELD = field(messages.RECOVERY_CODE(), pattern="[0-9]+", maxlength=LENGTH)
_RECOVERY_EMAIL = ui.field("email", "email", ID, label=messages.EMAIL(), required=True)


def _claims_recovery(flow: Flow, form: Form) -> bool:
    return flow.active in ("", ID)


async def _draw_recovery(ctx: Context, flow: Flow, subject: Subject | None) -> None:
    flow.ui.put(ui.CSRF_NODE)
    flow.ui.append(_RECOVERY_EMAIL, CONTINUE)


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
        HIDDEN,
        CONTINUE,
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
                via="email", address=address, identity_id=identity.id, seconds=lifespan(ctx),
            )  # fmt: skip
            courier.queue_code(
                commit, ctx, flow.request_url, about.transient_payload, "recovery_code", "email", address, code, lifespan(ctx),
                identity=identity,
            )  # fmt: skip
        elif ctx.project.config.selfservice.flows.recovery.notify_unknown_recipients:
            courier.queue_unknown(commit, ctx, flow.request_url, about.transient_payload, "recovery_code", asked)

    return Shown(flow, status=200, then=then)


async def _use_recovery_code(ctx: Context, flow: Flow, code: str) -> Outcome:
    await count(ctx, flow)
    proof = await proofs.find(ctx, "recovery", flow.id, code)
    if proof is None or proof.identity_id is None:
        return wrong(flow, messages.WRONG_RECOVERY_CODE())

    def then(commit: Commit) -> None:
        proofs.use(commit, ctx, proof, lambda: StartAgain(messages.WRONG_RECOVERY_CODE()))

    return Controls(
        proof.identity_id, proof.via, proof.address, proof=Proof("code_recovery", "aal1", ctx.stamp), then=then
    )


def _refuse_recovery(flow: Flow, form: Recover | None) -> None:
    flow.ui.put(_RECOVERY_EMAIL.with_value(form.email if form else ""))


PART = Part(form=Recover, draw=_draw_recovery, submit=_recover, claims=_claims_recovery, refused=_refuse_recovery)
