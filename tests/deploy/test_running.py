"""What stands in deploy/ runs: the same files, commands and environment, without the programs that pack them up."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.conftest import postgres
from tests.courier.conftest import MailServer, mail_server, mails  # noqa: F401 - fixtures
from tests.deploy.files import FOLDER, compose, environment, instruction
from tests.operation.test_database_gone import allow
from tests.support.callers import PASSWORD
from tests.support.process import Node, limen, until
from tests.support.server import PATIENCE

pytestmark = pytest.mark.slow
GIVEN = {
    "POSTGRES_PASSWORD": "0123456789abcdef0123456789abcde0",
    "SECRETS_DEFAULT": "0123456789abcdef0123456789abcde1",
    "SECRETS_COOKIE": "0123456789abcdef0123456789abcde2",
    "SECRETS_CIPHER": "0123456789abcdef0123456789abcde3",
}


@pytest.fixture
def mounted(tmp_path: Path) -> str:
    """/etc/limen/limen.yml, in a place a test may write to."""
    file = tmp_path / "limen.yml"
    file.write_text((FOLDER / "limen.yml").read_text().replace("/etc/limen/", f"{FOLDER}/"))
    return str(file)


@pytest.fixture
def told(mails: MailServer) -> dict[str, str]:  # noqa: F811 - the fixture
    """What compose hands over: with this machine's database and mail server, and without waiting for a balancer."""
    smtp = f"smtp://127.0.0.1:{mails.port}/?disable_starttls=true"
    found = environment("limen", {**GIVEN, "COURIER_SMTP_CONNECTION_URI": smtp})
    assert GIVEN["POSTGRES_PASSWORD"] in found["DSN"]
    return found | {"DSN": postgres().new(migrated=False), "LIMEN_DRAIN": "0s"}


@pytest.fixture
def node(tmp_path: Path, mounted: str, told: dict[str, str]) -> Iterator[Node]:
    words = instruction("CMD")
    made = Node(tmp_path, "--config", mounted, env=told)
    assert words == ["serve", "--config", "/etc/limen/limen.yml"]
    yield made
    made.close()


def is_well(node: Node) -> bool:
    """What the container's health check says."""
    python, *words = instruction("HEALTHCHECK")
    assert python == "python"
    port = str(httpx.URL(node.admin).port)
    command = [sys.executable, *(word.replace("4434", port) for word in words)]
    return subprocess.run(command, capture_output=True, timeout=PATIENCE, check=False).returncode == 0


def test_it_runs_as_compose_runs_it(
    node: Node,
    mounted: str,
    told: dict[str, str],
    mails: MailServer,  # noqa: F811 - the fixture
) -> None:
    migrate = [word.replace("/etc/limen/limen.yml", mounted) for word in compose()["services"]["migrate"]["command"]]
    assert limen(node.folder, "serve", "--config", mounted, env=told).returncode == 1, "nobody has migrated yet"
    for said in ("Applied ", "The database is up to date."):
        done = limen(node.folder, *migrate, env=told)
        assert done.returncode == 0, done.stderr
        assert said in done.stdout
    assert not is_well(node)
    node.start()
    assert is_well(node)
    with httpx.Client(base_url=node.public, timeout=PATIENCE) as caller:
        flow = caller.get("self-service/registration/api").json()
        body = {"method": "password", "traits": {"email": "ann@example.org"}, "password": PASSWORD}
        token = caller.post("self-service/registration?flow=" + flow["id"], json=body).json()["session_token"]
        assert mails.wait("ann@example.org")["From"] == "Example <no-reply@example.org>"
        assert node.stop() == 0
        assert not is_well(node)
        node.start()
        assert caller.get("sessions/whoami", headers={"x-session-token": token}).status_code == 200
    assert node.stop() == 0
    assert not [value for name, value in told.items() if name.startswith("SECRETS") and value in node.log]


def test_without_its_database_the_container_is_unwell(node: Node, told: dict[str, str]) -> None:
    node.env |= {"LIMEN_DATABASE_AUTO_MIGRATE": "true"}
    node.start()
    name = urlsplit(told["DSN"]).path.strip("/")
    asyncio.run(allow(name, connections=False))
    assert not is_well(node)
    asyncio.run(allow(name, connections=True))
    until(lambda: is_well(node))
