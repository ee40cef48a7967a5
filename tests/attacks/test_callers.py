"""Who acts is who the session or the key says, whatever the body adds to it."""

from __future__ import annotations

from typing import Any

import pytest

from limen.http.console.description import ROUTES
from tests.support.callers import Caller
from tests.support.console import Console, operator
from tests.support.direct import ask
from tests.support.server import LiveServer

ANN = "ann@example.org"
MADE = ("api_keys", "invitations", "webhooks", "operators", "identities", "sessions")


def rows(server: LiveServer) -> dict[str, int]:
    return {table: int(ask(server.app.config.dsn, f"select count(*) from {table}")[0][0]) for table in MADE}


def in_the_name_of(id_: str, token: str) -> dict[str, Any]:
    """Every way in which a body might say who its sender is."""
    return {
        "identity_id": id_, "identityId": id_, "user_id": id_, "userId": id_, "id": id_, "subject": id_, "created_by": id_,
        "actor": f"operator:{id_}", "role": "owner", "session_token": token, "impersonated_by": id_,
    }  # fmt: skip


@pytest.mark.parametrize("who", ["nobody", "person"])
def test_89_naming_an_operator_makes_nobody_one(server: LiveServer, who: str) -> None:
    owner = operator(server, "owner")
    id_ = owner.get("api/auth/session")["session"]["identity"]["id"]
    caller = Console(server)
    if who == "person":
        caller.sign_up(ANN)
    before = rows(server)
    named = in_the_name_of(id_, "ory_st_made_up")
    for route in ROUTES:
        if route.may in ("anyone", "person"):
            continue
        for body in (named, {**(route.example or {}), **named}, dict(route.example or {})):
            caller.ask(route.method, route.path.replace("{id}", id_).lstrip("/"), body, identity_id=id_, role="owner")
            assert caller.status in (401, 403), route.id
    assert rows(server) == before


def test_89_ones_own_account_is_the_only_one_a_person_changes(server: LiveServer) -> None:
    victim = Caller(server, "app")
    id_ = victim.sign_up("ben@example.org")["id"]
    before = victim.whoami()["identity"]
    ann = Console(server)
    ann.sign_up(ANN)
    for route in ROUTES:
        if route.may != "person" or route.method == "GET":
            continue
        for body in (in_the_name_of(id_, victim.token), {**(route.example or {}), "identity_id": id_}):
            ann.ask(route.method, route.path.lstrip("/"), body, identity_id=id_)
            assert ann.status < 500, route.id
    after = victim.whoami()["identity"]
    assert after == before
    secrets = ask(server.app.config.dsn, f"select credentials from identities where id = '{id_}'")
    assert "totp" not in str(secrets)
    assert "lookup_secret" not in str(secrets)
