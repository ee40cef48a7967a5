"""How SQLite is written to: small things at once, everything on the disk before it is answered, others waited for."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from pathlib import Path

import pytest

from limen.db import flusher, sqlitewriter
from limen.db.database import DatabaseError, Statement, UniqueViolation, Unmet
from limen.db.sqlite import FEW, Sqlite, SqliteOptions

INSERT = "insert into things (id, value) values (:id, '')"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "things.sqlite"


@pytest.fixture
def flushes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The flushes of the log; a -1 put there makes the next one fail."""
    done: list[int] = []
    sync = flusher._sync

    def noted(descriptor: int) -> None:
        if done == [-1]:
            done.clear()
            raise OSError(5, "Input/output error")
        sync(descriptor)
        done.append(descriptor)

    monkeypatch.setattr(flusher, "_sync", noted)
    return done


async def opened(file: Path) -> Sqlite:
    driver = await Sqlite.open(SqliteOptions(file))
    await driver.script(["create table if not exists things (id integer primary key, value text not null)"])
    return driver


def thing(id_: int, **more: bool) -> Statement:
    return Statement(INSERT, {"id": id_}, **more)  # type: ignore[arg-type]


async def stored(driver: Sqlite) -> list[int]:
    return [row[0] for row in await driver.rows("select id from things order by id", {})]


@pytest.mark.parametrize("count", [1, FEW + 1])
async def test_what_is_answered_is_on_the_disk_but_for_what_may_be_lost(
    file: Path, flushes: list[int], count: int
) -> None:
    driver = await opened(file)
    flushes.clear()
    await driver.commit([thing(id_, fleeting=True) for id_ in range(count)])
    assert not flushes
    await driver.commit([thing(id_) for id_ in range(100, 100 + count)])
    assert len(flushes) == 1
    assert len(await stored(driver)) == 2 * count
    await driver.close()


@pytest.fixture
def link(file: Path) -> Path:
    """A link to a file elsewhere, which is not there yet."""
    elsewhere = file.with_name("elsewhere")
    elsewhere.mkdir()
    file.symlink_to(elsewhere / "real.sqlite")
    return file


async def test_a_link_to_the_file_will_do(link: Path, flushes: list[int]) -> None:
    driver = await opened(link)
    flushes.clear()
    await driver.commit([thing(1)])
    assert (len(flushes), await stored(driver)) == (1, [1])
    await driver.close()


@pytest.mark.parametrize("count", [1, FEW + 1])
async def test_a_disk_that_fails_is_told(file: Path, flushes: list[int], count: int) -> None:
    driver = await opened(file)
    flushes[:] = [-1]
    with pytest.raises(DatabaseError, match="did not get to the disk"):
        await driver.commit([thing(id_) for id_ in range(count)])
    await driver.commit([thing(100)])
    assert 100 in await stored(driver)
    await driver.close()


@pytest.mark.parametrize("count", [1, FEW + 1])
async def test_what_fails_leaves_nothing_behind_and_nobody_else_notices(file: Path, count: int) -> None:
    driver = await opened(file)
    await driver.commit([thing(1)])
    before = [thing(id_) for id_ in range(100, 100 + count)]
    nothing = Statement("delete from things where id = :id", {"id": 7}, 1)
    results = await asyncio.gather(
        driver.commit([*before, thing(1)]),
        driver.commit([*before, nothing]),
        driver.commit([thing(2)]),
        driver.write("insert into things (id, value) values (:id, null) returning id", {"id": 3}),
        driver.commit([Statement("insert into nowhere (id) values (:id)", {"id": 4})]),
        driver.commit([thing(5)]),
        return_exceptions=True,
    )
    assert [type(one) for one in results[:2]] == [UniqueViolation, Unmet]
    assert isinstance(results[3], DatabaseError)
    assert isinstance(results[4], DatabaseError)
    assert results[2] is results[5] is None
    assert await stored(driver) == [1, 2, 5]
    await driver.close()


async def test_another_process_that_writes_is_waited_for_while_others_read(file: Path) -> None:
    driver = await opened(file)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("begin immediate")
    waiting = asyncio.create_task(driver.commit([thing(1)]))
    for _ in range(20):
        await asyncio.sleep(0.001)
        assert await stored(driver) == []
    assert not waiting.done()
    other.execute("insert into things (id, value) values (2, '')")
    other.execute("commit")
    await waiting
    assert await stored(driver) == [1, 2]
    other.close()
    await driver.close()


async def test_another_process_that_does_not_end_is_not_waited_for_for_ever(file: Path) -> None:
    driver = await Sqlite.open(SqliteOptions(file, busy_timeout=0.05))
    await driver.script(["create table things (id integer primary key, value text not null)"])
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("begin immediate")
    with pytest.raises(DatabaseError, match="locked"):
        await driver.commit([thing(1)])
    other.close()
    await driver.commit([thing(2)])
    assert await stored(driver) == [2]
    await driver.close()


async def test_the_log_is_brought_home_while_the_server_runs(file: Path) -> None:
    driver = await opened(file)
    for id_ in range(3 * sqlitewriter.CHANGES):
        await driver.commit([thing(id_, fleeting=True)])
    assert at_home(file) >= sqlitewriter.CHANGES
    log = file.with_name(f"{file.name}-wal")
    assert size(log) < sqlitewriter.CHANGES * 3 * 4096
    await driver.close()
    assert (at_home(file), size(log)) == (3 * sqlitewriter.CHANGES, 0)


def at_home(file: Path) -> int:
    """How many things are in the file itself, without the log beside it."""
    copy = file.with_name("copy.sqlite")
    copy.write_bytes(file.read_bytes())
    with contextlib.closing(sqlite3.connect(copy)) as home:
        return int(home.execute("select count(*) from things").fetchone()[0])


def size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0
