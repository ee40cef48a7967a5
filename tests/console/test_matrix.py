"""Every operation of the operator's API against every kind of caller, from its own description: who may not is told so."""

from __future__ import annotations

from typing import Any

import pytest

from limen.http.console.description import ROUTES
from limen.http.console.route import Route
from tests.social.conftest import query_of
from tests.support.console import Console, operator, program
from tests.support.projects import OTHER
from tests.support.server import LiveServer

NOBODY_ID = "11111111-2222-4333-8444-555555555555"
CALLERS = ("nobody", "person", "viewer", "developer", "owner", "anon", "service", "foreign")
MAY = {
    "anyone": {*CALLERS} - {"foreign"},  # whoever shows a key has to have one of this project
    "person": {"person", "viewer", "developer", "owner"},
    "viewer": {"viewer", "developer", "owner"},
    "developer": {"developer", "owner"},
    "owner": {"owner"},
    "service": {"service"},
}
SHUT = {"setUp": {"viewer", "developer", "owner"}}  # the link makes the first operator: where there is one, nobody may
REFUSED = (401, 403)
LAST = ("setUp", "changeSettings", "register", "login", "logout")  # they change who calls, in this order


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
        case "foreign":
            return program(server, project=OTHER)
    return operator(server, name)  # type: ignore[arg-type]


def call(caller: Console, route: Route) -> Any:
    """The example of the description; where that is about somebody, there is such a person, and the link that is good once."""
    body = dict(route.example or {}) if route.method != "GET" else None
    if route.id == "setUp":
        body = {**(body or {}), "token": query_of(caller.server.setup_link)["token"], "email": "first@example.org"}
    return caller.ask(route.method, route.path.replace("{id}", NOBODY_ID).lstrip("/"), body)


@pytest.mark.parametrize("name", CALLERS)
def test_88_who_may_not_is_refused_and_who_may_is_not(server: LiveServer, name: str) -> None:
    caller = caller_of(server, name)
    Console(server).sign_up("ann@example.org")
    for route in sorted(ROUTES, key=lambda route: LAST.index(route.id) if route.id in LAST else -1):
        body = call(caller, route)
        if name in MAY[route.may] - SHUT.get(route.id, set()):
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
