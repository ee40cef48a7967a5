"""What Prometheus reads: Kratos' names, and ours."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from limen import __version__
from limen.http import admin_metrics
from tests.conftest import Start
from tests.operation.conftest import Configure, MakeNode
from tests.support.callers import Caller
from tests.support.process import PROGRAM, environment, free_port, until
from tests.support.server import PATIENCE, LiveServer

LINE = re.compile(r'(?P<name>\w+)\{(?P<labels>(?:\w+="(?:[^"\\]|\\.)*",?)*)\} (?P<value>\S+)')
CONSTANT = {"app": "kratos", "version": f"v{__version__}", "hash": "", "buildTime": ""}


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A database counts as one that answers, however busy the machine is."""
    monkeypatch.setattr(admin_metrics, "WITHIN", PATIENCE)


class Scrape:
    """The metrics, read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines: list[tuple[str, dict[str, str], float]] = []
        self.kinds: dict[str, str] = {}
        for line in text.splitlines():
            if line.startswith("# TYPE "):
                name, kind = line.split()[2:]
                self.kinds[name] = kind
            elif not line.startswith("#"):
                match = LINE.fullmatch(line)
                assert match, line
                labels = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match["labels"]))
                assert {name: labels.pop(name) for name in CONSTANT} == CONSTANT
                self.lines.append((match["name"], labels, float(match["value"])))

    def value(self, name: str, **labels: str) -> float:
        return sum(value for found, own, value in self.lines if found == name and labels.items() <= own.items())


def scrape(server: LiveServer) -> Scrape:
    answer = httpx.get(server.admin + "admin/metrics/prometheus")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return Scrape(answer.text)


def test_the_families_have_kratos_names(server: LiveServer) -> None:
    Caller(server, "app").sign_up()
    kinds = scrape(server).kinds
    assert {
        "http_requests_total": "counter",
        "http_requests_statuses_total": "counter",
        "http_response_time_seconds": "histogram",
        "http_requests_duration_seconds": "histogram",
        "http_requests_size_bytes": "histogram",
        "http_response_size_bytes": "histogram",
        "limen_events_total": "counter",
        "limen_hashing_waiting": "gauge",
        "process_cpu_seconds_total": "counter",
        "process_resident_memory_bytes": "gauge",
    }.items() <= kinds.items()


def test_requests_are_counted_by_route(server: LiveServer) -> None:
    for id_ in ("a", "b"):
        httpx.get(f"{server.admin}admin/identities/{id_}")
    httpx.get(server.public + "sessions/whoami")
    httpx.head(server.public + "sessions/whoami")
    httpx.get(server.public + "there/is/nothing")
    found = scrape(server)
    one = {"endpoint": "/admin/identities/{param}", "method": "get"}
    assert found.value("http_requests_total", code="404", **one) == 2
    assert found.value("http_requests_duration_seconds_count", code="404", **one) == 2
    assert found.value("http_requests_total", endpoint="/sessions/whoami", code="401", method="get") == 1
    assert found.value("http_requests_total", endpoint="/sessions/whoami", code="401", method="head") == 1
    assert found.value("http_requests_total", endpoint="", code="404") == 1
    assert found.value("http_requests_statuses_total", method="GET", status_bucket="4xx") == 4
    assert found.value("http_response_time_seconds_count", endpoint="/sessions/whoami") == 2


def test_methods_nobody_knows_share_one_name(server: LiveServer) -> None:
    for method in ("PROPFIND", "MKCOL"):
        httpx.request(method, server.public + "sessions/whoami")
    assert scrape(server).value("http_requests_total", method="unknown") == 2


def test_a_spread_adds_up(server: LiveServer) -> None:
    answer = httpx.get(server.public + "schemas/default")
    body = httpx.post(server.admin + "admin/identities", content=b"x" * 500)
    found = scrape(server)
    code = {"code": "200", "method": "get"}
    assert found.value("http_response_size_bytes_sum", **code) == len(answer.content)
    assert found.value("http_response_size_bytes_bucket", le="+Inf", **code) == 1
    assert found.value("http_requests_size_bytes_sum", code=str(body.status_code), method="post") == 500
    assert found.value("http_requests_size_bytes_bucket", le="1000", method="post") == 1
    assert found.value("http_requests_size_bytes_bucket", le="100", method="post") == 0


def test_events_are_counted(server: LiveServer) -> None:
    Caller(server, "script").sign_up()
    Caller(server, "app").sign_in(password="not-this-one-1")
    found = scrape(server)
    assert found.value("limen_events_total", kind="identity.created") == 1
    assert found.value("limen_events_total", kind="session.issued") == 1
    assert found.value("limen_events_total", kind="login.failed") == 1


def test_what_waits_is_told(start: Start) -> None:
    verifies = {"verification": {"enabled": True}}
    mail = {"smtp": {"connection_uri": "smtp://127.0.0.1:1/?disable_starttls=true"}}
    server = start({"selfservice": {"flows": verifies, "methods": {"code": {"enabled": True}}}, "courier": mail})
    Caller(server, "app").sign_up()
    found = scrape(server)
    assert found.value("limen_courier_messages_waiting") == 1
    assert found.value("limen_database_up") == 1


def test_refused_sign_ins_are_counted(start: Start) -> None:
    server = start({"limen": {"hashing": {"workers": 1, "queue": 0}}})
    assert scrape(server).value("limen_hashing_capacity") == 1
    assert scrape(server).value("limen_hashing_refused_total") == 0


def test_openmetrics_for_those_who_ask(server: LiveServer) -> None:
    accept = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3"
    answer = httpx.get(server.admin + "metrics/prometheus", headers={"accept": accept})
    assert answer.headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert answer.text.endswith("# EOF\n")
    assert "# TYPE http_requests counter\n" in answer.text
    answer = httpx.get(server.admin + "metrics/prometheus", headers={"accept": accept})
    assert 'http_requests_total{app="kratos"' in answer.text


def test_the_public_port_has_none(server: LiveServer) -> None:
    for path in ("metrics/prometheus", "admin/metrics/prometheus"):
        assert httpx.get(server.public + path).status_code == 404


@pytest.mark.slow
def test_counts_go_on_over_a_reload(dsn: str, configure: Configure, node: MakeNode, tmp_path: Path) -> None:
    one = node(tmp_path, "-c", configure(dsn, {"revision": "first"})).start()
    httpx.get(one.public + "sessions/whoami")
    text = (tmp_path / "limen.yml").read_text()
    (tmp_path / "limen.yml").write_text(text.replace("revision: first", "revision: second"))
    one.signal(signal.SIGHUP)
    until(lambda: httpx.get(one.admin + "admin/health/config").text.strip() == "second")
    httpx.get(one.public + "sessions/whoami")
    found = Scrape(httpx.get(one.admin + "admin/metrics/prometheus").text)
    assert found.value("http_requests_total", endpoint="/sessions/whoami") == 2


# --- a courier by itself ------------------------------------------------------------------------------------------------


@pytest.fixture
def courier(dsn: str, configure: Configure, tmp_path: Path) -> Iterator[int]:
    """`courier watch` with metrics; the port."""
    port = free_port()
    mail = {"smtp": {"connection_uri": "smtp://127.0.0.1:1/?disable_starttls=true"}}
    config = configure(dsn, {"courier": mail, "serve": {"admin": {"host": "127.0.0.1"}}})
    words = [*PROGRAM, "courier", "watch", "-c", config, "--expose-metrics-port", str(port)]
    process = subprocess.Popen(words, cwd=tmp_path, env=environment(), stdin=subprocess.DEVNULL)
    yield port
    process.terminate()
    assert process.wait(PATIENCE) == 0


@pytest.mark.slow
def test_a_courier_has_metrics_of_its_own(courier: int) -> None:
    def is_up() -> bool:
        try:
            found = httpx.get(f"http://127.0.0.1:{courier}/metrics/prometheus")
        except httpx.TransportError:
            return False
        return Scrape(found.text).value("limen_database_up") == 1

    until(is_up)
    assert httpx.get(f"http://127.0.0.1:{courier}/admin/identities").status_code == 404
