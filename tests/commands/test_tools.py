"""Commands that need no server: configurations, Jsonnet, hashing, and how mistakes end."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from limen.cli import main
from limen.commands import tree
from limen.commands.hashing import calibrated
from limen.core.passwords import Argon2
from tests.support.process import configured


def limen(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, env={})


@pytest.mark.parametrize(
    "words", [("nonsense",), ("list", "nonsense"), ("get", "identity"), ("config", "check"), ("version", "--odd")]
)
def test_a_mistake_ends_with_1(words: tuple[str, ...]) -> None:
    result = limen(*words)
    assert (result.exit_code, result.stdout) == (1, "")


def test_what_scripts_for_kratos_also_ask() -> None:
    assert "_LIMEN_COMPLETE" in limen("completion", "bash").stdout
    assert "doctor" in limen("help").stdout
    assert "--watch-courier" in limen("help", "serve").stdout
    assert limen("help", "migrate", "sideways").exit_code == 1
    assert "nothing to do" in limen("migrate", "normalize-phone-numbers", "-e", "--dry-run").stdout


def test_help_names_every_command_once() -> None:
    listed = [name for names in tree.SECTIONS.values() for name in names]
    assert sorted(listed) == sorted(main.list_commands(click.Context(main)))
    assert "..." not in limen("--help").stdout.partition("ARGS]...")[2]


def test_flags_may_stand_before_the_command(tmp_path: Path) -> None:
    file = configured(tmp_path, f"sqlite://{tmp_path}/limen.sqlite")
    assert "Applied" in limen("migrate", "sql", "-e", "--yes", "-c", file, "up").stdout
    assert "Pending" not in limen("migrate", "sql", "-c", file, "status").stdout
    assert "Pending" not in limen("migrate", f"--config={file}", "sql", "status").stdout
    assert "Pending" not in limen("--config", file, "migrate", "sql", "status").stdout
    assert limen("-c", file).exit_code == limen("-c").exit_code == 1


def test_hashing_begins_with_what_is_configured(tmp_path: Path) -> None:
    argon2 = {"memory": "1MB", "iterations": 2, "parallelism": 1}
    file = configured(tmp_path, "memory", {"hashers": {"algorithm": "argon2", "argon2": argon2}})
    words = ("hashers", "argon2", "load-test", "300", "-c", file, "--seconds", "1", "--format", "json")
    told = json.loads(limen(*words).stdout)
    assert (told["memory"], told["iterations"]) == ("1MB", 2)
    told = json.loads(limen(*words, "--iterations", "1", "--expected-deviation", "1s").stdout)
    assert (told["memory"], told["iterations"]) == ("1MB", 1)


def test_help_is_no_mistake() -> None:
    assert limen("--help").exit_code == 0
    assert limen("import", "identities", "-h").exit_code == 0


def test_a_configuration_is_checked_with_its_schemas(tmp_path: Path) -> None:
    file = Path(configured(tmp_path, "memory"))
    good = limen("config", "check", str(file))
    assert (good.exit_code, good.stdout) == (0, "The configuration is valid.\n")
    (tmp_path / "person.schema.json").write_text('{"properties": {"traits": {"type": "nonsense"}}}')
    bad = limen("config", "check", str(file))
    assert bad.exit_code == 1
    assert "person.schema.json" in bad.stderr
    more = tmp_path / "more.yml"
    more.write_text("session:\n  livespan: 2h\n")
    assert "more.yml:2:3" in limen("config", "check", str(file), str(more)).stderr


def test_a_key_is_explained() -> None:
    told = limen("config", "explain", "session.lifespan").stdout
    assert "SESSION_LIFESPAN" in told
    assert "24h" in told
    whole = limen("config", "explain", "session.cookie")
    assert whole.exit_code == 0
    assert "Below it  name, domain, path" in whole.stdout
    wrong = limen("config", "explain", "session.livespan")
    assert wrong.exit_code == 1
    assert "session.lifespan" in wrong.stderr


def test_where_a_value_is_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = configured(tmp_path, "memory", {"session": {"lifespan": "2h"}})
    more = tmp_path / "more.yml"
    more.write_text("session:\n  lifespan: 3h\n")
    line = next(at for at, row in enumerate(Path(file).read_text().splitlines(), 1) if row == "  lifespan: 2h")

    def told(key: str, *files: str) -> list[tuple[str, str]]:
        words = limen("config", "explain", key, *(part for name in files for part in ("-c", name))).stdout
        rows = [(row[:10].strip(), row[10:].strip()) for row in words.splitlines()[1:]]
        return [row for row in rows if row[0] in ("Holds", "From", "Instead of")]

    assert told("session.lifespan", file) == [("Holds", "2h"), ("From", f"{file}:{line}:3")]
    assert told("session.lifespan", file, str(more)) == [
        ("Holds", "3h"), ("From", f"{more}:2:3"), ("Instead of", f"{file}:{line}:3"),
    ]  # fmt: skip
    monkeypatch.setenv("SESSION_LIFESPAN", "4h")
    assert told("session.lifespan", file)[:2] == [("Holds", "4h"), ("From", "environment variable SESSION_LIFESPAN")]
    assert told("session.cookie.name", file) == [("Holds", "ory_kratos_session"), ("From", "its default")]
    assert told("identity.schemas.0.id", file)[0] == ("Holds", "default")


@pytest.mark.parametrize(
    ("key", "held"),
    [
        ("secrets.default", '["***"]'), ("secrets.default.0", "***"), ("secrets", '{"default": ["***"], "cipher": ["***"]}'),
        ("dsn", "postgres://***:***@db/limen"),
    ],
)  # fmt: skip
def test_secrets_are_not_explained(tmp_path: Path, key: str, held: str) -> None:
    file = configured(tmp_path, "postgres://me:hidden@db/limen", {"secrets": {"default": ["hidden-as-it-should-be"]}})
    told = limen("config", "explain", key, "-c", file).stdout
    assert held in told
    assert "hidden" not in told


@pytest.mark.parametrize(
    ("snippet", "fine"),
    [("function(ctx) {a: ctx.x}", True), ("{a: std.extVar('claims')} // ends so", True), ("error 'no'", True),
     ("{a:", False), ("{a: nobody}", False), ("1) + (2", False), ("1; 2", False), ("", False)],
)  # fmt: skip
def test_jsonnet_is_read_and_not_run(tmp_path: Path, snippet: str, fine: bool) -> None:
    file = tmp_path / "x.jsonnet"
    file.write_text(snippet)
    result = limen("jsonnet", "lint", str(file))
    assert (result.exit_code == 0) is fine, result.stderr
    assert limen("lint", "lint", str(tmp_path / "*.jsonnet")).exit_code == result.exit_code


def test_a_pattern_may_match_nothing_and_a_name_may_not(tmp_path: Path) -> None:
    assert limen("jsonnet", "lint", str(tmp_path / "*.jsonnet")).exit_code == 0
    assert limen("jsonnet", "lint", str(tmp_path / "gone.jsonnet")).exit_code == 1


def test_passwords_are_hashed_and_timed() -> None:
    told = limen("hashers", "argon2", "hash", "one", "two", "--memory", "1MB").stdout.splitlines()
    assert [line.split(":")[0] for line in told] == ["password 0", "password 1", "total"]
    assert limen("hashers", "argon2", "hash").exit_code == 1
    assert limen("hashers", "argon2", "hash", "x", "--memory", "much").exit_code == 1


def test_a_load_is_simulated() -> None:
    words = ("hashers", "argon2", "load-test", "300", "--memory", "1MB", "--seconds", "1", "--format", "json")
    told = json.loads(limen(*words).stdout)
    assert told["requests"] == 5
    assert told["memory"] == "1MB"


def test_parameters_are_found_within_the_memory_there_is() -> None:
    found = calibrated(Argon2(1024, 1, 1, 16, 32), wanted=0.05, most=4 * 1024 * 1024, runs=1)
    assert found.memory_kib <= 4096
    assert found.iterations >= 1


def test_migrations_go_forward_only() -> None:
    result = limen("migrate", "sql", "down", "memory", "--yes", "--steps", "2")
    assert result.exit_code == 1
    assert "backup" in result.stderr


def test_the_state_of_migrations_for_programs(tmp_path: Path) -> None:
    file = configured(tmp_path, f"sqlite://{tmp_path}/limen.sqlite")
    found = json.loads(limen("migrate", "sql", "status", "-e", "-c", file, "--format", "json").stdout)
    assert {one["status"] for one in found} == {"Pending"}
    assert limen("migrate", "sql", "up", "-e", "--yes", "-c", file).exit_code == 0
    found = json.loads(limen("migrate", "sql", "status", "-e", "--block", "-c", file, "--format", "json").stdout)
    assert {one["status"] for one in found} == {"Applied"}
