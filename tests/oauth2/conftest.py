"""A server that signs people in for an OAuth 2.0 server, which is played here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.conftest import Start
from tests.support.callers import Caller
from tests.support.oauth2 import OAuth2Server
from tests.support.server import LiveServer, merge

BROWSERS = ("page", "script")


@pytest.fixture
def hydra() -> Iterator[OAuth2Server]:
    server = OAuth2Server()
    yield server
    server.close()


Provider = Callable[..., LiveServer]


@pytest.fixture
def provider(start: Start, hydra: OAuth2Server) -> Provider:
    """Start a server that the OAuth 2.0 server sends its browsers to."""

    def begin(over: dict[str, Any] | None = None, **more: Any) -> LiveServer:
        return start(merge({"oauth2_provider": {"url": hydra.url}}, over or {}), **more)

    return begin


@pytest.fixture
def live(provider: Provider) -> LiveServer:
    return provider()


@pytest.fixture
def ann(live: LiveServer) -> str:
    """Somebody with a password; the id."""
    return str(Caller(live, "app").sign_up()["id"])


def goes_to(caller: Caller) -> str:
    """Where the last answer sends the browser, whichever way it was told."""
    if caller.last.is_redirect:
        return caller.last.headers["location"]
    body = caller.last.json()
    ways = [item for item in body.get("continue_with") or [] if item["action"] == "redirect_browser_to"]
    return str(body.get("redirect_browser_to") or (ways[-1]["redirect_browser_to"] if ways else ""))


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
