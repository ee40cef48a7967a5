"""`limen providers`: which there are, what each needs, and the address to register."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from limen.cli import main
from limen.social.catalogue import kinds
from tests.support.process import configured

BACK = "https://id.example.org/self-service/methods/oidc/callback/"
ACME = {
    "id": "acme", "provider": "generic", "issuer_url": "https://accounts.example.org", "client_id": "limen",
    "client_secret": "s", "mapper_url": "base64://e30=", "scope": ["email"],
}  # fmt: skip


def limen(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, env={})


@pytest.fixture
def file(tmp_path: Path) -> str:
    github = {**ACME, "id": "gh", "provider": "github", "pkce": "force"}
    del github["issuer_url"]
    over: dict[str, Any] = {
        "serve": {"public": {"base_url": "https://id.example.org/"}},
        "selfservice": {"methods": {"oidc": {"enabled": True, "config": {"providers": [ACME, github]}}}},
    }
    return configured(tmp_path, "memory", over)


def test_every_provider_is_listed_with_what_it_needs_and_its_callback(file: str) -> None:
    listed = json.loads(limen("providers", "list", "-c", file, "--format", "json").stdout)["providers"]
    assert [one["id"] for one in listed[:3]] == ["acme", "gh", None]
    assert {one["provider"] for one in listed} == kinds().keys() - {"fedcm-test"}
    by_name = {one["provider"]: one for one in listed}
    assert by_name["generic"]["callback_url"] == BACK + "acme"
    assert by_name["generic"]["needs"] == ["id", "provider", "client_id", "client_secret", "mapper_url", "issuer_url"]
    assert by_name["github"]["callback_url"] == BACK.rstrip("/"), "a forced proof key has an address of its own"
    assert by_name["google"]["callback_url"] == BACK + "google"
    assert "client_secret" not in by_name["apple"]["needs"]
    assert "apple_private_key" in by_name["apple"]["needs"]
    assert all(one["name"] and one["console"] and one["callback_url"].startswith(BACK[:-1]) for one in listed)


def test_the_table_is_readable(file: str) -> None:
    lines = limen("providers", "list", "-c", file).stdout.splitlines()
    assert lines[0].split() == ["PROVIDER", "NAME", "IN", "USE", "AS", "NEEDS", "CALLBACK", "URL"]
    assert lines[1].split() == ["generic", "OpenID", "Connect", "acme", "issuer_url", BACK + "acme"]
    assert [line.split()[0] for line in lines[3 : 1 + len(kinds()) - 1]] == sorted(
        kinds().keys() - {"generic", "github", "fedcm-test"}
    )
    assert max(map(len, lines)) <= 170


def test_without_a_configuration_the_callbacks_are_those_of_this_machine() -> None:
    listed = json.loads(limen("providers", "list", "--format", "json").stdout)["providers"]
    assert {one["id"] for one in listed} == {None}
    assert all(one["callback_url"].startswith("http://localhost:4433/") for one in listed)


def test_one_provider_is_shown_with_an_entry_that_can_be_used(tmp_path: Path) -> None:
    for name in sorted(kinds().keys() - {"fedcm-test", "apple"}):
        told = limen("providers", "get", name).stdout
        (entry,) = yaml.safe_load(told.partition("to start from:\n\n")[2])
        assert entry["provider"] == name
        if "issuer_url" in entry:
            entry["issuer_url"] = "https://accounts.example.org"
        entry["mapper_url"] = "base64://e30="
        over = {"selfservice": {"methods": {"oidc": {"enabled": True, "config": {"providers": [entry]}}}}}
        checked = limen("config", "check", configured(tmp_path, "memory", over))
        assert checked.exit_code == 0, checked.stderr
        assert "oidc" not in checked.stderr, checked.stderr


def test_a_provider_nobody_knows() -> None:
    result = limen("providers", "get", "nobody")
    assert result.exit_code == 1
    assert "limen providers list" in result.stderr


def test_a_configuration_with_a_mistake_is_told(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yml"
    broken.write_text("selfservice:\n  methods:\n    odic: {}\n")
    result = limen("providers", "list", "-c", str(broken))
    assert result.exit_code == 1
    assert "broken.yml:3" in result.stderr
