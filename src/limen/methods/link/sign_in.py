"""Signing in by opening a link (`limen.methods.link.login_enabled`). Kratos has nothing like it.

The link works in whichever browser it is opened, as mail is often read elsewhere; it signs in only after a click on our own
page there, whose form carries that browser's token: nobody is signed in to a stranger's account by opening an address.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from limen.context import Context
from limen.core import messages, normalize, ui
from limen.core.errors import FormError, form_error
from limen.courier import service as courier
from limen.db.database import Commit
from limen.flow import proofs
from limen.flow.method import Outcome, Part, Passed, Shown, StartAgain
from limen.flow.model import Flow, Submission
from limen.identity import service as identities
from limen.identity import store as people
from limen.identity.model import Identity
from limen.methods.link import common
from limen.methods.link.common import ID
from limen.session.model import Proof, Subject

_ASK = ui.submit("method", ID, ID, messages.SEND_LOGIN_LINK())
_AGAIN = ui.submit("method", ID, ID, messages.SEND_LINK_AGAIN())


class SignIn(Struct):
    identifier: str = ""
    token: str = ""
    csrf_token: str = ""
    method: str = ""
    transient_payload: dict[str, Any] = {}


def _serves(ctx: Context, flow: Flow) -> bool:
    return ctx.project.config.limen.methods.link.login_enabled and flow.is_browser and flow.requested_aal == "aal1"


async def _draw(ctx: Context, flow: Flow, subject: Subject | None) -> None:
    if _serves(ctx, flow) and flow.situation in ("first", "refresh"):
        if not flow.ui.find("identifier"):
            label = ctx.project.schema(flow.identity_schema).identifier_label()
            flow.ui.put(ui.text("identifier", "default", label, value="", required=True))
        flow.ui.append(_ASK)


async def _identified(ctx: Context, flow: Flow, identity: Identity | None) -> bool:
    if not _serves(ctx, flow) or (identity is None and not ctx.project.config.security.account_enumeration.mitigate):
        return False
    flow.ui.append(_ASK)
    return True


async def _submit(ctx: Context, flow: Flow, form: SignIn, about: Submission, subject: Subject | None) -> Outcome:
    if form.token:
        return await _use(ctx, flow, form.token)
    if not form.identifier:
        raise form_error(messages.PROPERTY_MISSING(property="identifier"), "identifier")
    try:
        identity = await _find(ctx, form.identifier, flow, subject)
    except FormError:
        if subject or not ctx.project.config.security.account_enumeration.mitigate:
            raise
        identity = None  # strangers see what members see
    flow.state, flow.active = "sent_email", ID
    nodes = [ui.CSRF_NODE, ui.hidden("identifier", form.identifier, "default"), _AGAIN]
    flow.ui = ui.Ui(nodes, [messages.LOGIN_LINK_SENT()])

    def then(commit: Commit) -> None:
        proofs.drop(commit, "login_link", flow.id)
        for address in _addresses(identity, form.identifier) if identity else ():
            _issue(commit, ctx, flow, about.transient_payload, identity, address)  # type: ignore[arg-type]

    return Shown(flow, even=ctx.project.config.security.account_enumeration.mitigate, then=then)


async def _find(ctx: Context, named: str, flow: Flow, subject: Subject | None) -> Identity:
    """:raises FormError: nobody of this name gets mail here, or somebody else than who is signed in"""
    normal = normalize.identifier(named)
    found = await people.by_any_identifier(ctx.db, normal)
    identity = found[0] if found else await people.by_address(ctx.db, "verifiable", "email", normal)
    if identity is None or not _addresses(identity, named):
        raise form_error(messages.NO_ACCOUNT_FOR_CODE())
    if flow.refresh and subject and identity.id != subject.identity.id:
        raise form_error(messages.NO_ACCOUNT_FOR_CODE())
    return identity


def _addresses(identity: Identity, named: str) -> list[str]:
    """The address that was named or, when it was another name, all that are proved to be the person's."""
    own = [a for a in identity.verifiable_addresses if a.via == "email" and a.value]
    exact = [a.value for a in own if a.value == normalize.identifier(named)]
    return exact or [a.value for a in own if a.verified]


def _issue(commit: Commit, ctx: Context, flow: Flow, payload: dict[str, Any], identity: Identity, address: str) -> None:
    token, seconds = common.new_token(), common.lifespan(ctx)
    proofs.issue(
        commit, ctx, "login_link", flow.id, token,
        via="email", address=address, identity_id=identity.id, seconds=seconds,
    )  # fmt: skip
    link = common.url(ctx, flow, token)
    courier.queue_link(commit, ctx, flow.request_url, payload, "login", address, link, seconds, identity)


async def _use(ctx: Context, flow: Flow, token: str) -> Outcome:
    proof = await common.used(ctx, flow, token, wrong=messages.WRONG_LOGIN_LINK, expired=messages.LOGIN_EXPIRED)
    identity = await identities.must(ctx.db, proof.identity_id)
    flow.state = "passed_challenge"
    after = identities.mark_address(ctx, identity, proof.via, proof.address, status="completed")

    def then(commit: Commit) -> None:
        proofs.use(commit, ctx, proof, lambda: StartAgain(messages.WRONG_LOGIN_LINK(), page=True))

    return Passed(after, Proof(ID, "aal1", ctx.stamp), before=identity, then=then)


PART = Part(form=SignIn, serves=_serves, draw=_draw, submit=_submit, identified=_identified, steady=True)
