"""Invitations: for one address, once, until a moment; and no other way in where only the invited may sign up."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.conftest import Start
from tests.support import mail
from tests.support.callers import KINDS, PASSWORD, Caller, Kind, has, told
from tests.support.console import Console, operator
from tests.support.server import LiveServer

ANN, EVE = "ann@example.org", "eve@example.org"
ONLY, OVER, OTHER = 9040003, 9040004, 9040005
CLOSED = {
    "limen": {"registration": {"invite_only": True}},
    "selfservice": {"methods": {"code": {"enabled": True, "passwordless_enabled": True}}},
}
everybody = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture
def open_server(start: Start) -> LiveServer:
    return start()


@pytest.fixture
def owner(open_server: LiveServer) -> Console:
    return operator(open_server, "owner")


@pytest.fixture
def server(owner: Console, start: Start) -> LiveServer:
    """The same database, where from now on only the invited may sign up."""
    closed = start(CLOSED)
    owner.http.base_url = httpx.URL(closed.console)
    return closed


def invited(server: LiveServer, owner: Console, email: str = ANN) -> tuple[str, str]:
    """The id of the invitation, and the token in its mail."""
    id_ = owner.post("api/auth/invite", {"email": email})["id"]
    assert owner.status == 201
    return id_, token(server, email)


def token(server: LiveServer, email: str) -> str:
    return parse_qs(urlsplit(mail.link(server, email)).query)["invite_token"][0]


def signs_up(
    server: LiveServer, kind: Kind, email: str, method: str = "password", **query: str
) -> tuple[Caller, set[int]]:
    """Somebody who tries to sign up, and what the form says."""
    caller = Caller(server, kind)
    flow = caller.start("registration", **query)
    if not has(flow, "password"):
        caller.submit(flow, method="profile", traits={"email": email})
        flow = caller.shown("registration")
    caller.submit(
        flow, method=method, traits={"email": email}, **({"password": PASSWORD} if method == "password" else {})
    )
    if method == "code":
        flow = caller.shown("registration")
        caller.submit(flow, method="code", code=mail.code(server, email), traits={"email": email})
    return caller, set() if caller.is_signed_in else told(caller.shown("registration"))


@everybody
@pytest.mark.parametrize("method", ["password", "code"])
def test_50_only_the_invited_sign_up(server: LiveServer, owner: Console, kind: Kind, method: str) -> None:
    _, message = signs_up(server, kind, ANN, method)
    assert ONLY in message
    _, secret = invited(server, owner)
    ann, _ = signs_up(server, kind, ANN, invite_token=secret)
    assert ann.is_signed_in
    address = ann.whoami()["identity"]["verifiable_addresses"][0]
    assert address["verified"] is True
    assert owner.get("api/auth/invitations")["invitations"][0]["status"] == "accepted"


@everybody
def test_50_an_invitation_is_for_its_address_and_good_once(server: LiveServer, owner: Console, kind: Kind) -> None:
    _, secret = invited(server, owner)
    assert OTHER in signs_up(server, kind, EVE, invite_token=secret)[1]
    assert signs_up(server, kind, ANN, invite_token=secret)[0].is_signed_in
    assert OVER in signs_up(server, kind, EVE, invite_token=secret)[1]


@everybody
def test_50_an_invitation_ends_by_time_by_hand_and_by_the_next_one(
    server: LiveServer, owner: Console, kind: Kind
) -> None:
    id_, first = invited(server, owner)
    owner.post(f"api/auth/invitations/{id_}/resend")
    assert token(server, ANN) != first
    assert OVER in signs_up(server, kind, ANN, invite_token=first)[1]
    owner.ask("DELETE", f"api/auth/invitations/{id_}")
    assert OVER in signs_up(server, kind, ANN, invite_token=token(server, ANN))[1]
    owner.post(f"api/auth/invitations/{id_}/resend")
    assert owner.status == 409
    _, late = invited(server, owner, EVE)
    server.clock.forward(days=7, seconds=1)
    assert OVER in signs_up(server, kind, EVE, invite_token=late)[1]


@everybody
def test_50_a_form_that_was_opened_before_is_no_way_round(owner: Console, start: Start, kind: Kind) -> None:
    early = Caller(owner.server, kind)
    flow = early.start("registration")
    closed = start(CLOSED)
    early.http.base_url = httpx.URL(closed.public)
    flow["ui"]["action"] = flow["ui"]["action"].replace(owner.server.public, closed.public)
    early.submit(flow, method="password", traits={"email": ANN}, password=PASSWORD)
    assert not early.is_signed_in
    assert httpx.get(f"{closed.admin}admin/identities", params={"credentials_identifier": ANN}).json() == []


def test_the_operators_port_takes_the_token_too(server: LiveServer, owner: Console) -> None:
    ann = Console(server)
    ann.post("api/auth/register", {"email": ANN, "password": PASSWORD})
    assert ann.status == 403
    _, secret = invited(server, owner)
    body = ann.post("api/auth/register", {"email": ANN, "password": PASSWORD, "invite_token": secret})
    assert body["session"]["active"] is True


def test_operators_make_accounts_all_the_same(server: LiveServer, owner: Console) -> None:
    owner.post("api/auth/identities", {"email": EVE})
    assert owner.status == 201


@pytest.mark.parametrize("body", [{"email": "no address"}, {"email": ANN, "expires_in": 1}, {}, {"email": 1}])
def test_what_makes_no_sense_is_told(owner: Console, body: dict[str, object]) -> None:
    assert owner.post("api/auth/invite", body)["error"]["reason"]
    assert owner.status == 400
