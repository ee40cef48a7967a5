"""`limen cleanup sql` deletes what has expired, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Start
from tests.operation.conftest import Configure
from tests.support.callers import Caller
from tests.support.process import limen


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
