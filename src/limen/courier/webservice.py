"""Messages over HTTP: one request for each, with a body that a Jsonnet snippet makes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from limen.core import configuredcall, jsonnet
from limen.core.configcourier import HttpRequest
from limen.core.configuredcall import FORM, JSON
from limen.core.jsonnet import JsonnetError
from limen.core.outbound import Headers, Outbound, OutboundError
from limen.courier import documents
from limen.courier.model import Message, Rendered, Undelivered

SECONDS: Final = 10.0
_EXCERPT: Final = 200  # characters of an answer that are kept to tell why
# What is sent when no `body` is configured: the same object as Kratos sends.
DEFAULT_BODY: Final = """
function(ctx)
  local data = ctx.template_data;
  local given(name) = if std.objectHas(data, name) then data[name] else null;
  {
    recipient: ctx.recipient,
    template_type: ctx.template_type,
    to: given('to'),
    recovery_code: given('recovery_code'),
    recovery_url: given('recovery_url'),
    verification_url: given('verification_url'),
    verification_code: given('verification_code'),
    subject: ctx.subject,
    body: ctx.body,
  }
"""


async def send(
    outbound: Outbound, request: HttpRequest, message: Message, rendered: Rendered, sign: Callable[[bytes], Headers]
) -> None:
    """
    :param sign: the headers by which the service knows that a body is ours
    :raises Undelivered: no answer, or another than 2xx
    """
    if not request.url:
        raise Undelivered("request_config.url is not set")
    headers = {"Idempotency-Key": message.id} | configuredcall.headers(
        request.headers, request.auth
    )  # one for all attempts
    body = (
        await _body(outbound, request, headers["Content-Type"], message, rendered) if request.method != "TRACE" else b""
    )
    try:
        answer = await outbound.request(
            request.method, request.url, headers={**headers, **sign(body)}, body=body, seconds=SECONDS
        )
    except OutboundError as error:
        raise Undelivered(str(error)) from error
    if not 200 <= answer.status < 300:
        said = " ".join(answer.body[: 4 * _EXCERPT].decode("utf8", "replace").split())[:_EXCERPT]
        raise Undelivered(f"the service answered with status {answer.status}" + (f": {said}" if said else ""))


async def _body(
    outbound: Outbound, request: HttpRequest, content_type: str, message: Message, rendered: Rendered
) -> bytes:
    snippet = await documents.read(outbound, request.body) if request.body else DEFAULT_BODY
    try:
        made = await jsonnet.evaluate(snippet, ctx=about(message, rendered), name="request_config.body")
    except JsonnetError as error:
        raise Undelivered(f"request_config.body: {error}") from error
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in (JSON, FORM):
        raise Undelivered(f"a body of type {content_type} cannot be made: {JSON} and {FORM} can")
    try:
        return configuredcall.form(made) if kind == FORM else made.encode()
    except ValueError as error:
        raise Undelivered(f"request_config.body: {error}") from error


def about(message: Message, rendered: Rendered) -> dict[str, Any]:
    """What the snippet is given."""
    fields = message.kind.fields(message.channel).values()
    data = {name: message.data.get(name) for name in fields if name != "oauth2_login_request" or message.data.get(name)}
    html = {"html_body": rendered.html} if rendered.html else {}
    return {
        "recipient": message.recipient,
        "subject": rendered.subject,
        "body": rendered.text,
        **html,
        "template_type": message.template,
        "template_data": data,
        "message_type": "sms" if message.channel == "sms" else "email",
        "request_headers": message.origin.headers,
    }
