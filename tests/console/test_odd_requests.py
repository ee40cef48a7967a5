"""Whatever is sent to the operator's port by somebody who may call it, the answer is one that is meant."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from limen.http.console.description import ROUTES
from tests.conftest import Start
from tests.console.conftest import CONFIG_OF_ALL
from tests.support.console import Console, operator, program
from tests.support.server import LiveServer

# JSON texts, as they are sent: some cannot be made from Python's values.
ODD = (
    "null", "true", "-1", "1e400", "9223372036854775808", '""', '"\\u0000"', '"\\ud800"', '"' + "a" * 70_000 + '"', "[]", "{}",
    '["\\u0000"]', '{"\\u0000": "\\u0000"}', "[" * 500 + "]" * 500, '"2026-13-45T99:99:99Z"', '"9999-12-31T23:59:59Z"', '"%00"',
)  # fmt: skip
BODIES = (b"", b"null", b"[]", b'"x"', b"1", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a": 1, "a": 2}', b"{}" * 2)
QUERY = ("\x00", "%00", "'", "-1", "9" * 30, "\U0001f600", "a" * 2000, "null", "true", "2026-99-99", "|", "=")


@pytest.fixture
def server(start: Start) -> LiveServer:
    return start(CONFIG_OF_ALL)


def odd_bodies(example: dict[str, Any]) -> Iterator[bytes]:
    """The example with something odd in the place of each value."""
    for name in example:
        for odd in ODD:
            rest = {key: value for key, value in example.items() if key != name}
            inside = json.dumps(rest)[1:-1]
            yield f'{{"{name}": {odd}{", " if inside else ""}{inside}}}'.encode()


@pytest.mark.slow
def test_no_body_is_a_bug(server: LiveServer) -> None:
    owner = operator(server, "owner")
    id_ = Console(server).sign_up("ann@example.org")
    for route in ROUTES:
        if route.body is None or route.id in ("logout", "login", "register"):
            continue
        place = route.path.replace("{id}", id_).lstrip("/")
        for body in (*BODIES, *odd_bodies(dict(route.example or {}))):
            answer = owner.http.request(route.method, place, content=body, headers={"content-type": "application/json"})
            assert answer.status_code < 500, (route.id, body[:200], answer.text)
        signed_in = owner.get("api/auth/session")["role"] == "owner"
        assert signed_in or owner.sign_in("owner@example.org")["role"] == "owner", route.id


@pytest.mark.slow
def test_no_query_and_no_id_is_a_bug(server: LiveServer) -> None:
    callers = {"service": program(server)}
    owner = operator(server, "owner")
    for route in (route for route in ROUTES if route.method == "GET" and route.takes):
        http = callers.get(route.may, owner).http
        for name in re.findall(r"(?:^|, )(\w+)", route.takes):
            for odd in QUERY:
                answer = http.get(route.path.lstrip("/").replace("{id}", "x"), params={name: odd})
                assert answer.status_code < 500, (route.id, name, odd, answer.text)
    for route in (route for route in ROUTES if "{id}" in route.path):
        for odd in ("%00", "..", "%2e%2e", "'", "a" * 3000, "%F0%9F%98%80", "%ff"):
            http = callers.get(route.may, owner).http
            answer = http.request(
                route.method, route.path.replace("{id}", odd).lstrip("/"), json=dict(route.example or {})
            )
            assert answer.status_code < 500, (route.id, odd, answer.text)
