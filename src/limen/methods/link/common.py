"""The one form of the link method, which asks for an address, and the link itself."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from limen.context import Context
from limen.core import clock, crypto, formats, messages, ui, urls
from limen.core.form import Form
from limen.core.messages import Declared, Message
from limen.flow import held, proofs
from limen.flow.method import StartAgain
from limen.flow.model import Flow
from limen.session.model import Subject

ID = "link"
METHODS = ("code", "link")  # what a form may name
BUTTON = ui.submit("method", ID, ID, messages.CONTINUE())


class Asked(Struct):
    """An address to send a link to, or the token of a link that was opened."""

    email: str = ""
    token: str = ""
    csrf_token: str = ""
    method: str = ""
    transient_payload: dict[str, Any] = {}


def email(value: str | None = None) -> ui.Node:
    return ui.field(
        "email", "email", ID, label=messages.EMAIL(), required=True, **({} if value is None else {"value": value})
    )


async def draw(ctx: Context, flow: Flow, subject: Subject | None) -> None:
    draw_form(flow)


def draw_form(flow: Flow) -> None:
    flow.ui.put(ui.CSRF_NODE)
    flow.ui.put(email())
    flow.ui.append(BUTTON)


def draw_sent(flow: Flow, address: str, message: Message) -> None:
    flow.ui.put(ui.CSRF_NODE)
    flow.ui.put(email(address))
    flow.ui.messages = [message]
    flow.state, flow.active = "sent_email", ID


def claims(flow: Flow, form: Form) -> bool:
    return flow.active in ("", ID)


def is_guarded(form: Asked) -> bool:
    """A link proves itself wherever it is opened; asking for one must come from the page that was opened."""
    return bool(form.email) and not form.token and form.method == ID


def refuse(flow: Flow, form: Asked | None) -> None:
    if form is None or form.method not in ("", *METHODS) or (form.email and not formats.email_loose(form.email)):
        return
    flow.ui.put(ui.CSRF_NODE)
    flow.ui.put(email(form.email))


def lifespan(ctx: Context) -> float:
    return ctx.project.config.selfservice.methods.link.config.lifespan


def new_token() -> str:
    return crypto.token(length=32)


def url(ctx: Context, flow: Flow, token: str) -> str:
    """The address in the mail."""
    base = urls.join(ctx.project.public_url, f"/self-service/{flow.kind}")
    return urls.with_query(base, {"flow": flow.id, "token": token})


async def used(ctx: Context, flow: Flow, token: str, *, wrong: Declared, expired: Declared) -> proofs.Found:
    """What a link that was opened proves.

    :raises StartAgain: it was used before, was never sent, or is too old
    """
    proof = await proofs.find(ctx, f"{held.purpose(flow)}_link", flow.id, token, even_expired=True)
    if proof is None or proof.identity_id is None:
        raise StartAgain(wrong(), page=True)
    if proof.expires_at <= ctx.stamp:
        raise StartAgain(messages.expired(expired, clock.parse(proof.expires_at)), page=True)
    return proof
