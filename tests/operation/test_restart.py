"""Two nodes behind a balancer are restarted one after the other, and nobody notices."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.conftest import new_dsn
from tests.operation.test_backup import signs_in
from tests.support.callers import PASSWORD
from tests.support.process import Node, configured, until
from tests.support.server import PATIENCE

pytestmark = pytest.mark.slow
DRAIN = "8s"  # more than a balancer takes to ask, and a test to look, on any machine


class Balancer:
    """Asks every node whether it is ready, five times a second, and sends people to those that are: as balancers do."""

    def __init__(self, nodes: list[Node]) -> None:
        self.nodes, self.ready, self.turn = nodes, list(nodes), 0
        self._stop = threading.Event()
        balancer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                balancer.turn += 1
                node = balancer.ready[balancer.turn % len(balancer.ready)]
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                with closing(http.client.HTTPConnection(urlsplit(node.public).netloc, timeout=PATIENCE)) as upstream:
                    upstream.request(self.command, self.path, body, dict(self.headers.items()))
                    answer = upstream.getresponse()
                    content = answer.read()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name not in ("transfer-encoding", "connection"):
                        self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = handle_any  # noqa: N815 - the base class's names

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"
        self._threads = [threading.Thread(target=self._server.serve_forever), threading.Thread(target=self._look)]
        for thread in self._threads:
            thread.start()

    def _look(self) -> None:
        while not self._stop.wait(0.2):
            self.ready = [node for node in self.nodes if node.status("health/ready") == 200] or self.ready

    def close(self) -> None:
        self._stop.set()
        self._server.shutdown()
        self._server.server_close()
        for thread in self._threads:
            thread.join()


class Person:
    """Signs in again and again, and notes what failed."""

    def __init__(self, url: str) -> None:
        self.count, self.failed = 0, list[str]()
        self._url, self._stop = url, threading.Event()
        self._thread = threading.Thread(target=self._go_on)

    def __enter__(self) -> Person:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _go_on(self) -> None:
        with httpx.Client(base_url=self._url) as caller:
            while not self._stop.is_set():
                try:
                    flow = caller.get("self-service/login/api").json()
                    path = "self-service/login?flow=" + flow["id"]
                    body = {"method": "password", "identifier": "ann@example.org", "password": PASSWORD}
                    token = caller.post(path, json=body).json()["session_token"]
                    status = caller.get("sessions/whoami", headers={"x-session-token": token}).status_code
                    assert status == 200, status
                except (httpx.HTTPError, AssertionError, KeyError, ValueError) as error:
                    self.failed.append(repr(error))
                self.count += 1


@pytest.fixture
def nodes(tmp_path: Path, database: str) -> Iterator[list[Node]]:
    dsn, made = new_dsn(database, tmp_path), list[Node]()
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        made.append(Node(folder, "-c", configured(folder, dsn, {"limen": {"drain": DRAIN}}), "--dev"))
    yield made
    for node in made:
        node.close()


def test_nobody_notices_a_restart(nodes: list[Node]) -> None:
    for node in nodes:
        node.start()
    flow = httpx.get(nodes[0].public + "self-service/registration/api").json()
    body = {"method": "profile", "traits": {"email": "ann@example.org"}}
    flow = httpx.post(flow["ui"]["action"], json=body).json()
    httpx.post(flow["ui"]["action"], json={**body, "method": "password", "password": PASSWORD})
    balancer = Balancer(nodes)
    try:
        with Person(balancer.url) as person:
            for node in nodes:
                before = person.count
                assert node.stop() == 0
                node.start()
                until(lambda: len(balancer.ready) == len(nodes))
                until(lambda before=before: person.count > before)
        assert person.failed == []
    finally:
        balancer.close()
    assert all(signs_in(node, "ann@example.org") for node in nodes)


def test_a_node_that_leaves_says_so_and_goes_on_answering(nodes: list[Node]) -> None:
    one = nodes[0].start()
    one.signal(15)
    until(lambda: one.status("health/ready") == 503)
    assert one.status("health/alive") == 200
    for path in ("self-service/login/api", "sessions/whoami"):
        answer = httpx.get(one.public + path, timeout=PATIENCE)
        assert (answer.status_code, answer.headers["connection"]) == (200 if "login" in path else 401, "close")
    assert one.ended() == 0
