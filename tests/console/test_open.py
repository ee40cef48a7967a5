"""The operator's port without sign-in: for whoever sits at this machine, and for nobody who only seems to."""

from __future__ import annotations

import pytest

from tests.conftest import Start
from tests.support.console import Console
from tests.support.server import LiveServer


@pytest.fixture
def server(start: Start) -> LiveServer:
    return start({"limen": {"console": {"auth_required": False}}})


def test_whoever_sits_here_is_the_owner(server: LiveServer) -> None:
    here = Console(server)
    assert here.get("api/auth/session") == {"session": None, "role": "owner", "next": None}
    assert here.post("api/auth/identities", {"email": "ann@example.org"})["state"] == "active"
    assert here.status == 201
    here.post("api/keys", {"name": "nightly export"})
    assert here.status == 201
    logs = here.get("api/auth/audit-logs", action="auth.key.create")["logs"]
    assert [one["actor"] for one in logs] == ["operator:local"]


def test_acting_as_somebody_takes_an_operator_who_has_signed_in(server: LiveServer) -> None:
    here = Console(server)
    id_ = here.post("api/auth/identities", {"email": "ann@example.org"})["id"]
    here.post(f"api/auth/identities/{id_}/impersonate")
    assert here.status == 401


@pytest.mark.parametrize(
    "header",
    [
        {"host": "evil.example.org"},  # a name that a page had resolved to this machine
        {"host": "127.0.0.1.evil.example.org"},
        {"host": "[::1"},
        {"x-forwarded-for": "10.0.0.7"},
        {"x-forwarded-for": "127.0.0.1"},
        {"x-real-ip": "127.0.0.1"},
        {"true-client-ip": "127.0.0.1"},
        {"cf-connecting-ip": "127.0.0.1"},
        {"forwarded": "for=10.0.0.7"},
        {"via": "1.1 proxy"},
    ],
    ids=str,
)
def test_what_only_seems_to_come_from_here_is_asked_to_sign_in(server: LiveServer, header: dict[str, str]) -> None:
    stranger = Console(server, **header)
    stranger.get("api/auth/identities")
    assert stranger.status == 401


@pytest.mark.parametrize("header", [{"origin": "https://evil.example.org"}, {"sec-fetch-site": "cross-site"}], ids=str)
def test_a_page_elsewhere_changes_nothing(server: LiveServer, header: dict[str, str]) -> None:
    page = Console(server, **header)
    page.post("api/auth/identities", {"email": "eve@example.org"})
    assert page.status == 403
    assert Console(server).get("api/auth/identities")["identities"] == []
