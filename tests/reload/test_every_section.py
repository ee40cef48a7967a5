"""A wrong edit of each section while people sign in: no request fails, and the message names the line."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from limen.core.config import Config
from limen.core.configkeys import Key, keys
from tests.conftest import new_dsn
from tests.support.callers import PASSWORD
from tests.support.process import Node, configured, until
from tests.support.server import merge

pytestmark = pytest.mark.slow
RATE = 200  # requests a second
SECTIONS = keys(Config)


class Load:
    """People who ask all the time: 200 requests a second, most of them session checks, as in life."""

    def __init__(self, node: Node) -> None:
        self.node, self.count, self.failed = node, 0, list[str]()
        self._stop = threading.Event()
        self._token = sign_up(node)
        self._threads = [threading.Thread(target=self._ask) for _ in range(4)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        turn = 0
        with httpx.Client(base_url=self.node.public) as http:
            while not self._stop.wait(len(self._threads) / RATE):
                turn += 1
                path, headers = ("sessions/whoami", {"x-session-token": self._token}) if turn % 8 else FLOW
                try:
                    answer = http.get(path, headers=headers)
                except httpx.HTTPError as error:
                    self.failed.append(repr(error))
                    continue
                self.count += 1
                if answer.status_code != 200:
                    self.failed.append(f"{path}: {answer.status_code}")


FLOW = ("self-service/login/api", {"accept": "application/json"})


def sign_up(node: Node) -> str:
    with httpx.Client(base_url=node.public) as http:
        flow = http.get("self-service/registration/api").json()
        body: dict[str, Any] = {"method": "profile", "traits": {"email": "ann@example.org"}}
        flow = http.post(flow["ui"]["action"], json=body).json()
        answer = http.post(flow["ui"]["action"], json={**body, "method": "password", "password": PASSWORD})
        return str(answer.json()["session_token"])


@pytest.fixture
def node(tmp_path: Path, database: str) -> Iterator[Node]:
    file = configured(
        tmp_path, new_dsn(database, tmp_path), {"revision": "good", "log": {"format": "json", "level": "error"}}
    )
    # A key that a variable sets would hide what is wrong with the section around it.
    started = Node(tmp_path, "-c", Path(file).name, env={"LIMEN_CONSOLE_ENABLED": ""}).start()
    yield started
    started.close()


def wrong(key: Key) -> Any:
    """What can never stand at this key."""
    return "nonsense" if key.kind in ("map", "list", "table") else [["nonsense"]]


def put(file: Path, text: str) -> None:
    """At once: a file that is empty for a moment may be refused for that."""
    fresh = file.with_suffix(".fresh")
    fresh.write_text(text)
    fresh.replace(file)


def refusals(node: Node) -> list[str]:
    lines = [json.loads(line) for line in node.log.splitlines() if line.startswith("{")]
    return [line["why"] for line in lines if line["event"] == "configuration.refused"]


def test_a_wrong_edit_of_each_section_fails_no_request(node: Node, tmp_path: Path) -> None:
    file = tmp_path / "limen.yml"
    good = file.read_text()
    data = yaml.safe_load(good)
    with Load(node) as load:
        for number, (name, key) in enumerate(SECTIONS.items(), 1):
            before = load.count
            others = yaml.safe_dump(merge(data, {"revision": "bad", name: None}))
            text = f"{others}{name}: {json.dumps(wrong(key))}\n"
            line = text.count("\n")
            put(file, text)
            said = until(lambda count=number: refusals(node) if len(refusals(node)) >= count else [])
            assert f"limen.yml:{line}:" in said[-1], (name, said[-1])
            assert httpx.get(node.admin + "admin/health/config").text == "good"
            until(lambda before=before: load.count > before)
    assert load.failed == []
    put(file, good.replace("revision: good", "revision: better"))
    until(lambda: httpx.get(node.admin + "admin/health/config").text == "better")


@pytest.mark.parametrize("suffix", ["json", "toml"])
def test_other_kinds_of_files_are_followed_too(tmp_path: Path, suffix: str, request: pytest.FixtureRequest) -> None:
    data = yaml.safe_load(Path(configured(tmp_path, new_dsn("sqlite", tmp_path), {"revision": "one"})).read_text())
    file = tmp_path / f"limen.{suffix}"
    file.write_text(written(data, suffix))
    base = {f"SERVE_{port.upper()}_BASE_URL": data["serve"][port]["base_url"] for port in ("public", "admin")}
    node = Node(tmp_path, "--dev", env=base)
    node.arguments = ("-c", file.name, "--dev")
    node.env = base
    request.addfinalizer(node.close)
    node.start()
    put(file, written({**data, "revision": "two"}, suffix))
    until(lambda: httpx.get(node.admin + "admin/health/config").text == "two")
    put(file, written({**data, "revision": 7}, suffix))
    until(lambda: "configuration.refused" in node.log)
    assert f"limen.{suffix}:" in node.log
    assert httpx.get(node.admin + "admin/health/config").text == "two"


def written(data: Any, suffix: str) -> str:
    """JSON, or as much of TOML as a configuration needs: tables are written inline, one for each key."""
    if suffix == "json":
        return json.dumps(data, indent=1)
    return "".join(f"{name} = {inline(value)}\n" for name, value in data.items())


def inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{name}" = {inline(part)}' for name, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(inline, value)) + "]"
    return json.dumps(value)
