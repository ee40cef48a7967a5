"""A database that is gone for a while: everybody is told, nothing breaks, and it goes on by itself."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest
import uvloop

from limen.db.database import DatabaseError
from limen.db.postgres import Postgres
from tests.conftest import postgres
from tests.support.callers import Caller
from tests.support.process import until
from tests.support.server import serve

ENDINGS = 60


async def allow(name: str, *, connections: bool) -> None:
    connection = await asyncpg.connect(postgres().dsn("postgres"))
    try:
        await connection.execute(f"alter database {name} allow_connections {str(connections).lower()}")
        if not connections:
            await connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", name)
    finally:
        await connection.close()


@pytest.mark.slow
def test_it_is_told_and_goes_on(tmp_path: Path) -> None:
    dsn = postgres().new()
    name = urlsplit(dsn).path.strip("/")
    with serve(tmp_path, dsn) as live:
        caller = Caller(live, "app")
        caller.sign_up()
        token = {"x-session-token": caller.token}
        asyncio.run(allow(name, connections=False))
        try:
            for path in ("sessions/whoami", "sessions", "self-service/login/api", "health/ready"):
                answer = httpx.get(live.public + path, headers=token)
                assert (path, answer.status_code) == (path, 503)
                assert answer.json()["error"]["message"]
                assert "retry-after" in answer.headers or path == "health/ready"
            for path in ("self-service/login/browser", "ui/login"):
                page = httpx.get(
                    live.public + path, headers={"accept": "text/html,*/*"}, follow_redirects=True, timeout=60
                )
                assert (page.status_code, page.headers["content-type"]) == (503, "text/html; charset=utf-8")
                assert "It is not your doing. Try again in a moment." in page.text
                assert page.headers["retry-after"] == "5"
            assert httpx.get(live.public + "health/alive").status_code == 200
            metrics = httpx.get(live.admin + "admin/metrics/prometheus").text
            assert "limen_database_up{" in metrics
            assert next(line for line in metrics.splitlines() if line.startswith("limen_database_up{")).endswith(" 0")
            assert "limen_courier_messages_waiting{" not in metrics
        finally:
            asyncio.run(allow(name, connections=True))
        until(lambda: httpx.get(live.public + "sessions/whoami", headers=token).status_code == 200)


@pytest.mark.slow
def test_connections_that_the_server_ends_are_replaced_without_a_word() -> None:
    """However unlucky the moment: what asyncpg says of it differs."""
    dsn = postgres().new()

    async def go() -> list[str]:
        driver = await Postgres.open(dsn, size=8)
        own = await asyncpg.connect(dsn)
        ended = asyncio.Event()
        others = (
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> $1"
        )

        async def read(number: int) -> list[str]:
            wrong = []
            while not ended.is_set():
                try:
                    assert [tuple(row) for row in await driver.rows("select :one", {"one": str(number)})] == [
                        (str(number),)
                    ]
                except DatabaseError:
                    pass  # its replacement was ended, too: whoever asked is told
                except Exception as error:
                    wrong.append(repr(error))
            return wrong

        readers = [asyncio.create_task(read(number)) for number in range(8)]
        for _ in range(ENDINGS):
            await asyncio.sleep(0.01)
            await own.execute(others, own.get_server_pid())
        ended.set()
        found = [wrong for reader in readers for wrong in await reader]
        await own.close()
        await driver.close()
        return found

    assert uvloop.run(go()) == []
