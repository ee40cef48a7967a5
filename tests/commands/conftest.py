"""The program's commands, run in this process against a real server."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result
from structlog.testing import capture_logs

from limen.cli import main
from tests.support.server import LiveServer

Limen = Callable[..., Result]


@pytest.fixture
def limen(server: LiveServer) -> Limen:
    """Run a command; the server's address is in its environment, and the server's log is kept out of what it prints."""

    def run(*arguments: str, typed: str = "", env: dict[str, str] | None = None) -> Result:
        where = {"KRATOS_ADMIN_URL": server.admin} if env is None else env
        with capture_logs():
            return CliRunner().invoke(main, arguments, input=typed, env=where)

    return run
