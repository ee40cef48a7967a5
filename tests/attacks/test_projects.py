"""Two projects in one database, under the same secrets: whatever is asked of one, the other one is neither shown nor touched."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from limen.http.console.description import ROUTES
from limen.http.console.route import Route
from limen.http.openapi.admin import OPERATIONS as ADMIN
from limen.http.openapi.operation import Operation
from limen.http.openapi.public import OPERATIONS as PUBLIC
from tests.attacks.people import MAILED
from tests.conftest import Start
from tests.support import mail
from tests.support.callers import JSON, PASSWORD, Caller
from tests.support.console import Console, operator, program
from tests.support.openid import OpenIdProvider
from tests.support.projects import serve_other, stored
from tests.support.server import LiveServer, merge

ANN, KINDS = "ann-of-the-first@example.org", ("login", "registration", "settings", "recovery", "verification")


@pytest.fixture
def server(start: Start) -> LiveServer:
    return start(merge(MAILED, {"courier": {"smtp": {"connection_uri": "smtp://127.0.0.1:1/"}}}))


class First:
    """The first project: somebody in it, and the id of one of everything."""

    def __init__(self, server: LiveServer) -> None:
        self.server, self.id = server, server.app.site.project.id
        self.ann = Caller(server, "app")
        self.ids = {"identity": str(self.ann.sign_up(ANN)["id"]), "session": str(self.ann.whoami()["id"])}
        stranger = Caller(server, "app")
        begins = {kind: self.ann if kind == "settings" else stranger for kind in KINDS}
        self.flows = {kind: str(caller.start(kind)["id"]) for kind, caller in begins.items()}
        stranger.submit(stranger.start("recovery"), method="code", email=ANN)
        stranger.submit(stranger.start("login"), method="password", identifier=ANN, password="not-hers-at-all")
        self.ids["message"] = str(mail.messages(server, ANN)[0]["id"])
        owner = operator(server, "owner", "owner-of-the-first@example.org")
        key = owner.post("api/keys", {"name": "of the first"})
        self.key, self.ids["key"] = key["key"], str(key["id"])
        self.ids["invitation"] = str(owner.post("api/auth/invite", {"email": "new@example.org"})["id"])
        hook = {"url": "https://app.example.org/hook", "events": ["login"]}
        self.ids["webhook"] = str(owner.ask("PUT", "api/auth/webhooks", {"webhooks": [hook]})["webhooks"][0]["id"])
        self.cookie = owner.http.cookies["truss_session"]

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """All that is stored of it."""
        return stored(self.server, self.id)


def places(path: str, ids: dict[str, str]) -> Iterator[str]:
    """The path with each id of the other project in it."""
    named = re.findall(r"{(\w+)}", path)
    if not named:
        yield path.lstrip("/")
    for id_ in ids.values() if named else ():
        filled = path.replace("{type}", "password")
        yield re.sub(r"{\w+}", id_, filled).lstrip("/")


def body_of(one: Route | Operation, ids: dict[str, str]) -> Any:
    """A body that names the other project's people wherever bodies name somebody."""
    named = {
        "createRecoveryCodeForIdentity": {"identity_id": ids["identity"]},
        "createRecoveryLinkForIdentity": {"identity_id": ids["identity"]},
        "manageSessions": {"action": "revoke", "target": "session_id", "targets": [ids["session"]]},
        "updateIdentity": {"schema_id": "default", "state": "inactive", "traits": {"email": "taken@example.org"}},
        "patchIdentity": [{"op": "replace", "path": "/state", "value": "inactive"}],
        "batchAction": {"action": "delete", "ids": [ids["identity"]]},
        "appoint": {"identity_id": ids["identity"], "role": "viewer"},
        "testWebhook": {"id": ids["webhook"]},
        "setWebhooks": {"webhooks": [{"id": ids["webhook"], "url": "https://evil.example.org/", "events": ["login"]}]},
    }
    if one.id in named:
        return named[one.id]
    return dict(one.example or {}) if isinstance(one, Route) else {}


def test_85_nothing_of_another_project_is_shown_or_touched(server: LiveServer) -> None:
    first = First(server)
    before = first.rows()
    serve_other(server)
    owner = operator(server, "owner", "owner-of-the-second@example.org")
    callers = {"service": program(server)}
    admin = httpx.Client(base_url=server.admin, headers=JSON)
    heard: list[tuple[str, str]] = []
    for one in (*ADMIN, *sorted(ROUTES, key=lambda route: route.id in ("logout", "login", "register"))):
        if one.id in ("setUp", "revokeKey"):
            continue
        for place in places(one.path, {**first.ids, **first.flows}):
            body = None if one.method == "GET" else body_of(one, first.ids)
            http = admin if isinstance(one, Operation) else callers.get(one.may, owner).http
            answer = http.request(one.method, place, json=body)
            heard.append((f"{one.method} {place}", answer.text))
            assert answer.status_code < 500, (one.id, answer.text)
            if "{" in one.path and one.id not in ("getTraces", "startProvider", "goToProvider"):
                assert answer.status_code in (400, 404, 409) or answer.json() == [], (one.id, place, answer.text)
    admin.close()
    assert [place for place, text in heard if "of-the-first" in text] == []
    assert first.rows() == before


def test_85_people_of_another_project_are_strangers(server: LiveServer) -> None:
    first = First(server)
    before = first.rows()
    serve_other(server)
    carried = {**JSON, "x-session-token": first.ann.token}
    http = httpx.Client(base_url=server.public, headers=carried)
    heard = []
    for one in PUBLIC:
        for place in places(one.path, {**first.ids, **first.flows}):
            for kind in KINDS if "/self-service/" in one.path else ("",):
                query = {"id": first.flows[kind], "flow": first.flows[kind]} if kind else {}
                body = None if one.method == "GET" else sent(one, kind, first)
                answer = http.request(one.method, place, params=query, json=body)
                heard.append((f"{one.method} {place}", answer.text))
                assert answer.status_code < 500, (one.id, answer.text)
    assert http.get("sessions/whoami").status_code == 401
    http.close()
    assert [place for place, text in heard if ANN in text] == []
    assert first.rows() == before
    again = Caller(server, "app")
    again.sign_in(ANN)
    assert not again.is_signed_in


def sent(one: Operation, kind: str, first: First) -> dict[str, Any]:
    if one.path == "/self-service/logout/api":
        return {"session_token": first.ann.token}
    return {
        "method": "password",
        "identifier": ANN,
        "password": PASSWORD,
        "email": ANN,
        "traits": {"email": "x@example.org"},
    }


def test_85_the_same_name_is_another_person_in_another_project(server: LiveServer) -> None:
    first = First(server)
    serve_other(server)
    second = Caller(server, "app")
    assert second.sign_up(ANN, "another-fine-secret-2")["id"] != first.ids["identity"]
    code = mail.messages(server, ANN)
    assert code == [] or all(one["id"] != first.ids["message"] for one in code)


def test_87_a_key_and_a_session_open_their_own_project_only(server: LiveServer) -> None:
    first = First(server)
    before = first.rows()
    assert Console(server, apikey=first.key).get("v1/auth/identities")["identities"]
    serve_other(server)
    for header in ("apikey", "x-api-key"):
        foreign = Console(server, **{header: first.key})
        for route in ROUTES:
            foreign.ask(route.method, route.path.replace("{id}", first.ids["identity"]).lstrip("/"), route.example)
            assert foreign.status == 401, route.id
    guest = Console(server, cookie=f"truss_session={first.cookie}")
    assert guest.get("api/auth/session") == {"session": None, "role": None, "next": None}
    guest.get("api/auth/identities")
    assert guest.status == 401
    keys = [row for row in first.rows()["api_keys"] if first.ids["key"] in row]
    assert len(keys) == 1
    assert {**first.rows(), "api_keys": []} == {**before, "api_keys": []}


def test_87_without_a_key_there_is_nothing_for_programs(server: LiveServer) -> None:
    nobody = Console(server)
    for route in (route for route in ROUTES if route.may == "service"):
        nobody.ask(route.method, route.path.replace("{id}", server.app.site.project.id).lstrip("/"))
        assert nobody.status == 401, route.id


@pytest.fixture
def acme() -> Iterator[OpenIdProvider]:
    provider = OpenIdProvider()
    yield provider
    provider.close()


def test_87_the_same_account_at_a_provider_is_another_person_in_another_project(
    start: Start, acme: OpenIdProvider
) -> None:
    oidc = {"enabled": True, "config": {"providers": [acme.configured()]}}
    after = {"registration": {"after": {"oidc": {"hooks": [{"hook": "session"}]}}}}
    server = start({"selfservice": {"methods": {"oidc": oidc}, "flows": after}})
    first, second = Caller(server, "page"), Caller(server, "page")
    ids = set()
    for ann in (first, second):
        left = ann.submit(ann.start("login"), provider="acme")
        ann.http.get(acme.consent(left.headers["location"]))
        ids.add(ann.whoami()["identity"]["id"])
        serve_other(server)
    assert len(ids) == 2
    assert not first.is_signed_in
