"""What sign-in, sign-up and settings share: buttons, handles, and what a passkey is called."""

from __future__ import annotations

from typing import Any

from limen.core import crypto, ui
from limen.core.messages import Message
from limen.core.schema import IdentitySchema
from limen.flow.model import Flow
from limen.identity.model import Identity

ID = "passkey"
CREATE_DATA = "passkey_create_data"
_HANDLE_LENGTH = 64


def trigger(flow: Flow, name: str, function: str, label: Message, **more: Any) -> ui.Node:
    """A button for which a script is needed. An app gets the function's name alone: it has its own ways."""
    call = f"window.{function}()" if flow.is_browser else ""
    return ui.field(name, "button", ID, label=label, onclick=call, onclickTrigger=function, **more)


def new_handle() -> bytes:
    """Whom authenticators store as the owner: random, as it must not tell who it is (§5.4.3)."""
    return crypto.token(length=_HANDLE_LENGTH).encode()


def name_fields(schema: IdentitySchema) -> tuple[str, ...]:
    """The traits that may name a passkey: those marked for it, else the first one without a title."""
    marked = {p.name for where in _MARKS for p in schema.extension_paths("credentials", *where)}
    if marked:
        return tuple(sorted(marked))
    return tuple(p.name for p in schema.trait_paths if p.name.startswith("traits.") and not p.title)[:1]


_MARKS = (("passkey", "display_name"), ("webauthn", "identifier"))


def name_of(schema: IdentitySchema, identity: Identity) -> str:
    """What this person's passkeys are called: usually the address."""
    values = dict(ui.flatten(identity.traits, "traits"))
    for where in _MARKS:
        for path in schema.extension_paths("credentials", *where):
            if value := values.get(path.name):
                return str(value) if where[0] == ID else str(value).lower()
    return ""
