"""A disk that is full: who wants to write is told so, who reads is answered, and it goes on by itself when there is room.

A full disk is a limit to the size of the process's files here: writes fail, with nobody else's disk filled.
"""

from __future__ import annotations

import resource
import sqlite3
from pathlib import Path

import httpx
import pytest

from tests.conftest import new_dsn
from tests.operation.conftest import Configure, MakeNode
from tests.support.callers import PASSWORD, Caller
from tests.support.process import Node
from tests.support.server import PATIENCE


def limit(node: Node, size: int) -> None:
    resource.prlimit(node.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


@pytest.mark.slow
def test_it_is_told_and_leaves_nothing_half_written(configure: Configure, node: MakeNode, tmp_path: Path) -> None:
    server = node(tmp_path, "-c", configure(new_dsn("sqlite", tmp_path))).start()
    ann = Caller(server, "app")
    ann.sign_up("ann@example.org")
    with httpx.Client(base_url=server.public, timeout=PATIENCE) as http:
        action = http.get("self-service/registration/api").json()["ui"]["action"]
        signing_up = {"method": "password", "password": PASSWORD, "traits": {"email": "ben@example.org"}}
        token = {"x-session-token": ann.token}
        limit(server, 1)
        answer = http.post(action, json=signing_up)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert answer.json()["error"]["reason"].startswith("The database cannot be used right now.")
        leaving = http.request("DELETE", "self-service/logout/api", json={"session_token": ann.token})
        assert leaving.status_code == 503
        page = http.get("self-service/login/browser", headers={"accept": "text/html"})
        assert (page.status_code, "Try again" in page.text) == (503, True)
        assert http.get("sessions/whoami", headers=token).status_code == 200, "what is refused has not happened"
        assert http.get("health/alive").status_code == 200
        limit(server, resource.RLIM_INFINITY)
        assert http.post(action, json=signing_up).status_code == 200, "the form and the address are as they were"
    assert server.stop() == 0
    assert "Traceback" not in server.log
    with sqlite3.connect(tmp_path / "limen.sqlite") as database:
        assert database.execute("pragma integrity_check").fetchone() == ("ok",)
        assert database.execute("select count(*) from identities").fetchone() == (2,)
    database.close()
