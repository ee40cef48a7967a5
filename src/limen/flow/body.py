"""What a flow looks like on the wire: to who reads it, and to the web hooks that are told about it."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace

from limen.core import csrf, ui, urls
from limen.flow.model import Flow
from limen.project.model import Project


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
    secret = secret or (csrf.new_secret() if flow.is_browser and flow.csrf else "")  # of no use to who brought none
    value = csrf.mask(secret) if (flow.is_browser or flow.csrf) and secret else ""
    nodes = [n.with_value(value) if n.id == ui.CSRF_FIELD else n for n in flow.ui.nodes]
    body: dict[str, Any] = msgspec.to_builtins(replace(flow.ui, nodes=nodes, action=action))
    body["method"] = flow.ui.method
    if not nodes:
        body["nodes"] = None  # what Go makes of an empty list, and Kratos' clients know
    return body
