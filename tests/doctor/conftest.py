"""`limen doctor`, run on a configuration."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from limen.commands.doctors import doctor
from limen.core.findings import Finding
from tests.conftest import new_dsn
from tests.courier.conftest import mail_server, mails  # noqa: F401 - fixtures
from tests.support.process import configured, write

Examine = Callable[..., list[Finding]]


@pytest.fixture
def examine(tmp_path: Path) -> Examine:
    """The findings about the base configuration with these differences."""

    def run(over: dict[str, Any], *, dev: bool = False, dsn: str = "", schema: Any = None) -> list[Finding]:
        file = configured(tmp_path, dsn or new_dsn("sqlite", tmp_path), over)
        if schema:
            write(tmp_path, "person.schema.json", schema)
        done = CliRunner().invoke(doctor, ["-c", file, "-f", "json", *(["--dev"] if dev else [])])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        report = done.stdout[
            done.stdout.index("[\n  {") : done.stdout.rindex("\n]") + 2
        ]  # servers of the test print, too
        found = msgspec.json.decode(report, type=list[Finding])
        assert done.exit_code == (1 if any(one.grade == "trouble" for one in found) else 0)
        return found

    return run
