"""Proving an address by a code that was sent to it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from msgspec import Struct
from msgspec.structs import replace

from limen.context import Context
from limen.core import messages, normalize, ui, urls
from limen.core.errors import form_error
from limen.core.form import Form
from limen.courier import service as courier
from limen.db.database import Commit
from limen.flow import held, oauth2, proofs
from limen.flow.held import Held
from limen.flow.method import Announcement, Controls, Outcome, Part, Shown, StartAgain, Unclaimed
from limen.flow.model import Flow, Submission
from limen.identity import service as identities
from limen.identity import store as people
from limen.identity.model import Identity
from limen.methods.code.common import CONTINUE, HIDDEN, ID, count, field, lifespan, meant_for
from limen.session.model import Subject


class Verify(Struct):
    email: str = ""
    code: str = ""
    csrf_token: str = ""
    method: str = ""
    transient_payload: dict[str, Any] = {}


METHODS = ("code", "link")  # what verifications are made with
_EMAIL = ui.field("email", "email", ID, label=messages.EMAIL(), required=True)
_VERIFY_FIELD = field(messages.VERIFICATION_CODE())


def _claims_verification(flow: Flow, form: Form) -> bool:
    return flow.active in ("", ID)


def has_sms(ctx: Context) -> bool:
    return any(channel.id == "sms" for channel in ctx.project.config.courier.channels)


def _ask_address(ctx: Context, **more: Any) -> ui.Node:
    if has_sms(ctx):
        return ui.text("email", ID, messages.EMAIL_OR_PHONE(), required=True, **more)
    return ui.field("email", "email", ID, label=messages.EMAIL(), required=True, **more)


async def _draw_verification(ctx: Context, flow: Flow, subject: Subject | None) -> None:
    flow.ui.append(_ask_address(ctx), CONTINUE)
    if flow.is_browser:
        flow.ui.put(ui.CSRF_NODE)


def draw_sent_verification(flow: Flow, via: str, address: str, *, resend: str = "email") -> None:
    """The form that asks for a code that was just sent; `resend` names the button's field."""
    meant_for(flow, normalize.address(address, via) or address)
    form = flow.ui
    form.nodes = [HIDDEN, _VERIFY_FIELD, CONTINUE]
    if flow.is_browser:
        form.append(ui.CSRF_NODE)
    form.append(ui.submit(resend, address, ID, messages.RESEND_CODE()))
    form.messages = [messages.VERIFICATION_CODE_SENT_TO_PHONE() if via == "sms" else messages.VERIFICATION_CODE_SENT()]


def _announced(flow: Flow, via: str, address: str) -> None:
    draw_sent_verification(flow, via, address, resend=via)


async def _verify(ctx: Context, flow: Flow, form: Verify, about: Submission, subject: Subject | None) -> Outcome:
    if form.method != ID and not (form.code and not form.method):
        raise Unclaimed
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
    if change := held.of(flow):
        return await _send_again(ctx, flow, asked, change, about)
    via = normalize.channel(asked)
    address = normalize.address(asked, via)
    identity = await people.by_address(ctx.db, "verifiable", via, address) if address else None
    await oauth2.describe(ctx, flow)
    flow.state = "sent_email"
    draw_sent_verification(flow, via, asked)

    def then(commit: Commit) -> None:
        proofs.drop(commit, "verification", flow.id)
        if identity is not None and address is not None:
            issue_verification(commit, ctx, flow, about.transient_payload, identity, via, address)
            identities.save(commit, identity, identities.mark_address(ctx, identity, via, address, status="sent"))
        elif via == "email" and ctx.project.config.selfservice.flows.verification.notify_unknown_recipients:
            courier.queue_unknown(commit, ctx, flow.request_url, about.transient_payload, "verification_code", asked)

    return Shown(flow, status=200, echoes=False, even=True, then=then)


async def _send_again(ctx: Context, flow: Flow, asked: str, change: Held, about: Submission) -> Outcome:
    """Another code for an address that its owner-to-be has to prove: it goes there, whatever the form says."""
    identity = await identities.must(ctx.db, change.identity_id)
    owner = await people.by_address(ctx.db, "verifiable", change.via, change.address)
    if owner is not None and owner.id != identity.id:
        raise form_error(messages.IDENTIFIER_TAKEN())
    flow.state = "sent_email"
    draw_sent_verification(flow, change.via, asked)

    def then(commit: Commit) -> None:
        proofs.drop(commit, held.PURPOSE, flow.id)
        issue_verification(commit, ctx, flow, about.transient_payload, identity, change.via, change.address)

    return Shown(flow, status=200, echoes=False, then=then)


def issue_verification(
    commit: Commit, ctx: Context, flow: Flow, payload: dict[str, Any], identity: Identity, via: str, address: str
) -> None:
    """Mint a code for this address and queue the message that brings it."""
    code = proofs.new_code()
    proofs.issue(
        commit, ctx, held.purpose(flow), flow.id, code,
        via=via, address=address, identity_id=identity.id, seconds=lifespan(ctx),
    )  # fmt: skip
    query = urlencode({"code": code, "flow": flow.id})
    link = urls.join(ctx.project.public_url, "/self-service/verification?" + query)
    courier.queue_code(
        commit, ctx, flow.request_url, payload, "verification_code", via, address, code, lifespan(ctx),
        identity=identity, link=link, login_request=oauth2.branding(flow),
    )  # fmt: skip


async def _use_verification_code(ctx: Context, flow: Flow, code: str) -> Outcome:
    guess = await count(ctx, flow)
    proof = await proofs.find(ctx, held.purpose(flow), flow.id, code)
    if proof is None or proof.identity_id is None:
        flow.ui.messages = [messages.WRONG_VERIFICATION_CODE()]
        return Shown(flow, status=200)  # as at a recovery, except that the fields keep what they were told

    def then(commit: Commit) -> None:
        proofs.use(commit, ctx, proof, lambda: StartAgain(messages.WRONG_VERIFICATION_CODE()))
        guess.was_right(commit)

    return Controls(proof.identity_id, proof.via, proof.address, then=then)


def _refuse_verification(flow: Flow, form: Verify | None) -> None:
    if form is None or form.method not in ("", *METHODS):
        return  # it could not even be read
    flow.ui.put(ui.CSRF_NODE)
    shown = next((n for n in flow.ui.nodes if n.id == "email" and not n.is_submit), None)
    flow.ui.put(replace((shown or _EMAIL).with_value(form.email), messages=()))


PART = Part(
    form=Verify,
    draw=_draw_verification,
    submit=_verify,
    claims=_claims_verification,
    # A code proves itself, wherever it is typed; asking for one must come from the page that was opened.
    choices={"method": METHODS},
    csrf=lambda form: bool(form.email) and not form.code and form.method == ID,
    refused=_refuse_verification,
    announce=Announcement(draw=_announced, issue=issue_verification),
)
