"""What web hooks must not be made to do: the cases of private addresses, of secrets, and of hostile data."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from limen import log
from tests.hooks.conftest import SESSION, Begin, Hook, after, refusal, sign_in
from tests.support import logs
from tests.support.callers import KINDS, PASSWORD, Caller, Kind, told
from tests.support.process import until
from tests.support.receiver import Receiver, Reply
from tests.support.server import LiveServer

GUARDED: dict[str, Any] = {"clients": {"http": {"disallow_private_ip_ranges": True}}}


def with_exceptions(*urls: str) -> dict[str, Any]:
    return {"clients": {"http": {"disallow_private_ip_ranges": True, "private_ip_exception_urls": list(urls)}}}


# --- 81: private addresses -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "0.0.0.0"])
def test_a_private_address_is_not_called(begin: Begin, hook: Hook, receiver: Receiver, host: str) -> None:
    url = f"http://{host}:{receiver.port}/h"
    server = begin(after("login", "", hook("/h", url=url)), GUARDED)
    Caller(server, "app").sign_up()
    answer = sign_in(server).last
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 500)
    assert receiver.calls == []


def test_one_that_is_listed_is(begin: Begin, hook: Hook, receiver: Receiver) -> None:
    server = begin(after("login", "", hook("/h")), with_exceptions(receiver.url("/h")))
    Caller(server, "app").sign_up()
    assert sign_in(server).is_signed_in
    assert len(receiver.calls) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_does_not_lead_inside(begin: Begin, hook: Hook, receiver: Receiver, status: int) -> None:
    receiver.on("/h", Reply(status, headers={"Location": "/inside"}))
    server = begin(after("login", "", hook("/h")), with_exceptions(receiver.url("/h")))
    Caller(server, "app").sign_up()
    assert not sign_in(server).is_signed_in
    assert "/inside" not in receiver.paths()


def test_a_template_is_not_fetched_from_inside(begin: Begin, hook: Hook, receiver: Receiver) -> None:
    receiver.on("/template", Reply(200, b"function(ctx) {}"))
    over = with_exceptions(receiver.url("/h"))
    server = begin(after("login", "", hook("/h", body=receiver.url("/template"))), over)
    Caller(server, "app").sign_up()
    assert not sign_in(server).is_signed_in
    assert receiver.calls == []


def test_a_redirect_elsewhere_takes_no_secrets_along(begin: Begin, hook: Hook, receiver: Receiver) -> None:
    other = Receiver()
    receiver.on("/h", Reply(307, headers={"Location": other.url("/there")}))
    auth = {"type": "basic_auth", "config": {"user": "me", "password": "secret"}}
    secret = {"limen": {"webhooks": {"signing_secret": "whsec_" + "a2tr" * 10}}}
    server = begin(after("login", "", hook("/h", headers={"X-Key": "k"}, auth=auth)), secret)
    Caller(server, "app").sign_up()
    sign_in(server)
    assert set(other.calls[0].headers) == {"host", "user-agent", "content-type", "content-length"}
    other.close()


# --- secrets ----------------------------------------------------------------------------------------------------------------


@contextmanager
def logged(server: LiveServer) -> Iterator[io.StringIO]:
    """What the server writes to its log meanwhile, down to the last detail."""
    lines = io.StringIO()
    loud = type(server.app.config.log)(level="trace", format="json")
    with logs.kept():
        log.configure(type("", (), {"log": loud})(), lines)  # type: ignore[arg-type]
        yield lines


def test_nothing_secret_is_logged_or_told(begin: Begin, hook: Hook, receiver: Receiver) -> None:
    auth = {"type": "api_key", "config": {"name": "X-Key", "value": "key-s3cret", "in": "header"}}
    url = receiver.url("/h?token=url-s3cret").replace("http://", "http://me:pass-s3cret@")
    receiver.on("/h", Reply(404, {"body": "answer-s3cret"}))
    hooks = hook("/h", url=url, headers={"X-More": "header-s3cret"}, auth=auth)
    ignored = {**hooks, "config": {**hooks["config"], "response": {"ignore": True}}}
    server = begin(after("login", "", ignored, hooks))
    Caller(server, "app").sign_up()
    with logged(server) as lines:
        answer = sign_in(server).last
        until(lambda: lines.getvalue().count("webhook.delivered") >= 2)
    text = lines.getvalue()
    assert "s3cret" not in text + answer.text
    assert PASSWORD not in text


def test_a_template_sees_neither_the_password_nor_its_hash(begin: Begin, hook: Hook, receiver: Receiver) -> None:
    everything = "function(ctx) ctx"
    hooks = hook("/h", everything), hook("/asked", everything, can_interrupt=True)
    server = begin(after("registration", "password", SESSION, *hooks) | after("login", "", hook("/l", everything)))
    Caller(server, "page").sign_up()
    sign_in(server, "page")
    sent = json.dumps([call.json for call in receiver.calls])
    assert len(receiver.calls) == 3
    assert PASSWORD not in sent
    assert "$2" not in sent
    assert "hashed_password" not in sent


# --- hostile data -----------------------------------------------------------------------------------------------------------


def test_data_is_data_in_a_template(begin: Begin, hook: Hook, receiver: Receiver) -> None:
    name = "'; error 'x'}\"\\ ${1+1} {{7*7}} \u2028</script>"
    server = begin(after("registration", "password", SESSION, hook("/h", "function(ctx) ctx.identity.traits.name")))
    ann = Caller(server, "app")
    ann.sign_up(name=name)
    assert receiver.calls[0].json == name


@pytest.mark.parametrize("kind", KINDS)
def test_a_deep_payload_hurts_nobody(begin: Begin, hook: Hook, receiver: Receiver, kind: Kind) -> None:
    server = begin(after("login", "", hook("/h", "function(ctx) ctx")))
    Caller(server, "app").sign_up()
    caller = Caller(server, kind)
    flow = caller.start("login")
    deep = b'{"a":' * 5000 + b"1" + b"}" * 5000
    body = b'{"method":"password","identifier":"ann@example.org","password":"x","transient_payload":' + deep + b"}"
    answer = caller.http.post(flow["ui"]["action"], content=body, headers={"content-type": "application/json"})
    assert answer.status_code < 500
    assert not caller.is_signed_in


def test_a_template_that_takes_too_much_fails_alone(begin: Begin, hook: Hook, receiver: Receiver) -> None:
    bomb = "function(ctx) std.length(std.repeat('a', 1000000000))"
    server = begin(after("login", "", hook("/h", bomb)) | after("registration", "password", SESSION, hook("/ok")))
    Caller(server, "app").sign_up()
    assert not sign_in(server).is_signed_in
    Caller(server, "app").sign_up("ben@example.org")
    assert len(receiver.at("/ok")) == 2


@pytest.mark.parametrize("kind", KINDS)
def test_markup_in_a_refusal_is_text_on_our_pages(begin: Begin, hook: Hook, receiver: Receiver, kind: Kind) -> None:
    """79: whatever a hook, or who speaks through it, says."""
    receiver.on("/h", Reply(400, refusal("<script>alert(1)</script>")))
    server = begin(after("login", "", hook("/h", can_interrupt=True)))
    Caller(server, "app").sign_up()
    ann = sign_in(server, kind)
    location = ann.last.headers.get("location", "")
    assert told(ann.shown("login")) == {77}
    if kind == "page":
        page = ann.http.get(location, headers={"accept": "text/html"}).text
        assert "&lt;script&gt;" in page
        assert "<script>alert" not in page


# --- a sign-in is all or nothing ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_who_is_refused_keeps_no_session_and_ends_none(
    begin: Begin, hook: Hook, receiver: Receiver, kind: Kind
) -> None:
    receiver.on("/h", Reply(400, refusal()))
    server = begin(after("login", "", {"hook": "revoke_active_sessions"}, hook("/h", can_interrupt=True)))
    ann = Caller(server, "app")
    ann.sign_up()
    mallory = sign_in(server, kind)
    assert not mallory.is_signed_in
    assert "session" not in {cookie.split("=")[0] for cookie in mallory.last.headers.get_list("set-cookie")}
    assert ann.is_signed_in
