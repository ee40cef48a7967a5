"""Recovery and verification, asked by the wrong caller, in the wrong way, or with a body that nobody reads."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.conftest import Start
from tests.support.callers import JSON, Caller
from tests.support.server import LiveServer

ON = {"selfservice": {"flows": {kind: {"enabled": True} for kind in ("recovery", "verification")}}}


@pytest.fixture
def server(start: Start) -> LiveServer:
    return start(ON)


def test_a_browser_with_an_apps_recovery_gets_one_of_its_own(server: LiveServer) -> None:
    app, browser = Caller(server, "app"), Caller(server, "script")
    browser.start("login")
    for _ in range(2):
        action = app.start("recovery")["ui"]["action"]
        answer = browser.http.post(action, json={"method": "code", "email": "ann@example.org"}, headers=JSON)
        assert (answer.status_code, "csrf_token" in answer.headers["set-cookie"]) == (303, True)
        flow = browser.http.get(answer.headers["location"], headers=JSON).json()
        assert (flow["type"], [m["id"] for m in flow["ui"]["messages"]]) == ("browser", [4000001])


@pytest.mark.parametrize(("kind", "again"), [("recovery", "code"), ("verification", "code")])
def test_a_body_that_cannot_be_read_is_the_fault_of_the_flows_method(server: LiveServer, kind: str, again: str) -> None:
    app = Caller(server, "app")
    flow = app.start(kind)
    for _ in range(2):
        answer = httpx.post(flow["ui"]["action"], content="x", headers={"content-type": "text/plain"})
        assert (answer.status_code, answer.json()["active"]) == (400, again)


def test_a_code_to_recover_with_is_asked_for_by_post(server: LiveServer) -> None:
    app = Caller(server, "app")
    url = app.start("recovery")["ui"]["action"] + "&method=code&email=ann@example.org"
    assert httpx.get(url, headers=JSON).status_code == 400


@pytest.mark.parametrize("method", ["code", "link"])
def test_a_method_that_is_off_recovers_nobody(start: Start, method: str) -> None:
    flows: dict[str, Any] = {kind: {"enabled": True, "use": method} for kind in ("recovery", "verification")}
    methods = {name: {"enabled": name != method} for name in ("code", "link")}
    server = start({"selfservice": {"methods": methods, "flows": flows}})
    for kind in flows:
        assert httpx.get(f"{server.public}self-service/{kind}/api", headers=JSON).status_code == 400
    for handed, status in (("code", 404 if method == "code" else 400), ("link", 404 if method == "link" else 400)):
        assert httpx.post(f"{server.admin}admin/recovery/{handed}", json={"identity_id": "x"}).status_code == status
