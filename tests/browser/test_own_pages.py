"""The script for keys on pages of somebody else's making, as user interfaces for Kratos draw them, at another origin."""

from __future__ import annotations

import html
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import sign_up
from tests.browser.device import BUILT_IN, WITH_PIN, Device
from tests.browser.test_keys import BASE
from tests.support.keys import schema
from tests.support.server import LiveServer, merge, serve

ANN = "ann@example.org"
# Older user interfaces run what the node says, newer ones call the function it names.
OLD, NEW = "onclick", "onclickTrigger"
POLICY = {
    OLD: "script-src 'unsafe-inline' http://localhost:*",
    NEW: "default-src 'none'; script-src 'nonce-page' http://localhost:*; form-action http://localhost:*",
}


class OwnPages:
    """A small web server that draws the settings in one style. `url` is its origin: another one than Limen's."""

    def __init__(self) -> None:
        self.style, self.public = NEW, ""
        pages = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = pages.page(self.path, self.headers.get("cookie", ""))
                self.send_response(status)
                self.send_header("content-type", "text/html; charset=utf-8")
                self.send_header("content-security-policy", POLICY[pages.style])
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: Any) -> None:
                """Nobody wants to read that."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://localhost:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def page(self, path: str, cookie: str) -> tuple[int, str]:
        flow = parse_qs(urlsplit(path).query).get("flow")
        if not flow:
            return 404, ""
        asked = {"accept": "application/json", "cookie": cookie}
        got = httpx.get(f"{self.public}self-service/settings/flows", params={"id": flow[0]}, headers=asked)
        return 200, draw(got.json(), self.style)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def pages() -> Iterator[OwnPages]:
    own = OwnPages()
    yield own
    own.close()


@pytest.fixture
def server(tmp_path: Path, pages: OwnPages) -> Iterator[LiveServer]:
    party = {"rp": {"id": "localhost", "display_name": "Example", "origins": [pages.url]}}
    over = {
        "selfservice": {
            "allowed_return_urls": [pages.url],
            "methods": {"webauthn": {"config": party}, "passkey": {"enabled": True, "config": party}},
            "flows": {"settings": {"ui_url": f"{pages.url}/settings"}},
        }
    }
    dsn = f"sqlite://{tmp_path}/limen.sqlite"
    with serve(tmp_path, dsn, merge(BASE, over), schema=schema(), name="localhost") as live:
        pages.public = live.public
        yield live


def draw(flow: dict[str, Any], style: str) -> str:
    """A page from the nodes alone."""
    ui, drawn, scripts = flow["ui"], list[str](), list[str]()
    for node in ui["nodes"]:
        a = node["attributes"]
        names = {k: v for k, v in a.items() if k in ("name", "type", "value", "id") and v is not None}
        if node["type"] == "script":
            told = {"src": a["src"], "integrity": a["integrity"], "crossorigin": a["crossorigin"], "async": ""}
            scripts.append(f"<script {attributes(told)}></script>")
        elif node["type"] == "input":
            own = {"onclick": a.get("onclick", "")} if style == OLD else {"data-call": a.get("onclickTrigger", "")}
            own = {k: v for k, v in own.items() if v}
            drawn.append(f"<input {attributes(names | own)}>")
    if style == NEW:
        scripts.append(CALLS)
    form = f'<form action="{html.escape(ui["action"])}" method="{ui["method"]}">{"".join(drawn)}</form>'
    told = " ".join(str(m["id"]) for m in ui.get("messages") or [])
    return f"<!doctype html><title>Own</title><p id=told>{told}</p>{form}{''.join(scripts)}"


CALLS = """<script nonce="page">
  for (const one of document.querySelectorAll("[data-call]")) {
    one.addEventListener("click", () => window[one.dataset.call](one.value));
  }
</script>"""


def attributes(found: dict[str, Any]) -> str:
    return " ".join(f'{name}="{html.escape(str(value))}"' for name, value in found.items())


def open_own(page: Page, server: LiveServer) -> None:
    page.goto(f"{server.public}self-service/settings/browser")
    page.wait_for_function("window.__oryWebAuthnInitialized")


@pytest.mark.parametrize("style", [OLD, NEW])
def test_a_key_is_added_on_a_page_for_kratos(server: LiveServer, pages: OwnPages, page: Page, style: str) -> None:
    pages.style = style
    key = Device(page, WITH_PIN)
    sign_up(page, server.public, ANN)
    open_own(page, server)
    page.locator("[name=webauthn_register_displayname]").fill("Blue key")
    page.locator("[name=webauthn_register_trigger]").click()
    expect(page.locator("#told")).to_have_text("1050001")
    expect(page.locator("[name=webauthn_remove]")).to_have_count(1)
    assert len(key.credentials()) == 1


@pytest.mark.parametrize("style", [OLD, NEW])
def test_a_passkey_is_added_on_a_page_for_kratos(server: LiveServer, pages: OwnPages, page: Page, style: str) -> None:
    pages.style = style
    device = Device(page, BUILT_IN)
    sign_up(page, server.public, ANN)
    open_own(page, server)
    page.locator("[name=passkey_register_trigger]").click()
    expect(page.locator("#told")).to_have_text("1050001")
    [credential] = device.credentials()
    assert credential["isResidentCredential"]
