"""People as operators look after them: found, made, switched off, banned, given a password, let in, deleted."""

from __future__ import annotations

from datetime import timedelta

import pytest

from limen.core import clock
from tests.attacks.people import opened
from tests.conftest import Start
from tests.console.conftest import can_sign_in
from tests.support import mail
from tests.support.callers import HTML, PASSWORD, Caller, flow_id
from tests.support.console import Console, program
from tests.support.server import LiveServer

ANN, BEN = "ann@example.org", "ben@example.org"
MAILED = {
    "selfservice": {
        "flows": {"recovery": {"enabled": True}, "verification": {"enabled": True}},
        "methods": {"link": {"enabled": True}, "code": {"enabled": True}},
    }
}


@pytest.fixture
def server(start: Start) -> LiveServer:
    return start(MAILED)


def test_people_are_found_and_paged(server: LiveServer, owner: Console) -> None:
    for number in range(5):
        Caller(server, "app").sign_up(f"person-{number}@example.org")
    first = owner.get("api/auth/identities", search="person", per_page="3")
    rest = owner.get("api/auth/identities", search="person", per_page="3", page_token=first["pagination"]["next"])
    emails = [one["traits"]["email"] for one in (*first["identities"], *rest["identities"])]
    assert sorted(emails) == [f"person-{number}@example.org" for number in range(5)]
    assert rest["pagination"]["next"] is None
    assert first["identities"][0]["last_login_at"]
    assert owner.get("api/auth/identities", search="person", state="inactive")["identities"] == []
    assert program(server).get("v1/auth/identities", search="person-3")["identities"][0]["traits"]["email"] == (
        "person-3@example.org"
    )


def test_a_person_is_made_read_and_deleted(server: LiveServer, owner: Console) -> None:
    made = owner.post("api/auth/identities", {"email": BEN, "password": PASSWORD, "verified": True})
    assert owner.status == 201
    assert made["verifiable_addresses"][0]["verified"] is True
    assert can_sign_in(server, BEN)
    assert owner.get(f"api/auth/identities/{made['id']}")["traits"] == {"email": BEN}
    owner.post("api/auth/identities", {"email": BEN})
    assert owner.status == 409
    owner.ask("DELETE", f"api/auth/identities/{made['id']}")
    assert owner.status == 204
    owner.get(f"api/auth/identities/{made['id']}")
    assert owner.status == 404


def test_many_are_acted_on_and_each_is_told(server: LiveServer, owner: Console) -> None:
    ids = [Caller(server, "app").sign_up(f"person-{number}@example.org")["id"] for number in range(3)]
    gone = "11111111-2222-4333-8444-555555555555"
    body = owner.post("api/auth/identities/batch-action", {"action": "deactivate", "ids": [*ids, gone, "no id"]})
    assert [one["success"] for one in body["results"]] == [True, True, True, False, False]
    assert (body["succeeded"], body["failed"]) == (3, 2)
    assert not can_sign_in(server, "person-1@example.org")
    owner.post("api/auth/identities/batch-action", {"action": "activate", "ids": ids[:2]})
    assert can_sign_in(server, "person-1@example.org")
    owner.post("api/auth/identities/batch-action", {"action": "delete", "ids": ids})
    assert owner.get("api/auth/identities", search="person")["identities"] == []
    owner.post("api/auth/identities/batch-action", {"action": "delete", "ids": ["x"] * 101})
    assert owner.status == 400


@pytest.mark.parametrize("kind", ["app", "script", "page"])
def test_65_switching_off_ends_sessions_at_once(server: LiveServer, owner: Console, kind: str) -> None:
    ann = Caller(server, kind)  # type: ignore[arg-type]
    id_ = ann.sign_up(ANN)["id"]
    shown = owner.ask("PATCH", f"api/auth/identities/{id_}/state", {"state": "inactive"})
    assert shown["state"] == "inactive"
    assert not ann.is_signed_in
    owner.ask("PATCH", f"api/auth/identities/{id_}/state", {"state": "active"})
    assert not ann.is_signed_in
    assert can_sign_in(server, ANN)


def test_metadata_is_replaced_and_what_is_left_out_stays(server: LiveServer, owner: Console) -> None:
    place = f"api/auth/identities/{Caller(server, 'app').sign_up(ANN)['id']}/metadata"
    owner.ask("PUT", place, {"metadata_public": {"plan": "gold"}, "metadata_admin": {"note": "kind"}})
    shown = owner.ask("PUT", place, {"metadata_public": None})
    assert (shown["metadata_public"], shown["metadata_admin"]) == (None, {"note": "kind"})
    owner.ask("PUT", place, {"metadata_public": [1]})
    assert owner.status == 400


def test_a_ban_has_a_reason_and_is_lifted(server: LiveServer, owner: Console) -> None:
    ann = Caller(server, "app")
    place = f"api/auth/identities/{ann.sign_up(ANN)['id']}"
    shown = owner.post(f"{place}/ban", {"reason": "spam"})
    assert (shown["state"], shown["ban"]["reason"], shown["ban"]["until"]) == ("inactive", "spam", None)
    assert not ann.is_signed_in
    assert not can_sign_in(server, ANN)
    assert owner.post(f"{place}/unban")["ban"] is None
    assert can_sign_in(server, ANN)
    owner.post(f"{place}/unban")
    assert owner.status == 409


def test_a_ban_ends_with_its_time(server: LiveServer, owner: Console) -> None:
    place = f"api/auth/identities/{Caller(server, 'app').sign_up(ANN)['id']}"
    until = clock.text(server.clock() + timedelta(hours=1))
    assert owner.post(f"{place}/ban", {"until": until})["ban"]["until"] == until
    assert not can_sign_in(server, ANN)
    server.clock.forward(hours=1, seconds=1)
    assert can_sign_in(server, ANN)
    owner.post(f"{place}/ban", {"until": until})
    assert owner.status == 400


def test_a_new_password_ends_all_sessions(server: LiveServer, owner: Console) -> None:
    ann = Caller(server, "app")
    id_ = ann.sign_up(ANN)["id"]
    owner.post(f"api/auth/identities/{id_}/reset-password", {"password": "another-fine-secret-2"})
    assert owner.status == 200
    assert not ann.is_signed_in
    assert not can_sign_in(server, ANN)
    assert can_sign_in(server, ANN, "another-fine-secret-2")


def test_a_recovery_link_lets_somebody_in_once(server: LiveServer, owner: Console) -> None:
    id_ = Caller(server, "app").sign_up(ANN)["id"]
    body = owner.post(f"api/auth/identities/{id_}/create-recovery-link")
    assert owner.status == 201
    assert set(body) == {"recovery_link", "expires_at"}


def test_what_destroys_wants_a_fresh_sign_in(server: LiveServer, owner: Console) -> None:
    id_ = Caller(server, "app").sign_up(ANN)["id"]
    server.clock.forward(hours=2)
    body = owner.ask("DELETE", f"api/auth/identities/{id_}")
    assert (owner.status, body["error"]["id"]) == (403, "session_refresh_required")
    owner.sign_in("owner@example.org")
    owner.ask("DELETE", f"api/auth/identities/{id_}")
    assert owner.status == 204


def test_sessions_are_listed_extended_and_ended(server: LiveServer, owner: Console) -> None:
    ann = Caller(server, "app")
    id_ = ann.sign_up(ANN)["id"]
    Caller(server, "app").sign_in(ANN)
    listed = owner.get("api/auth/sessions", identity_id=id_)["sessions"]
    assert len(listed) == 2
    assert listed[0]["identity"]["traits"] == {"email": ANN}
    assert "name" in listed[0]["devices"][0]
    server.clock.forward(hours=1)
    longer = owner.ask("PATCH", f"api/auth/sessions/{listed[1]['id']}/extend")
    assert longer["expires_at"] > listed[1]["expires_at"]
    owner.ask("DELETE", f"api/auth/sessions/{listed[1]['id']}")
    assert owner.status == 204
    assert not ann.is_signed_in
    assert owner.ask("DELETE", f"api/auth/identities/{id_}/sessions") == {"ended": 1}
    everybody = owner.get("api/auth/sessions", per_page="1")
    assert everybody["pagination"]["next"]
    following = owner.get("api/auth/sessions", per_page="1", page_token=everybody["pagination"]["next"])
    assert following["sessions"][0]["id"] != everybody["sessions"][0]["id"]


def test_schemas_are_shown_as_a_table_and_raw(owner: Console) -> None:
    found = owner.get("api/auth/schemas")
    assert [one["id"] for one in found] == ["default"]
    assert found[0] == owner.get("api/auth/schemas/default")
    assert "traits.email" in [one["name"] for one in found[0]["traits"]]
    assert found[0]["schema"]["properties"]["traits"]


def test_a_person_is_asked_to_verify_an_address(server: LiveServer, owner: Console) -> None:
    made = owner.post("api/auth/identities", {"email": ANN, "password": PASSWORD})
    body = owner.post(f"api/auth/identities/{made['id']}/send-verification")
    assert (owner.status, body) == (202, {"sent_to": [ANN]})
    page = Caller(server, "page")
    shown = page.http.get(mail.link(server, ANN), headers=HTML, follow_redirects=True)
    assert mail.code(server, ANN) in shown.text
    flow = page.flow("verification", flow_id(str(shown.url)))
    page.submit(flow, method="code", code=mail.code(server, ANN))
    assert owner.get(f"api/auth/identities/{made['id']}")["verifiable_addresses"][0]["verified"] is True
    owner.post(f"api/auth/identities/{made['id']}/send-verification")
    assert owner.status == 409


def test_a_person_is_mailed_a_way_back_in(server: LiveServer, owner: Console) -> None:
    id_ = Caller(server, "app").sign_up(ANN)["id"]
    assert owner.post(f"api/auth/identities/{id_}/send-recovery") == {"sent_to": [ANN]}
    page = Caller(server, "page")
    opened(page, mail.link(server, ANN))
    assert page.is_signed_in


@pytest.mark.parametrize("sort", ["created_at", "-created_at"])
@pytest.mark.parametrize("search", ["", "example"])
def test_pages_lead_forward_and_back(server: LiveServer, owner: Console, sort: str, search: str) -> None:
    for number in range(6):
        owner.post("api/auth/identities", {"email": f"person{number}@example.org"})
        server.clock.forward(seconds=1)
    asked = {"sort": sort, "search": search}
    whole = [one["id"] for one in owner.get("api/auth/identities", **asked)["identities"]]
    page = owner.get("api/auth/identities", per_page="3", **asked)
    assert page["pagination"]["prev"] is None
    seen = [page]
    while token := page["pagination"]["next"]:
        page = owner.get("api/auth/identities", per_page="3", page_token=token, **asked)
        seen.append(page)
    assert [[one["id"] for one in page["identities"]] for page in seen] == [whole[:3], whole[3:6], whole[6:]]
    back = []
    while token := page["pagination"]["prev"]:
        page = owner.get("api/auth/identities", per_page="3", page_token=token, **asked)
        assert f"page_token={token}" not in owner.last.headers["link"]
        back.append([one["id"] for one in page["identities"]])
    assert back == [whole[3:6], whole[:3]]
    on = owner.get("api/auth/identities", per_page="3", page_token=page["pagination"]["next"], **asked)
    assert [one["id"] for one in on["identities"]] == whole[3:6]


def test_traits_are_replaced_and_nothing_else(server: LiveServer, owner: Console) -> None:
    made = owner.post("api/auth/identities", {"email": "ann@example.org", "password": PASSWORD, "verified": True})
    place = f"api/auth/identities/{made['id']}"
    owner.ask("PUT", f"{place}/metadata", {"metadata_admin": {"score": 1}})
    after = owner.ask("PUT", place, {"traits": {"email": "ann@example.org", "name": "Ann"}})
    assert after["traits"] == {"email": "ann@example.org", "name": "Ann"}
    assert after["metadata_admin"] == {"score": 1}
    assert after["verifiable_addresses"][0]["verified"] is True
    assert can_sign_in(server, "ann@example.org")
    moved = owner.ask("PUT", place, {"traits": {"email": "ann@new.example.org"}})
    assert [(a["value"], a["verified"]) for a in moved["verifiable_addresses"]] == [("ann@new.example.org", False)]
    for wrong in (
        {"traits": {"name": "Ann"}},
        {"traits": {"email": "no address"}},
        {"traits": {}, "schema_id": "none"},
    ):
        owner.ask("PUT", place, wrong)
        assert owner.status == 400
    owner.post("api/auth/identities", {"email": "ben@example.org"})
    owner.ask("PUT", place, {"traits": {"email": "ben@example.org"}})
    assert owner.status == 409
