"""A server with second factors, for attackers of all kinds."""

from __future__ import annotations

import pytest

from tests.conftest import Start
from tests.support.server import LiveServer

FACTORS = {"selfservice": {"methods": {"totp": {"enabled": True}, "lookup_secret": {"enabled": True}}}}


@pytest.fixture
def server(start: Start) -> LiveServer:
    return start(FACTORS)
