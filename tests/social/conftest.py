"""A server that signs people in with providers, which are played here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.conftest import Start
from tests.support.callers import HTML, JSON, Caller, flow_id
from tests.support.openid import OpenIdProvider
from tests.support.server import LiveServer, merge

SESSION = {"hooks": [{"hook": "session"}]}


@pytest.fixture
def acme() -> Iterator[OpenIdProvider]:
    provider = OpenIdProvider()
    yield provider
    provider.close()


@pytest.fixture
def other() -> Iterator[OpenIdProvider]:
    """A second one, with keys of its own."""
    provider = OpenIdProvider()
    yield provider
    provider.close()


With = Callable[..., LiveServer]


@pytest.fixture
def with_providers(start: Start) -> With:
    """Start a server with these entries in its configuration."""

    def begin(*entries: dict[str, Any], over: dict[str, Any] | None = None, **more: Any) -> LiveServer:
        own = {
            "selfservice": {
                "methods": {"oidc": {"enabled": True, "config": {"providers": list(entries)}}},
                "flows": {"registration": {"after": {"oidc": SESSION}}},
            }
        }
        return start(merge(own, over or {}), **more)

    return begin


@pytest.fixture
def live(with_providers: With, acme: OpenIdProvider) -> LiveServer:
    return with_providers(acme.configured())


def leave(caller: Caller, kind: str = "login", id_: str = "acme", **query: str) -> str:
    """Press a provider's button in a new form; returns where that leads."""
    return press(caller, caller.start(kind, **query), id_)


def press(caller: Caller, flow: dict[str, Any], id_: str = "acme", **values: Any) -> str:
    answer = caller.submit(flow, **{"provider": id_, **values})
    return goes_to(answer)


def goes_to(answer: httpx.Response) -> str:
    return str(answer.headers.get("location") or answer.json()["redirect_browser_to"])


def arrive(caller: Caller, url: str) -> httpx.Response:
    """Follow the way back, as a browser does."""
    caller.last = caller.http.get(url, headers=HTML)
    return caller.last


def enter(
    caller: Caller, provider: OpenIdProvider, kind: str = "login", id_: str = "acme", **query: str
) -> httpx.Response:
    """All the way to a provider and back."""
    return arrive(caller, provider.consent(leave(caller, kind, id_, **query)))


def told_on_page(caller: Caller, kind: str) -> tuple[set[int], str]:
    """The ids and the words of the messages on the form the browser was sent to."""
    query = {"id": flow_id(caller.last.headers["location"])}
    flow = caller.http.get(f"self-service/{kind}/flows", params=query, headers=JSON).json()
    messages = flow["ui"].get("messages") or []
    return {m["id"] for m in messages}, " ".join(m["text"] for m in messages)


def error_shown(caller: Caller) -> dict[str, Any]:
    """What the error page the browser was sent to says."""
    query = {"id": query_of(caller.last.headers["location"])["id"]}
    return dict(caller.http.get("self-service/errors", params=query, headers=JSON).json()["error"])


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
