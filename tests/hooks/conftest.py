"""Web hooks, called by a real server and received by one that is played here."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import Start
from tests.support.callers import Caller, Kind
from tests.support.receiver import Receiver
from tests.support.server import LiveServer, merge

ON = {
    "selfservice": {
        "flows": {
            "verification": {"enabled": True},
            "recovery": {"enabled": True},
            "registration": {"style": "unified"},
        },
        "methods": {"code": {"enabled": True}, "lookup_secret": {"enabled": True}},
    }
}
SMALL = "function(ctx) {flow: ctx.flow.id, who: if std.objectHas(ctx, 'identity') then ctx.identity.traits else null}"
SESSION = {"hook": "session"}


def source(snippet: str) -> str:
    return "base64://" + base64.b64encode(snippet.encode()).decode()


Hook = Callable[..., dict[str, Any]]


@pytest.fixture
def hook(receiver: Receiver) -> Hook:
    """A web hook of the configuration that calls this path."""

    def make(path: str, snippet: str = SMALL, **config: Any) -> dict[str, Any]:
        own = {"url": receiver.url(path), "method": "POST", "body": source(snippet), **config}
        return {"hook": "web_hook", "config": own}

    return make


Begin = Callable[..., LiveServer]


@pytest.fixture
def begin(start: Start) -> Begin:
    """Start a server with these parts of `selfservice.flows`, and more of the configuration."""

    def run(flows: dict[str, Any], over: dict[str, Any] | None = None, **more: Any) -> LiveServer:
        return start(merge(merge(ON, {"selfservice": {"flows": flows}}), over or {}), **more)

    return run


def sign_in(server: LiveServer, kind: Kind = "app", email: str = "ann@example.org", **query: str) -> Caller:
    """Somebody signs in with a client of their own; `last` has the answer."""
    somebody = Caller(server, kind)
    somebody.sign_in(email, **query)
    return somebody


def after(kind: str, method: str, *hooks: dict[str, Any]) -> dict[str, Any]:
    """The hooks after a flow, of one method or, without one, of all."""
    listed = {"hooks": list(hooks)}
    return {kind: {"after": {method: listed} if method else listed}}


def refusal(text: str = "Not today.", pointer: str = "#/", id_: int = 77, **more: Any) -> dict[str, Any]:
    """The body of an answer that refuses."""
    message = {"id": id_, "text": text, "type": "error", "context": {"why": "a rule"}, **more}
    return {"messages": [{"instance_ptr": pointer, "messages": [message]}]}
