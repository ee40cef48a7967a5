"""What was written to people: messages as the admin API lists them, with the code or the link in them."""

from __future__ import annotations

import re
from typing import Any

import httpx

from tests.support.server import LiveServer


def messages(server: LiveServer, to: str) -> list[dict[str, Any]]:
    """All messages to this address, newest first."""
    found = httpx.get(f"{server.admin}admin/courier/messages", params={"recipient": to, "page_size": "100"})
    assert found.status_code == 200, found.text
    return list(found.json())


def code(server: LiveServer, to: str) -> str:
    """The code in the newest message."""
    match = re.search(r"^\s*(\d{6})\s*$", messages(server, to)[0]["body"], re.MULTILINE)
    assert match, messages(server, to)[0]["body"]
    return match[1]


def link(server: LiveServer, to: str) -> str:
    """The link in the newest message."""
    match = re.search(r"https?://\S+", messages(server, to)[0]["body"])
    assert match, messages(server, to)[0]["body"]
    return match[0]


def wrong(right: str) -> str:
    """A code that is not this one."""
    return f"{(int(right) + 1) % 1_000_000:06}"
