"""From a self-service reply to a response: the only code that knows what a flow looks like on the wire."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace

from limen.core import csrf, ui, urls
from limen.core.errors import ApiError
from limen.flow.model import Flow
from limen.http import cookies
from limen.http.kit import Answer, Call, error_answer, json_answer, redirect
from limen.project.model import Project
from limen.selfservice import pageerrors
from limen.selfservice.reply import Reply
from limen.session import service as sessions


async def render(call: Call, reply: Reply) -> Answer:
    """The response of a reply, with its cookies."""
    answer = await _answer(call, reply)
    project = call.site.project
    if reply.csrf:
        answer.headers.append(("set-cookie", cookies.csrf(project, reply.csrf)))
    if reply.issued:
        value = cookies.session(project, reply.issued.session, reply.issued.token, call.ctx.now.timestamp())
        answer.headers.append(("set-cookie", value))
    if reply.paused is not None:
        answer.headers.append(("set-cookie", cookies.paused(project, reply.paused, call.ctx.now.timestamp())))
    if reply.ends_session:
        answer.headers.append(("set-cookie", cookies.end_session(project)))
    return answer


async def _answer(call: Call, reply: Reply) -> Answer:
    if reply.error is not None and not reply.url:
        return await fail(call, reply.error, json=reply.json)
    if not reply.json:
        return redirect(call, reply.url, reply.page_status)
    if reply.error is not None:
        return error_answer(reply.error, call.given_id)
    if reply.status == 204:
        return Answer(204)
    if reply.flow is not None:
        body = flow_body(call.site.project, reply.flow, reply.csrf or call.ctx.client.csrf)
        if reply.identity is not None:
            body["identity"] = sessions.identity_body(call.site.project, reply.identity)
        if reply.payload is not None:
            body["transient_payload"] = reply.payload
        if reply.continue_with:
            body["continue_with"] = reply.continue_with
        return json_answer(body, reply.status)
    return json_answer(reply.body, reply.status)


async def fail(call: Call, error: ApiError, *, json: bool) -> Answer:
    """An error envelope, or, for a page, the error page, which is told what happened under an id."""
    if json:
        return error_answer(error, call.given_id)
    id_ = await pageerrors.keep(call.ctx, error)
    return redirect(call, urls.with_query(call.site.project.ui_url("error"), {"id": id_}))


def flow_body(project: Project, flow: Flow, secret: str) -> dict[str, Any]:
    """A flow as it is sent. The form's token is made here, fresh each time, from the browser's secret."""
    body: dict[str, Any] = {
        "id": flow.id,
        "type": flow.type,
        "expires_at": flow.expires_at,
        "issued_at": flow.issued_at,
        "request_url": flow.request_url,
        "state": flow.state,
        "ui": ui_body(project, flow, secret),
    }
    if to := flow.return_to:
        body["return_to"] = to
    if flow.active:
        body["active"] = flow.active
    if flow.kind in ("login", "registration", "settings"):
        body["organization_id"] = flow.organization_id
    if flow.kind in ("login", "registration") and flow.identity_schema:
        body["identity_schema"] = flow.identity_schema
    if flow.kind in ("login", "registration") and flow.oauth2_login_challenge:
        body["oauth2_login_challenge"] = flow.oauth2_login_challenge
        if flow.oauth2_login_request is not None:
            body["oauth2_login_request"] = flow.oauth2_login_request
    if flow.kind == "login":
        body["created_at"] = flow.issued_at
        body["updated_at"] = flow.updated_at
        body["refresh"] = flow.refresh
        body["requested_aal"] = flow.requested_aal
    return body


def ui_body(project: Project, flow: Flow, secret: str) -> dict[str, Any]:
    action = flow.ui.action or urls.join(project.public_url, f"/self-service/{flow.kind}?flow={flow.id}")
    value = csrf.mask(secret) if flow.is_browser and secret else ""
    nodes = [n.with_value(value) if n.id == ui.CSRF_FIELD else n for n in flow.ui.nodes]
    body: dict[str, Any] = msgspec.to_builtins(replace(flow.ui, nodes=nodes, action=action))
    body["method"] = flow.ui.method
    if not nodes:
        body["nodes"] = None  # what Go makes of an empty list, and Kratos' clients know
    return body
