"""What sign-in, sign-up and settings share: the nodes, and whether a key is enough."""

from __future__ import annotations

from limen.context import Context
from limen.core import messages, ui
from limen.core.messages import Message
from limen.flow import script
from limen.flow.model import Flow

ID = "webauthn"
NAME = ui.text("webauthn_register_displayname", ID, messages.SECURITY_KEY_NAME(), value="")
REGISTER = ui.hidden("webauthn_register", "", ID)


def passwordless(ctx: Context) -> bool:
    """Whether a key that is made now signs in alone; otherwise it is a second factor."""
    config = ctx.project.config.selfservice.methods.webauthn.config
    return bool(config and config.passwordless)


def trigger(name: str, function: str, options: str, label: Message) -> ui.Node:
    """A button that hands the question to the browser. Older clients run `onclick`, newer ones call the function named."""
    call = f"window.{function}({options})"
    return ui.field(name, "button", ID, label=label, value=options, onclick=call, onclickTrigger=function)


def put_registration(ctx: Context, flow: Flow, options: str, label: Message) -> None:
    """Draw the question for a new key."""
    flow.ui.put(NAME)
    flow.ui.put(trigger("webauthn_register_trigger", "oryWebAuthnRegistration", options, label))
    flow.ui.put(script.node(ctx))
    flow.ui.put(REGISTER)
