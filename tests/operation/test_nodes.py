"""Processes that die and processes that share: nothing that was acknowledged is lost, and every node knows it at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.conftest import new_dsn
from tests.operation.conftest import Configure, MakeNode
from tests.support.callers import KINDS, PASSWORD, Caller, Kind
from tests.support.process import Node, configured
from tests.support.server import PATIENCE

WRITERS = 4
BEFORE_THE_END = 12  # sign-ups that are acknowledged before the process is killed


def sign_up_until_it_dies(node: Node, name: str, known: list[str], enough: threading.Event) -> None:
    """Register one person after another; whoever got an answer is known."""
    for number in range(10_000):
        email = f"{name}-{number}@example.org"
        try:
            with httpx.Client(base_url=node.public) as http:
                flow = http.get("self-service/registration/api").json()
                body = {"method": "password", "password": PASSWORD, "traits": {"email": email}}
                answer = http.post(flow["ui"]["action"], json=body)
        except (httpx.TransportError, ValueError):
            return
        assert answer.status_code == 200, answer.text
        known.append(email)
        if len(known) >= BEFORE_THE_END:
            enough.set()


@pytest.mark.slow
def test_a_kill_loses_no_acknowledged_sign_up(dsn: str, configure: Configure, node: MakeNode, tmp_path: Path) -> None:
    server = node(tmp_path, "-c", configure(dsn)).start()
    known: list[str] = []
    enough = threading.Event()
    with ThreadPoolExecutor(WRITERS) as pool:
        for number in range(WRITERS):
            pool.submit(sign_up_until_it_dies, server, f"p{number}", known, enough)
        assert enough.wait(PATIENCE)
        server.kill()
    server.start()
    for email in known:
        caller = Caller(server, "app")
        assert caller.sign_in(email).status_code == 200, email


@pytest.fixture
def two(node: MakeNode, tmp_path: Path) -> tuple[Node, Node]:
    """Two nodes behind one address, the first one's, on one database."""
    dsn = new_dsn("postgres", tmp_path)
    first = node(tmp_path, "-c", configured(tmp_path, dsn, name="one.yml"), "--dev")
    file = configured(tmp_path, dsn, name="two.yml")
    second = node(tmp_path, "-c", file, "--dev", env={"SERVE_PUBLIC_BASE_URL": first.public})
    second.public = node(tmp_path, "-c", file).public
    return first.start(), second.start()


def elsewhere(caller: Caller, two: tuple[Node, Node]) -> Caller:
    """The same client, sent to the other node by the balancer."""
    other = Caller(two[1], caller.kind)
    other.http.cookies = caller.http.cookies
    other.token = caller.token
    return other


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_nodes_on_one_database_are_one_server(two: tuple[Node, Node], kind: Kind) -> None:
    here = Caller(two[0], kind)
    person = here.sign_up()
    there = elsewhere(here, two)
    assert there.whoami()["identity"]["id"] == person["id"]

    guest = Caller(two[0], kind)
    flow = guest.start("login")
    moved = elsewhere(guest, two)
    flow["ui"]["action"] = flow["ui"]["action"].replace(two[0].public, two[1].public)
    moved.submit(flow, method="password", identifier="ann@example.org", password=PASSWORD)
    assert moved.is_signed_in

    assert there.http.delete("sessions", headers=there.headers()).status_code == 200
    back = elsewhere(moved, (two[1], two[0]))
    assert not back.is_signed_in
    assert here.is_signed_in
