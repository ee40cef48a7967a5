"""The official JavaScript SDK: what it does is in javascript/journeys.test.mjs."""

from __future__ import annotations

from tests.support import javascript
from tests.support.server import LiveServer


def test_journeys(server: LiveServer) -> None:
    address = {"LIMEN_PUBLIC": server.public, "LIMEN_ADMIN": server.admin}
    done = javascript.run("--test", "--test-reporter=tap", "journeys.test.mjs", env=address)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# pass 4" in done.stdout
