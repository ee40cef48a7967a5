"""The files in deploy/: what can be said of them without the programs they are for."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from click.testing import CliRunner

from limen.cli import main
from limen.core.configload import load

FOLDER = Path(__file__).parents[2] / "deploy"
SECRETS = {
    "DSN": "postgres://limen:x@db/limen",
    "SECRETS_DEFAULT": "0123456789abcdef0123456789abcdef",
    "SECRETS_COOKIE": "0123456789abcdef0123456789abcdee",
    "SECRETS_CIPHER": "0123456789abcdef0123456789abcded",
}


def understood(words: list[str]) -> click.Context:
    """A command line of ours, taken apart as the program does it, and not run."""
    command: click.Command = main
    context = click.Context(main, info_name="limen")
    while isinstance(command, click.Group):
        name, *words = words
        below = command.get_command(context, name)
        assert below is not None, name
        command = below
    return command.make_context(command.name, words, parent=context)


def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((FOLDER / "compose.yml").read_text()))


def test_the_configuration_is_complete_with_the_secrets_from_the_environment(tmp_path: Path) -> None:
    text = (FOLDER / "limen.yml").read_text().replace("/etc/limen/identity", f"{FOLDER}/identity")
    file = tmp_path / "limen.yml"
    file.write_text(text)
    loaded = load([file], env=SECRETS, flags={})
    assert (loaded.warnings, loaded.pending) == ((), ())
    assert CliRunner().invoke(main, ["config", "check", str(file), "--environment"], env=SECRETS).exit_code == 0


def test_the_commands_in_the_files_are_ours() -> None:
    services = compose()["services"]
    assert understood(services["migrate"]["command"]).params["yes"] is True
    container = (FOLDER / "Containerfile").read_text()
    for name in ("CMD", "HEALTHCHECK"):
        found = re.search(rf"^{'    CMD' if name == 'HEALTHCHECK' else name} (\[.*\])$", container, re.MULTILINE)
        assert found is not None
        words = list(yaml.safe_load(found[1]))
        assert understood(words[1:] if words[0] == "limen" else words).params
    unit = (FOLDER / "limen.service").read_text()
    for line in re.findall(r"^ExecStart(?:Pre)?=/opt/limen/bin/limen (.*)$", unit, re.MULTILINE):
        assert understood(shlex.split(line)).params["config"] == ("/etc/limen/limen.yml",)


def test_what_compose_mounts_is_there() -> None:
    for service in compose()["services"].values():
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert not source.startswith("./") or (FOLDER / source).exists(), source


def test_what_compose_runs_without_building_it_is_built_by_another_service() -> None:
    services = compose()["services"]
    built = {service["image"] for service in services.values() if "build" in service}
    ours = {name: service for name, service in services.items() if service["image"] in built}
    assert set(ours) == {"migrate", "limen"}
    for service in ours.values():
        assert "build" in service or service["pull_policy"] == "never"
        assert "build" in service or "migrate" in service["depends_on"]


def test_compose_asks_for_every_secret() -> None:
    asked = set(re.findall(r"\$\{(\w+)", (FOLDER / "compose.yml").read_text()))
    named = set(re.findall(r"^(\w+)=$", (FOLDER / "example.env").read_text(), re.MULTILINE))
    assert asked == named


def test_what_the_container_copies_is_there() -> None:
    for line in re.findall(r"^COPY (?!--from)(.*)$", (FOLDER / "Containerfile").read_text(), re.MULTILINE):
        for source in line.split()[:-1]:
            assert (FOLDER.parent / source).exists(), source


@pytest.mark.parametrize("name", ["compose.yml", "Containerfile", "limen.service", "limen.yml"])
def test_no_secret_is_written_into_a_file(name: str) -> None:
    text = (FOLDER / name).read_text()
    assert not re.search(r"^\s*(?:SECRETS_\w+|POSTGRES_PASSWORD)\s*[:=]\s*[^$\s]", text, re.MULTILINE)
