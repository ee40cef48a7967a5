"""Every operation of the operator's API against every kind of caller, from its own description: who may not is told so."""

from __future__ import annotations

from typing import Any

import pytest

from limen.http.console.description import ROUTES
from limen.http.console.route import Route
from tests.support.console import Console, operator, program
from tests.support.server import LiveServer

NOBODY_ID = "11111111-2222-4333-8444-555555555555"
CALLERS = ("nobody", "person", "viewer", "developer", "owner", "anon", "service")
MAY = {
    "anyone": set(CALLERS),
    "person": {"person", "viewer", "developer", "owner"},
    "viewer": {"viewer", "developer", "owner"},
    "developer": {"developer", "owner"},
    "owner": {"owner"},
    "service": {"service"},
}
REFUSED = (401, 403)
OWN = ("login", "register", "logout", "changeSettings", "setUp")  # they change who calls, and have tests of their own


def caller_of(server: LiveServer, name: str) -> Console:
    match name:
        case "nobody":
            return Console(server)
        case "person":
            person = Console(server)
            person.sign_up("person@example.org")
            return person
        case "anon":
            return program(server, "anon")
        case "service":
            return program(server)
    return operator(server, name)  # type: ignore[arg-type]


def call(caller: Console, route: Route) -> Any:
    body = dict(route.example or {}) if route.method != "GET" else None
    return caller.ask(route.method, route.path.replace("{id}", NOBODY_ID).lstrip("/"), body)


@pytest.mark.parametrize("name", CALLERS)
def test_88_who_may_not_is_refused_and_who_may_is_not(server: LiveServer, name: str) -> None:
    caller = caller_of(server, name)
    for route in ROUTES:
        if route.id in OWN:
            continue
        body = call(caller, route)
        if name in MAY[route.may]:
            assert caller.status not in REFUSED, (route.id, name, caller.status, body)
        else:
            assert caller.status in REFUSED, (route.id, name, caller.status, body)
            assert set(body) == {"error"}


def test_the_description_has_every_route_and_is_served(server: LiveServer) -> None:
    document = Console(server).get("api/openapi.json")
    described = {(method.upper(), path) for path, found in document["paths"].items() for method in found}
    assert described == {(route.method, route.path) for route in ROUTES}
    names = set(document["components"]["schemas"])
    assert {ref.rpartition("/")[2] for ref in refs(document)} <= names


def refs(part: Any) -> set[str]:
    if isinstance(part, dict):
        own = {part["$ref"]} if isinstance(part.get("$ref"), str) else set()
        return own.union(*(refs(inner) for inner in part.values()))
    return set().union(*(refs(inner) for inner in part)) if isinstance(part, list) else set()
