"""Webhooks: told in order, signed, tried again, told once more when asked; and secrets that stay where they are."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from typing import Any

import pytest

from limen.core.clock import parse
from limen.webhooks.dispatch import SLOTS, Dispatcher
from tests.conftest import Start
from tests.support.callers import Caller
from tests.support.console import Console, at_database, operator
from tests.support.receiver import Call, Receiver, Reply, wait_for
from tests.support.server import PATIENCE, LiveServer

ANN, SECRET = "ann@example.org", "a-secret-of-the-receiver"
PLACE = "api/auth/webhooks"


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
        assert int(call.headers["x-truss-timestamp"]) == pytest.approx(server.clock().timestamp(), abs=60)
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
    waiting = [one for one in owner.get(f"{PLACE}/deliveries")["deliveries"] if one["body"]["email"] == ANN]
    assert [(one["event"], one["attempts"]) for one in waiting] == [("login", 0), ("register", 1)]
    assert waiting[0]["due_at"] == waiting[1]["due_at"]  # it is not even looked at before
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
    receiver.on("/hook", Reply(status=500), Reply(status=200))
    owner.post(f"{PLACE}/deliveries/{one['id']}/replay")
    assert owner.status == 204
    receiver.wait("/hook", 3)
    wait_for(lambda: statuses(owner) == ["pending"])  # it is tried for a day once more
    owner.post(f"{PLACE}/deliveries/{one['id']}/replay")
    assert owner.status == 409
    server.clock.forward(seconds=10)
    receiver.wait("/hook", 4)
    assert until_settled(owner)["status"] == "delivered"


def test_pauses_between_attempts_grow(server: LiveServer, owner: Console, receiver: Receiver) -> None:
    receiver.on("/hook", Reply(status=503))
    subscribed(owner, receiver, "register")
    Caller(server, "app").sign_up(ANN)
    pauses = []
    for attempt in range(1, 5):
        one = until_attempted(owner, attempt)
        pauses.append((parse(one["due_at"]) - parse(one["updated_at"])).total_seconds())
        server.clock.forward(seconds=pauses[-1] + 1)
    assert pauses == [5, 30, 120, 600]


def until_attempted(owner: Console, count: int) -> dict[str, Any]:
    """The newest delivery, once so many attempts have failed."""
    found: list[dict[str, Any]] = []

    def failed() -> bool:
        found[:] = owner.get(f"{PLACE}/deliveries")["deliveries"][:1]
        return bool(found) and found[0]["attempts"] == count and found[0]["due_at"] > found[0]["updated_at"]

    wait_for(failed)
    return found[0]


def test_a_slow_receiver_holds_up_nobody(server: LiveServer, owner: Console, receiver: Receiver) -> None:
    answer, people = threading.Event(), SLOTS + 2
    receiver.during = lambda path: None if path == "/quick" else bool(answer.wait(PATIENCE)) or None
    hooks = [{"url": receiver.url(path), "events": ["register"]} for path in ("/slow", "/quick")]
    owner.ask("PUT", PLACE, {"webhooks": hooks})
    for number in range(people):
        Caller(server, "app").sign_up(f"p{number}@example.org")
    receiver.wait("/quick", people)
    assert len(receiver.wait("/slow", SLOTS)) == SLOTS  # as many as may wait at a time, and not one is answered
    answer.set()
    receiver.wait("/slow", people)


def test_who_is_told_twice_is_told_under_one_id(server: LiveServer, owner: Console, receiver: Receiver) -> None:
    subscribed(owner, receiver, "register")
    Caller(server, "app").sign_up(ANN)
    receiver.wait("/hook", 1)
    one = until_settled(owner)
    owner.post(f"{PLACE}/deliveries/{one['id']}/replay")
    first, second = receiver.wait("/hook", 2)
    assert first.body == second.body
    assert first.headers["x-truss-event-id"] == second.headers["x-truss-event-id"] == one["id"]


def test_private_addresses_are_refused_where_that_is_configured(start: Start, receiver: Receiver) -> None:
    server = start({"clients": {"http": {"disallow_private_ip_ranges": True}}})
    owner = operator(server, "owner")
    id_ = subscribed(owner, receiver, "register")
    tried = owner.post(f"{PLACE}/test", {"id": id_})
    assert tried["delivered"] is False
    assert "is a private address" in tried["error"]
    Caller(server, "app").sign_up(ANN)
    assert "is a private address" in until_attempted(owner, 1)["last_error"]
    assert receiver.calls == []


def test_nothing_is_told_unsigned_where_there_is_a_secret(start: Start, receiver: Receiver) -> None:
    before = start({"secrets": {"default": ["a-secret-of-the-server-that-is-lost"]}})
    id_ = subscribed(operator(before, "owner"), receiver, "auth.invite.create")
    after = start({"secrets": {"default": ["another-secret-of-the-server-from-now-on"]}})
    tried = operator(after, "owner", "other@example.org").post(f"{PLACE}/test", {"id": id_})
    assert tried["delivered"] is False
    assert "its secret" in tried["error"]
    assert receiver.calls == []


def test_what_arrived_is_listed_for_a_month(server: LiveServer, owner: Console, receiver: Receiver) -> None:
    subscribed(owner, receiver, "register")
    Caller(server, "app").sign_up(ANN)
    until_settled(owner)
    site = server.app.site

    def after(days: int) -> list[str]:
        server.clock.forward(days=days)
        at_database(server, lambda db: Dispatcher(lambda: site.project, db, site.outbound, site.now).look())
        owner.sign_in("owner@example.org")
        return statuses(owner)

    assert after(29) == ["delivered"]
    assert after(2) == []


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
        {"url": "https://example.org:99999/", "events": ["login"]},
        {"url": "https://example.org:0/", "events": ["login"]},
        {"url": "https://example.org/a path", "events": ["login"]},
        {"url": "https://example.org/\r\nX-More: 1", "events": ["login"]},
        {"url": "https://example.org/", "events": []},
        {"url": "https://example.org/", "events": ["breakfast"]},
        {"url": "https://example.org/", "events": ["login"], "secret": "short"},
    ],
)
def test_what_makes_no_sense_is_told(owner: Console, hook: dict[str, Any]) -> None:
    assert owner.ask("PUT", PLACE, {"webhooks": [hook]})["error"]["reason"].startswith("webhooks[0]")
    assert owner.status == 400
