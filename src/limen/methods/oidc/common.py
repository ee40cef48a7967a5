"""What social sign-in has in all its flows: the form, the buttons, and how a submit is told from others'."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from limen.context import Context
from limen.core import messages, ui
from limen.core.errors import not_found
from limen.core.form import Form
from limen.core.messages import Declared
from limen.core.schema import Path
from limen.flow.model import Flow
from limen.social import oauth2, provider
from limen.social.provider import Provider

ID = "oidc"
UPSTREAM_PATHS = tuple(Path(f"upstream_parameters.{name}", "string") for name in oauth2.UPSTREAM)


class Start(Struct):
    """A submit that goes to a provider, or brings an id token of one."""

    provider: str = ""
    id_token: str = ""
    id_token_nonce: str = ""
    traits: dict[str, Any] = {}
    upstream_parameters: dict[str, Any] = {}
    csrf_token: str = ""
    method: str = ""
    transient_payload: dict[str, Any] = {}


def claims(flow: Flow, form: Form) -> bool:
    """The button says nothing but the provider."""
    return bool(form.get("provider")) and form.method.lower() in ("", ID) and flow.requested_aal == "aal1"


def must(ctx: Context, id_: str) -> Provider:
    """:raises ApiError: 404, there is no such provider"""
    found = provider.find(ctx.project, id_)
    if found is None:
        raise not_found(f"There is no provider with the id {id_!r} here.")
    return found


def button(id_: str, label: messages.Message, name: str = "provider") -> ui.Node:
    return ui.submit(name, id_, ID, label)


def draw_buttons(ctx: Context, flow: Flow, label: Declared) -> None:
    for config in provider.offered(ctx.project):
        node = button(config.id, label(provider=config.label or config.id, provider_id=config.id))
        flow.ui.remove_like(node)
        flow.ui.append(node)
