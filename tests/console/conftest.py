"""Who looks at the operator's API in most of its tests."""

from __future__ import annotations

import pytest

from tests.support.callers import PASSWORD, Caller
from tests.support.console import Console, operator
from tests.support.server import LiveServer


@pytest.fixture
def owner(server: LiveServer) -> Console:
    return operator(server, "owner")


def can_sign_in(server: LiveServer, email: str, password: str = PASSWORD) -> bool:
    caller = Caller(server, "app")
    caller.sign_in(email, password)
    return caller.is_signed_in
