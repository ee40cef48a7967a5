"""No command prints a secret of the configuration, whether the file is right or full of mistakes."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from structlog.testing import capture_logs

from limen.cli import main
from tests.support import logs
from tests.support.server import PERSON

PROVIDER = {"id": "google", "provider": "google", "client_id": "a", "mapper_url": "base64://e30="}
APPLE = {**PROVIDER, "id": "apple", "provider": "apple", "apple_team_id": "t", "apple_private_key_id": "k"}
HOOK = {"url": "http://limen:marked-hook-password@127.0.0.1:1/", "method": "POST", "body": "base64://e30="}
AUTH = {"type": "api_key", "config": {"name": "k", "value": "marked-hook-key", "in": "header"}}
CONFIG: dict[str, Any] = {
    "version": "v1.3.0",
    "dsn": "postgres://limen:marked-database-password@127.0.0.1:1/limen",
    "secrets": {
        "default": ["marked-default-secret"], "cookie": ["marked-cookie-secret"], "cipher": ["marked-secret-for-the-cipher-32b"],
    },
    "ciphers": {"algorithm": "aes"},
    "courier": {"smtp": {"connection_uri": "smtp://limen:marked-smtp@127.0.0.1:1/", "headers": {"X-Key": "marked-header"}}},
    "tracing": {"provider": "otel", "providers": {"otlp": {"server_url": "127.0.0.1:1", "authorization_header": "marked"}}},
    "oauth2_provider": {"url": "http://127.0.0.1:1/", "headers": {"Authorization": "marked-hydra"}},
    "limen": {"webhooks": {"signing_secret": "whsec_bWFya2VkLXNpZ25pbmctc2VjcmV0LTI0"}},
    "selfservice": {
        "default_browser_return_url": "http://localhost:4433/ui/",
        "flows": {"login": {"after": {"hooks": [{"hook": "web_hook", "config": {**HOOK, "auth": AUTH}}]}}},
        "methods": {
            "oidc": {"enabled": True, "config": {"providers": [
                {**PROVIDER, "client_secret": "marked-client-secret"}, {**APPLE, "apple_private_key": "marked-apple-key"},
            ]}},
        },
    },
}  # fmt: skip
COMMANDS = (
    "config check {0}", "doctor -c {0}", "serve -c {0}", "migrate sql up -c {0} --yes", "providers list -c {0}",
    "providers get google -c {0}", "audit verify -c {0}", "keys list -c {0}", "cleanup sql -c {0}",
    *(f"config explain {key} -c {{0}}" for key in (
        "dsn", "secrets", "secrets.default.0", "courier", "tracing", "oauth2_provider", "limen", "selfservice",
        "selfservice.methods.oidc.config.providers.0.client_secret", "selfservice.flows.login.after.hooks.0",
    )),
)  # fmt: skip


def places(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the marked texts stand."""
    pairs = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in pairs:
        yield from places(value, (*path, key))
    if isinstance(data, str) and ("marked" in data or data.startswith("whsec_")):
        yield path


def with_value(data: Any, path: tuple[Any, ...], value: Any) -> Any:
    changed = copy.deepcopy(data)
    place = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return changed


def value_at(path: tuple[Any, ...]) -> Any:
    found: Any = CONFIG
    for step in path:
        found = found[step]
    return found


def printed(folder: Path, command: str, config: Any, env: dict[str, str] | None = None) -> str:
    """What a command says, on both channels and in the log."""
    (folder / "person.schema.json").write_text(yaml.safe_dump(PERSON))
    schemas = [{"id": "default", "url": (folder / "person.schema.json").as_uri()}]
    file = folder / "limen.yml"
    file.write_text(yaml.safe_dump({"identity": {"schemas": schemas}, **config}))
    with logs.kept(), capture_logs() as told:
        result = CliRunner().invoke(main, command.format(file).split(), env=env)
    return f"{result.output}{told}{result.exception or ''}"


def without_secrets(text: str) -> bool:
    return "marked" not in text and "bWFya2Vk" not in text


@pytest.mark.parametrize("command", COMMANDS)
def test_91_no_command_prints_a_secret(tmp_path: Path, command: str) -> None:
    text = printed(tmp_path, command, CONFIG)
    assert text
    assert without_secrets(text), text


@pytest.mark.parametrize("path", list(places(CONFIG)), ids=lambda path: ".".join(map(str, path)))
def test_91_no_mistake_about_a_secret_shows_it(tmp_path: Path, path: tuple[Any, ...]) -> None:
    secret = value_at(path)
    for wrong in (
        [secret],
        {"value": secret},
        [[secret]],
        {secret: True},
        f" {secret}\n",
        secret * 40,
        f"{secret}${{MORE}}",
    ):
        text = printed(tmp_path, "config check {0}", with_value(CONFIG, path, wrong))
        assert without_secrets(text), (wrong, text)
    misplaced = with_value(CONFIG, (*path[:-1], f"{path[-1]}s"), secret) if isinstance(path[-1], str) else CONFIG
    assert without_secrets(printed(tmp_path, "config check {0}", misplaced))
