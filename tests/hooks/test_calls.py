"""When web hooks are called, in which order, with what."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.hooks.conftest import SESSION, SMALL, Begin, Hook, after, sign_in
from tests.support import mail
from tests.support.callers import KINDS, PASSWORD, Caller, Kind
from tests.support.receiver import Receiver, Reply
from tests.support.server import merge

everybody = pytest.mark.parametrize("kind", KINDS)
ALL = "function(ctx) ctx"


@everybody
def test_hooks_run_before_and_after_every_flow(begin: Begin, hook: Hook, receiver: Receiver, kind: Kind) -> None:
    kinds = ("registration", "login", "settings", "verification", "recovery")
    flows: dict[str, Any] = {
        one: {"before": {"hooks": [hook(f"/{one}/before")]}, **after(one, "", hook(f"/{one}/after"))[one]}
        for one in kinds
    }
    flows["registration"]["after"] = {"password": {"hooks": [hook("/registration/after"), SESSION]}}
    server = begin(flows)
    ann = Caller(server, kind)
    ann.sign_up()
    ann.submit(ann.start("settings"), method="profile", traits={"email": "ann@example.org", "name": "Ann"})
    again = Caller(server, kind)
    again.sign_in()
    for proof in ("verification", "recovery"):
        somebody = Caller(server, kind)
        flow = somebody.start(proof)
        somebody.submit(flow, method="code", email="ann@example.org")
        somebody.submit(flow, method="code", code=mail.code(server, "ann@example.org"))
    assert list(dict.fromkeys(receiver.paths())) == [
        "/registration/before", "/registration/after", "/settings/before", "/settings/after", "/login/before",
        "/login/after", "/verification/before", "/verification/after", "/recovery/before", "/recovery/after",
    ]  # fmt: skip
    assert receiver.at("/login/before")[0].json["who"] is None
    assert receiver.at("/settings/after")[0].json["who"] == {"email": "ann@example.org", "name": "Ann"}


def test_what_a_template_is_given(begin: Begin, hook: Hook, receiver: Receiver) -> None:
    server = begin(after("login", "password", hook("/all", ALL)))
    ann = Caller(server, "page")
    ann.sign_up()
    ben = Caller(server, "page")
    flow = ben.start("login", return_to="https://app.example.org/there")
    ben.http.headers.update({"x-custom": "hidden", "accept-language": "de", "user-agent": "tests"})
    ben.submit(flow, method="password", identifier="ann@example.org", password=PASSWORD)
    told = receiver.at("/all")[0].json
    assert set(told) == {
        "flow", "identity", "request_cookies", "request_headers", "request_method", "request_url", "session",
    }  # fmt: skip
    assert told["flow"]["id"] == flow["id"]
    assert told["flow"]["return_to"] == "https://app.example.org/there"
    assert told["flow"]["transient_payload"] == {}
    assert told["identity"]["traits"] == {"email": "ann@example.org"}
    assert told["session"]["authenticator_assurance_level"] == "aal1"
    assert told["request_headers"]["User-Agent"] == ["tests"]
    assert told["request_headers"]["Accept-Language"] == ["de"]
    assert "X-Custom" not in told["request_headers"]
    assert "Cookie" not in told["request_headers"]
    assert [name for name in told["request_cookies"] if name.startswith("csrf_token_")]
    assert (told["request_method"], told["request_url"]) == ("POST", flow["ui"]["action"])
    assert PASSWORD not in json.dumps(told)
    assert "$2" not in json.dumps(told)  # no hash


def test_the_payload_and_the_headers_one_wants(begin: Begin, hook: Hook, receiver: Receiver) -> None:
    allowed = {"clients": {"web_hook": {"header_allowlist": ["x-cUSTOM", "Authorization"]}}}
    snippet = "function(ctx) {payload: ctx.flow.transient_payload, headers: ctx.request_headers}"
    server = begin(after("registration", "password", hook("/all", snippet), SESSION), allowed)
    ann = Caller(server, "app")
    ann.http.headers["x-custom"] = "seen"
    flow = ann.start("registration")
    payload = {"from": "a test", "deep": {"list": [1, None]}}
    ann.submit(flow, method="password", password=PASSWORD, traits={"email": "a@example.org"}, transient_payload=payload)
    assert receiver.at("/all")[0].json == {"payload": payload, "headers": {"X-Custom": ["seen"]}}


def test_hooks_of_a_method_replace_those_of_the_flow(begin: Begin, hook: Hook, receiver: Receiver) -> None:
    flows = merge(
        after("login", "", hook("/login")), after("registration", "", hook("/all"), hook("/asked", can_interrupt=True))
    )
    flows = merge(flows, after("registration", "password", SESSION, hook("/one"), hook("/two")))
    ann = Caller(begin(flows), "app")
    ann.sign_up()
    sign_in(ann.server)
    assert receiver.paths() == ["/one", "/two", "/login"]


def test_who_is_asked_is_asked_before_anything_is_stored_and_who_is_told_after(
    begin: Begin, hook: Hook, receiver: Receiver
) -> None:
    hooks = [hook("/told"), SESSION, hook("/asked", can_interrupt=True), hook("/parsed", response={"parse": True})]
    receiver.on("/parsed", Reply(204))
    server = begin(after("registration", "password", *hooks))
    people: dict[str, int] = {}

    def count(path: str) -> None:
        people[path] = len(httpx.get(f"{server.admin}admin/identities").json())

    receiver.during = count
    Caller(server, "app").sign_up()
    assert list(people.items()) == [("/asked", 0), ("/parsed", 0), ("/told", 1)]


def test_a_second_factor_runs_the_hooks_again(begin: Begin, hook: Hook, receiver: Receiver) -> None:
    server = begin(after("login", "", hook("/l", "function(ctx) ctx.session.authenticator_assurance_level")))
    ann = Caller(server, "app")
    ann.sign_up()
    shown = ann.submit(ann.start("settings"), method="lookup_secret", lookup_secret_regenerate=True).json()
    codes = next(n for n in shown["ui"]["nodes"] if n["attributes"].get("id") == "lookup_secret_codes")
    secret = codes["attributes"]["text"]["context"]["secrets"][0]["context"]["secret"]
    ann.submit(shown, method="lookup_secret", lookup_secret_confirm=True)
    again = Caller(server, "app")
    again.sign_in()
    again.submit(again.start("login", aal="aal2"), method="lookup_secret", lookup_secret=secret)
    assert [call.json for call in receiver.at("/l")] == ["aal1", "aal2"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "GET"])
def test_every_method_carries_the_body(begin: Begin, hook: Hook, receiver: Receiver, method: str) -> None:
    ann = Caller(begin(after("login", "password", hook("/h", "function(ctx) {a: 'ä'}", method=method))), "app")
    ann.sign_up()
    sign_in(ann.server)
    call = receiver.calls[0]
    assert (call.method, call.json, call.headers["content-type"]) == (method, {"a": "ä"}, "application/json")


def test_trace_needs_no_template(begin: Begin, receiver: Receiver) -> None:
    trace = {"hook": "web_hook", "config": {"url": receiver.url("/h"), "method": "TRACE"}}
    ann = Caller(begin(after("login", "password", trace)), "app")
    ann.sign_up()
    sign_in(ann.server)
    assert (receiver.calls[0].method, receiver.calls[0].body) == ("TRACE", b"")


def test_a_form_instead_of_json(begin: Begin, hook: Hook, receiver: Receiver) -> None:
    form = {"headers": {"content-type": "application/x-www-form-urlencoded"}}
    ann = Caller(begin(after("login", "password", hook("/h", "function(ctx) {b: 'x y&', a: 'ä'}", **form))), "app")
    ann.sign_up()
    sign_in(ann.server)
    assert receiver.calls[0].body == b"a=%C3%A4&b=x+y%26"
    assert receiver.calls[0].headers["content-type"] == "application/x-www-form-urlencoded"


BASIC = {"type": "basic_auth", "config": {"user": "me", "password": "pass wörd"}}
HEADER = {"type": "api_key", "config": {"name": "X-Key", "value": "k1", "in": "header"}}
COOKIE = {"type": "api_key", "config": {"name": "key", "value": "k2", "in": "cookie"}}


@pytest.mark.parametrize(
    ("auth", "headers", "name", "value"),
    [
        (BASIC, {}, "authorization", "Basic " + base64.b64encode("me:pass wörd".encode()).decode()),
        (
            BASIC,
            {"authorization": "other"},
            "authorization",
            "Basic " + base64.b64encode("me:pass wörd".encode()).decode(),
        ),
        (HEADER, {}, "x-key", "k1"),
        (HEADER, {"x-KEY": "other"}, "x-key", "k1"),
        (COOKIE, {}, "cookie", "key=k2"),
        (COOKIE, {"Cookie": "a=b"}, "cookie", "a=b; key=k2"),
        (None, {"X-More": "yes"}, "x-more", "yes"),
    ],
)
def test_how_a_call_proves_itself(
    begin: Begin, hook: Hook, receiver: Receiver, auth: Any, headers: dict[str, str], name: str, value: str
) -> None:
    more = {"headers": headers, **({"auth": auth} if auth else {})}
    ann = Caller(begin(after("login", "password", hook("/h", **more))), "app")
    ann.sign_up()
    sign_in(ann.server)
    assert receiver.calls[0].headers[name] == value


def test_a_call_and_its_attempts_have_ids_unless_no_event_is_wanted(
    begin: Begin, hook: Hook, receiver: Receiver
) -> None:
    hooks = (hook("/one"), hook("/two"), hook("/quiet", emit_analytics_event=False))
    ann = Caller(begin(after("login", "password", *hooks)), "app")
    ann.sign_up()
    sign_in(ann.server)
    one, two, quiet = (call.headers for call in receiver.calls)
    assert one["ory-webhook-trigger-id"] != two["ory-webhook-trigger-id"]
    assert one["ory-webhook-request-id"] != one["ory-webhook-trigger-id"]
    assert not [name for name in quiet if name.startswith("ory-")]


def test_a_cancelled_call_is_none(begin: Begin, hook: Hook, receiver: Receiver) -> None:
    snippet = "function(ctx) if ctx.identity.traits.email == 'ann@example.org' then error 'cancel' else {}"
    server = begin(after("login", "password", hook("/h", snippet, can_interrupt=True)))
    for email in ("ann@example.org", "ben@example.org"):
        caller = Caller(server, "app")
        caller.sign_up(email)
        assert sign_in(server, email=email).last.status_code == 200
    assert len(receiver.calls) == 1


def test_a_template_in_a_file_may_change(begin: Begin, hook: Hook, receiver: Receiver, tmp_path: Path) -> None:
    file = tmp_path / "hook.jsonnet"
    file.write_text("function(ctx) {n: 1}")
    ann = Caller(begin(after("login", "password", hook("/a", body=file.as_uri()), hook("/b", body=str(file)))), "app")
    ann.sign_up()
    sign_in(ann.server)
    file.write_text("function(ctx) {n: 2}")
    sign_in(ann.server)
    assert [(call.path, call.json["n"]) for call in receiver.calls] == [("/a", 1), ("/b", 1), ("/a", 2), ("/b", 2)]


def test_a_template_from_the_web_is_fetched_once(begin: Begin, hook: Hook, receiver: Receiver) -> None:
    receiver.on("/template", Reply(200, SMALL.encode()))
    ann = Caller(begin(after("login", "password", hook("/h", body=receiver.url("/template")))), "app")
    ann.sign_up()
    sign_in(ann.server)
    sign_in(ann.server)
    assert receiver.paths() == ["/template", "/h", "/h"]


# --- the signature ------------------------------------------------------------------------------------------------------

KEY, FORMER = b"k" * 32, b"f" * 24
SECRETS = {
    "limen": {
        "webhooks": {
            "signing_secret": "whsec_" + base64.b64encode(KEY).decode(),
            "former_signing_secret": "whsec_" + base64.b64encode(FORMER).decode(),
        }
    }
}


def test_a_receiver_can_tell_that_a_call_is_ours(begin: Begin, hook: Hook, receiver: Receiver) -> None:
    server = begin(after("login", "password", hook("/h")), SECRETS)
    server.clock.forward(hours=1)
    ann = Caller(server, "app")
    ann.sign_up()
    sign_in(ann.server)
    call = receiver.calls[0]
    id_, at = call.headers["webhook-id"], call.headers["webhook-timestamp"]
    signed = f"{id_}.{at}.".encode() + call.body
    expected = [base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode() for key in (KEY, FORMER)]
    assert call.headers["webhook-signature"] == " ".join(f"v1,{one}" for one in expected)
    assert abs(int(at) - server.clock().timestamp()) < 60
    assert id_ == call.headers["ory-webhook-trigger-id"]


def test_without_a_secret_nothing_is_signed(begin: Begin, hook: Hook, receiver: Receiver) -> None:
    ann = Caller(begin(after("login", "password", hook("/h"))), "app")
    ann.sign_up()
    sign_in(ann.server)
    assert not [name for name in receiver.calls[0].headers if name.startswith("webhook-")]


# --- those nobody waits for -----------------------------------------------------------------------------------------------


def test_an_ignored_answer_changes_nothing_and_is_not_waited_for(begin: Begin, hook: Hook, receiver: Receiver) -> None:
    receiver.on(
        "/ignored", Reply(400, {"messages": [{"messages": [{"id": 1, "text": "no", "type": "error"}]}]}, after=1)
    )
    ann = Caller(begin(after("login", "password", hook("/ignored", response={"ignore": True}), hook("/told"))), "app")
    ann.sign_up()
    assert sign_in(ann.server).last.status_code == 200
    receiver.wait("/ignored")
    assert len(receiver.at("/told")) == 1
