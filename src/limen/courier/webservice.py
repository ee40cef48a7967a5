"""Messages over HTTP: one request for each, with a body that a Jsonnet snippet makes of it."""

from __future__ import annotations

import base64
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from limen.core import jsonnet
from limen.core.configcourier import HttpRequest
from limen.core.confighooks import ApiKey, Auth
from limen.core.jsonnet import JsonnetError
from limen.core.outbound import Outbound, OutboundError
from limen.courier import documents
from limen.courier.model import Message, Undelivered
from limen.courier.render import Rendered

SECONDS: Final = 10.0
_JSON, _FORM = "application/json", "application/x-www-form-urlencoded"
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


async def send(outbound: Outbound, request: HttpRequest, message: Message, rendered: Rendered) -> None:
    """:raises Undelivered: no answer, or another than 2xx"""
    if not request.url:
        raise Undelivered("request_config.url is not set")
    headers = _headers(request, message)
    body = await _body(request, headers["Content-Type"], message, rendered) if request.method != "TRACE" else b""
    try:
        answer = await outbound.request(request.method, request.url, headers=headers, body=body, seconds=SECONDS)
    except OutboundError as error:
        raise Undelivered(str(error)) from error
    if not 200 <= answer.status < 300:
        said = " ".join(answer.body[: 4 * _EXCERPT].decode("utf8", "replace").split())[:_EXCERPT]
        raise Undelivered(f"the service answered with status {answer.status}" + (f": {said}" if said else ""))


def _headers(request: HttpRequest, message: Message) -> dict[str, str]:
    """The configured headers win over ours, and what proves who we are over both."""
    headers = {"Content-Type": _JSON, "Idempotency-Key": message.id}  # the same for each attempt
    for name, value in request.headers.items():
        headers[_canonical(name)] = value
    for name, value in _proof(request.auth):
        headers[name] = f"{headers[name]}; {value}" if name == "Cookie" and name in headers else value
    return headers


def _proof(auth: Auth | None) -> list[tuple[str, str]]:
    if auth is None:
        return []
    own = auth.config
    if isinstance(auth, ApiKey):
        if auth.config.location == "cookie":
            return [("Cookie", f"{auth.config.name}={auth.config.value}")]
        return [(_canonical(auth.config.name), auth.config.value)]
    pair = f"{own.user}:{own.password}".encode()  # type: ignore[union-attr]
    return [("Authorization", f"Basic {base64.b64encode(pair).decode()}")]


def _canonical(name: str) -> str:
    """`x-api-key` and `X-Api-Key` are one header."""
    return "-".join(part.capitalize() for part in name.split("-"))


async def _body(request: HttpRequest, content_type: str, message: Message, rendered: Rendered) -> bytes:
    snippet = await documents.read(request.body) if request.body else DEFAULT_BODY
    try:
        made = await jsonnet.evaluate(snippet, ctx=about(message, rendered), name="request_config.body")
    except JsonnetError as error:
        raise Undelivered(f"request_config.body: {error}") from error
    if content_type == _JSON:
        return made.encode()
    if content_type != _FORM:
        raise Undelivered(f"a body of type {content_type} cannot be made: {_JSON} and {_FORM} can")
    try:
        return urlencode(msgspec.json.decode(made, type=dict[str, str])).encode()
    except msgspec.MsgspecError as error:
        raise Undelivered(f"request_config.body: a form needs an object of texts: {error}") from error


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
