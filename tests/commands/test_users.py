"""`limen users`: everybody in from a file and out into one, each row told, repeated without doubles."""

from __future__ import annotations

import csv
import json
import stat
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import bcrypt
import pytest

from tests.conftest import new_dsn
from tests.support.callers import PASSWORD, Caller
from tests.support.direct import LOG, ask
from tests.support.process import configured, limen
from tests.support.server import serve

HASH = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
Users = Callable[..., CompletedProcess[str]]


@pytest.fixture
def dsn(database: str, tmp_path: Path) -> str:
    return new_dsn(database, tmp_path)


@pytest.fixture
def users(dsn: str, tmp_path: Path) -> Users:
    """Run a command of `limen users` on the database; `people` are written into the file that is named first."""
    config = configured(tmp_path, dsn)

    def run(command: str, *words: str, typed: str = "") -> CompletedProcess[str]:
        return limen(tmp_path, "users", command, *words, "-c", config, answer=typed)

    return run


def number_of_people(dsn: str) -> int:
    return int(ask(dsn, "select count(*) from identities")[0][0])


WRITTEN = {
    "people.csv": f"email,hashed_password,verified,name\nann@example.org,{HASH},yes,Ann\nben@example.org,,,Ben\n",
    "people.json": json.dumps({"users": [
        {"email": "ann@example.org", "hashed_password": HASH, "verified": True, "traits": {"name": "Ann"}},
        {"email": "ben@example.org", "traits": {"name": "Ben"}},
    ]}),
    "people.jsonl": json.dumps({"email": "ann@example.org", "password": PASSWORD}) + '\n{"email": "ben@example.org"}\n',
}  # fmt: skip


@pytest.mark.parametrize("name", WRITTEN)
def test_everybody_of_a_file_comes_in_once(users: Users, dsn: str, name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(WRITTEN[name])
    assert users("import", name, "--dry-run").stdout == "2 people fit.\n"
    assert not (tmp_path / "limen.sqlite").exists()  # nothing is made for a look
    first = users("import", name)
    assert (first.returncode, first.stdout, first.stderr) == (0, "2 people imported.\n", "")
    again = users("import", name, "--results", "-")
    assert (again.returncode, again.stderr) == (0, "0 people imported.\n2 are here already and left alone.\n")
    assert {json.loads(line)["outcome"] for line in again.stdout.splitlines()} == {"exists"}
    assert users("import", name, "--dry-run").stdout == "0 people fit.\n2 are here already and left alone.\n"
    assert number_of_people(dsn) == 2
    with serve(tmp_path, dsn) as server:
        ann = Caller(server, "app")
        ann.sign_in("ann@example.org")
        assert ann.is_signed_in


def test_what_became_of_each_row_is_written_down(users: Users, dsn: str, tmp_path: Path) -> None:
    rows = (
        "email,hashed_password,external_id", f"ann@example.org,{HASH},7", "no address,,", "ann@example.org,,",
        "cat@example.org,$unknown$x,", "dan@example.org,,=1+1", "too,many,fields,here", "eve@example.org,,7",
    )  # fmt: skip
    (tmp_path / "odd.csv").write_text("\n".join(rows) + "\n")
    told = users("import", "odd.csv", "--dry-run", "--results", "dry.csv")
    done = users("import", "odd.csv", "--results", "real.csv")
    outcomes = ["created", "refused", "exists", "refused", "created", "refused", "exists"]
    for one, name, word in ((told, "dry.csv", "fit"), (done, "real.csv", "imported")):
        assert one.returncode == 1
        assert one.stdout.startswith(f"2 people {word}.\n2 are here already and left alone.\n3 do not fit:\n  line 3: ")
        with (tmp_path / name).open(newline="") as file:
            found = list(csv.DictReader(file))
        assert [row["outcome"] for row in found] == outcomes
        assert [(row["row"], row["line"]) for row in found] == [(str(n), str(n + 1)) for n in range(1, 8)]
        assert all(row["error"] for row in found if row["outcome"] != "created")
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert found[2]["id"] == found[0]["id"] == found[6]["id"]
    assert number_of_people(dsn) == 2


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.csv", '"open'), ("x.csv", ""), ("x.csv", "\udcff"), ("x.json", "{"), ("x.json", '{"people": []}'),
        ("x.jsonl", '{"email": "a@example.org"}\n{'), ("x.json", "[" * 100_000),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_told(users: Users, tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_bytes(text.encode("utf8", "surrogateescape"))
    done = users("import", name)
    assert done.returncode == 1
    assert done.stderr.startswith("Stopped. x.")
    assert "Traceback" not in done.stderr


def test_what_came_in_before_a_file_broke_off_stays_and_is_on_the_record(
    users: Users, dsn: str, tmp_path: Path
) -> None:
    lines = [f'{{"email": "p{n}@example.org"}}\n' for n in range(501)]
    (tmp_path / "x.jsonl").write_text("".join(lines[:500]) + "{")
    assert users("import", "x.jsonl").returncode == 1
    assert number_of_people(dsn) == 500
    (found,) = ask(dsn, f"select detail from {LOG} where action = 'auth.import'")
    assert json.loads(found[0]) == {"imported": 500, "existing": 0, "failed": 0}
    (tmp_path / "x.jsonl").write_text("".join(lines))
    assert users("import", "x.jsonl").stdout == "1 people imported.\n500 are here already and left alone.\n"


def test_rows_that_make_no_sense_are_told_and_the_others_come_in(users: Users, tmp_path: Path) -> None:
    odd: list[Any] = [
        1, None, [], "a", {}, {"email": 1}, {"email": "a\0@example.org"}, {"email": "\ud800@example.org"}, {"state": "x"},
        {"email": "b@example.org", "organization_id": "x"}, {"email": "c@example.org", "schema_id": "x"},
        {"email": "d@example.org", "traits": {"name": "\ud800"}}, {"email": "e@example.org", "external_id": "a\0b"},
        {"email": "fine@example.org"},
    ]  # fmt: skip
    (tmp_path / "odd.json").write_text(json.dumps(odd))
    done = users("import", "-", "--results", "told.jsonl", typed=json.dumps(odd))
    assert done.stdout.startswith("1 people imported.\n13 do not fit:\n")
    assert done.returncode == 1


def test_columns_become_what_the_schema_wants_and_clashes_are_told(users: Users, tmp_path: Path) -> None:
    rows = "email,name,name.first\nann@example.org,Ann,Ann\nben@example.org,Ben,\n"
    (tmp_path / "x.csv").write_text(rows)
    done = users("import", "x.csv")
    assert "line 2: name.first: a trait cannot be a text and have parts, nor" in done.stdout
    assert done.stdout.startswith("1 people imported.\n")


@pytest.mark.parametrize("form", ["csv", "json"])
def test_what_goes_out_comes_in_elsewhere(users: Users, dsn: str, database: str, tmp_path: Path, form: str) -> None:
    people = [
        {"email": f"p{n}@example.org", "hashed_password": HASH, "verified": n % 2 == 0, "external_id": f"={n}",
         "state": "inactive" if n == 3 else "active", "metadata_public": {"n": n}}
        for n in range(1100)
    ]  # fmt: skip
    (tmp_path / "in.json").write_text(json.dumps(people))
    assert users("import", "in.json").stdout == "1100 people imported.\n"
    done = users("export", "--format", form, "-o", f"out.{form}")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    file = tmp_path / f"out.{form}"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "$2" not in file.read_text()
    assert users("export", "--format", form).stdout.encode() == file.read_bytes().replace(b"\r\n", b"\n")
    (tmp_path / "other").mkdir()
    other = new_dsn(database, tmp_path / "other")
    config = configured(tmp_path / "other", other)
    assert limen(tmp_path, "users", "import", file.name, "-c", config).stdout == "1100 people imported.\n"
    limen(tmp_path, "users", "export", "-o", "back.json", "-c", config)
    back = {one["external_id"]: one for one in json.loads((tmp_path / "back.json").read_text())}
    assert len(back) == 1100
    for n, one in enumerate(people):
        found = back[f"={n}"]
        assert found["traits"] == {"email": f"p{n}@example.org"}
        assert (found["state"], found["metadata_public"]) == (one["state"], {"n": n})
        assert found["verifiable_addresses"][0]["verified"] is one["verified"]


def test_both_are_on_the_record(users: Users, dsn: str, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(WRITTEN["people.csv"])
    users("import", "x.csv")
    users("import", "x.csv", "--dry-run")
    users("export")
    found = ask(
        dsn, f"select action, actor, detail from {LOG} where action in ('auth.import', 'auth.export') order by at"
    )
    assert [tuple(row) for row in found] == [
        ("auth.import", "cli", '{"imported":2,"existing":0,"failed":0}'), ("auth.export", "cli", '{"format":"json"}'),
    ]  # fmt: skip
    assert ask(dsn, f"select count(*) from {LOG} where action = 'auth.identity.create'")[0][0] == 2
