"""Proving an address by opening a link that was sent to it."""

from __future__ import annotations

from typing import Any

from limen.context import Context
from limen.core import messages, normalize, ui
from limen.core.errors import form_error
from limen.courier import service as courier
from limen.db.database import Commit
from limen.flow import held, oauth2, proofs
from limen.flow.held import Held
from limen.flow.method import Announcement, Controls, Outcome, Part, Shown, StartAgain, Unclaimed
from limen.flow.model import Flow, Submission
from limen.identity import service as identities
from limen.identity import store as people
from limen.identity.model import Identity
from limen.methods.link import common
from limen.methods.link.common import Asked
from limen.session.model import Subject


async def _submit(ctx: Context, flow: Flow, form: Asked, about: Submission, subject: Subject | None) -> Outcome:
    if form.token:
        return await _use(ctx, flow, form.token)
    if form.method != common.ID:
        raise Unclaimed
    if flow.state == "passed_challenge":
        raise StartAgain(messages.VERIFICATION_DONE_ALREADY())
    if not form.email:
        raise form_error(messages.PROPERTY_MISSING(property="email"), "email")
    if change := held.of(flow):
        return await _send_again(ctx, flow, change, about)
    address = normalize.canonical(form.email)
    identity = await people.by_address(ctx.db, "verifiable", "email", address)
    common.draw_sent(flow, form.email, messages.VERIFICATION_LINK_SENT())

    def then(commit: Commit) -> None:
        proofs.drop(commit, "verification_link", flow.id)
        if identity is not None:
            _issue(commit, ctx, flow, about.transient_payload, identity, "email", address)
            identities.save(commit, identity, identities.mark_address(ctx, identity, "email", address, status="sent"))
        elif ctx.project.config.selfservice.flows.verification.notify_unknown_recipients:
            courier.queue_unknown(commit, ctx, flow.request_url, about.transient_payload, "verification", form.email)

    return Shown(flow, status=200, echoes=False, even=True, then=then)


async def _send_again(ctx: Context, flow: Flow, change: Held, about: Submission) -> Outcome:
    """Another link for an address that its owner-to-be has to prove: it goes there, whatever the form says."""
    identity = await identities.must(ctx.db, change.identity_id)
    common.draw_sent(flow, change.address, messages.VERIFICATION_LINK_SENT())

    def then(commit: Commit) -> None:
        proofs.drop(commit, f"{held.PURPOSE}_link", flow.id)
        _issue(commit, ctx, flow, about.transient_payload, identity, change.via, change.address)

    return Shown(flow, status=200, echoes=False, then=then)


def _issue(
    commit: Commit, ctx: Context, flow: Flow, payload: dict[str, Any], identity: Identity, via: str, address: str
) -> None:
    token = common.new_token()
    seconds = common.lifespan(ctx)
    proofs.issue(
        commit, ctx, f"{held.purpose(flow)}_link", flow.id, token,
        via=via, address=address, identity_id=identity.id, seconds=seconds,
    )  # fmt: skip
    link = common.url(ctx, flow, token)
    courier.queue_link(
        commit, ctx, flow.request_url, payload, "verification", address, link, seconds, identity, oauth2.branding(flow)
    )


async def _use(ctx: Context, flow: Flow, token: str) -> Outcome:
    proof = await common.used(
        ctx, flow, token, wrong=messages.WRONG_VERIFICATION_LINK, expired=messages.VERIFICATION_EXPIRED
    )

    def then(commit: Commit) -> None:
        proofs.use(commit, ctx, proof, lambda: StartAgain(messages.WRONG_VERIFICATION_LINK(), page=True))

    return Controls(proof.identity_id or "", proof.via, proof.address, then=then)


def _announced(flow: Flow, via: str, address: str) -> None:
    """The link is on its way already: the form is there to ask for another one."""
    common.draw_form(flow)
    flow.ui.append(common.BUTTON)  # twice, as Kratos has it
    flow.ui.append(ui.submit(via, address, "code", messages.RESEND_CODE()))


PART = Part(
    form=Asked,
    draw=common.draw,
    submit=_submit,
    claims=common.claims,
    choices={"method": common.METHODS},
    csrf=common.is_guarded,
    emails=("email",),
    refused=common.refuse,
    announce=Announcement(draw=_announced, issue=_issue),
)
