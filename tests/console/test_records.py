"""What happened, as operators read it: sign-ins, the audit log, figures; and the settings in force."""

from __future__ import annotations

import pytest

from tests.support.callers import Caller
from tests.support.console import Console, program
from tests.support.server import LiveServer

ANN = "ann@example.org"


def test_sign_ins_are_listed_newest_first(server: LiveServer, owner: Console) -> None:
    Caller(server, "app").sign_up(ANN)
    for password in ("not-the-right-one", "not-that-one-either"):
        server.clock.forward(seconds=1)
        Caller(server, "app").sign_in(ANN, password)
    server.clock.forward(seconds=1)
    Caller(server, "app").sign_in(ANN)
    found = owner.get("api/auth/login-history", search=ANN)["history"]
    assert [one["success"] for one in found] == [True, False, False]
    assert found[0]["method"] == "password"
    assert found[1]["why"] == [4000006]
    assert len(owner.get("api/auth/login-history", search=ANN, limit="1", offset="2")["history"]) == 1
    assert len(owner.get("api/auth/login-history", search=ANN, success="false")["history"]) == 2


def test_the_audit_log_is_filtered_and_paged(server: LiveServer, owner: Console) -> None:
    id_ = Caller(server, "app").sign_up(ANN)["id"]
    owner.post(f"api/auth/identities/{id_}/ban", {"reason": "spam"})
    owner.post(f"api/auth/identities/{id_}/unban")
    service = program(server)
    found = service.get("v1/audit-logs", action="auth.identity.*")["logs"]
    assert [one["action"] for one in found] == ["auth.identity.unban", "auth.identity.ban"]
    assert found[0]["actor"].startswith("operator:")
    first = service.get("v1/audit-logs", search=id_, limit="2")
    rest = service.get("v1/audit-logs", search=id_, limit="2", page_token=first["pagination"]["next"])
    assert [one["action"] for one in (*first["logs"], *rest["logs"])] == [
        "auth.identity.unban", "auth.identity.ban", "auth.register",
    ]  # fmt: skip
    moment = found[0]["at"]
    assert service.get("v1/audit-logs", search=id_, **{"from": moment})["logs"][0]["action"] == "auth.identity.unban"
    assert len(service.get("v1/audit-logs", search=id_, to=moment)["logs"]) == 2


@pytest.mark.parametrize(
    "query", [{"limit": "x"}, {"offset": "-1"}, {"from": "soon"}, {"page_token": "made up"}, {"offset": "99999999"}]
)
def test_what_makes_no_sense_is_told(owner: Console, query: dict[str, str]) -> None:
    body = owner.get("api/auth/login-history", **query)
    assert owner.status == 400
    assert body["error"]["message"]


def test_figures_count_people_and_sign_ins(server: LiveServer, owner: Console) -> None:
    id_ = Caller(server, "app").sign_up(ANN)["id"]
    Caller(server, "app").sign_in(ANN)
    Caller(server, "app").sign_in(ANN, "not-the-right-one")
    owner.ask("PATCH", f"api/auth/identities/{id_}/state", {"state": "inactive"})
    body = owner.get("api/auth/stats")
    assert (body["total_users"], body["active"], body["inactive"]) == (2, 1, 1)
    assert (body["logins_24h"], body["failed_24h"]) == (1, 1)
    today = body["series"][-1]
    assert (today["logins"], today["failed"], today["registrations"]) == (1, 1, 2)
    assert len(body["series"]) == 30


def test_the_security_settings_are_those_in_force(owner: Console) -> None:
    body = owner.get("api/auth/security-config")
    assert body["password_policy"]["min_length"] == 8
    assert body["methods"]["password"] is True
    assert body["limits"]["guesses_per_person"] == 20
    assert "secret" not in str(body).replace("lookup_secret", "")
