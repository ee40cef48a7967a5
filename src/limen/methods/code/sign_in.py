"""Signing in by a code: as the first factor, to confirm a session, and as the second factor."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from limen.context import Context
from limen.core import messages, normalize, ui
from limen.core.errors import FormError, bad_request, form_error
from limen.core.form import Form
from limen.core.urls import query_value
from limen.courier import service as courier
from limen.db.database import Commit
from limen.flow import oauth2, proofs
from limen.flow.method import Outcome, Part, Passed, Shown
from limen.flow.model import Flow, Submission
from limen.identity import service as identities
from limen.identity import store as people
from limen.identity.model import Identity
from limen.methods.code.common import (
    CONTINUE,
    HIDDEN,
    ID,
    RESEND,
    Target,
    count,
    field,
    lifespan,
    meant_for,
    of_credential,
    targets,
)
from limen.session.model import Proof, Subject

_ASK = ui.submit("method", ID, ID, messages.SEND_LOGIN_CODE())
_FIELD = field(messages.LOGIN_CODE())


class SignIn(Struct):
    identifier: str = ""
    address: str = ""
    code: str = ""
    resend: str = ""
    csrf_token: str = ""
    method: str = ""
    transient_payload: dict[str, Any] = {}

    @property
    def named(self) -> str:
        """Who signs in, or which of the offered addresses was chosen."""
        name = self.identifier or self.address
        return name.lower() if "@" in name else name


def _serves(ctx: Context, flow: Flow) -> bool:
    config = ctx.project.config.selfservice.methods.code
    return config.mfa_enabled if flow.requested_aal == "aal2" else config.passwordless_enabled


def _is_known(flow: Flow) -> bool:
    """Whether the flow is for somebody who is signed in."""
    return flow.refresh or flow.requested_aal == "aal2"


# --- drawing --------------------------------------------------------------------------------------------------------


async def _draw(ctx: Context, flow: Flow, subject: Subject | None) -> None:
    if not _serves(ctx, flow):
        return
    match flow.situation:
        case "second" | "second_refresh" if subject:
            _draw_choice(flow, _wanted(ctx, subject.identity))
        case "refresh" if subject and ctx.project.config.feature_flags.refresh_login_choose_address:
            _draw_choice(flow, targets(ctx, subject.identity))
        case "first" | "refresh":
            label = ctx.project.schema(flow.identity_schema).identifier_label()
            flow.ui.put(ui.text("identifier", "default", label, value="", required=True))
            flow.ui.append(_ASK)


def _draw_choice(flow: Flow, to: tuple[Target, ...]) -> None:
    for via, address in to:
        flow.ui.append(ui.submit("address", address, ID, messages.SEND_CODE_TO(address=address, channel=via)))


def _wanted(ctx: Context, identity: Identity) -> tuple[Target, ...]:
    """The person's addresses, or the one that the query parameter `via` names by its trait.

    :raises ApiError: 400, that trait is empty or no address that gets codes
    """
    found = targets(ctx, identity)
    via = query_value(ctx.client.url, "via")
    if not via:
        return found
    value: Any = identity.traits
    for key in via.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    if not isinstance(value, str) or not value:
        raise bad_request(f"`via` names the trait {via!r}, which has no value for this person.")
    if not found:
        return ()
    chosen = tuple(t for t in found if t[1] == normalize.identifier(value))
    if not chosen:
        raise bad_request(f"`via` names the trait {via!r}, which is no address that gets codes.")
    return chosen[:1]


async def _identified(ctx: Context, flow: Flow, identity: Identity | None) -> bool:
    if not _serves(ctx, flow) or (identity is None and not ctx.project.config.security.account_enumeration.mitigate):
        return False
    flow.ui.append(_ASK)
    return True


def _draw_sent(flow: Flow, named: str) -> None:
    form = flow.ui
    kept = [_as_identifier(n) for n in form.nodes if n.id in ("identifier", "address")]
    form.clear_messages()
    form.nodes = kept
    form.put(HIDDEN)
    form.put(_FIELD)
    form.append(CONTINUE, RESEND)
    if flow.is_browser:
        form.put(ui.CSRF_NODE)
    form.set_value("identifier", named)
    form.messages = [messages.CODE_SENT_TO_YOU() if _is_known(flow) else messages.LOGIN_CODE_SENT()]


def _as_identifier(node: ui.Node) -> ui.Node:
    if not isinstance(node.attributes, ui.Input):
        return node
    return replace(node, attributes=replace(node.attributes, name="identifier", type="hidden"), messages=())


def _refuse(flow: Flow, form: SignIn | None) -> None:
    named = (form.address or form.identifier) if form else ""
    flow.ui.put(ui.CSRF_NODE)
    if flow.state == "sent_email":
        flow.ui.put(ui.hidden("identifier", named, "default"))
    flow.ui.set_value("identifier", named)


# --- submitting -----------------------------------------------------------------------------------------------------


def _claims(flow: Flow, form: Form) -> bool:
    """The button of an address says nothing but the address."""
    return form.method == ID or (not form.method and bool(form.get("address")) and _is_known(flow))


async def _submit(ctx: Context, flow: Flow, form: SignIn, about: Submission, subject: Subject | None) -> Outcome:
    if form.resend:
        flow.state = "choose_method"
    match flow.state:
        case "choose_method":
            return await _ask(ctx, flow, form.named, about, subject)
        case "sent_email":
            return await _use(ctx, flow, form, subject)
    raise form_error(messages.NO_WAY_TO_LOGIN())


async def _ask(ctx: Context, flow: Flow, named: str, about: Submission, subject: Subject | None) -> Outcome:
    try:
        identity, to = await _find(ctx, flow, named, subject)
    except FormError:
        if not named or _is_known(flow) or not ctx.project.config.security.account_enumeration.mitigate:
            raise
        identity, to = None, ()  # strangers see what members see
    return await _send(ctx, flow, identity, named, to, about)


async def _find(ctx: Context, flow: Flow, named: str, subject: Subject | None) -> tuple[Identity, tuple[Target, ...]]:
    """Who this is, and where they get codes. Somebody signed in is nobody but themselves.

    :raises FormError: nobody was named, or nobody who gets codes
    """
    if not named:
        raise form_error(messages.PROPERTY_MISSING(property="identifier"), "identifier")
    normal = normalize.identifier(named)
    if flow.requested_aal == "aal2" and subject:
        own = tuple(t for t in targets(ctx, subject.identity) if t[1] in (normal, named))
        if not own:
            raise form_error(messages.NO_ACCOUNT_FOR_CODE())
        return subject.identity, own
    identity = await people.by_identifier(ctx.db, ID, normal)
    if identity is None and named != normal:
        identity = await people.by_identifier(ctx.db, ID, named)
    if identity is not None:
        to = of_credential(identity.credentials[ID])
    elif ctx.project.config.selfservice.methods.code.config.missing_credential_fallback_enabled:
        known = await people.by_any_identifier(ctx.db, normal)
        identity, to = known[0] if known else None, (("email", named),)
    if identity is None or (flow.refresh and subject and identity.id != subject.identity.id):
        raise form_error(messages.NO_ACCOUNT_FOR_CODE())
    return identity, to


async def _send(
    ctx: Context,
    flow: Flow,
    identity: Identity | None,
    named: str,
    to: tuple[Target, ...],
    about: Submission,
    *,
    status: int = 400,
) -> Outcome:
    """Send a code to the address that was named or, when an identifier was that is no address, to each."""
    await oauth2.describe(ctx, flow)
    to = tuple(t for t in to if t[1] == normalize.identifier(named)) or to
    flow.state, flow.active = "sent_email", ID
    meant_for(flow, identity.id if identity else normalize.identifier(named))
    _draw_sent(flow, named)

    def then(commit: Commit) -> None:
        proofs.drop(commit, "login", flow.id)
        for via, address in to if identity else ():
            code = proofs.new_code()
            proofs.issue(
                commit, ctx, "login", flow.id, code,
                via=via, address=address, identity_id=identity.id, seconds=lifespan(ctx),  # type: ignore[union-attr]
            )  # fmt: skip
            courier.queue_code(
                commit, ctx, flow.request_url, about.transient_payload, "login_code", via, address, code, lifespan(ctx),
                identity=identity, login_request=oauth2.branding(flow),
            )  # fmt: skip

    even = ctx.project.config.security.account_enumeration.mitigate and not _is_known(flow)
    return Shown(flow, status=status, even=even, then=then)


async def _use(ctx: Context, flow: Flow, form: SignIn, subject: Subject | None) -> Outcome:
    if not form.code:
        raise form_error(messages.PROPERTY_MISSING(property="code"), "code")
    identity: Identity | None
    if flow.requested_aal == "aal2" and subject:
        identity = subject.identity
    else:
        identity = await _claimed(ctx, flow, form, subject)
    guess = await count(ctx, flow)
    proof = await proofs.find(ctx, "login", flow.id, form.code)
    if identity is None or proof is None or proof.identity_id != identity.id:
        raise form_error(messages.WRONG_LOGIN_CODE())
    flow.state = "passed_challenge"
    after = identities.mark_address(ctx, identity, proof.via, proof.address, status="completed")
    level = "aal2" if ctx.project.config.selfservice.methods.code.mfa_enabled else "aal1"

    def then(commit: Commit) -> None:
        proofs.use(commit, ctx, proof, lambda: form_error(messages.WRONG_LOGIN_CODE()))
        guess.was_right(commit)

    return Passed(after, Proof(ID, level, ctx.stamp), before=identity, then=then)


async def _claimed(ctx: Context, flow: Flow, form: SignIn, subject: Subject | None) -> Identity | None:
    try:
        return (await _find(ctx, flow, form.named, subject))[0]
    except FormError:
        if not form.named or _is_known(flow) or not ctx.project.config.security.account_enumeration.mitigate:
            raise
        return None


async def _at_once(ctx: Context, flow: Flow, identity: Identity, named: str, about: Submission) -> Outcome | None:
    """Send the code without being asked, when it is the only way on: to who was named, or to the only address."""
    if not _serves(ctx, flow) or flow.state != "choose_method":
        return None
    if flow.requested_aal == "aal2":
        to = _wanted(ctx, identity)
        return await _send(ctx, flow, identity, to[0][1], to, about, status=200) if len(to) == 1 else None
    identity, to = await _find(ctx, flow, named, None)
    return await _send(ctx, flow, identity, named, to, about)


PART = Part(
    form=SignIn,
    serves=_serves,
    draws_token=False,
    steady=True,
    draw=_draw,
    submit=_submit,
    claims=_claims,
    choices={"resend": (ID,)},
    refused=_refuse,
    identified=_identified,
    at_once=_at_once,
)
