"""Who looks at the operator's API in most of its tests."""

from __future__ import annotations

import pytest

from tests.support.callers import PASSWORD, Caller
from tests.support.console import Console, operator
from tests.support.keys import methods
from tests.support.server import LiveServer

CONFIG_OF_ALL = {
    "selfservice": {
        "methods": {**methods(), "code": {"enabled": True}, "link": {"enabled": True}},
        "flows": {"recovery": {"enabled": True}, "verification": {"enabled": True}},
    },
    "courier": {"smtp": {"connection_uri": "smtp://127.0.0.1:1/"}},
    "limen": {"methods": {"link": {"login_enabled": True}}},
}


@pytest.fixture
def owner(server: LiveServer) -> Console:
    return operator(server, "owner")


def can_sign_in(server: LiveServer, email: str, password: str = PASSWORD) -> bool:
    caller = Caller(server, "app")
    caller.sign_in(email, password)
    return caller.is_signed_in
