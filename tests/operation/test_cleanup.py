"""What has expired is deleted, by the server itself or by `limen cleanup sql`, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Start
from tests.journeys.test_trusted_devices import TRUST, devices, trusting
from tests.operation.conftest import Configure
from tests.support.callers import Caller
from tests.support.direct import ask
from tests.support.process import limen, until
from tests.support.server import LiveServer, merge


@pytest.mark.slow
def test_what_has_expired_goes(start: Start, configure: Configure, tmp_path: Path) -> None:
    server = start({"selfservice": {"flows": {"login": {"lifespan": "1ms"}}}})
    ann = Caller(server, "app")
    ann.sign_up()
    for _ in range(5):
        old = ann.start("login", refresh="true")
    young = ann.start("settings")
    words = ("cleanup", "sql", "-e", "-c", configure(server.app.config.dsn), "--database.cleanup.sleep.tables", "0s")
    kept = limen(tmp_path, *words, "--keep-last", "1h")
    assert (kept.returncode, kept.stdout.splitlines()[-1]) == (0, "0 rows deleted.")
    done = limen(tmp_path, *words, "-b", "2")
    assert (done.returncode, done.stdout.splitlines()[0].split(), done.stderr) == (0, ["flows", "5"], kept.stderr)
    assert ann.http.get("self-service/login/flows", params={"id": old["id"]}).status_code == 404
    assert ann.flow("settings", young["id"])["id"] == young["id"]
    assert ann.is_signed_in


def test_a_time_span_that_is_none_is_told(configure: Configure, dsn: str, tmp_path: Path) -> None:
    done = limen(tmp_path, "cleanup", "sql", "-e", "-c", configure(dsn), "--keep-last", "soon")
    assert done.returncode == 1  # as Kratos answers a flag it cannot read
    assert "'soon' is no time span" in done.stderr


def number_of(server: LiveServer, table: str) -> int:
    return int(ask(server.app.config.dsn, f"select count(*) from {table}")[0][0])


SHORT = {"selfservice": {"flows": {"login": {"lifespan": "1ms"}}}}


def test_the_server_deletes_what_has_expired(start: Start) -> None:
    """Of two nodes, whichever comes first."""
    first = start({**SHORT, "limen": {"cleanup": {"enabled": False}}})
    ann = Caller(first, "app")
    for _ in range(3):
        ann.start("login")
    young = ann.start("registration")
    ann.sign_up()
    own = {
        "limen": {"cleanup": {"interval": "1s", "keep": "0s", "keep_sessions": "1h"}},
        "database": {"cleanup": {"batch_size": 2}},
    }
    second, third = start(own), start(own)
    until(lambda: number_of(second, "flows") <= 2)
    assert ann.flow("registration", young["id"])["id"] == young["id"]
    assert number_of(third, "sessions") == 1  # kept for an hour


def test_the_server_deletes_nothing_when_told_so(start: Start) -> None:
    server = start({**SHORT, "limen": {"cleanup": {"enabled": False, "keep": "0s"}}})
    ann = Caller(server, "app")
    ann.start("login")
    until(
        lambda: bool(
            ask(server.app.config.dsn, "select done_at from chores where name = 'directory' and done_at <> ''")
        )
    )
    assert number_of(server, "flows") == 1
    assert number_of(server, "chores") == 1


@pytest.mark.slow
def test_trust_that_has_ended_goes(start: Start, configure: Configure, tmp_path: Path) -> None:
    server = start(TRUST)
    ann, _ = trusting(server, "script")
    words = ("cleanup", "sql", "-e", "-c", configure(server.app.config.dsn), "--database.cleanup.sleep.tables", "0s")
    assert limen(tmp_path, *words, "--keep-last", "0s").returncode == 0
    ann.sign_in()
    assert len(devices(ann)) == 1
    short = start(merge(TRUST, {"limen": {"second_factor": {"trusted_devices": {"lifespan": "1ms"}}}}))
    short.clock.forward(seconds=-60)
    trusting(short, "script", "eve@example.org")
    done = limen(tmp_path, *words, "--keep-last", "0s")
    assert ["trusted_devices", "1"] in [line.split() for line in done.stdout.splitlines()]
    assert len(devices(ann)) == 1
