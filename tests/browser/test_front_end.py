"""A front end of the operator's API at its own origin: a real page signs somebody in with a provider, who stays signed in."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.openid import OpenIdProvider
from tests.support.server import serve

PAGE = """<!doctype html><meta charset="utf-8"><title>Front end</title>
<a id="link" href="{api}/providers/acme/start?return_to={here}/">Acme</a>
<button id="script">Acme</button>
<p id="who">nobody</p>
<script>
const call = async (path, body) => {{
  const more = body ? {{method: 'POST', headers: {{'content-type': 'application/json'}}, body: JSON.stringify(body)}} : {{}};
  return (await fetch('{api}' + path, {{credentials: 'include', ...more}})).json();
}};
document.querySelector('#script').onclick = async () => {{
  location = (await call('/providers/acme/start', {{return_to: '{here}/'}})).redirect_to;
}};
(async () => {{
  const code = new URLSearchParams(location.search).get('code');
  if (code) {{
    await call('/providers/exchange', {{code}});
    history.replaceState(null, '', '/');
  }}
  const {{session}} = await call('/session');
  document.querySelector('#who').textContent = session ? session.identity.traits.email : 'nobody here';
}})();
</script>
"""


class FrontEnd:
    """A web server with that one page; `url` is its origin."""

    def __init__(self) -> None:
        self.api = ""
        front = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                page = (
                    PAGE.format(api=front.api, here=front.url).encode() if self.path.partition("?")[0] == "/" else b""
                )
                self.send_response(200 if page else 204)
                self.send_header("content-type", "text/html; charset=utf-8")
                self.send_header("content-length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)

            def log_message(self, *_: Any) -> None:
                """Nobody wants to read that."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://localhost:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def front(tmp_path: Path) -> Iterator[FrontEnd]:
    """The front end, with its server and a provider."""
    provider, front = OpenIdProvider(), FrontEnd()
    config = {
        "selfservice": {"methods": {"oidc": {"enabled": True, "config": {"providers": [provider.configured()]}}}},
        "limen": {"console": {"allowed_origins": [front.url]}},
    }
    with serve(tmp_path, f"sqlite://{tmp_path}/limen.sqlite", config) as live:
        front.api = f"{live.console}api/auth"
        yield front
    front.close()
    provider.close()


@pytest.mark.parametrize("by", ["link", "script"])
def test_a_page_elsewhere_signs_somebody_in_with_a_provider(front: FrontEnd, page: Page, by: str) -> None:
    page.goto(f"{front.url}/")
    expect(page.locator("#who")).to_have_text("nobody here")
    page.click(f"#{by}")
    expect(page.locator("#who")).to_have_text("ann@example.org")
    expect(page).to_have_url(f"{front.url}/")
    page.reload()
    expect(page.locator("#who")).to_have_text("ann@example.org")
