"""The files in deploy/: what can be said of them without the programs they are for."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from limen.app import GRACE
from limen.cli import main
from limen.core.configload import load
from limen.core.configtypes import duration
from tests.deploy.files import FOLDER, ROOT, asked, compose, instruction, unit

CONFIG = "/etc/limen/limen.yml"
SECRETS = {
    "DSN": "postgres://limen:x@db/limen",
    "SECRETS_DEFAULT": "0123456789abcdef0123456789abcdef",
    "SECRETS_COOKIE": "0123456789abcdef0123456789abcdee",
    "SECRETS_CIPHER": "0123456789abcdef0123456789abcded",
    "COURIER_SMTP_CONNECTION_URI": "smtp://limen:x@mail:587/",
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
    assert understood(instruction("CMD")).params
    for setting in ("ExecStartPre", "ExecStart"):
        for line in unit(setting):
            assert understood(shlex.split(line.removeprefix("/opt/limen/bin/limen "))).params["config"] == (CONFIG,)


def test_everybody_is_given_the_same_configuration() -> None:
    services = compose()["services"]
    assert f"./limen.yml:{CONFIG}:ro" in services["limen"]["volumes"]
    assert services["migrate"]["volumes"] == services["limen"]["volumes"]
    assert services["migrate"]["environment"] == services["limen"]["environment"]
    assert understood(instruction("CMD")).params["config"] == (CONFIG,)
    assert understood(services["migrate"]["command"]).params["config"] == (CONFIG,)


def test_the_database_is_asked_by_tcp_whether_it_is_ready() -> None:
    """While the image makes a database, a server that is about to stop answers at the Unix socket."""
    assert "--host" in compose()["services"]["postgres"]["healthcheck"]["test"]


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
    named = set(re.findall(r"^(\w+)=$", (FOLDER / "example.env").read_text(), re.MULTILINE))
    assert asked() == named
    refused = set(re.findall(r"\$\{(\w+):\?", (FOLDER / "compose.yml").read_text()))
    assert refused == named, "an empty one is refused before anything starts"


def test_what_the_container_copies_is_there() -> None:
    for line in re.findall(r"^COPY (?!--from)(.*)$", (FOLDER / "Containerfile").read_text(), re.MULTILINE):
        for source in line.split()[:-1]:
            assert (ROOT / source).exists(), source
            assert f"!/{source}" in (ROOT / ".dockerignore").read_text().splitlines(), source


def test_what_compose_is_told_of_secrets_stays_here() -> None:
    """Neither in the history nor in what the image is built from."""
    assert "/deploy/.env" in (ROOT / ".gitignore").read_text().splitlines()
    assert "*" in (ROOT / ".dockerignore").read_text().splitlines()


def test_whoever_stops_it_waits_longer_than_it_takes() -> None:
    """What has to end: the balancer's time, then the running requests."""
    config = load([FOLDER / "limen.yml"], env=SECRETS, flags={}).config
    needed = config.limen.drain + GRACE
    assert int(unit("TimeoutStopSec")[0]) > needed
    assert (duration(compose()["services"]["limen"]["stop_grace_period"]) or 0) > needed


@pytest.mark.parametrize("name", ["compose.yml", "Containerfile", "limen.service", "limen.yml"])
def test_no_secret_is_written_into_a_file(name: str) -> None:
    text = (FOLDER / name).read_text()
    assert not re.search(r"^\s*(?:SECRETS_\w+|POSTGRES_PASSWORD)\s*[:=]\s*[^$\s]", text, re.MULTILINE)
