"""Getting back into an account by opening a link that was sent to one of its addresses."""

from __future__ import annotations

from limen.context import Context
from limen.core import messages, normalize
from limen.core.errors import form_error
from limen.courier import service as courier
from limen.db.database import Commit
from limen.flow import proofs
from limen.flow.method import AlreadySignedIn, Controls, Outcome, Part, Shown, StartAgain
from limen.flow.model import Flow, Submission
from limen.identity import store as people
from limen.methods.link import common
from limen.methods.link.common import Asked
from limen.session.model import Proof, Subject


async def _submit(ctx: Context, flow: Flow, form: Asked, about: Submission, subject: Subject | None) -> Outcome:
    if form.token:
        return await _use(ctx, flow, form.token)
    if subject is not None:
        raise AlreadySignedIn
    if flow.state == "passed_challenge":
        raise StartAgain(messages.RECOVERY_DONE_ALREADY())
    if not form.email:
        raise form_error(messages.PROPERTY_MISSING(property="email"), "email")
    address = normalize.canonical(form.email)
    identity = await people.by_address(ctx.db, "recovery", "email", address)
    common.draw_sent(flow, form.email, messages.RECOVERY_LINK_SENT())
    seconds = common.lifespan(ctx)

    def then(commit: Commit) -> None:
        proofs.drop(commit, "recovery_link", flow.id)
        if identity is not None:
            token = common.new_token()
            proofs.issue(
                commit, ctx, "recovery_link", flow.id, token,
                via="email", address=address, identity_id=identity.id, seconds=seconds,
            )  # fmt: skip
            link = common.url(ctx, flow, token)
            courier.queue_link(
                commit, ctx, flow.request_url, about.transient_payload, "recovery", address, link, seconds, identity
            )
        elif ctx.project.config.selfservice.flows.recovery.notify_unknown_recipients:
            courier.queue_unknown(commit, ctx, flow.request_url, about.transient_payload, "recovery", form.email)

    return Shown(flow, status=200, even=True, then=then)


async def _use(ctx: Context, flow: Flow, token: str) -> Outcome:
    proof = await common.used(ctx, flow, token, wrong=messages.WRONG_RECOVERY_LINK, expired=messages.RECOVERY_EXPIRED)

    def then(commit: Commit) -> None:
        proofs.use(commit, ctx, proof, lambda: StartAgain(messages.WRONG_RECOVERY_LINK(), page=True))

    return Controls(
        proof.identity_id or "", proof.via, proof.address,
        proof=Proof("link_recovery", "aal1", ctx.stamp), by_admin=not proof.address, page=True, then=then,
    )  # fmt: skip


PART = Part(
    form=Asked,
    draw=common.draw,
    submit=_submit,
    claims=lambda _flow, form: form.method == common.ID or bool(form.get("token")),
    csrf=common.is_guarded,
    emails=("email",),
)
