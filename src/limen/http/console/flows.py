"""Flows behind the operator's API: begun and submitted in this process, as an app would, whatever asks for them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import msgspec
from msgspec.structs import replace

from limen.context import Context
from limen.core import form as forms
from limen.core import messages, urls
from limen.core.errors import ApiError
from limen.core.form import Form
from limen.flow.model import Flow, FlowType
from limen.http.kit import Call
from limen.selfservice.reply import Reply

API: FlowType = "api"
_UNINVITED = (messages.BY_INVITATION_ONLY.id, messages.INVITATION_OVER.id, messages.INVITATION_OF_ANOTHER.id)


def inner(call: Call, kind: str, *, token: str = "", secret: str = "", **query: str) -> Context:
    """The context of a flow, with nothing of the browser that calls, but where it is.

    :param secret: what protects the forms of a browser that goes on elsewhere; without it the flow is an app's
    """
    project = call.site.project
    url = urls.join(project.public_url, f"/self-service/{kind}/{'browser' if secret else 'api'}")
    client = replace(
        call.ctx.client,
        url=f"{url}?{urlencode(query)}" if query else url,
        origin="", token=token, csrf=secret, cookies={}, paused={}, trusted={}, actor="",
        is_json=True, accepts_json=True, sends_json=True, wants_page=False, is_ajax=False,
    )  # fmt: skip
    return replace(call.ctx, client=client)


def form(**values: Any) -> Form:
    """A submit with these values; those that are None are left out."""
    return forms.from_json(msgspec.json.encode({name: value for name, value in values.items() if value is not None}))


def flow_of(reply: Reply) -> Flow:
    """:raises ApiError: there is none, but an error"""
    if reply.error is not None:
        raise reply.error
    if reply.flow is None:
        raise ApiError(500, reason="The flow did not begin.")
    return reply.flow


def body_of(reply: Reply, *, status: int = 400, message: str = "This did not work.") -> dict[str, Any]:
    """What a flow that was passed answers.

    :raises ApiError: it was not passed; `details.messages` says why, as ids, texts and fields
    """
    if reply.error is not None:
        raise reply.error
    if reply.flow is not None:
        raise refused(reply.flow, status, message)
    return reply.body or {}


def refused(flow: Flow, status: int, message: str) -> ApiError:
    """A form that came back, as an error."""
    told = [{"id": m.id, "text": m.text, "type": m.type, "field": ""} for m in flow.ui.messages]
    told += [
        {"id": m.id, "text": m.text, "type": m.type, "field": node.id} for node in flow.ui.nodes for m in node.messages
    ]
    wrong = [one for one in told if one["type"] == "error"]
    return ApiError(
        status, message, reason=str(wrong[0]["text"]) if wrong else "", details={"flow_id": flow.id, "messages": told}
    )


def is_uninvited(flow: Flow) -> bool:
    """Whether a sign-up came back because people come in by invitation only, and this one was none, or no good."""
    return any(message.id in _UNINVITED for message in flow.ui.messages)


def ways(flow: Flow) -> list[str]:
    """The methods a form offers, in its order."""
    return list(dict.fromkeys(node.group for node in flow.ui.nodes if node.group != "default"))
