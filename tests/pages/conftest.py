"""Servers and visitors for the tests of the hosted pages. They are read over the wire; the database is the smaller one."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from limen.core.ids import new_id
from limen.core.messages import Message
from limen.core.ui import Node
from tests.pages.gallery import Shown, store
from tests.pages.visitor import Visitor
from tests.support.server import LiveServer, serve

FLOWS = {"recovery": {"enabled": True}, "verification": {"enabled": True}}
Begin = Callable[..., LiveServer]


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Start a server with differences to the base configuration."""
    with contextlib.ExitStack() as stack:

        def start(over: dict[str, Any] | None = None, **more: Any) -> LiveServer:
            folder = tmp_path / new_id()
            folder.mkdir()
            return stack.enter_context(serve(folder, f"sqlite://{folder}/limen.sqlite", over, **more))

        yield start


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """One for all tests of a file, with recovery and verification on. Each test brings people of its own."""
    folder = tmp_path_factory.mktemp("pages")
    with serve(folder, f"sqlite://{folder}/limen.sqlite", {"selfservice": {"flows": FLOWS}}) as live:
        yield live


@pytest.fixture
def visitor(server: LiveServer) -> Visitor:
    return Visitor(server)


Put = Callable[..., str]


@pytest.fixture
def put(visitor: Visitor) -> Put:
    """Store a flow with these nodes for the visitor; returns the address of its page."""

    def put_flow(kind: str, *nodes: Node, told: tuple[Message, ...] = (), **more: Any) -> str:
        visitor.open("ui/")
        return store(visitor.server, visitor.secret, Shown(kind=kind, nodes=nodes, told=told, more=more))

    return put_flow
