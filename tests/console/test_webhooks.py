"""Webhooks: told in order, signed, tried again, told once more when asked; and secrets that stay where they are."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.callers import Caller
from tests.support.console import Console
from tests.support.receiver import Call, Receiver, Reply, wait_for
from tests.support.server import LiveServer

ANN, SECRET = "ann@example.org", "a-secret-of-the-receiver"
PLACE = "api/auth/webhooks"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    yield found
    found.close()


def subscribed(owner: Console, receiver: Receiver, *events: str, path: str = "/hook") -> str:
    """The id of a webhook that hears of these."""
    body = owner.ask("PUT", PLACE, {"webhooks": [{"url": receiver.url(path), "events": events, "secret": SECRET}]})
    assert owner.status == 200, body
    return str(body["webhooks"][0]["id"])


def body_of(call: Call) -> dict[str, Any]:
    return dict(json.loads(call.body))


def test_what_happens_is_told_and_signed(server: LiveServer, owner: Console, receiver: Receiver) -> None:
    subscribed(owner, receiver, "login", "register", "auth.identity.ban")
    id_ = Caller(server, "app").sign_up(ANN)["id"]
    server.clock.forward(seconds=1)
    Caller(server, "app").sign_in(ANN)
    server.clock.forward(seconds=1)
    Caller(server, "app").sign_in(ANN, "not-the-right-one")
    owner.post(f"api/auth/identities/{id_}/ban", {"reason": "spam"})
    calls = receiver.wait("/hook", 3)
    assert [body_of(call)["type"] for call in calls] == ["register", "login", "auth.identity.ban"]
    assert {body_of(call)["identity_id"] for call in calls} == {id_}
    for call in calls:
        signature = hmac.new(SECRET.encode(), call.body, hashlib.sha256).hexdigest()
        assert call.headers["x-truss-signature"] == signature
        assert call.headers["x-truss-event-id"] == body_of(call)["id"]
    assert len({body_of(call)["id"] for call in calls}) == 3
    wait_for(lambda: statuses(owner) == ["delivered"] * 3)


def statuses(owner: Console) -> list[str]:
    return [one["status"] for one in owner.get(f"{PLACE}/deliveries")["deliveries"]]


def test_a_receiver_that_fails_is_tried_again_and_holds_up_one_person_only(
    server: LiveServer, owner: Console, receiver: Receiver
) -> None:
    receiver.on("/hook", Reply(status=500), Reply(status=200))
    subscribed(owner, receiver, "login", "register")
    Caller(server, "app").sign_up(ANN)
    first = receiver.wait("/hook", 1)
    wait_for(lambda: statuses(owner) == ["pending"])
    Caller(server, "app").sign_in(ANN)
    Caller(server, "app").sign_up("ben@example.org")
    receiver.wait("/hook", 2)
    wait_for(lambda: bool(owner.get(f"{PLACE}/deliveries")["deliveries"][-1]["last_error"]))
    told = [(body_of(call)["type"], body_of(call)["email"]) for call in receiver.at("/hook")]
    assert told == [("register", ANN), ("register", "ben@example.org")]  # Ann's sign-in waits for what came before it
    server.clock.forward(seconds=10)
    calls = receiver.wait("/hook", 4)
    assert [body_of(call)["type"] for call in calls[2:]] == ["register", "login"]
    assert body_of(calls[2])["id"] == body_of(first[0])["id"]


def test_what_fails_for_a_day_is_given_up_and_can_be_told_again(
    server: LiveServer, owner: Console, receiver: Receiver
) -> None:
    receiver.on("/hook", Reply(status=500))
    subscribed(owner, receiver, "register")
    Caller(server, "app").sign_up(ANN)
    wait_for(lambda: any(one["last_error"] for one in owner.get(f"{PLACE}/deliveries")["deliveries"]))
    server.clock.forward(days=1, seconds=10)
    receiver.wait("/hook", 2)
    owner.sign_in("owner@example.org")
    one = until_settled(owner)
    assert (one["status"], one["last_error"]) == ("failed", "it answered 500")
    receiver.on("/hook", Reply(status=200))
    owner.post(f"{PLACE}/deliveries/{one['id']}/replay")
    assert owner.status == 204
    receiver.wait("/hook", 3)
    assert until_settled(owner)["status"] == "delivered"


def until_settled(owner: Console) -> dict[str, Any]:
    """The newest delivery, once it is not pending any more."""
    found: list[dict[str, Any]] = []

    def is_settled() -> bool:
        found[:] = owner.get(f"{PLACE}/deliveries")["deliveries"][:1]
        return bool(found) and found[0]["status"] != "pending"

    wait_for(is_settled)
    return found[0]


def test_everything_since_a_moment_is_told_again(server: LiveServer, owner: Console, receiver: Receiver) -> None:
    id_ = subscribed(owner, receiver, "register")
    server.clock.forward(seconds=1)
    Caller(server, "app").sign_up(ANN)
    receiver.wait("/hook", 1)
    owner.post(f"{PLACE}/{id_}/replay", {"since": "2020-01-01T00:00:00Z"})
    calls = receiver.wait("/hook", 3)  # the owner's own sign-up came before the webhook was there
    assert sorted(body_of(call)["email"] for call in calls[1:]) == [ANN, "owner@example.org"]


def test_a_webhook_is_tried_out(owner: Console, receiver: Receiver) -> None:
    id_ = subscribed(owner, receiver, "login")
    assert owner.post(f"{PLACE}/test", {"id": id_}) == {"delivered": True, "error": None}
    assert body_of(receiver.at("/hook")[0])["type"] == "test"
    receiver.on("/hook", Reply(status=404))
    assert owner.post(f"{PLACE}/test", {"id": id_}) == {"delivered": False, "error": "it answered 404"}


def test_23_a_secret_is_never_shown_and_goes_to_no_other_address(owner: Console, receiver: Receiver) -> None:
    id_ = subscribed(owner, receiver, "login")
    assert SECRET not in str(owner.get(PLACE))
    same = {"id": id_, "url": receiver.url("/hook"), "events": ["logout"]}
    assert owner.ask("PUT", PLACE, {"webhooks": [same]})["webhooks"][0]["has_secret"] is True
    owner.ask("PUT", PLACE, {"webhooks": [{**same, "url": receiver.url("/elsewhere")}]})
    assert owner.status == 400
    assert owner.ask("PUT", PLACE, {"webhooks": []}) == {"webhooks": []}


@pytest.mark.parametrize(
    "hook",
    [
        {"url": "file:///etc/passwd", "events": ["login"]},
        {"url": "https://user:secret@example.org/", "events": ["login"]},
        {"url": "https://example.org/", "events": []},
        {"url": "https://example.org/", "events": ["breakfast"]},
        {"url": "https://example.org/", "events": ["login"], "secret": "short"},
    ],
)
def test_what_makes_no_sense_is_told(owner: Console, hook: dict[str, Any]) -> None:
    assert owner.ask("PUT", PLACE, {"webhooks": [hook]})["error"]["reason"].startswith("webhooks[0]")
    assert owner.status == 400
