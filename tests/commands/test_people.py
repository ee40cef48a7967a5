"""People from the command line: every command, every format, and what is told when something fails."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.commands.conftest import Limen
from tests.support.operators import Operator
from tests.support.receiver import Receiver, Reply
from tests.support.server import LiveServer


@pytest.fixture
def operator(server: LiveServer) -> Operator:
    return Operator(server)


def person(email: Any, **more: Any) -> dict[str, Any]:
    return {"schema_id": "default", "traits": {"email": email}, **more}


def test_a_list_goes_on_where_its_token_says(limen: Limen, operator: Operator) -> None:
    ids = sorted(operator.create(f"person{n}@example.org").json()["id"] for n in range(3))
    first = json.loads(limen("list", "identities", "--page-size", "2", "--format", "json").stdout)
    assert [p["id"] for p in first["identities"]] == ids[:2]
    rest = limen("identities", "list", "--page-token", first["next_page_token"], "-q")
    assert rest.stdout.split() == ids[2:]


def test_a_table_lines_up_and_names_the_next_page(limen: Limen, operator: Operator) -> None:
    for n in range(2):
        operator.create(f"person{n}@example.org", external_id=f"ext{n}")
    shown = limen("list", "identities", "--page-size", "1").stdout.splitlines()
    assert shown[0].split("  ")[0] == "ID"
    assert shown[0].index("EXTERNAL ID") == shown[1].index("ext")
    assert shown[-1].startswith("NEXT PAGE TOKEN  ")


@pytest.mark.parametrize(
    ("form", "read"),
    [("json", json.loads), ("json-pretty", json.loads), ("yaml", yaml.safe_load)],
)
def test_formats_for_programs(limen: Limen, operator: Operator, form: str, read: Any) -> None:
    made = operator.create().json()
    assert read(limen("get", "identity", made["id"], "--format", form).stdout)["traits"] == {"email": "ann@example.org"}


def test_a_part_of_an_answer(limen: Limen, operator: Operator) -> None:
    id_ = operator.create().json()["id"]
    for form in ("jsonpath=traits.email", "jsonpointer=/traits/email"):
        assert limen("get", "identity", id_, "--format", form).stdout == '"ann@example.org"\n'
    assert limen("get", "identity", id_, "--format", "jsonpath=no.such").stdout == "null\n"


def test_what_worked_is_printed_although_something_failed(limen: Limen, operator: Operator) -> None:
    id_ = operator.create().json()["id"]
    result = limen("get", "identity", id_, "nonsense", "-q")
    assert (result.exit_code, result.stdout) == (1, f"{id_}\n")
    assert result.stderr.startswith("nonsense: ")
    result = limen("delete", "identity", str(uuid.uuid4()), id_, "-q")
    assert (result.exit_code, result.stdout) == (1, f"{id_}\n")
    assert operator.get("identities") == []


def test_external_ids(limen: Limen, operator: Operator) -> None:
    id_ = operator.create(external_id="crm/1 ?").json()["id"]
    assert limen("get", "identity", "--external-id", "crm/1 ?", "-q").stdout == f"{id_}\n"


def test_an_id_is_no_path(limen: Limen, operator: Operator) -> None:
    operator.create()
    assert limen("delete", "identity", "../identities", "..").exit_code == 1
    assert len(operator.get("identities")) == 1


def test_files_and_the_input_are_imported(limen: Limen, operator: Operator, tmp_path: Path) -> None:
    one, many = tmp_path / "one.json", tmp_path / "many.json"
    one.write_text(json.dumps(person("one@example.org")))
    many.write_text(json.dumps([person("a@example.org"), {"traits": {"email": "b@example.org"}}]))
    assert limen("import", "identities", str(one), str(many), "-q").exit_code == 0
    result = limen("identities", "import", "-q", typed=json.dumps(person("typed@example.org")))
    assert len(result.stdout.split()) == 1
    assert len(operator.get("identities")) == 4


def test_what_is_wrong_with_one_keeps_nobody_else_out(limen: Limen, operator: Operator, tmp_path: Path) -> None:
    file = tmp_path / "people.json"
    odd = person("b@example.org", state="odd")
    first, last = person("a@example.org"), person("c@example.org")
    file.write_text(json.dumps([first, odd, person(5), 7, first, last]))
    result = limen("import", "identities", str(file), "-q")
    assert result.exit_code == 1
    assert len(result.stdout.split()) == 2
    places = [line.split(": ")[0] for line in result.stderr.splitlines() if line.startswith(str(file))]
    assert places == [f"{file}[{n}]" for n in (1, 2, 3, 4)]
    assert len(operator.get("identities")) == 2


@pytest.mark.parametrize("text", ["{", "", "\xff"])
def test_a_file_that_is_none(limen: Limen, tmp_path: Path, text: str) -> None:
    file = tmp_path / "people.json"
    file.write_bytes(text.encode("latin1"))
    for command in (("import", "identities"), ("validate", "identity")):
        result = limen(*command, str(file))
        assert (result.exit_code, result.stdout) == (1, "")
        assert str(file) in result.stderr


def test_files_are_validated_and_nobody_is_made(limen: Limen, operator: Operator, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(json.dumps(person("a@example.org")))
    bad.write_text(
        json.dumps(
            [
                {"traits": {}},
                person(5),
                person("x@example.org", id="x"),
                {**person("y@example.org"), "schema_id": "none"},
            ]
        )
    )
    assert limen("validate", "identity", str(good)).stdout == "All identity files are valid.\n"
    result = limen("validate", "identity", str(good), str(bad))
    assert (result.exit_code, result.stdout) == (1, "")
    assert [line.split(": ")[0] for line in result.stderr.splitlines()] == [f"{bad}[{n}]" for n in range(4)]
    assert operator.get("identities") == []


def test_a_patch(limen: Limen, operator: Operator) -> None:
    id_ = operator.create().json()["id"]
    change = json.dumps([{"op": "add", "path": "/traits/name", "value": "Ann"}])
    assert limen("patch", "identity", id_, change, "--format", "jsonpath=traits.name").stdout == '"Ann"\n'
    assert limen("identities", "patch", id_, "-", typed=change).exit_code == 0
    assert limen("patch", "identity", id_, '[{"op": "move"}]').exit_code == 1


def test_no_server_and_no_address(limen: Limen) -> None:
    assert limen("list", "identities", env={}).exit_code == 1
    result = limen("list", "identities", "-e", "http://127.0.0.1:9")
    assert result.exit_code == 1
    assert "cannot be reached" in result.stderr
    assert limen("list", "identities", "-e", "nonsense").exit_code == 1


def test_an_address_that_is_something_else(limen: Limen, server: LiveServer) -> None:
    assert limen("list", "identities", "-e", server.public + "ui").exit_code == 1


def test_the_server_is_asked_how_it_is(limen: Limen) -> None:
    assert limen("remote", "status").stdout == "ALIVE  true\nREADY  true\n"
    assert json.loads(limen("remote", "version", "--format", "json").stdout)["version"].startswith("v")
    gone = limen("remote", "status", "-e", "http://127.0.0.1:9")
    assert (gone.exit_code, gone.stdout) == (1, "ALIVE  false\nREADY  false\n")


def test_a_token_for_whoever_guards_the_admin_api_is_sent_along(limen: Limen) -> None:
    guard = Receiver()
    try:
        guard.on("/admin/identities", Reply(body=[]))
        limen("list", "identities", env={"KRATOS_ADMIN_URL": guard.url(""), "KRATOS_ADMIN_TOKEN": "let-me-in"})
        sent = [call.headers["authorization"] for call in guard.calls]
    finally:
        guard.close()
    assert sent == ["Bearer let-me-in"]
