"""What a script or an app is told to do next, one item for each step."""

from __future__ import annotations

from typing import Any

Item = dict[str, Any]
REDIRECT, VERIFY = "redirect_browser_to", "show_verification_ui"


def redirect(url: str) -> Item:
    return {"action": REDIRECT, "redirect_browser_to": url}


def session_token(token: str) -> Item:
    return {"action": "set_ory_session_token", "ory_session_token": token}


def verification(flow_id: str, address: str, url: str) -> Item:
    flow = {"id": flow_id, "verifiable_address": address, **({"url": url} if url else {})}
    return {"action": VERIFY, "flow": flow}


def settings(flow_id: str, url: str) -> Item:
    return {"action": "show_settings_ui", "flow": {"id": flow_id, **({"url": url} if url else {})}}


def recovery(flow_id: str, url: str) -> Item:
    return {"action": "show_recovery_ui", "flow": {"id": flow_id, **({"url": url} if url else {})}}
