"""The program follows its configuration: files, with the environment above them, and a signal."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.operation.conftest import Configure
from tests.support.process import Node, until
from tests.support.server import merge

pytestmark = pytest.mark.slow


def test_a_change_and_a_mistake_are_told_in_the_log(
    dsn: str, configure: Configure, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    file = Path(configure(dsn, {"log": {"level": "info"}, "revision": "one"}))
    data = yaml.safe_load(file.read_text())
    node = Node(tmp_path, "-c", file.name, "--dev", env={"SESSION_LIFESPAN": "5h"}).start()
    request.addfinalizer(node.close)

    def write(over: dict[str, Any]) -> None:
        fresh = file.with_suffix(".fresh")
        fresh.write_text(yaml.safe_dump(merge(data, over)))
        fresh.replace(file)  # at once: a file that is empty for a moment may be refused for that

    write({"session": {"lifespan": "2h", "cookie": 7}})
    until(lambda: "configuration.refused" in node.log)
    assert f"{file.name}:" in node.log
    assert node.status("health/ready") == 200
    write({"session": {"lifespan": "2h"}, "revision": "two"})
    until(lambda: "configuration.changed" in node.log)
    assert "keys=revision\n" in node.log  # the lifespan of the environment stays
    node.signal(signal.SIGHUP)
    until(lambda: node.log.count("configuration.changed") == 2)
    assert node.stop() == 0
