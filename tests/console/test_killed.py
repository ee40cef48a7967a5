"""A server that is killed in the middle: what it answered is there, and what it did not answer is repeated without doubles."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import bcrypt
import httpx
import pytest

from tests.conftest import new_dsn
from tests.support.callers import PASSWORD, Caller
from tests.support.direct import LOG, ask
from tests.support.process import PROGRAM, Node, configured, environment, free_port, limen, until
from tests.support.receiver import Receiver
from tests.support.server import PATIENCE

pytestmark = pytest.mark.slow
HASH = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
TABLES = ("identities", "identifiers", "directory", "addresses")


class Killable(NamedTuple):
    """A server with an operator's port that asks nobody who they are, and its database."""

    node: Node
    api: str
    dsn: str
    config: str

    def post(self, path: str, body: Any, method: str = "POST") -> Any:
        """The answer; None when the server is gone before it."""
        try:
            answer = httpx.request(method, self.api + path, json=body)
        except httpx.TransportError:
            return None
        assert answer.status_code == 200, answer.text
        return answer.json()

    def count(self, table: str, where: str = "1 = 1") -> int:
        return int(ask(self.dsn, f"select count(*) from {table} where {where}")[0][0])


@pytest.fixture
def server(database: str, tmp_path: Path) -> Iterator[Killable]:
    dsn, port = new_dsn(database, tmp_path), free_port()
    console = {"enabled": True, "port": port, "auth_required": False, "base_url": f"http://127.0.0.1:{port}/"}
    config = configured(tmp_path, dsn, {"limen": {"console": console}})
    node = Node(tmp_path, "-c", config, env={"LIMEN_CONSOLE_ENABLED": "true"}).start()
    yield Killable(node, f"http://127.0.0.1:{port}/api/auth/", dsn, config)
    node.close()


def users(name: str, number: int) -> list[dict[str, Any]]:
    return [{"email": f"{name}-{n}@example.org", "hashed_password": HASH, "verified": True} for n in range(number)]


def until_it_dies(server: Killable, act: Callable[[int], Any], *, enough: int) -> dict[int, Any]:
    """Do it again and again, from two sides, and kill the server in the middle; what was answered, by its number."""
    answered: dict[int, Any] = {}
    is_enough = threading.Event()

    def work(side: int) -> None:
        for number in range(side, 10_000, 2):
            if (answer := act(number)) is None:
                return
            answered[number] = answer
            if len(answered) >= enough:
                is_enough.set()

    with ThreadPoolExecutor(2) as pool:
        sides = [pool.submit(work, side) for side in range(2)]
        assert is_enough.wait(PATIENCE)
        server.node.kill()
    for side in sides:
        side.result()
    return answered


def test_an_import_is_repeated_without_doubles(server: Killable) -> None:
    size = 60

    def take(number: int) -> Any:
        return server.post("users/import", {"users": users(f"p{number}", size)})

    answered = until_it_dies(server, take, enough=8)
    assert all(one["imported"] == size for one in answered.values())
    told = {result["id"] for one in answered.values() for result in one["results"]}
    assert told <= {row[0] for row in ask(server.dsn, "select id from identities")}
    server.node.start()
    for number in range(max(answered) + 3):
        again = take(number)
        outcomes = {one["outcome"] for one in again["results"]}
        assert outcomes in ({"created"}, {"exists"})  # those of one request came in together, or not at all
        assert outcomes == {"exists"} or number not in answered
    everybody = (max(answered) + 3) * size
    assert {server.count(table) for table in TABLES[:1] + TABLES[2:3]} == {everybody}
    assert server.count("identifiers", "type = 'password'") == everybody
    assert server.count(LOG, "action = 'auth.identity.create'") == everybody
    caller = Caller(server.node, "app")
    caller.sign_in("p0-0@example.org")
    assert caller.is_signed_in


def test_a_file_is_repeated_without_doubles(server: Killable, tmp_path: Path) -> None:
    server.node.kill()
    number, part = 8000, 1000
    (tmp_path / "many.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in users("p", number)))
    command = ["users", "import", "many.jsonl", "--results", "told.jsonl", "-c", server.config]
    killed = subprocess.Popen([*PROGRAM, *command], cwd=tmp_path, env=environment(), stdout=subprocess.DEVNULL)
    until(lambda: server.count("identities") >= part)
    killed.kill()
    killed.wait()
    there = server.count("identities")
    assert part <= there < number
    whole = [line for line in (tmp_path / "told.jsonl").read_text().splitlines(keepends=True) if line.endswith("\n")]
    told = {json.loads(line)["id"] for line in whole}
    assert told <= {row[0] for row in ask(server.dsn, "select id from identities")}
    done = limen(tmp_path, *command)
    assert done.stdout == f"{number - there} people imported.\n{there} are here already and left alone.\n"
    assert {server.count("identities"), server.count("directory")} == {number}


def test_a_batch_is_repeated_without_harm(server: Killable) -> None:
    size, people = 20, 1200
    for start in range(0, people, 400):
        server.post("users/import", {"users": users(f"p{start}", 400)})
    ids = sorted(row[0] for row in ask(server.dsn, "select id from identities"))
    assert len(ids) == people

    def delete(number: int) -> Any:
        some = ids[number * size : (number + 1) * size]
        return server.post("identities/batch-action", {"action": "delete", "ids": some}) if some else None

    answered = until_it_dies(server, delete, enough=6)
    assert all(one["succeeded"] == size for one in answered.values())
    gone = {id_ for number in answered for id_ in ids[number * size : (number + 1) * size]}
    left = {row[0] for row in ask(server.dsn, "select id from identities")}
    assert not gone & left
    for table in TABLES[1:]:  # each is there with all that is theirs, or gone with it
        assert {row[0] for row in ask(server.dsn, f"select distinct identity_id from {table}")} == left
    assert server.count(LOG, "action = 'auth.identity.delete'") == people - len(left)
    server.node.start()
    for number in range(people // size):
        again = delete(number)
        assert again["succeeded"] == len(left & set(ids[number * size : (number + 1) * size]))
    assert {server.count(table) for table in TABLES} == {0}
    assert server.count(LOG, "action = 'auth.identity.delete'") == people


def test_a_burst_of_webhooks_is_told_to_the_end(server: Killable) -> None:
    receiver, people, is_killed = Receiver(), 300, threading.Event()
    receiver.during = lambda _: None if len(receiver.calls) < 60 else bool(is_killed.wait(PATIENCE)) or None
    try:
        hook = {"url": receiver.url("/hook"), "events": ["auth.identity.create"], "secret": "a-secret-of-the-receiver"}
        server.post("webhooks", {"webhooks": [hook]}, "PUT")
        assert server.post("users/import", {"users": users("p", people)})["imported"] == people
        receiver.wait("/hook", 30)
        server.node.kill()
        before = len(receiver.calls)
        is_killed.set()
        server.node.start()
        until(lambda: len({one.json["email"] for one in receiver.calls}) == people)
        until(lambda: server.count("webhook_deliveries", "status = 'delivered'") == people)
    finally:
        receiver.close()
    assert 30 <= before < people
    told = {(one.json["email"], one.headers["x-truss-event-id"]) for one in receiver.calls}
    assert len(told) == people  # what was told twice was told under one id
    assert len(receiver.calls) - people <= 8  # as many as were under way
    assert server.count("webhook_deliveries") == people
