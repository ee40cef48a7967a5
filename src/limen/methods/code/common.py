"""What the forms of the code method have in common: their nodes, how long a code lives, how many tries it has."""

from __future__ import annotations

from typing import Any

from limen.context import Context
from limen.core import messages, ui
from limen.core.messages import Message
from limen.flow import proofs
from limen.flow.guesses import Guess
from limen.flow.method import Shown, StartAgain
from limen.flow.model import Flow
from limen.identity.model import Credential, Identity

ID = "code"
LENGTH = 6
HIDDEN = ui.hidden("method", ID, ID)
CONTINUE = ui.submit("method", ID, ID, messages.CONTINUE())
RESEND = ui.submit("resend", ID, ID, messages.RESEND_CODE())

_WHO = "codes_of"  # in the private part of a flow

Target = tuple[str, str]  # where a code goes: (via, address)


def field(label: Message, **more: Any) -> ui.Node:
    """The input that a code is typed into; phones offer the one that just came in."""
    return ui.text("code", ID, label, required=True, autocomplete="one-time-code", **more)


def lifespan(ctx: Context) -> float:
    return ctx.project.config.selfservice.methods.code.config.lifespan


def meant_for(flow: Flow, *who: str) -> None:
    """Keep in the flow whose codes are tried in it (a person's id, or addresses), so that wrong ones are counted for
    them, whichever flow they are tried in.
    """
    flow.private[_WHO] = list(who)


async def count(ctx: Context, flow: Flow) -> Guess:
    """
    :raises StartAgain: this flow has seen too many codes
    :raises FormError: the person, or the network address, has seen too many, in whichever flows
    """
    most = ctx.project.config.selfservice.methods.code.config.max_submissions
    if await proofs.count_submit(ctx, flow.id) > most:
        raise StartAgain(messages.GENERIC(reason="Too many codes were tried here. Ask for a new one."))
    guess = Guess(ctx, ID, *flow.private.get(_WHO, ()))
    await guess.start(ctx)
    return guess


def wrong(flow: Flow, message: Message) -> Shown:
    """A wrong code is told with status 200: scripts take 400 for an answer without a flow here."""
    flow.ui.clear_messages()
    flow.ui.messages = [message]
    return Shown(flow, status=200)


def targets(ctx: Context, identity: Identity) -> tuple[Target, ...]:
    """Where this person gets codes for signing in."""
    credential = identity.credentials.get(ID)
    if credential and (found := of_credential(credential)):
        return found
    if ctx.project.config.selfservice.methods.code.config.missing_credential_fallback_enabled:
        return tuple((a.via, a.value) for a in identity.verifiable_addresses if a.via and a.value)
    return ()


def of_credential(credential: Credential) -> tuple[Target, ...]:
    """The addresses in a credential, in Kratos' present form or the one before it (`{"address_type": "email"}`)."""
    config = credential.config
    if "address_type" in config:
        return tuple((str(config["address_type"]), i) for i in credential.identifiers if config["address_type"])
    return tuple((a.get("channel", "email"), a["address"]) for a in config.get("addresses", ()) if a.get("address"))
