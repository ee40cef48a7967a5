"""Traces for Jaeger's agent: what stands in a datagram, what a sampling server decides, and traces that others began."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from limen.telemetry import propagation, sampling
from limen.telemetry.jaeger import LARGEST, datagrams
from limen.telemetry.span import Parent, Span
from tests.conftest import Start
from tests.support.callers import PASSWORD, Caller
from tests.support.process import until

TRACE, SPAN = "80f7651916cd43dd8448eb211c80319c", "f7ad6b7169203331"


class Reader:
    """Reads Thrift's compact protocol: structs as dicts by the numbers of their fields."""

    def __init__(self, raw: bytes) -> None:
        self.raw, self.at = raw, 0

    def byte(self) -> int:
        self.at += 1
        return self.raw[self.at - 1]

    def varint(self) -> int:
        found = shift = 0
        while True:
            one = self.byte()
            found |= (one & 0x7F) << shift
            shift += 7
            if one < 0x80:
                return found

    def signed(self) -> int:
        found = self.varint()
        return (found >> 1) ^ -(found & 1)

    def text(self) -> str:
        size = self.varint()
        self.at += size
        return self.raw[self.at - size : self.at].decode()

    def struct(self) -> dict[int, Any]:
        found: dict[int, Any] = {}
        number = 0
        while head := self.byte():
            number = number + (head >> 4) if head >> 4 else self.signed()
            found[number] = self.value(head & 15)
        return found

    def value(self, type_: int) -> Any:
        if type_ in (1, 2):
            return type_ == 1
        if type_ in (5, 6):
            return self.signed()
        if type_ == 8:
            return self.text()
        if type_ == 12:
            return self.struct()
        assert type_ == 9, type_
        head = self.byte()
        size = head >> 4 if head >> 4 < 15 else self.varint()
        return [self.value(head & 15) for _ in range(size)]


def batch_of(datagram: bytes) -> dict[int, Any]:
    """The batch of an `emitBatch`."""
    reader = Reader(datagram)
    assert (reader.byte(), reader.byte()) == (0x82, 0x81)
    reader.varint()
    assert reader.text() == "emitBatch"
    batch: dict[int, Any] = reader.struct()[1]
    assert reader.at == len(datagram)
    return batch


def tags(structs: list[dict[int, Any]]) -> dict[str, Any]:
    return {one[1]: one[{0: 3, 2: 5, 3: 6}[one[2]]] for one in structs}


class Agent:
    """Keeps the datagrams it is sent."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(20)
        self.place = f"127.0.0.1:{self.socket.getsockname()[1]}"

    def configured(self, **sampling: Any) -> dict[str, Any]:
        jaeger = {"local_agent_address": self.place, "sampling": sampling}
        names = {"service_name": "id", "deployment_environment": "test"}
        return {"tracing": {"provider": "jaeger", **names, "providers": {"jaeger": jaeger}}}

    def batch(self) -> dict[int, Any]:
        return batch_of(self.socket.recv(65536))


@pytest.fixture
def agent() -> Iterator[Agent]:
    made = Agent()
    yield made
    made.socket.close()


def unsigned(value: int) -> str:
    return f"{value % (1 << 64):016x}"


def test_the_agent_gets_a_datagram(start: Start, agent: Agent) -> None:
    server = start(agent.configured(trace_id_ratio=0))
    Caller(server, "app").sign_up()
    flow = Caller(server, "app").start("login")
    httpx.post(
        f"{server.public}self-service/login?flow={flow['id']}",
        json={"method": "password", "identifier": "ann@example.org", "password": PASSWORD},
        headers={"uber-trace-id": f"{TRACE}:{SPAN}:0:1"},
    )
    batch = agent.batch()
    assert batch[1][1] == "id"
    assert tags(batch[1][2])["deployment.environment.name"] == "test"
    spans = batch[2]
    (request,) = [span for span in spans if tags(span[10]).get("span.kind") == "server"]
    assert (unsigned(request[2]) + unsigned(request[1]), unsigned(request[4])) == (TRACE, SPAN)
    assert (request[5], request[7], tags(request[10])["http.response.status_code"]) == (
        "POST /self-service/login", 1, 200,
    )  # fmt: skip
    assert "session.issued" in [tags(log[2])["event"] for log in request[11]]
    statements = [span for span in spans if span is not request]
    assert {span[4] for span in statements} == {request[3]}
    assert all("db.query.text" in tags(span[10]) for span in statements)
    assert all(request[8] <= span[8] and 1 <= span[9] <= request[9] for span in statements)
    assert PASSWORD not in json.dumps(batch)


def test_an_agent_that_is_away_is_nobodys_trouble(start: Start, agent: Agent) -> None:
    agent.socket.close()
    server = start(agent.configured())
    assert httpx.get(server.public + "schemas").status_code == 200

    def lost() -> bool:
        httpx.get(server.public + "schemas")
        lines = httpx.get(server.admin + "admin/metrics/prometheus").text.splitlines()
        return any(line.startswith("limen_spans_lost_total{") and not line.endswith(" 0") for line in lines)

    until(lost)


def test_what_failed_says_so_and_large_batches_are_several_datagrams() -> None:
    spans = [Span(f"GET /{n}", "client", TRACE, "", is_kept=True) for n in range(200)]
    for span in spans:
        span.attributes = {"db.query.text": "é" * 1000, "db.rows": -3}
    spans[7].attributes["db.query.text"] = "x" * LARGEST  # no datagram can hold it
    spans[0].failed = "DatabaseError"
    sent = list(datagrams(spans, {"service.name": "id"}))
    assert len(sent) > 3
    assert max(map(len, sent)) <= LARGEST
    found = [span for one in sent for span in batch_of(one)[2]]
    assert [span[5] for span in found] == [f"GET /{n}" for n in range(200) if n != 7]
    assert (tags(found[0][10])["error"], tags(found[0][10])["otel.status_description"]) == (True, "DatabaseError")
    assert (tags(found[1][10])["db.rows"], "error" in tags(found[1][10])) == (-3, False)


def test_a_sampling_server_decides(start: Start, agent: Agent) -> None:
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            body = b'{"strategyType": "PROBABILISTIC", "probabilisticSampling": {"samplingRate": 1}}'
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as decides:
        thread = threading.Thread(target=decides.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{decides.server_address[1]}/sampling"
        server = start(agent.configured(server_url=url, trace_id_ratio=0))
        until(lambda: asked)
        agent.socket.settimeout(0.5)

        def told() -> Any:
            httpx.get(server.public + "schemas")
            try:
                return agent.batch()
            except TimeoutError:
                return None

        assert until(told)[2][0][5] == "GET /schemas"
        decides.shutdown()
        thread.join()
    assert asked == ["/sampling?service=id"]


@pytest.mark.parametrize(
    ("strategy", "kept"),
    [
        ({"probabilisticSampling": {"samplingRate": 0.5}}, {"a": (400, 600), "b": (400, 600)}),
        ({"rateLimitingSampling": {"maxTracesPerSecond": 5}}, {"a": (5, 6), "b": (0, 1)}),
        ({"operationSampling": {"defaultSamplingProbability": 0, "perOperationStrategies": [
            {"operation": "a", "probabilisticSampling": {"samplingRate": 1}}]}}, {"a": (1000, 1000), "b": (0, 0)}),
        ({"operationSampling": {"defaultLowerBoundTracesPerSecond": 0.001}}, {"a": (1, 1), "b": (0, 0)}),
    ],
)  # fmt: skip
def test_strategies(strategy: dict[str, Any], kept: dict[str, tuple[int, int]]) -> None:
    keeps = sampling.read(json.dumps(strategy).encode())
    for name, (least, most) in kept.items():
        ids = (f"{n * 0x9E3779B97F4A7C15 % (1 << 64):032x}" for n in range(1000))
        assert least <= sum(keeps(id_, name) for id_ in ids) <= most, name


def test_what_was_not_used_of_a_second_is_there_in_the_next() -> None:
    now = [0.0]
    keeps = sampling.limited(2, lambda: now[0])
    assert [keeps("", "") for _ in range(3)] == [True, True, False]
    now[0] = 0.5
    assert [keeps("", "") for _ in range(2)] == [True, False]
    now[0] = 60
    assert [keeps("", "") for _ in range(3)] == [True, True, False]


@pytest.mark.parametrize("answer", [b"", b"{}", b"[]", b'{"probabilisticSampling": {"samplingRate": "x"}}'])
def test_an_answer_that_makes_no_sense_is_none(answer: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        sampling.read(answer)


OURS = Parent(TRACE, SPAN, is_kept=True)


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"traceparent": f"00-{TRACE}-{SPAN}-01"}, OURS),
        ({"uber-trace-id": f"{TRACE}:{SPAN}:0:3"}, OURS),
        ({"uber-trace-id": f"{TRACE}%3A{SPAN}%3A0%3A1"}, OURS),
        ({"uber-trace-id": "abc:1::0"}, Parent("abc".zfill(32), "1".zfill(16), is_kept=False)),
        ({"b3": f"{TRACE}-{SPAN}-1-{SPAN}"}, OURS),
        ({"b3": f"{TRACE}-{SPAN}-d"}, OURS),
        ({"b3": f"{TRACE}-{SPAN}"}, OURS._replace(is_kept=None)),
        ({"x-b3-traceid": TRACE, "x-b3-spanid": SPAN, "x-b3-sampled": "0"}, OURS._replace(is_kept=False)),
        ({"x-b3-traceid": TRACE[16:], "x-b3-spanid": SPAN, "x-b3-flags": "1"}, Parent(TRACE[16:].zfill(32), SPAN, is_kept=True)),
        ({"traceparent": f"00-{TRACE}-{SPAN}-01", "b3": f"{SPAN}-{SPAN}-0"}, OURS),
        ({"traceparent": "nonsense", "uber-trace-id": f"{TRACE}:{SPAN}:0:1"}, OURS),
        ({"uber-trace-id": f"0:{SPAN}:0:1"}, None),
        ({"uber-trace-id": f"{TRACE}:{SPAN}"}, None),
        ({"b3": "0"}, None),
        ({"b3": f"{TRACE}-{'0' * 16}-1"}, None),
        ({}, None),
    ],
)  # fmt: skip
def test_a_trace_that_somebody_else_began(headers: dict[str, str], found: Parent | None) -> None:
    assert propagation.parent({name.encode(): value.encode() for name, value in headers.items()}) == found
