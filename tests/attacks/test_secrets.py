"""Secrets are sown wherever there are any; then everything is used, and everything that comes out is searched for them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import bcrypt
import httpx
import pytest

from limen.http.console.description import ROUTES
from limen.http.openapi.admin import OPERATIONS as ADMIN
from limen.http.openapi.public import OPERATIONS as PUBLIC
from tests.attacks.field import Field, config
from tests.attacks.people import opened
from tests.conftest import Start
from tests.support import mail
from tests.support.callers import JSON, value
from tests.support.console import Console
from tests.support.direct import ask
from tests.support.factors import set_up_app, set_up_codes
from tests.support.keys import schema
from tests.support.openid import OpenIdProvider
from tests.support.receiver import Receiver

ANN, BEN, BACK = "ann@example.org", "ben@example.org", "https://front.example.org/back"
PASSWORD, WRONG, NEXT = "marked-password-of-ann-1", "marked-wrong-password-1", "marked-second-password-2"
IMPORTED = bcrypt.hashpw(b"marked-imported-password", bcrypt.gensalt(4)).decode()
TOLD = [
    "login",
    "register",
    "recovery",
    "verification",
    "logout",
    "auth.login.failed",
    "auth.key.create",
    "auth.identity.ban",
]
NIL = "00000000-0000-4000-8000-000000000000"
# What is meant to be there, as patterns of names and of places.
BELONGS = (
    (
        r"(recovery|login|verification) code|invitation|magic link|recovery link",
        r"admin: GET /admin/courier/messages.*",
    ),
    (r"admin metadata", r"(owner|program): \w+ (/api/auth/(identities|users/export)|/v1/auth/identities).*"),
    (r"magic link", r"page: GET (/ui/link|/self-service/login)"),  # whoever opened it
    (r"admin metadata", r"admin: GET /admin/(identities|sessions).*"),
)


@pytest.fixture
def elsewhere() -> Iterator[Receiver]:
    """Receivers of web hooks, webhooks and traces: what they are told comes out, too."""
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def acme() -> Iterator[OpenIdProvider]:
    provider = OpenIdProvider()
    yield provider
    provider.close()


def sow(field: Field) -> None:
    """Make every kind of secret there is."""
    for name, secret in (("password", PASSWORD), ("wrong password", WRONG), ("next password", NEXT)):
        field.ear.sow(name, secret, always=True)
    sow_people(field)
    sow_factors(field)
    sow_mail(field)
    sow_operators(field)
    sow_provider(field)


def sow_people(field: Field) -> None:
    ear = field.ear
    app = field.caller("app")
    field.ids["ann"] = app.sign_up(ANN, PASSWORD)["id"]
    ear.sow("session token", app.token)
    page = field.caller("page")
    page.sign_in(ANN, WRONG)
    form = page.start("login")
    page.submit(form, method="password", identifier=ANN, password=PASSWORD)
    for cookie in page.http.cookies.jar:
        ear.sow(f"cookie {cookie.name}", cookie.value or "")
    ear.sow("csrf token", value(form, "csrf_token"))
    person = {"schema_id": "default", "traits": {"email": BEN}, "metadata_admin": {"note": "marked-admin-metadata"}}
    made = field.admin.post(
        "admin/identities", json={**person, "credentials": {"password": {"config": {"hashed_password": IMPORTED}}}}
    )
    field.ids["ben"] = made.json()["id"]
    ear.sow("imported hash", IMPORTED, always=True)
    ear.sow("admin metadata", "marked-admin-metadata")
    for (text,) in ask(field.server.app.config.dsn, "select credentials from identities"):
        for hashed in re.findall(r"\$2[ab]\$04\$[A-Za-z0-9./]{53}", text):
            ear.sow("hash", hashed, always=True)


def sow_factors(field: Field) -> None:
    console = field.heard(Console(field.server), "person")
    console.sign_in(ANN, PASSWORD)
    field.ear.sow("console session", console.http.cookies["truss_session"])
    caller = field.caller("app")
    caller.sign_in(ANN, PASSWORD)
    field.ear.sow("app secret", set_up_app(caller).secret)
    for code in set_up_codes(caller):
        field.ear.sow("backup code", code)


def sow_mail(field: Field) -> None:
    ear = field.ear
    page = field.caller("page")
    for kind, name in (("recovery", "recovery code"), ("verification", "verification code")):
        page.submit(page.start(kind), method="code", email=BEN)
        ear.sow(name, mail.code(field.server, BEN))
    page.submit(page.start("login"), method="code", identifier=BEN)
    ear.sow("login code", mail.code(field.server, BEN))
    field.heard(Console(field.server), "nobody").post("api/auth/login/magic-link", {"email": BEN})
    link = mail.link(field.server, BEN)
    ear.sow("magic link", parse_qs(urlsplit(link).query)["token"][0])
    opened(field.caller("page"), link)


def sow_operators(field: Field) -> None:
    ear, owner, ben = field.ear, field.owner, field.ids["ben"]
    ear.sow("operator's session", owner.http.cookies["truss_session"])
    ear.sow("set-up token", parse_qs(urlsplit(field.server.setup_link).query)["token"][0])
    key = owner.post("api/keys", {"name": "export"})
    ear.sow("key", key["key"])
    field.program.get("v1/auth/identities")
    field.ids["key"] = key["id"]
    ear.sow("rotated key", owner.post(f"api/keys/{key['id']}/rotate")["key"])
    owner.post("api/auth/invite", {"email": "new@example.org"})
    ear.sow("invitation", parse_qs(urlsplit(mail.link(field.server, "new@example.org")).query)["invite_token"][0])
    link = owner.post(f"api/auth/identities/{ben}/create-recovery-link")["recovery_link"]
    ear.sow("recovery link", parse_qs(urlsplit(link).query)["token"][0])
    code = field.admin.post("admin/recovery/code", json={"identity_id": ben}).json()["recovery_code"]
    ear.sow("handed out code", code)
    ear.sow("webhook secret", "marked-secret-of-a-webhook", always=True)
    hook = {"url": field.elsewhere.url("/told"), "events": TOLD, "secret": "marked-secret-of-a-webhook"}
    field.ids["hook"] = owner.ask("PUT", "api/auth/webhooks", {"webhooks": [hook]})["webhooks"][0]["id"]
    token = owner.post(f"api/auth/identities/{ben}/impersonate", {"reason": "They asked."})["session_token"]
    ear.sow("impersonating session", token)
    owner.post(f"api/auth/identities/{ben}/reset-password", {"password": NEXT})


def sow_provider(field: Field) -> None:
    ear, page = field.ear, field.heard(Console(field.server), "front end")
    for name in ("access", "refresh"):
        ear.sow(f"{name} token of a provider", f"a{'n' if name == 'access' else ''}-{name}-token", always=True)
    field.acme.user = {"sub": "eve", "email": "eve@example.org"}
    begun = page.post("api/auth/providers/acme/start", {"return_to": BACK})
    ear.sow("code of a front end", begun["init_code"])
    back = httpx.get(field.acme.consent(begun["redirect_to"]), follow_redirects=False)
    code = parse_qs(urlsplit(back.headers["location"]).query)["code"][0]
    ear.sow("code of a browser", code)
    page.post("api/auth/providers/exchange", {"code": code, "init_code": begun["init_code"]})
    ear.sow("session by codes", page.http.cookies["truss_session"])


def use(field: Field) -> None:
    """Every operation of every port, by somebody who may, on people who are there; what ends things comes last."""
    ids = {"{id}": field.ids["ann"], "{identity_id}": field.ids["ann"]}
    nobody = httpx.Client(base_url=field.server.public, headers=JSON)
    field.ear.at(nobody, "nobody")
    for http, operations in ((field.admin, ADMIN), (nobody, PUBLIC)):
        for one in operations:
            if one.method == "GET":
                http.get(filled(one.path, ids).lstrip("/"))
    nobody.close()
    for kind in ("app", "page"):
        reader = field.caller(kind)
        reader.sign_in(ANN, PASSWORD)
        for path in (
            "sessions/whoami",
            "sessions",
            "self-service/settings/api",
            "ui/account",
            "ui/settings",
            "ui/sessions",
        ):
            reader.http.get(path, headers=reader.headers(), follow_redirects=True)
    use_console(field)


def use_console(field: Field) -> None:
    person = field.heard(Console(field.server), "carl")
    person.sign_up("carl@example.org", PASSWORD)
    callers = {"anyone": field.heard(Console(field.server), "nobody"), "person": person, "service": field.program}
    owner, ids = field.owner, field.ids
    places = {
        "identities": ids["ben"], "keys": ids["key"], "webhooks": ids["hook"], "schemas": "default", "providers": "acme",
        "sessions": owner.get("api/auth/sessions", identity_id=ids["ann"])["sessions"][0]["id"],
        "invitations": owner.get("api/auth/invitations")["invitations"][0]["id"],
    }  # fmt: skip
    bodies: dict[str, Any] = {
        "setWebhooks": {"webhooks": [{"id": ids["hook"], "url": field.elsewhere.url("/told"), "events": TOLD}]},
        "testWebhook": {"id": ids["hook"]},
        "startProvider": {"return_to": BACK},
    }
    for route in sorted(ROUTES, key=lambda route: route.method == "DELETE"):
        body = bodies.get(route.id, {**(route.example or {})}) if route.method != "GET" else None
        place = next((id_ for name, id_ in places.items() if f"/{name}/{{id}}" in route.path), NIL)
        query = {"return_to": BACK} if route.id == "goToProvider" else {}
        callers.get(route.may, owner).ask(route.method, route.path.replace("{id}", place).lstrip("/"), body, **query)


def filled(path: str, ids: dict[str, str]) -> str:
    for name, id_ in ids.items():
        path = path.replace(name, id_)
    return path


def told_elsewhere(field: Field) -> None:
    field.elsewhere.wait("/h", 1)
    field.elsewhere.wait("/told", 1)
    for call in list(field.elsewhere.calls):
        field.ear.hear(f"call of {call.path}", call.body.decode("utf-8", "replace"))
    dsn = field.server.app.config.dsn
    for table in ("audit", "audit_waiting", "traces", "webhook_deliveries"):
        for row in ask(dsn, f"select * from {table}"):
            field.ear.hear(f"table {table.removesuffix('_waiting')}", " ".join(str(cell) for cell in row))


def test_91_nothing_that_comes_out_holds_a_secret_that_does_not_belong_there(
    start: Start, elsewhere: Receiver, acme: OpenIdProvider, capfd: pytest.CaptureFixture[str]
) -> None:
    field = Field(start(config(elsewhere, acme), schema=schema()), elsewhere, acme)
    sow(field)
    use(field)
    told_elsewhere(field)
    field.ear.hear("log", "".join(capfd.readouterr()))
    assert len(field.ear.names) >= 35
    assert {
        "log",
        "call of /h",
        "call of /told",
        "call of /v1/traces",
        "table audit",
        "table traces",
    } <= field.ear.places
    found = sorted(field.ear.found(BELONGS))
    assert not found, "\n".join(f"{name}, at {place}" for name, place in found)
