"""Why did this fail? Each refused step of a flow leaves a trace, for who runs the server and knows the request's id."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from limen.trace import keeper
from tests.conftest import Start
from tests.support.callers import HTML, JSON, KINDS, PASSWORD, Caller, Kind, value
from tests.support.factors import set_up_app, step_up
from tests.support.process import limen, until
from tests.support.server import LiveServer

MISSING = "no cookie at all"


def traces(server: LiveServer, request_id: str) -> list[dict[str, Any]]:
    """The traces of one request, which are there soon after it."""

    def found() -> list[dict[str, Any]]:
        answer = httpx.get(server.admin + f"admin/traces/{request_id}")
        return list(answer.json()) if answer.status_code == 200 else []

    return until(found)


def why(server: LiveServer, request_id: str) -> dict[str, dict[str, str]]:
    """The causes of the one trace, by check."""
    (trace,) = traces(server, request_id)
    return {cause["check"]: cause for cause in trace["causes"]}


def other_host(server: LiveServer) -> str:
    return server.public.replace("127.0.0.1", "localhost")


def test_another_name_of_the_same_host(server: LiveServer) -> None:
    flow = Caller(server, "script").start("login")
    answer = httpx.post(
        other_host(server) + f"self-service/login?flow={flow['id']}",
        data={"method": "password", "identifier": "ann", "password": "very-secret", "csrf_token": "very-secret-too"},
        headers={**JSON, "x-request-id": "one"},
    )
    assert (answer.status_code, set(answer.json())) == (403, {"error"})
    (trace,) = traces(server, "one")
    assert {key: trace[key] for key in ("request_id", "step", "status", "error_id", "flow")} == {
        "request_id": "one",
        "step": "POST /self-service/login",
        "status": 403,
        "error_id": "security_csrf_violation",
        "flow": {"id": flow["id"], "kind": "login"},
    }
    missing, host = trace["causes"]
    assert (missing["check"], missing["found"]) == ("csrf_cookie", MISSING)
    assert host == {
        "check": "host",
        "expected": "127.0.0.1, as in `serve.public.base_url`",
        "found": "localhost",
        "fix": "Open the pages at 127.0.0.1, or write localhost into `serve.public.base_url`; not both.",
    }
    assert "very-secret" not in json.dumps(trace)


def test_secure_cookies_without_https(start: Start) -> None:
    server = start({"cookies": {"secure": True}})
    flow = httpx.get(server.public + "self-service/login/browser", headers=JSON).json()
    httpx.get(server.public + f"self-service/login/flows?id={flow['id']}", headers={"x-request-id": "one"})
    assert why(server, "one")["cookie_secure"]["found"] == "http at 127.0.0.1"


def test_a_cookie_for_another_domain(start: Start) -> None:
    server = start({"cookies": {"domain": "example.org"}})
    flow = httpx.get(server.public + "self-service/login/browser", headers=JSON).json()
    httpx.get(server.public + f"self-service/login/flows?id={flow['id']}", headers={"x-request-id": "one"})
    assert why(server, "one")["cookie_domain"]["found"] == "example.org"


CORS = {"serve": {"public": {"cors": {"enabled": True, "allowed_origins": ["https://app.example.org"]}}}}


@pytest.mark.parametrize(("method", "over"), [("GET", {}), ("GET", CORS), ("OPTIONS", CORS)])
def test_an_origin_that_may_not_read(start: Start, method: str, over: dict[str, Any]) -> None:
    server = start(over)
    headers = {**JSON, "origin": "https://spa.example.net", "sec-fetch-mode": "cors", "x-request-id": "one"}
    if method == "OPTIONS":
        headers["access-control-request-method"] = "POST"
    answer = httpx.request(method, server.public + "self-service/login/browser", headers=headers)
    assert "access-control-allow-origin" not in answer.headers
    cause = why(server, "one")["cors_origin"]
    assert cause["found"] == "https://spa.example.net"
    assert "allowed_origins: [https://spa.example.net]" in cause["fix"]


def test_a_flow_of_another_browser(server: LiveServer) -> None:
    flow = Caller(server, "page").start("login")
    other = Caller(server, "page")
    other.start("login")
    other.http.get(f"self-service/login/flows?id={flow['id']}", headers={**JSON, "x-request-id": "one"})
    assert set(why(server, "one")) == {"flow_browser"}


def test_a_token_that_was_drawn_for_another_cookie(server: LiveServer) -> None:
    foreign = Caller(server, "script").start("login")
    caller = Caller(server, "script")
    flow = caller.start("login")
    body = {"method": "password", "identifier": "a", "password": "b", "csrf_token": value(foreign, "csrf_token")}
    caller.http.post(flow["ui"]["action"], json=body, headers={"x-request-id": "one"})
    assert set(why(server, "one")) == {"csrf_pair"}


def test_a_form_without_its_token(server: LiveServer) -> None:
    caller = Caller(server, "page")
    flow = caller.start("login")
    form = {"method": "password", "identifier": "a", "password": "b"}
    caller.http.post(flow["ui"]["action"], data=form, headers={**HTML, "x-request-id": "one"})
    assert set(why(server, "one")) == {"csrf_token"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_flow_that_has_expired(server: LiveServer, kind: Kind) -> None:
    caller = Caller(server, kind)
    flow = caller.start("login")
    server.clock.forward(hours=2)
    caller.http.headers["x-request-id"] = "one"
    caller.submit(flow, method="password", identifier="ann@example.org", password=PASSWORD)
    assert why(server, "one")["flow_expired"]["expected"] == f"an answer by {flow['expires_at']}"


def test_a_code_of_a_clock_that_is_wrong(start: Start) -> None:
    server = start({"selfservice": {"methods": {"totp": {"enabled": True}}}})
    caller = Caller(server, "script")
    caller.sign_up()
    app = set_up_app(caller)
    late = app.code
    server.clock.forward(minutes=4)
    again = Caller(server, "script")
    again.sign_in()
    again.http.headers["x-request-id"] = "one"
    step_up(again, totp=late)
    cause = why(server, "one")["clock"]
    assert cause["found"].startswith("a code that was good 2")
    assert late not in json.dumps(cause)


def test_a_return_address_that_is_not_listed(server: LiveServer) -> None:
    url = server.public + "self-service/login/browser?return_to=https://evil.example.net/x?token=secret"
    httpx.get(url, headers={**JSON, "x-request-id": "one"})
    cause = why(server, "one")["return_to"]
    assert cause["found"] == "https://evil.example.net/x"
    assert cause["expected"] == "an address under https://app.example.org"


ODD = ["http://[", "http://[::1", "null", "https://" + "a" * 20_000, "//", "javascript:alert(1)"]


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("over", [{}, CORS])
def test_odd_headers_and_addresses_are_no_trouble(start: Start, odd: str, over: dict[str, Any]) -> None:
    server = start(over)
    flow = Caller(server, "script").start("login")
    sent = {"origin": odd, "referer": odd, "sec-fetch-mode": "cors", "x-request-id": "one"}
    for url in (f"self-service/login/flows?id={flow['id']}", "self-service/login/browser"):
        answer = httpx.get(server.public + url, params={"return_to": odd, "id": flow["id"]}, headers={**JSON, **sent})
        assert answer.status_code < 500, answer.text
    assert all(len(json.dumps(trace)) < 4000 for trace in traces(server, "one"))


def test_wrong_details_are_a_trace_without_them(server: LiveServer) -> None:
    caller = Caller(server, "app")
    caller.http.headers["x-request-id"] = "one"
    caller.sign_in("nobody@example.org", "a-wrong-password")
    (trace,) = traces(server, "one")
    assert (trace["method"], trace["status"]) == ("password", 400)
    assert [cause["check"] for cause in trace["causes"]] == ["credentials"]
    assert "nobody@" not in json.dumps(trace)
    assert "a-wrong" not in json.dumps(trace)


def test_the_error_page_says_why_in_development_only(server: LiveServer) -> None:
    flow = Caller(server, "script").start("login")
    form = {"method": "password", "identifier": "ann", "password": "secret", "csrf_token": "none"}
    answer = httpx.post(other_host(server) + f"self-service/login?flow={flow['id']}", data=form, headers=HTML)
    id_ = answer.headers["location"].partition("id=")[2]
    page = httpx.get(server.public + f"ui/error?id={id_}", headers=HTML)
    assert "why this happened" in page.text
    assert "<code>host</code>" in page.text
    told = httpx.get(server.public + f"self-service/errors?id={id_}", headers=JSON).json()
    assert set(told["error"]) <= {"code", "status", "id", "reason", "message", "details"}


def test_nothing_is_kept_of_what_went_well(server: LiveServer) -> None:
    for kind in KINDS:
        Caller(server, kind).sign_up(f"{kind}@example.org")
    httpx.get(server.public + "self-service/login/flows?id=none", headers={"x-request-id": "last"})
    traces(server, "last")
    assert [trace["request_id"] for trace in httpx.get(server.admin + "admin/traces").json()] == ["last"]
    assert httpx.get(server.admin + "admin/traces/never").status_code == 404


def test_every_node_reads_what_another_kept(start: Start) -> None:
    one, two = start(), start()
    Caller(one, "app").http.get("self-service/login/flows?id=none", headers={"x-request-id": "of-one"})
    assert set(why(two, "of-one")) == {"found"}


def test_the_newest_come_first_and_are_bounded(start: Start) -> None:
    bounded = {"limen": {"traces": {"most": 2}}}
    refused(start(bounded), "a", "b", "c")
    server = start(bounded)  # tidies with its first one
    server.clock.forward(seconds=10)
    refused(server, "d")
    until(lambda: len(newest(server)) == 2)
    assert newest(server) == ["d", "c"]
    assert httpx.get(server.admin + "admin/traces?page_size=1").json()[0]["request_id"] == "d"


def refused(server: LiveServer, *ids: str) -> None:
    for id_ in ids:
        httpx.get(server.public + "self-service/login/flows?id=none", headers={"x-request-id": id_})
        server.clock.forward(seconds=1)
    traces(server, ids[-1])


def newest(server: LiveServer) -> list[str]:
    return [trace["request_id"] for trace in httpx.get(server.admin + "admin/traces").json()]


def test_a_flood_is_left_out_and_counted(server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "EVERY", 3600.0)  # a slow machine may not make a flood of it within a second
    with httpx.Client(base_url=server.public) as http:
        for _ in range(3 * keeper.AT_ONCE):
            http.get("self-service/login/flows?id=none")
    lines = httpx.get(server.admin + "admin/metrics/prometheus").text.splitlines()
    assert next(line for line in lines if line.startswith("limen_traces_lost_total{")).rpartition(" ")[2] != "0"


def test_none_are_kept_when_they_are_switched_off(start: Start) -> None:
    off, on = start({"limen": {"traces": {"keep": "0s"}}}), start()
    httpx.get(off.public + "self-service/login/flows?id=none", headers={"x-request-id": "one"})
    refused(on, "two")
    assert newest(on) == ["two"]


@pytest.mark.slow
def test_the_command_tells_it_in_lines(server: LiveServer, tmp_path: Any) -> None:
    httpx.get(server.public + "self-service/login/flows?id=none", headers={"x-request-id": "one"})
    traces(server, "one")
    done = limen(tmp_path, "why", "one", "-e", server.admin)
    assert (done.returncode, done.stderr) == (0, "")
    first, _, check, *_ = done.stdout.splitlines()
    assert first.endswith("GET /self-service/login/flows  404  request one")
    assert check == "  Check     found"
    assert limen(tmp_path, "why", "two", "-e", server.admin).returncode == 1
    assert limen(tmp_path, "why", "-q", "-e", server.admin).stdout == "one\n"
