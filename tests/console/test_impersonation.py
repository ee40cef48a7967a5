"""An operator acts as somebody else: marked, short, on the record, and without a way to change what protects the account."""

from __future__ import annotations

import pytest

from tests.conftest import Start
from tests.support.callers import Caller, nodes
from tests.support.console import Console, operator, program
from tests.support.server import LiveServer

ANN = "ann@example.org"
WHY = {"reason": "They asked for help."}


@pytest.fixture
def server(start: Start) -> LiveServer:
    return start({"limen": {"selfservice": {"account_deletion": {"enabled": True}}}})


def acting(server: LiveServer, owner: Console) -> tuple[Caller, str]:
    """An app in which the operator acts as Ann, and Ann's id."""
    id_ = Caller(server, "app").sign_up(ANN)["id"]
    body = owner.post(f"api/auth/identities/{id_}/impersonate", WHY)
    assert owner.status == 201, body
    app = Caller(server, "app")
    app.token = body["session_token"]
    return app, id_


def test_it_is_marked_and_short(server: LiveServer, owner: Console) -> None:
    app, id_ = acting(server, owner)
    session = app.whoami()
    assert session["identity"]["id"] == id_
    assert session["metadata"]["impersonated_by"] == owner.get("api/auth/session")["session"]["identity"]["id"]
    server.clock.forward(minutes=15, seconds=1)
    assert not app.is_signed_in


@pytest.mark.parametrize(
    "change",
    [
        {"method": "profile", "traits": {"email": "eve@example.org"}},
        {"method": "password", "password": "another-fine-secret-2"},
    ],
)
def test_nothing_that_protects_the_account_can_be_changed(
    server: LiveServer, owner: Console, change: dict[str, object]
) -> None:
    app, _ = acting(server, owner)
    app.submit(app.start("settings"), **change)
    assert app.last.status_code == 403
    assert app.last.json()["error"]["id"] == "security_impersonated"
    assert nodes(app.start("settings"), "traits.email")[0]["attributes"]["value"] == ANN
    caller = Caller(server, "app")
    caller.sign_in(ANN)
    assert caller.is_signed_in


def test_nobody_is_signed_out_and_no_browser_loses_its_trust(server: LiveServer, owner: Console) -> None:
    app, _ = acting(server, owner)
    ann = Caller(server, "app")
    ann.sign_in(ANN)
    id_ = ann.whoami()["id"]
    for path in ("sessions", f"sessions/{id_}", f"sessions/trusted-devices/{id_}"):
        answer = app.http.delete(path, headers={"x-session-token": app.token})
        assert (answer.status_code, answer.json()["error"]["id"]) == (403, "security_impersonated"), path
    assert ann.is_signed_in


@pytest.mark.parametrize("end", ["sign out", "ban", "demote", "session"])
def test_it_ends_with_the_operator(server: LiveServer, owner: Console, end: str) -> None:
    other = operator(server, "owner", "other@example.org")
    session = owner.get("api/auth/session")["session"]
    app, _ = acting(server, owner)
    assert app.is_signed_in
    match end:
        case "sign out":
            owner.post("api/auth/logout")
        case "ban":
            other.post(f"api/auth/identities/{session['identity']['id']}/ban", {"reason": "left"})
        case "demote":
            other.ask("PATCH", f"api/operators/{session['identity']['id']}", {"role": "viewer"})
        case "session":
            other.ask("DELETE", f"api/auth/sessions/{session['id']}")
    assert not app.is_signed_in
    app.json("sessions")
    assert app.last.status_code == 401


def test_its_beginning_and_its_end_are_on_the_record(server: LiveServer, owner: Console) -> None:
    app, id_ = acting(server, owner)
    server.clock.forward(seconds=1)
    app.http.request("DELETE", "self-service/logout/api", json={"session_token": app.token})
    server.clock.forward(seconds=1)
    owner.post(f"api/auth/identities/{id_}/impersonate", WHY)
    server.clock.forward(seconds=1)
    owner.post("api/auth/logout")
    logs = program(server).get(
        "v1/audit-logs", identity_id=id_, action="auth.identity.impersonate,auth.identity.impersonate.end"
    )
    found = logs["logs"][::-1]
    assert [one["action"].rpartition(".")[2] for one in found] == ["impersonate", "end", "impersonate", "end"]
    assert found[0]["detail"]["reason"] == WHY["reason"]
    assert found[0]["actor"].startswith("operator:")


def test_operators_are_not_impersonated_and_a_reason_is_no_novel(server: LiveServer, owner: Console) -> None:
    viewer = operator(server, "viewer")
    id_ = viewer.get("api/auth/session")["session"]["identity"]["id"]
    owner.post(f"api/auth/identities/{id_}/impersonate", WHY)
    assert owner.status == 403
    ann = Caller(server, "app").sign_up(ANN)["id"]
    owner.post(f"api/auth/identities/{ann}/impersonate", {"reason": "a" * 1001})
    assert owner.status == 400
