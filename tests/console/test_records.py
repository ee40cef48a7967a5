"""What happened, as operators read it: sign-ins, the audit log, figures; and the settings in force."""

from __future__ import annotations

import csv
import io
import json

import pytest

from limen.audit import seal
from limen.audit.sealer import Sealer
from tests.conftest import Start
from tests.support.callers import Caller
from tests.support.console import Console, at_database, operator, program
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


@pytest.mark.parametrize("request_id", ["Request-7", "11111111-2222-4333-8444-555555555555"])
def test_what_a_request_did_is_found_by_its_id(server: LiveServer, owner: Console, request_id: str) -> None:
    ann = Caller(server, "app")
    ann.http.headers["x-request-id"] = request_id
    ann.sign_up(ANN)
    ann.http.headers["x-request-id"] = "another"
    Caller(server, "app").sign_in(ANN)
    found = owner.get("api/auth/audit-logs", search=request_id)["logs"]
    assert [(one["action"], one["request_id"]) for one in found] == [("auth.register", request_id)]


def test_pages_are_whole_by_cursor_and_by_offset(server: LiveServer, owner: Console) -> None:
    for number in range(5):
        Caller(server, "app").sign_up(f"p{number}@example.org")
        Caller(server, "app").sign_in(f"p{number}@example.org", "not-the-right-one")
    query = {"action": "auth.register,auth.login.*,auth.settings.*"}

    def ids(**more: str) -> list[str]:
        return [one["id"] for one in owner.get("api/auth/audit-logs", **query, **more)["logs"]]

    every = ids()
    assert len(every) == 11
    walked, token = [], ""
    while token is not None:
        walked += ids(limit="3", page_token=token)
        token = owner.last.json()["pagination"]["next"]
    assert walked == every
    assert ids(limit="3", offset="4") == every[4:7]
    assert owner.get("api/auth/audit-logs", action="auth.nothing.*") == {"logs": [], "pagination": {"next": None}}
    owner.get("api/auth/audit-logs", action=",".join(f"a{n}" for n in range(21)))
    assert owner.status == 400


def test_the_log_goes_out_as_a_file(server: LiveServer, owner: Console) -> None:
    caller = Caller(server, "app")
    caller.http.headers["user-agent"] = "=cmd()"
    id_ = caller.sign_up(ANN)["id"]
    for number in range(3):
        server.clock.forward(seconds=1)
        Caller(server, "app").sign_in(ANN if number else "nobody@example.org", "not-the-right-one")
    owner.sign_in("owner@example.org")
    place = "api/auth/audit-logs/export"
    lines = owner.http.get(place, params={"search": ANN}).text.splitlines()
    assert [json.loads(line)["action"] for line in lines] == ["auth.login.failed", "auth.login.failed", "auth.register"]
    text = owner.http.get(place, params={"format": "csv", "action": "auth.register"}).text
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert (rows[0]["identity_id"], rows[0]["user_agent"], json.loads(rows[0]["detail"])) == (id_, "'=cmd()", {})
    whole = owner.http.get(place).text.splitlines()
    first = json.loads(whole[0])
    assert (first["action"], first["detail"]["what"], first["actor"][:9]) == ("auth.export", "audit log", "operator:")
    assert json.loads(whole[1])["detail"]["only"] == {"actions": ["auth.register"]}
    owner.get(place, format="xml")
    assert owner.status == 400


def test_figures_are_the_same_before_and_after_sealing(server: LiveServer, owner: Console) -> None:
    Caller(server, "app").sign_up(ANN)
    for _ in range(5):
        server.clock.forward(hours=10)
        Caller(server, "app").sign_in(ANN)
        Caller(server, "app").sign_in(ANN, "not-the-right-one")
    keys = server.app.site.project.keys

    def figures() -> tuple[int, int, list[int]]:
        body = owner.get("api/auth/stats")
        return body["logins_24h"], body["failed_24h"], [day["logins"] for day in body["series"] if day["logins"]]

    owner.sign_in("owner@example.org")
    before = figures()
    assert before[:2] == (4, 3)
    assert sum(before[2]) == 6
    at_database(server, lambda db: seal.seal_some(db, keys))
    assert figures() == before
    server.clock.forward(hours=5)
    assert figures()[:2] == (3, 2)


def test_what_is_older_than_it_is_to_be_kept_goes(start: Start) -> None:
    server = start({"limen": {"audit": {"retention": "48h"}}})
    owner = operator(server, "owner")
    server.clock.forward(hours=30)
    Caller(server, "app").sign_up(ANN)
    server.clock.forward(hours=30)
    site = server.app.site
    at_database(server, lambda db: Sealer(lambda: site.project, db, site.now).once())
    owner.sign_in("owner@example.org")
    found = owner.get("api/auth/audit-logs")["logs"]
    assert [one["email"] for one in found] == ["owner@example.org", ANN]
    assert sum(day["registrations"] for day in owner.get("api/auth/stats")["series"]) == 1
