"""Who is believed about where a request comes from: trusted proxies, and nobody else."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.conftest import Start
from tests.support.callers import PASSWORD
from tests.support.server import LiveServer

TOLD = {
    "x-forwarded-host": "id.example.org",
    "x-forwarded-proto": "https",
    "x-forwarded-for": "203.0.113.7",
    "cf-ipcity": "Vienna",
    "cf-ipcountry": "AT",
}
ELSEWHERE = {"limen": {"trusted_proxies": ["198.51.100.0/24"]}}
HERE = {"limen": {"trusted_proxies": ["127.0.0.1/32"]}}


def signed_up(server: LiveServer, headers: dict[str, str]) -> tuple[str, dict[str, Any]]:
    """Sign somebody up with these headers; the address of the flow and the device of the session."""
    flow = httpx.get(server.public + "self-service/registration/api", headers=headers).json()
    body = {"method": "password", "password": PASSWORD, "traits": {"email": "ann@example.org"}}
    answer = httpx.post(flow["ui"]["action"], json=body, headers=headers).json()
    return flow["request_url"], answer["session"]["devices"][0]


@pytest.mark.parametrize("over", [{}, HERE], ids=["by default one on this machine", "one that is named"])
def test_a_trusted_proxy_is_believed(start: Start, over: dict[str, Any]) -> None:
    url, device = signed_up(start(over), TOLD)
    assert url == "https://id.example.org/self-service/registration/api"
    assert (device["ip_address"], device["location"]) == ("203.0.113.7", "Vienna, AT")


def test_anybody_else_is_not(start: Start) -> None:
    server = start(ELSEWHERE)
    url, device = signed_up(server, TOLD | {"true-client-ip": "203.0.113.8", "x-real-ip": "203.0.113.9"})
    assert url == server.public + "self-service/registration/api"
    assert device["ip_address"].startswith("127.0.0.1:")
    assert device["location"] == ""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x-forwarded-host", "evil.example.net/path"),
        ("x-forwarded-host", "a b"),
        ("x-forwarded-host", "user@evil.example.net"),
        ("x-forwarded-proto", "javascript"),
        ("x-forwarded-proto", "https, http"),
        ("host", "evil.example.net\\@a"),
    ],
)
def test_what_is_no_address_counts_for_nothing(server: LiveServer, name: str, text: str) -> None:
    headers = {"x-forwarded-host": "id.example.org", "x-forwarded-proto": "https", name: text}
    if name == "host":
        del headers["x-forwarded-host"]
    flow = httpx.get(server.public + "self-service/login/api", headers=headers).json()
    assert flow["request_url"] == server.public + "self-service/login/api"


def test_the_links_we_make_know_only_the_configuration(server: LiveServer) -> None:
    flow = httpx.get(server.public + "self-service/login/api", headers=TOLD).json()
    assert flow["ui"]["action"].startswith(server.public)
