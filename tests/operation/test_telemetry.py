"""Traces for a collector: requests, statements and calls, without what is secret; and nothing at all without one."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from limen.core.outbound import Outbound
from limen.telemetry.sampling import share
from limen.telemetry.span import Tracer
from limen.telemetry.wrapped import TracedDriver, TracedOutbound
from tests.conftest import Start
from tests.support.callers import PASSWORD, Caller
from tests.support.process import until
from tests.support.server import merge

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
Spans = list[dict[str, Any]]


class Collector:
    """Keeps what it is sent. `status` is what it answers."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, str], Any]] = []
        self.status = 200
        kept = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                kept.calls.append((self.path, dict(self.headers.items()), json.loads(body)))
                self.send_response(kept.status)
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.place = f"127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def otlp(self, **more: Any) -> dict[str, Any]:
        providers = {"otlp": {"server_url": self.place, "insecure": True, **more}}
        return {
            "tracing": {
                "provider": "otel",
                "service_name": "id",
                "deployment_environment": "test",
                "providers": providers,
            }
        }

    def spans(self) -> Spans:
        """All spans, with their attributes as plain values."""
        found = []
        for _, _, body in self.calls:
            for span in body["resourceSpans"][0]["scopeSpans"][0]["spans"]:
                values = {one["key"]: next(iter(one["value"].values())) for one in span["attributes"]}
                found.append({**span, "attributes": values})
        return found

    def of(self, trace_id: str) -> Spans:
        """The spans of one trace, once its request is among them."""
        until(lambda: [span for span in self.spans() if span["traceId"] == trace_id and span["kind"] == 2])
        return [span for span in self.spans() if span["traceId"] == trace_id]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.close()


def traceparent(flags: str = "01") -> dict[str, str]:
    return {"traceparent": f"00-{TRACE}-{PARENT}-{flags}"}


def test_a_request_and_its_statements_are_one_trace(start: Start, collector: Collector, database: str) -> None:
    server = start(collector.otlp(authorization_header="Bearer of-the-collector"))
    Caller(server, "app").sign_up()
    flow = Caller(server, "app").start("login")
    path = f"self-service/login?flow={flow['id']}"
    body = {"method": "password", "identifier": "ann@example.org", "password": PASSWORD}
    httpx.post(server.public + path, json=body, headers=traceparent())
    spans = collector.of(TRACE)
    (request,) = [span for span in spans if span["kind"] == 2]
    assert (request["name"], request["parentSpanId"], request["status"]) == ("POST /self-service/login", PARENT, {})
    assert request["attributes"]["http.response.status_code"] == "200"
    assert "session.issued" in [event["name"] for event in request["events"]]
    statements = [span for span in spans if "db.query.text" in span["attributes"]]
    assert {span["parentSpanId"] for span in statements} == {request["spanId"]}
    assert {span["attributes"]["db.system.name"] for span in statements} == {
        "sqlite" if database == "sqlite" else "postgresql"
    }
    assert any(":identifier" in span["attributes"]["db.query.text"] for span in statements)
    sent = json.dumps([call[2] for call in collector.calls])
    assert PASSWORD not in sent
    assert "ann@" not in sent
    assert flow["id"] not in sent
    person = httpx.get(server.admin + "admin/identities").json()[0]["id"]
    httpx.get(server.admin + f"admin/identities/{person}", headers={"traceparent": f"00-{TRACE[::-1]}-{PARENT}-01"})
    (asked,) = [span for span in collector.of(TRACE[::-1]) if span["kind"] == 2]
    assert (asked["name"], person in json.dumps(asked)) == ("GET /admin/identities/{id}", False)
    path, headers, first = collector.calls[0]
    assert (path, headers["Authorization"]) == ("/v1/traces", "Bearer of-the-collector")
    named = {one["key"]: one["value"]["stringValue"] for one in first["resourceSpans"][0]["resource"]["attributes"]}
    assert (named["service.name"], named["deployment.environment.name"]) == ("id", "test")


def test_whoever_is_called_learns_of_the_trace(start: Start, collector: Collector) -> None:
    called = Collector()
    hook = {
        "hook": "web_hook",
        "config": {"url": f"http://{called.place}/hook", "method": "POST", "body": "base64://e30="},
    }
    flows = {"registration": {"after": {"password": {"hooks": [hook]}}}}
    server = start(merge(collector.otlp(), {"selfservice": {"flows": flows}}))
    try:
        caller = Caller(server, "app")
        flow = caller.start("registration")
        caller.http.headers.update(traceparent())
        caller.submit(flow, method="profile", traits={"email": "ann@example.org"})
        caller.submit(
            caller.shown("registration"), method="password", password=PASSWORD, traits={"email": "ann@example.org"}
        )
        (call,) = until(lambda: called.calls)
    finally:
        called.close()
    told = {name.lower(): value for name, value in call[1].items()}
    version, trace_id, span_id, flags = told["traceparent"].split("-")
    assert (version, trace_id, flags) == ("00", TRACE, "01")
    assert (told["uber-trace-id"], told["b3"]) == (f"{TRACE}:{span_id}:0:1", f"{TRACE}-{span_id}-1")
    assert (told["x-b3-traceid"], told["x-b3-spanid"], told["x-b3-sampled"]) == (TRACE, span_id, "1")
    hooks = until(lambda: [span for span in collector.spans() if span["spanId"] == span_id])
    assert hooks[0]["attributes"]["http.response.status_code"] == "200"


def test_what_the_caller_does_not_keep_is_not_kept(start: Start, collector: Collector) -> None:
    server = start(collector.otlp())
    httpx.get(server.public + "self-service/login/api", headers=traceparent("00"))
    httpx.get(server.public + "health/ready")
    last = traceparent()["traceparent"].replace(TRACE, TRACE[::-1])
    httpx.get(server.public + "schemas", headers={"traceparent": last})
    collector.of(TRACE[::-1])
    assert {span["traceId"] for span in collector.spans() if span["kind"] == 2} == {TRACE[::-1]}


@pytest.mark.parametrize("bad", ["nonsense", f"00-{'0' * 32}-{PARENT}-01", f"00-{TRACE}-{'0' * 16}-01", ""])
def test_a_parent_that_is_none_begins_a_trace(start: Start, collector: Collector, bad: str) -> None:
    server = start(collector.otlp())
    httpx.get(server.public + "schemas", headers={"traceparent": bad})
    (span,) = until(lambda: [span for span in collector.spans() if span["kind"] == 2])
    assert "parentSpanId" not in span
    assert span["traceId"] not in (TRACE, "0" * 32)


@pytest.mark.parametrize(("ratio", "least", "most"), [(0.0, 0, 0), (1.0, 1000, 1000), (0.5, 400, 600)])
def test_a_share_of_the_traces_is_kept(ratio: float, least: int, most: int) -> None:
    kept: list[object] = []
    tracer = Tracer(kept.append, share(ratio))
    for _ in range(1000):
        with tracer.request("x", None):
            pass
    assert least <= len(kept) <= most


def test_zipkin_gets_what_it_reads(start: Start, collector: Collector) -> None:
    url = f"http://{collector.place}/api/v2/spans"
    server = start({"tracing": {"provider": "zipkin", "providers": {"zipkin": {"server_url": url}}}})
    httpx.get(server.public + "schemas", headers=traceparent())

    def found() -> Spans:
        return [span for _, _, body in collector.calls for span in body if span.get("kind") == "SERVER"]

    (span,) = until(found)
    assert (span["traceId"], span["parentId"], span["name"]) == (TRACE, PARENT, "GET /schemas")
    assert (span["localEndpoint"], span["tags"]["http.response.status_code"]) == ({"serviceName": "limen"}, "200")
    assert collector.calls[0][0] == "/api/v2/spans"


def test_a_collector_that_is_away_is_nobodys_trouble(start: Start, collector: Collector) -> None:
    collector.status = 503
    server = start(collector.otlp())
    assert httpx.get(server.public + "schemas").status_code == 200

    def lost() -> bool:
        lines = httpx.get(server.admin + "admin/metrics/prometheus").text.splitlines()
        return any(line.startswith("limen_spans_lost_total{") and not line.endswith(" 0") for line in lines)

    until(lost)


def test_without_a_collector_nothing_is_wrapped(start: Start) -> None:
    app = start().app
    assert app.telemetry is None
    assert type(app.site.outbound) is Outbound
    assert not isinstance(app.site.driver, TracedDriver)
    assert not isinstance(app.site.outbound, TracedOutbound)
