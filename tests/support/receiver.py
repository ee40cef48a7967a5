"""A stranger's HTTP server on this machine: it notes every call, and answers what a test tells it to."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from tests.support.server import PATIENCE


class Call(NamedTuple):
    """A request as it arrived; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Reply(NamedTuple):
    status: int = 200
    body: Any = None  # bytes as they are, anything else as JSON, None for nothing
    headers: dict[str, str] = {}  # noqa: RUF012 - never changed
    after: float = 0  # seconds


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Whoever asked hung up, as callers do."""


class Receiver:
    """Serves until closed. `on` says what a path answers: once each, and the last one from then on."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.during: Callable[[str], None] = lambda path: None  # what happens while a call waits for its answer
        self._replies: dict[str, list[Reply]] = {}
        self._closing = threading.Event()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def on(self, path: str, *replies: Reply) -> None:
        self._replies[path] = list(replies)

    def at(self, path: str) -> list[Call]:
        """The calls to a path so far."""
        return [call for call in self.calls if call.path.partition("?")[0] == path]

    def wait(self, path: str, count: int = 1) -> list[Call]:
        """The calls to a path, once there are so many."""
        wait_for(lambda: len(self.at(path)) >= count)
        return self.at(path)

    def paths(self) -> Sequence[str]:
        return [call.path for call in self.calls]

    def close(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    def _reply(self, path: str) -> Reply:
        replies = self._replies.get(path.partition("?")[0], [Reply()])
        return replies.pop(0) if len(replies) > 1 else replies[0]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                announced = int(self.headers.get("content-length") or 0)
                body = self.rfile.read(announced)
                if len(body) < announced:
                    return  # the caller died over it
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.calls.append(Call(self.command, self.path, headers, body))
                receiver.during(self.path)
                reply = receiver._reply(self.path)
                receiver._closing.wait(reply.after)
                sent = reply.body if isinstance(reply.body, bytes) else b""
                if reply.body is not None and not isinstance(reply.body, bytes):
                    sent = json.dumps(reply.body).encode()
                try:
                    self.send_response(reply.status)
                    for name, value in {"content-length": str(len(sent)), **reply.headers}.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(sent)
                except OSError:
                    self.close_connection = True  # whoever asked did not wait

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_TRACE = do_SEND = answer  # noqa: N815

            def log_message(self, *_: Any) -> None:
                """Nobody reads it."""

        return Handler


def wait_for(condition: Callable[[], bool]) -> None:
    """Return as soon as it holds; fail when it does not in time."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
