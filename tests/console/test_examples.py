"""The operator's API as those who know it expect it: every address, with its body as it was always sent, and what comes back.

Each line is one call against one fresh server, in this order; `{…}` are ids that calls before it answered.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import jsonschema_rs
import pytest

from limen.http.console import description
from limen.http.console.description import ROUTES
from tests.conftest import Start
from tests.support.callers import PASSWORD
from tests.support.console import Console, operator
from tests.support.keys import methods, schema
from tests.support.server import LiveServer

OWNER, ANN, BEN, EVE = "owner@example.org", "ann@example.org", "ben@example.org", "eve@example.org"

EVENTS = ["login", "register", "recovery", "verification", "logout"]
HASH = "$2b$04$WKqFTpWCtkZ62WwFKbfZduY/.f6irHAZoQzgJjd5gYerh6p3u0Olm"


class Line(NamedTuple):
    """`answers` are keys of the answer (of its first entry, when it is a list)."""

    who: str
    method: str
    path: str
    body: Any
    status: int
    answers: str = ""


ACCOUNT = (
    Line("person", "GET", "/api/auth/login", None, 200, "flow_id"),
    Line("person", "GET", "/api/auth/register", None, 200, "flow_id"),
    Line("person", "POST", "/api/auth/register", {"email": ANN, "password": PASSWORD}, 200, "session_token session"),
    Line("person", "POST", "/api/auth/logout", None, 204),
    Line("person", "POST", "/api/auth/login", {"email": ANN, "password": "wrong-one-1"}, 401, "error"),
    Line("person", "POST", "/api/auth/login", {"email": ANN, "password": PASSWORD}, 200, "session_token session next"),
    Line("person", "GET", "/api/auth/session", None, 200, "session role"),
    Line("person", "GET", "/api/auth/providers", None, 200, "id label provider"),
    Line("person", "POST", "/api/auth/login/magic-link", {"email": ANN}, 202),
    Line("person", "GET", "/api/auth/settings", None, 200, "flow_id"),
    Line("person", "POST", "/api/auth/settings", {"method": "password", "password": "a-second-secret-2"}, 200, "state"),
    Line("person", "POST", "/api/auth/settings", {"method": "profile", "traits": {"email": ANN, "name": "Ann"}}, 200, "state"),
    Line("person", "GET", "/api/auth/mfa/status", None, 200, "totp webauthn recovery_codes devices"),
    Line("person", "POST", "/api/auth/mfa/totp/setup", None, 200, "totpUrl secret qr"),
    Line("person", "POST", "/api/auth/mfa/webauthn/setup", None, 200, "publicKey"),
    Line("person", "POST", "/api/auth/mfa/recovery-codes/generate", None, 200, "codes"),
    Line("person", "POST", "/api/auth/mfa/recovery-codes/confirm", None, 200, "recovery_codes"),
    Line("person", "DELETE", "/api/auth/mfa/recovery-codes", None, 204),
    Line("nobody", "GET", "/api/auth/login/passkey", None, 200, "flow_id publicKey"),
)  # fmt: skip
PEOPLE = (
    Line("owner", "POST", "/api/auth/identities", {"email": BEN, "password": PASSWORD, "verified": True}, 201, "id traits"),
    Line("owner", "POST", "/api/auth/identities", {"traits": {"email": EVE}, "schema_id": "default"}, 201, "id"),
    Line("owner", "GET", "/api/auth/identities?search=ben&per_page=1", None, 200, "identities pagination"),
    Line("owner", "GET", "/api/auth/identities?state=active&schema=default&verified=true", None, 200, "identities"),
    Line("owner", "GET", "/api/auth/identities/{id}", None, 200, "id traits state metadata_public metadata_admin"),
    Line("owner", "PUT", "/api/auth/identities/{id}", {"traits": {"email": BEN, "name": "Ben"}}, 200, "traits"),
    Line("owner", "PATCH", "/api/auth/identities/{id}/state", {"state": "inactive"}, 200, "state"),
    Line("owner", "PATCH", "/api/auth/identities/{id}/state", {"state": "active"}, 200, "state"),
    Line("owner", "PUT", "/api/auth/identities/{id}/metadata", {"metadata_public": {"plan": "gold"}}, 200, "metadata_public"),
    Line("owner", "PUT", "/api/auth/identities/{id}/metadata", {"metadata_admin": {"score": 1}}, 200, "metadata_admin"),
    Line("owner", "POST", "/api/auth/identities/{id}/ban", None, 200, "ban state"),
    Line("owner", "POST", "/api/auth/identities/{id}/unban", None, 200, "ban state"),
    Line("owner", "POST", "/api/auth/identities/{id}/ban", {"reason": "spam", "until": "2300-01-01T00:00:00Z"}, 200, "ban"),
    Line("owner", "POST", "/api/auth/identities/{id}/unban", None, 200, "ban"),
    Line("owner", "POST", "/api/auth/identities/{id}/impersonate", None, 201, "session_token"),
    Line("owner", "POST", "/api/auth/identities/{id}/impersonate", {"reason": "asked"}, 201, "session_token"),
    Line("owner", "POST", "/api/auth/identities/{other}/send-verification", None, 202),
    Line("owner", "POST", "/api/auth/identities/{id}/send-recovery", None, 202),
    Line("owner", "POST", "/api/auth/identities/{id}/reset-password", {"password": "a-third-secret-33"}, 200),
    Line("owner", "POST", "/api/auth/identities/{id}/create-recovery-link", None, 201, "recovery_link expires_at"),
    Line("owner", "GET", "/api/auth/sessions?identity_id={ann}", None, 200, "sessions"),
    Line("owner", "PATCH", "/api/auth/sessions/{session}/extend", None, 200, "expires_at devices"),
    Line("owner", "DELETE", "/api/auth/sessions/{session}", None, 204),
    Line("owner", "DELETE", "/api/auth/identities/{ann}/sessions", None, 200),
    Line("owner", "POST", "/api/auth/identities/batch-action", {"action": "deactivate", "ids": ["{other}"]}, 200, "results"),
    Line("owner", "POST", "/api/auth/identities/batch-action", {"action": "activate", "ids": ["{other}"]}, 200, "results"),
    Line("owner", "POST", "/api/auth/identities/batch-action", {"action": "delete", "ids": ["{other}"]}, 200, "results"),
    Line("owner", "DELETE", "/api/auth/identities/{id}", None, 204),
)  # fmt: skip
REST = (
    Line("owner", "GET", "/api/auth/schemas", None, 200, "id schema traits"),
    Line("owner", "GET", "/api/auth/schemas/default", None, 200, "id schema traits"),
    Line("owner", "POST", "/api/auth/users/import",
         {"users": [{"email": BEN, "password": PASSWORD}, {"email": EVE, "hashed_password": HASH, "hash_format": "bcrypt"}]},
         200, "results"),
    Line("owner", "GET", "/api/auth/users/export?format=json", None, 200, "id traits"),
    Line("owner", "GET", "/api/auth/users/export?format=csv", None, 200),
    Line("owner", "POST", "/api/auth/invite", {"email": "new@example.org"}, 201, "id email status"),
    Line("owner", "GET", "/api/auth/invitations", None, 200, "invitations"),
    Line("owner", "GET", "/api/auth/login-history?limit=10&offset=0", None, 200, "history"),
    Line("owner", "GET", "/api/auth/security-config", None, 200, "password_policy lifespans limits"),
    Line("owner", "GET", "/api/auth/stats", None, 200, "total_users active inactive logins_24h failed_24h"),
    Line("owner", "PUT", "/api/auth/webhooks",
         {"webhooks": [{"url": "https://app.example.org/hook", "events": EVENTS, "secret": "a-secret-of-the-receiver"}]},
         200, "webhooks"),
    Line("owner", "GET", "/api/auth/webhooks", None, 200, "webhooks"),
    Line("owner", "GET", "/api/auth/email-templates", None, 200, "templates"),
    Line("owner", "PUT", "/api/auth/email-templates", {"templates": {"verification_valid": {
        "subject": "Welcome to {{.ApplicationName}}",
        "body_html": '<p>{{.Identity.traits.email}}</p><a href="{{.VerificationURL}}">Verify</a>',
        "body_text": "{{.VerificationURL}}"}}}, 200, "templates"),
    Line("owner", "PUT", "/api/auth/email-templates", {"templates": {"recovery_valid": {
        "subject": "Recover", "body_html": '<a href="{{.RecoveryURL}}">Recover</a>'}}}, 200, "templates"),
    Line("owner", "POST", "/api/keys", {"name": "export", "role": "service_role"}, 201, "id key role expires_at"),
    Line("owner", "POST", "/api/keys", {"name": "page", "role": "anon", "expires_at": "2300-01-01T00:00:00Z"}, 201, "key"),
    Line("owner", "GET", "/api/keys", None, 200, "id role last_used_at expires_at"),
    Line("program", "GET", "/v1/auth/identities", None, 200, "identities pagination"),
    Line("program", "GET", "/v1/auth/identities/{owner}", None, 200, "id traits"),
    Line("program", "GET", "/v1/audit-logs?action=auth.login&search=&from=2020-01-01&to=2300-01-01&limit=5", None, 200, "logs"),
    Line("owner", "DELETE", "/api/keys/{key}", None, 204),
)  # fmt: skip
ACME = {
    "id": "acme", "label": "Acme", "provider": "generic", "issuer_url": "https://acme.example.org", "client_id": "limen",
    "client_secret": "a client secret", "mapper_url": "base64://e30=",
}  # fmt: skip
CONFIG = {
    "selfservice": {
        "methods": {
            **methods(),
            "code": {"enabled": True},
            "link": {"enabled": True},
            "oidc": {"enabled": True, "config": {"providers": [ACME]}},
        },
        "flows": {"recovery": {"enabled": True}, "verification": {"enabled": True}},
    },
    "limen": {"methods": {"link": {"login_enabled": True}}},
}


class Play:
    """The callers, and what they learnt."""

    def __init__(self, server: LiveServer) -> None:
        self.callers = {"nobody": Console(server), "person": Console(server), "owner": operator(server, "owner", OWNER)}
        self.known: dict[str, str] = {}
        self.server = server

    def go(self, line: Line) -> Any:
        caller = self.callers[line.who]
        caller.last = caller.http.request(
            line.method,
            line.path.format(**self.known).lstrip("/"),
            **({} if line.body is None else {"json": self.filled(line.body)}),  # nothing is sent where there is nothing
        )
        body = caller.last.json() if "json" in caller.last.headers.get("content-type", "") else caller.last.text
        assert caller.status == line.status, (line, body)
        shown = (body or [{}])[0] if isinstance(body, list) else body
        assert not (set(line.answers.split()) - set(shown or {})), (line, body)
        if "csv" not in line.path:
            assert described(line, body) == [], (line, body)
        self.learn(line, body)
        return body

    def filled(self, body: Any) -> Any:
        if isinstance(body, dict):
            return {name: self.filled(value) for name, value in body.items()}
        if isinstance(body, list):
            return [self.filled(value) for value in body]
        return body.format(**self.known) if isinstance(body, str) else body

    def learn(self, line: Line, body: Any) -> None:
        place = line.path.partition("?")[0]
        if line.method == "POST" and place == "/api/auth/identities":
            self.known["other" if "id" in self.known else "id"] = body["id"]
        if place == "/api/auth/register" and line.method == "POST":
            self.known["ann"] = body["session"]["identity"]["id"]
        if place == "/api/auth/sessions":
            self.known["session"] = body["sessions"][0]["id"]
        if place == "/api/keys" and line.method == "POST" and "key" not in self.known:
            self.known["key"] = body["id"]
            self.callers["program"] = Console(self.server, apikey=body["key"])


def described(line: Line, body: Any) -> list[str]:
    """What the description of the API does not say of this answer, or says and is not there."""
    document = closed(description.document("http://localhost/"))
    place = line.path.partition("?")[0]
    routes = [r for r in ROUTES if r.method == line.method and re.fullmatch(re.sub(r"{\w+}", "[^/]+", r.path), place)]
    told = document["paths"][min(routes, key=lambda r: "{" in r.path).path][line.method.lower()]["responses"]
    name = str(line.status) if str(line.status) in told else "default"
    schema = told[name].get("content", {}).get("application/json", {}).get("schema")
    if schema is None:
        return [] if body in ("", None) else [f"{line.status} has a body"]
    whole = {**schema, "components": document["components"]}
    return [
        f"{list(e.instance_path)}: {e.message}"[:300]
        for e in jsonschema_rs.Draft202012Validator(whole).iter_errors(body)
    ]


def closed(part: Any) -> Any:
    """The same with every object that has properties having no others."""
    if isinstance(part, list):
        return [closed(one) for one in part]
    if not isinstance(part, dict):
        return part
    found = {name: closed(one) for name, one in part.items()}
    return {**found, "additionalProperties": False} if "properties" in part and part.get("type") == "object" else found


@pytest.fixture
def play(start: Start) -> Play:
    return Play(start(CONFIG, schema=schema()))


def test_every_line_does_what_it_always_did(play: Play) -> None:
    play.known["owner"] = play.callers["owner"].get("api/auth/session")["session"]["identity"]["id"]
    for line in (*ACCOUNT, *PEOPLE, *REST):
        play.go(line)
