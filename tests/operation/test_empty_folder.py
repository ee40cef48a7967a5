"""`limen serve` in an empty folder: it makes what it needs, once, and keeps it from others."""

from __future__ import annotations

import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from limen.settings import stand_in
from tests.operation.conftest import MakeNode
from tests.support.callers import Caller, has
from tests.support.process import limen


def rights(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_listens_on_this_machine_on_kratos_ports(tmp_path: Path) -> None:
    made = stand_in(tmp_path / "limen-data")
    assert made["dsn"] == f"sqlite://{tmp_path}/limen-data/limen.sqlite"
    assert made["serve"] == {
        "public": {"host": "127.0.0.1", "port": 4433, "base_url": "http://localhost:4433/"},
        "admin": {"host": "127.0.0.1", "port": 4434, "base_url": "http://127.0.0.1:4434/"},
    }


@pytest.mark.slow
def test_people_and_their_sessions_outlive_a_restart(node: MakeNode, tmp_path: Path) -> None:
    first = node(tmp_path).start()
    ann = Caller(first, "app")
    person = ann.sign_up(name="Ann")
    folder = tmp_path / "limen-data"
    made = {path.name: path.read_bytes() for path in folder.glob("*.json")}
    assert first.stop() == 0
    assert {path.name for path in folder.iterdir()} == {"secrets.json", "limen.sqlite"}

    again = node(tmp_path, env=first.env).start()
    assert {path.name: path.read_bytes() for path in folder.glob("*.json")} == made
    assert ann.whoami()["identity"]["id"] == person["id"]
    assert Caller(again, "page").sign_in().status_code == 303
    assert again.stop() == 0


@pytest.mark.slow
def test_second_factors_are_offered(node: MakeNode, tmp_path: Path) -> None:
    ann = Caller(node(tmp_path).start(), "app")
    ann.sign_up()
    settings = ann.start("settings")
    assert has(settings, "totp_code")
    assert has(settings, "lookup_secret_regenerate")


@pytest.mark.slow
def test_a_browser_stays_signed_in_over_a_restart(node: MakeNode, tmp_path: Path) -> None:
    first = node(tmp_path).start()
    ann = Caller(first, "page")
    ann.sign_up(name="Ann")
    first.kill()
    node(tmp_path, env=first.env).start()
    assert ann.is_signed_in


@pytest.mark.slow
def test_nobody_else_reads_what_it_keeps(node: MakeNode, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        running = node(tmp_path).start()
    finally:
        os.umask(before)
    folder = tmp_path / "limen-data"
    assert rights(folder) == 0o700
    assert {path.name: rights(path) for path in folder.iterdir()} == {
        "secrets.json": 0o600,
        "limen.sqlite": 0o600,
        "limen.sqlite-wal": 0o600,
        "limen.sqlite-shm": 0o600,
    }
    running.kill()


@pytest.mark.slow
def test_a_database_that_is_there_keeps_its_rights(node: MakeNode, tmp_path: Path) -> None:
    folder = tmp_path / "limen-data"
    folder.mkdir(mode=0o750)
    folder.chmod(0o750)
    (folder / "limen.sqlite").touch()
    (folder / "limen.sqlite").chmod(0o640)
    node(tmp_path).start()
    assert (rights(folder), rights(folder / "limen.sqlite")) == (0o750, 0o640)


def test_servers_that_start_at_once_find_the_same_secrets(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda _: stand_in(tmp_path / "limen-data")["secrets"], range(16)))
    assert all(secrets == found[0] for secrets in found)
    assert [path.name for path in (tmp_path / "limen-data").iterdir()] == ["secrets.json"]
    assert {len(secret) for secrets in found[0].values() for secret in secrets} == {32}


def test_migrating_makes_no_secrets(tmp_path: Path) -> None:
    done = limen(tmp_path, "migrate", "sql", "up", "-e", "-y", env={"DSN": f"sqlite://{tmp_path}/elsewhere.sqlite"})
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["elsewhere.sqlite"]


@pytest.mark.parametrize(
    ("content", "said"), [("{", "secrets.json cannot be read"), ('{"default": "x"}', "secrets.json cannot be read")]
)
def test_damaged_secrets_are_told(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "limen-data").mkdir()
    (tmp_path / "limen-data/secrets.json").write_text(content)
    done = limen(tmp_path, "serve")
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "limen-data").write_text("not a folder")
    done = limen(tmp_path, "serve")
    assert (done.returncode, done.stderr) == (
        1,
        "Limen cannot start. Its data cannot be kept: the folder limen-data cannot be made: File exists.\n",
    )


def test_a_folder_without_rights_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    done = limen(tmp_path, "serve", mortal=True)
    tmp_path.chmod(0o700)
    assert (done.returncode, done.stderr) == (
        1,
        "Limen cannot start. Its data cannot be kept: the folder limen-data cannot be made: Permission denied.\n",
    )


def test_secrets_are_what_the_configuration_wants(tmp_path: Path) -> None:
    kept = stand_in(tmp_path / "limen-data")["secrets"]
    assert kept == json.loads((tmp_path / "limen-data/secrets.json").read_text())
    assert set(kept) == {"default", "cookie", "cipher"}
