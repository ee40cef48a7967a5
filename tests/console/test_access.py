"""Who may come in: keys that are made, used, rotated and revoked; operators; the link that makes the first one, once."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

from limen.project import apikeys
from tests.support.callers import HTML, PASSWORD, Caller
from tests.support.console import Console, operator
from tests.support.server import LiveServer

ANN, BEN, CAT = "ann@example.org", "ben@example.org", "cat@example.org"


def works(server: LiveServer, key: str, header: str = "apikey") -> bool:
    value = f"Bearer {key}" if header == "authorization" else key
    caller = Console(server, **{header: value})
    caller.get("v1/auth/identities")
    return caller.status == 200


def test_a_key_is_shown_once_and_works_until_it_is_revoked(server: LiveServer, owner: Console) -> None:
    made = owner.post("api/keys", {"name": "nightly export"})
    assert re.fullmatch(r"truss_sk_[A-Za-z0-9]{46}", made["key"])
    assert all(works(server, made["key"], header) for header in ("apikey", "x-api-key", "authorization"))
    listed = owner.get("api/keys")
    assert made["key"] not in str(listed)
    assert listed[0]["last_used_at"]
    owner.ask("DELETE", f"api/keys/{made['id']}")
    assert not works(server, made["key"])


def test_a_key_expires(server: LiveServer, owner: Console) -> None:
    made = owner.post("api/keys", {"name": "short", "expires_at": "2300-01-01T00:00:00Z"})
    assert works(server, made["key"])
    owner.post("api/keys", {"name": "over", "expires_at": "2020-01-01T00:00:00Z"})
    assert owner.status == 400


def test_a_rotated_key_works_on_for_a_while(server: LiveServer, owner: Console) -> None:
    old = owner.post("api/keys", {"name": "one"})
    new = owner.post(f"api/keys/{old['id']}/rotate", {"overlap": 60})
    assert works(server, old["key"])
    assert works(server, new["key"])
    server.clock.forward(seconds=61)
    assert not works(server, old["key"])
    assert works(server, new["key"])


def test_a_key_with_a_mistake_is_not_looked_up(server: LiveServer, owner: Console) -> None:
    key = owner.post("api/keys", {"name": "one"})["key"]
    assert apikeys.looks_like_one(key)
    other = key[:-1] + ("a" if key[-1] != "a" else "b")
    assert not apikeys.looks_like_one(other)
    caller = Console(server, apikey=other)
    before = server.trips.trips
    caller.get("v1/auth/identities")
    assert caller.status == 401
    assert server.trips.trips == before


def test_operators_are_appointed_changed_and_dismissed_but_for_the_last_owner(
    server: LiveServer, owner: Console
) -> None:
    ben = Console(server)
    id_ = ben.sign_up(BEN)
    ben.get("api/auth/identities")
    assert ben.status == 403
    owner.post("api/operators", {"email": BEN, "role": "viewer"})
    assert owner.status == 409  # anybody may have signed up with it
    assert owner.post("api/operators", {"identity_id": id_, "role": "viewer"})["role"] == "viewer"
    owner.post("api/auth/identities", {"email": CAT, "password": PASSWORD, "verified": True})
    assert owner.post("api/operators", {"email": CAT, "role": "viewer"})["role"] == "viewer"
    ben.get("api/auth/identities")
    assert ben.status == 200
    ben.post("api/auth/identities", {"email": "new@example.org"})
    assert ben.status == 403
    owner.ask("PATCH", f"api/operators/{id_}", {"role": "developer"})
    ben.post("api/auth/identities", {"email": "new@example.org"})
    assert ben.status == 201
    ben.post("api/operators", {"email": BEN, "role": "owner"})
    assert ben.status == 403
    own_id = next(one["identity_id"] for one in owner.get("api/operators") if one["role"] == "owner")
    owner.ask("DELETE", f"api/operators/{own_id}")
    assert owner.status == 409
    owner.ask("DELETE", f"api/operators/{id_}")
    ben.get("api/auth/identities")
    assert ben.status == 403


def test_65_a_deactivated_operator_is_out_at_once(server: LiveServer, owner: Console) -> None:
    ben = operator(server, "developer", BEN)
    id_ = ben.get("api/auth/session")["session"]["identity"]["id"]
    owner.post(f"api/auth/identities/{id_}/ban", {"reason": "left"})
    ben.get("api/auth/identities")
    assert ben.status == 401


def token_of(server: LiveServer) -> str:
    return parse_qs(urlsplit(server.setup_link).query)["token"][0]


def test_90_the_first_operator_is_made_by_the_link_and_only_once(server: LiveServer) -> None:
    first = Console(server)
    body = {"token": token_of(server), "email": ANN, "password": PASSWORD}
    first.post("api/auth/setup", {**body, "token": "made-up"})
    assert first.status == 403
    assert first.post("api/auth/setup", body)["role"] == "owner"
    assert first.sign_in(ANN)["role"] == "owner"
    Console(server).post("api/auth/setup", {**body, "email": BEN})
    id_ = first.get("api/auth/session")["session"]["identity"]["id"]
    first.ask("DELETE", f"api/auth/identities/{id_}")  # the last operator goes
    again = Console(server)
    again.post("api/auth/setup", {**body, "email": BEN})
    assert again.status == 403


def test_90_being_the_first_to_sign_up_makes_no_operator(server: LiveServer) -> None:
    ann = Console(server)
    ann.sign_up(ANN)
    assert ann.get("api/auth/session")["role"] is None


def test_the_link_leads_through_the_pages(server: LiveServer) -> None:
    ann = Caller(server, "page")
    answer = ann.http.get(server.setup_link, headers=HTML)
    assert answer.status_code == 200
    ways = re.findall(r'href="([^"]+browser\?return_to=[^"]+)"', answer.text)
    assert [urlsplit(way).path for way in ways] == ["/self-service/registration/browser", "/self-service/login/browser"]
    assert {parse_qs(urlsplit(way).query)["return_to"][0] for way in ways} == {server.setup_link}
    ann.sign_up(ANN)
    page = ann.http.get(server.setup_link, headers=HTML)
    assert ANN in page.text
    fields = dict(re.findall(r'name="(\w+)" value="([^"]+)"', page.text))
    done = ann.http.post("ui/setup", data={k: v.replace("&#43;", "+") for k, v in fields.items()}, headers=HTML)
    assert done.status_code == 200
    operators_cookie = Console(server)
    operators_cookie.sign_in(ANN)
    assert operators_cookie.get("api/auth/session")["role"] == "owner"
    assert ann.http.get(server.setup_link, headers=HTML).status_code == 403


def test_88_nobody_lays_hands_on_an_operator_with_more_rights(server: LiveServer, owner: Console) -> None:
    developer, other = operator(server, "developer"), operator(server, "developer", BEN)
    mine = owner.get("api/auth/session")["session"]
    his = other.get("api/auth/session")["session"]
    acts: list[tuple[str, str, Any]] = [
        ("POST", "reset-password", {"password": "another-fine-secret-2"}), ("POST", "create-recovery-link", {}),
        ("POST", "send-recovery", {}), ("POST", "send-verification", {}), ("POST", "impersonate", {}),
        ("POST", "ban", {}), ("POST", "unban", {}), ("PATCH", "state", {"state": "inactive"}),
        ("PUT", "metadata", {"metadata_admin": {"role": "owner"}}), ("PUT", "", {"traits": {"email": "mine@example.org"}}),
        ("DELETE", "sessions", None), ("DELETE", "", None),
    ]  # fmt: skip
    for method, act, body in acts:
        place = f"api/auth/identities/{mine['identity']['id']}/{act}".rstrip("/")
        developer.ask(method, place, body)
        assert developer.status == 403, act
    for method, act in (("PATCH", "/extend"), ("DELETE", "")):
        developer.ask(method, f"api/auth/sessions/{mine['id']}{act}")
        assert developer.status == 403
    batch = {"action": "delete", "ids": [mine["identity"]["id"]]}
    assert developer.post("api/auth/identities/batch-action", batch)["failed"] == 1
    assert owner.sign_in("owner@example.org")["role"] == "owner"
    developer.post(f"api/auth/identities/{his['identity']['id']}/ban", {})
    assert developer.status == 200  # among equals nothing is gained
    owner.post(f"api/auth/identities/{his['identity']['id']}/unban", {})
    assert owner.status == 200
