"""Attacks on what is stored: fields nobody may set, secrets in answers, lists asked for what is not theirs to say."""

from __future__ import annotations

import base64
import re
from typing import Any

import httpx
import pytest

from tests.conftest import Start
from tests.support.callers import JSON, KINDS, PASSWORD, Caller, Kind
from tests.support.direct import ask
from tests.support.factors import set_up_app, set_up_codes
from tests.support.server import LiveServer

everybody = pytest.mark.parametrize("kind", KINDS)
ANN, EVE = "ann@example.org", "eve@example.org"
NIL = "00000000-0000-4000-8000-000000000000"

# What only an operator may say about a person, under every name a person might try.
OPERATORS_FIELDS: dict[str, Any] = {
    "id": NIL, "identity_id": NIL, "state": "inactive", "schema_id": "other", "external_id": "mine", "organization_id": NIL,
    "metadata_public": {"role": "admin"}, "metadata_admin": {"role": "admin"}, "verified": True, "available_aal": "aal2",
    "verifiable_addresses": [{"value": ANN, "via": "email", "verified": True, "status": "completed"}],
    "recovery_addresses": [{"value": EVE, "via": "email"}],
    "credentials": {"password": {"config": {"password": "chosen-by-eve-1"}}},
    "credentials_identifiers": [EVE], "active": False, "authenticator_assurance_level": "aal2", "role": "admin", "is_admin": True,
}  # fmt: skip


def stored(server: LiveServer, id_: str) -> dict[str, Any]:
    """The person as the operator sees it, without what every change moves."""
    found = httpx.get(f"{server.admin}admin/identities/{id_}").json()
    return {k: v for k, v in found.items() if k not in ("updated_at", "credentials")}


@everybody
def test_45_a_sign_up_sets_nothing_but_traits(server: LiveServer, kind: Kind) -> None:
    caller = Caller(server, kind)
    flow = caller.start("registration")
    caller.submit(flow, method="profile", traits={"email": ANN}, **OPERATORS_FIELDS)
    flow = caller.shown("registration")
    caller.submit(flow, method="password", password=PASSWORD, traits={"email": ANN}, **OPERATORS_FIELDS)
    found = stored(server, caller.whoami()["identity"]["id"])
    assert found["id"] != NIL
    operators = ("external_id", "organization_id", "metadata_public", "metadata_admin")
    assert [found.get(name) for name in operators] == [None] * 4
    assert (found["state"], found["schema_id"]) == ("active", "default")
    assert [(a["value"], a["verified"]) for a in found["verifiable_addresses"]] == [(ANN, False)]
    assert [a["value"] for a in found["recovery_addresses"]] == [ANN]
    assert caller.whoami()["authenticator_assurance_level"] == "aal1"


@everybody
@pytest.mark.parametrize("field", sorted(OPERATORS_FIELDS))
def test_45_a_profile_sets_nothing_but_traits(server: LiveServer, kind: Kind, field: str) -> None:
    caller = Caller(server, kind)
    id_ = caller.sign_up()["id"]
    before = stored(server, id_)
    flow = caller.start("settings")
    caller.submit(flow, method="profile", traits={"email": ANN}, **{field: OPERATORS_FIELDS[field]})
    assert stored(server, id_) == before
    caller.submit(flow, method="profile", traits={"email": ANN, field: "x"})  # nor as a trait the schema does not know
    assert field in ("email", "name") or stored(server, id_)["metadata_admin"] is None
    assert caller.is_signed_in


@everybody
def test_43_a_new_address_is_not_verified_by_changing_to_it(server: LiveServer, kind: Kind) -> None:
    caller = Caller(server, kind)
    id_ = caller.sign_up()["id"]
    addresses = [{"value": ANN, "via": "email", "verified": True, "status": "completed"}]
    patch = [{"op": "replace", "path": "/verifiable_addresses/0/verified", "value": True}]
    assert httpx.patch(f"{server.admin}admin/identities/{id_}", json=patch).json()["verifiable_addresses"][0][
        "verified"
    ]
    caller.submit(caller.start("settings"), method="profile", traits={"email": EVE}, verifiable_addresses=addresses)
    assert [(a["value"], a["verified"]) for a in stored(server, id_)["verifiable_addresses"]] == [(EVE, False)]


@everybody
def test_91_no_answer_holds_a_secret(server: LiveServer, kind: Kind) -> None:
    ann = Caller(server, kind)
    id_ = ann.sign_up()["id"]
    app = set_up_app(ann)
    codes = set_up_codes(ann)
    secrets = [
        *codes,
        app.secret,
        *(row[0] for row in ask(server.app.config.dsn, "select token_digest from sessions")),
        "$2a$",
    ]
    admin = httpx.Client(base_url=server.admin, headers=JSON)
    texts = [
        admin.get(path).text
        for path in (
            "admin/identities",
            f"admin/identities/{id_}",
            f"admin/identities/{id_}/sessions",
            "admin/sessions?expand=identity&expand=devices",
            f"admin/sessions/{ann.whoami()['id']}?expand=identity",
            f"admin/identities?credentials_identifier={ANN}",
        )
    ]
    admin.close()
    own = {**ann.headers(), **JSON}
    texts += [
        ann.http.get(path, headers=own).text
        for path in ("sessions/whoami", "sessions", "self-service/settings/browser", "self-service/settings/api")
    ]
    for text in texts:
        assert not [secret for secret in secrets if secret in text]
        assert "hashed_password" not in text


def offset_token(document: bytes) -> str:
    return base64.urlsafe_b64encode(document).decode()


def key_token(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


FORGED_PAGES = [
    "x", "' or 1=1 --", "1; drop table identities", "-1", "9" * 40, "%00", "../..", "null", "{}", "[]", "a" * 5000,
    offset_token(b'{"offset":"0 union select 1","v":2}'), offset_token(b'{"offset":-5,"v":2}'), offset_token(b'{"offset":"x"}'),
    offset_token(b'{"offset":"' + b"9" * 50 + b'","v":2}'), key_token("created_at=x/id=y"),
    key_token("created_at=2200-01-01 00:00:00/id=' or 1=1 --"), key_token("id=x"), key_token("/"),
]  # fmt: skip


def test_92_a_forged_page_token_is_data_and_not_a_command(server: LiveServer) -> None:
    person = Caller(server, "app")
    person.sign_up()
    for forged in FORGED_PAGES:
        for path in ("admin/identities", "admin/sessions", "admin/courier/messages", "schemas"):
            base = server.public if path == "schemas" else server.admin
            answer = httpx.get(base + path, params={"page_token": forged, "page_size": "2"})
            assert answer.status_code in (200, 400), (path, forged)
            assert not re.search(r"select |syntax|sqlite|postgres", answer.text, re.IGNORECASE), (path, forged)
        own = httpx.get(
            f"{server.public}sessions", params={"page_token": forged}, headers={"x-session-token": person.token}
        )
        assert own.status_code == 200
        assert own.json() == []
    assert person.is_signed_in


def test_92_no_order_and_no_column_can_be_asked_for(server: LiveServer) -> None:
    for number in range(3):
        Caller(server, "app").sign_up(f"p{number}@example.org")
    plain = httpx.get(f"{server.admin}admin/identities").json()
    for name in ("order", "order_by", "sort_by", "filter", "where", "fields", "columns", "q"):
        for asked in ("created_at", "traits desc", "1; drop table identities", "(select 1)"):
            assert httpx.get(f"{server.admin}admin/identities", params={name: asked}).json() == plain, (name, asked)
    for asked in (
        "traits",
        "created_at desc",
        "credentials",
        "id; drop table identities",
        "(select 1)",
        "-",
        "--created_at",
    ):
        answer = httpx.get(f"{server.admin}admin/identities", params={"sort": asked})
        assert answer.status_code == 400, asked


def test_92_a_forged_page_token_of_a_search_is_data(server: LiveServer) -> None:
    Caller(server, "app").sign_up()
    made = (
        b'["-created_at","\' or 1=1 --","x"]', b'["-created_at","9","9","9"]', b'["traits","9","9"]', b'["-created_at",9,9]',
        b'["-created_at","9999","~"]', b'["-created_at","","\\u0000"]', b'{"sort":"-created_at"}', b"[]", b"null",
    )  # fmt: skip
    for forged in [*FORGED_PAGES, *map(offset_token, made)]:
        for query in ({"search": "ann"}, {"state": "active"}, {"verified": "false", "search": "example"}):
            answer = httpx.get(f"{server.admin}admin/identities", params={**query, "page_token": forged})
            assert answer.status_code in (200, 400), forged
            assert not re.search(r"select |syntax|sqlite|postgres", answer.text, re.IGNORECASE), forged


def test_93_a_search_does_not_look_at_secrets(server: LiveServer) -> None:
    ann = Caller(server, "app")
    id_ = ann.sign_up(ANN)["id"]
    app = set_up_app(ann)
    codes = set_up_codes(ann)
    note = [{"op": "add", "path": "/metadata_admin", "value": {"note": "confidential"}}]
    assert httpx.patch(f"{server.admin}admin/identities/{id_}", json=note).status_code == 200
    shown = httpx.get(
        f"{server.admin}admin/identities/{id_}", params={"include_credential": ["password", "totp", "lookup_secret"]}
    ).json()["credentials"]
    hashed = shown["password"]["config"]["hashed_password"]
    digest = ask(server.app.config.dsn, "select token_digest from sessions")[0][0]
    secrets = (hashed, hashed[:7], "2a", app.secret, codes[0], digest, digest[:6], ann.token, "otpauth", "confidential")
    for secret in (
        *secrets,
        *(f" has {secret}" for secret in secrets),
        "password",
        "has password",
        "verified no",
        "state",
    ):
        found = httpx.get(f"{server.admin}admin/identities", params={"search": secret}).json()
        assert found == [], secret
    text = httpx.get(f"{server.admin}admin/identities", params={"search": "ann"}).text
    assert ANN in text
    assert not [secret for secret in secrets[:-2] if len(secret) > 2 and secret in text]  # two letters are in any id


def test_93_people_cannot_be_found_by_their_secrets(server: LiveServer) -> None:
    for number in range(3):
        Caller(server, "app").sign_up(f"p{number}@example.org")
    everybody_ = httpx.get(f"{server.admin}admin/identities").json()
    for name in (
        "hashed_password",
        "password",
        "credentials",
        "credentials.password",
        "config",
        "token",
        "token_digest",
        "totp",
    ):
        for guess in ("$2a", "$2a%", "x", "~a"):
            assert httpx.get(f"{server.admin}admin/identities", params={name: guess}).json() == everybody_, (
                name,
                guess,
            )
    for guess in ("$2a", "%", "_", "*", "p%@example.org", "' or '1'='1"):
        found = httpx.get(f"{server.admin}admin/identities", params={"credentials_identifier": guess}).json()
        assert found == [], guess


@everybody
def test_95_a_closed_registration_takes_no_form_that_was_opened_before(start: Start, kind: Kind) -> None:
    opened = start()
    caller = Caller(opened, kind)
    flow = caller.start("registration")
    same_address = {"serve": {"public": {"base_url": opened.public}}}  # so that cookies are good at both
    closed = start({**same_address, "selfservice": {"flows": {"registration": {"enabled": False}}}})
    flow["ui"]["action"] = flow["ui"]["action"].replace(opened.public, closed.public)
    for body in (
        {"method": "profile", "traits": {"email": ANN}},
        {"method": "password", "password": PASSWORD, "traits": {"email": ANN}},
    ):
        caller.submit(flow, **body)
        assert "ory_kratos_session" not in caller.http.cookies
    assert httpx.get(f"{closed.admin}admin/identities").json() == []
    for way in ("api", "browser"):
        assert httpx.get(f"{closed.public}self-service/registration/{way}", headers=JSON).status_code == 400
