"""Who brings the tables up to date, and what a server does that finds them older or newer than itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from limen.db import migrate
from tests.conftest import postgres
from tests.operation.conftest import Configure, MakeNode
from tests.support.direct import ask
from tests.support.process import limen

NAMES = [f"{one.version:04}  {one.name}" for one in migrate.available()]
APPLIED = [*NAMES, f"Applied {len(NAMES)}."]
VERSIONS = "select version from migrations order by version"


def versions(dsn: str) -> list[int]:
    return [row[0] for row in ask(dsn, VERSIONS)]


ALL = [one.version for one in migrate.available()]


@pytest.mark.parametrize(
    "words",
    [
        ("migrate", "sql", "up", "-e", "-y", "-c", "FILE"),
        ("migrate", "sql", "-e", "--yes", "--config", "FILE"),
        ("-c", "FILE", "migrate", "sql", "-e", "--yes"),
        ("migrate", "sql", "up", "DSN", "-y"),
        ("migrate", "sql", "DSN", "-y"),
    ],
)
def test_each_spelling_applies_what_is_missing(
    empty: str, configure: Configure, tmp_path: Path, words: tuple[str, ...]
) -> None:
    names = {"FILE": configure(empty), "DSN": empty}
    done = limen(tmp_path, *[names.get(word, word) for word in words])
    assert (done.returncode, done.stdout.splitlines(), done.stderr) == (0, APPLIED, "")
    assert versions(empty) == ALL


@pytest.mark.slow
def test_the_data_source_may_come_from_the_environment(empty: str, tmp_path: Path) -> None:
    done = limen(tmp_path, "migrate", "sql", "up", "-e", "-y", env={"DSN": empty})
    assert (done.returncode, done.stdout.splitlines()) == (0, APPLIED)
    again = limen(tmp_path, "migrate", "sql", "up", "-e", "-y", env={"DSN": empty})
    assert (again.returncode, again.stdout) == (0, "The database is up to date.\n")


@pytest.mark.slow
def test_without_yes_it_asks_first(empty: str, configure: Configure, tmp_path: Path) -> None:
    words = ("migrate", "sql", "up", "-e", "-c", configure(empty))
    refused = limen(tmp_path, *words, answer="n\n")
    assert refused.returncode == 1
    assert NAMES[0] in refused.stdout
    assert "Pending" in limen(tmp_path, "migrate", "sql", "status", "-e", "-c", words[-1]).stdout
    assert limen(tmp_path, *words, answer="y\n").returncode == 0
    assert versions(empty) == ALL


@pytest.mark.slow
def test_status_lists_all(empty: str, configure: Configure, tmp_path: Path) -> None:
    file = configure(empty)
    for state in ("Pending", "Applied"):
        done = limen(tmp_path, "migrate", "sql", "status", "-e", "-c", file)
        assert done.returncode == 0, done.stderr
        heading, *lines = [line.split() for line in done.stdout.splitlines()]
        assert heading == ["Version", "Name", "Status"]
        assert lines == [[f"{one.version:04}", one.name, state] for one in migrate.available()]
        limen(tmp_path, "migrate", "sql", "up", "-e", "-y", "-c", file)


@pytest.mark.slow
def test_on_postgres_a_server_waits_for_the_operator(configure: Configure, node: MakeNode, tmp_path: Path) -> None:
    dsn = postgres().new(migrated=False)
    file = configure(dsn)
    done = limen(tmp_path, "serve", "-c", file)
    assert (done.returncode, done.stderr.rpartition("\n\n")[2]) == (
        1,
        "Limen cannot start. The database is behind this version. Run `limen migrate sql up -e --yes` with the same "
        "configuration, or set limen.database.auto_migrate: true.\n",
    )
    assert limen(tmp_path, "migrate", "sql", "up", "-e", "--yes", "-c", file).returncode == 0
    assert node(tmp_path, "-c", file).start().stop() == 0


@pytest.mark.slow
def test_a_server_told_to_migrate_does(empty: str, configure: Configure, node: MakeNode, tmp_path: Path) -> None:
    file = configure(empty, {"limen": {"database": {"auto_migrate": True}}})
    assert node(tmp_path, "-c", file).start().stop() == 0
    assert versions(empty) == ALL


def test_a_server_told_not_to_migrate_does_not(empty: str, configure: Configure, tmp_path: Path) -> None:
    done = limen(tmp_path, "serve", "-c", configure(empty, {"limen": {"database": {"auto_migrate": False}}}))
    assert done.returncode == 1
    assert "Run `limen migrate sql up" in done.stderr


def test_a_database_of_a_newer_version_is_refused(dsn: str, configure: Configure, tmp_path: Path) -> None:
    file = configure(dsn)
    limen(tmp_path, "migrate", "sql", "up", "-e", "-y", "-c", file)
    ask(dsn, "insert into migrations (version, name, applied_at) values (9999, 'later', 'x')")
    done = limen(tmp_path, "serve", "-c", file)
    assert (done.returncode, done.stderr.rpartition("\n\n")[2]) == (
        1,
        "Limen cannot start. The database was migrated by a newer version of Limen (9999). Use that one.\n",
    )


@pytest.mark.slow
def test_nodes_that_start_at_once_migrate_once(
    empty: str, configure: Configure, node: MakeNode, tmp_path: Path
) -> None:
    over = {"limen": {"database": {"auto_migrate": True}}}
    nodes = [node(tmp_path, "-c", configure(empty, over, f"node-{number}.yml")) for number in range(3)]
    for one in nodes:
        one.begin()
    for one in nodes:
        one.ready()
    assert versions(empty) == ALL
    assert ask(empty, "select count(*) from projects") == [(1,)]
    assert [one.stop() for one in nodes] == [0, 0, 0]
