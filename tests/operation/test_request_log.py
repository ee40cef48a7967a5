"""The log line of each request, and what is left out of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.operation.conftest import Configure, MakeNode
from tests.support.process import Node

JSON_LOG = {"log": {"level": "info", "format": "json"}}


def requests(node: Node) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in node.log.splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == "request"]


def ask(node: Node) -> None:
    for url in ("health/alive", "health/ready", "schemas?token=secret-in-the-query"):
        httpx.get(node.public + url, headers={"x-request-id": "my-own-id", "cookie": "a=secret-in-a-cookie"})
    for url in ("admin/health/alive", "health/ready", "metrics/prometheus", "admin/version"):
        httpx.get(node.admin + url, headers={"authorization": "Bearer secret-in-a-header"})


@pytest.mark.slow
def test_a_line_for_each_request(dsn: str, configure: Configure, node: MakeNode, tmp_path: Path) -> None:
    one = node(tmp_path, "-c", configure(dsn, JSON_LOG)).start()
    ask(one)
    one.stop()
    lines = [line for line in requests(one) if line["request"] == "my-own-id"]
    assert [(line["path"], line["status"], line["method"], line["port"]) for line in lines] == [
        ("/health/alive", 200, "GET", "public"),
        ("/health/ready", 200, "GET", "public"),
        ("/schemas", 200, "GET", "public"),
    ]
    assert "secret-in" not in one.log


@pytest.mark.slow
def test_health_checks_may_be_left_out(dsn: str, configure: Configure, node: MakeNode, tmp_path: Path) -> None:
    quiet = {"request_log": {"disable_for_health": True}}
    one = node(tmp_path, "-c", configure(dsn, {**JSON_LOG, "serve": {"public": quiet, "admin": quiet}})).start()
    ask(one)
    one.stop()
    assert [line["path"] for line in requests(one)] == ["/schemas", "/admin/version"]


@pytest.mark.slow
def test_each_port_decides_for_itself(dsn: str, configure: Configure, node: MakeNode, tmp_path: Path) -> None:
    quiet = {"admin": {"request_log": {"disable_for_health": True}}}
    one = node(tmp_path, "-c", configure(dsn, {**JSON_LOG, "serve": quiet})).start()
    ask(one)
    one.stop()
    paths = [line["path"] for line in requests(one) if line["request"] == "my-own-id" or line["port"] == "admin"]
    assert paths == ["/health/alive", "/health/ready", "/schemas", "/admin/version"]
