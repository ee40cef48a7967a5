"""Mail and text messages through a service over HTTP."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.conftest import Start
from tests.courier.conftest import VERIFYING, WebService, messages, settled, sign_up
from tests.support.callers import Caller
from tests.support.process import until
from tests.support.server import PERSON, merge

PHONE = "+4917667111638"
KEY = b"k" * 32
WITH_PHONE = merge(
    PERSON,
    {
        "properties": {
            "traits": {
                "properties": {
                    "phone": {
                        "type": "string",
                        "format": "tel",
                        "ory.sh/kratos": {
                            "credentials": {"code": {"identifier": True, "via": "sms"}},
                            "verification": {"via": "sms"},
                        },
                    }
                }
            }
        }
    },
)


def jsonnet(text: str) -> str:
    return "base64://" + base64.b64encode(text.encode()).decode()


def test_without_a_body_of_ones_own_it_is_kratos(start: Start, service: WebService) -> None:
    sign_up(start(service.config(), watch_courier=True))
    [call] = service.wait()
    body = call["body"]
    assert (call["method"], call["headers"]["content-type"]) == ("POST", "application/json")
    assert list(body) == [
        "body", "recipient", "recovery_code", "recovery_url", "subject", "template_type", "to", "verification_code",
        "verification_url",
    ]  # fmt: skip
    assert (body["recipient"], body["to"], body["template_type"]) == (
        "ann@example.org", "ann@example.org", "verification_code_valid",
    )  # fmt: skip
    assert body["recovery_code"] is None
    assert body["verification_code"] in body["subject"]
    assert body["verification_code"] in body["body"]


def test_the_body_is_what_the_snippet_makes(start: Start, service: WebService) -> None:
    snippet = """function(ctx) {
        names: std.objectFields(ctx), data: ctx.template_data, headers: ctx.request_headers, type: ctx.message_type,
        html: ctx.html_body,
    }"""
    server = start(service.config(body=jsonnet(snippet)), watch_courier=True)
    sign_up(server)
    body = service.wait()[0]["body"]
    assert body["names"] == [
        "body", "html_body", "message_type", "recipient", "request_headers", "subject", "template_data", "template_type",
    ]  # fmt: skip
    assert sorted(body["data"]) == [
        "expires_in_minutes", "identity", "request_url", "to", "transient_payload", "verification_code",
        "verification_url",
    ]  # fmt: skip
    assert (body["type"], body["headers"]) == ("email", {})
    assert "credentials" not in body["data"]["identity"]
    assert body["data"]["identity"]["schema_url"].startswith(f"{server.public}schemas/")
    assert body["html"].startswith("<!doctype html>")


def test_a_code_that_was_asked_for_brings_the_headers_of_who_asked(start: Start, service: WebService) -> None:
    over = service.config(body=jsonnet("function(ctx) ctx.request_headers"))
    server = start(merge(over, {"selfservice": {"flows": {"recovery": {"enabled": True}}}}), watch_courier=True)
    sign_up(server)
    caller = Caller(server, "app")
    caller.http.headers.update({"user-agent": "test", "authorization": "Bearer secret", "x-own": "1"})
    caller.submit(caller.start("recovery"), method="code", email="ann@example.org")
    headers = service.wait(2)[1]["body"]
    assert headers["User-Agent"] == ["test"]
    assert {"Authorization", "X-Own", "Cookie"} & set(headers) == set(), "only those that are allow-listed"


@pytest.mark.parametrize(
    ("auth", "sent"),
    [
        (
            {"type": "basic_auth", "config": {"user": "me", "password": "s:ecret"}},
            {"authorization": "Basic " + base64.b64encode(b"me:s:ecret").decode()},
        ),
        ({"type": "api_key", "config": {"name": "X-API-Key", "value": "k", "in": "header"}}, {"x-api-key": "k"}),
        (
            {"type": "api_key", "config": {"name": "session", "value": "k", "in": "cookie"}},
            {"cookie": "a=b; session=k"},
        ),
    ],
)
def test_the_request_proves_who_we_are(
    start: Start, service: WebService, auth: dict[str, Any], sent: dict[str, str]
) -> None:
    over = service.config(method="PUT", auth=auth, headers={"cookie": "a=b", "x-own": "1"})
    sign_up(start(over, watch_courier=True))
    [call] = service.wait()
    assert call["method"] == "PUT"
    assert sent.items() <= call["headers"].items()
    assert call["headers"]["x-own"] == "1"


def test_a_form_can_be_sent(start: Start, service: WebService) -> None:
    over = service.config(
        headers={"content-type": "application/x-www-form-urlencoded"},
        body=jsonnet("function(ctx) {To: ctx.recipient, 'a&b': 'ü +'}"),
    )
    sign_up(start(over, watch_courier=True))
    assert parse_qs(service.wait()[0]["raw"]) == {"To": ["ann@example.org"], "a&b": ["ü +"]}


@pytest.mark.parametrize(
    ("request_config", "told"),
    [
        ({"body": jsonnet("function(ctx) {to: ctx.nope}")}, "request_config.body: Field does not exist: nope at "),
        ({"body": jsonnet("function(ctx) error 'cancel'")}, "request_config.body: cancel at "),
        ({"body": "file:///nowhere/body.jsonnet"}, "the file /nowhere/body.jsonnet cannot be read"),
        ({"headers": {"Content-Type": "text/plain"}}, "a body of type text/plain cannot be made"),
        (
            {"headers": {"Content-Type": "application/x-www-form-urlencoded"}, "body": jsonnet("function(ctx) {a: 1}")},
            "request_config.body: a form is a map of texts",
        ),
    ],
)
def test_what_cannot_be_sent_is_told(
    start: Start, service: WebService, request_config: dict[str, Any], told: str
) -> None:
    over = merge(service.config(**request_config), {"courier": {"message_retries": 0}})
    server = start(over, watch_courier=True)
    sign_up(server)
    assert settled(server, "abandoned")["dispatches"][0]["error"]["message"].startswith(told)
    assert service.calls == []


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_every_2xx_is_a_success(start: Start, service: WebService, status: int) -> None:
    service.answers = [(status, "")]
    server = start(service.config(), watch_courier=True)
    sign_up(server)
    found = settled(server, "sent")
    assert [one["status"] for one in found["dispatches"]] == ["success"]
    assert found["dispatches"][0]["error"] is None


@pytest.mark.parametrize("status", [302, 400, 401, 404, 429, 500, 503])
def test_any_other_answer_is_tried_again(start: Start, service: WebService, status: int) -> None:
    service.answers = [(status, '{"error": "not\\nyet"}'), (200, "")]
    server = start(service.config(), watch_courier=True)
    sign_up(server)
    found = settled(server, "sent")
    assert found["send_count"] == 2
    failed = found["dispatches"][1]
    assert failed["error"]["message"] == f'the service answered with status {status}: {{"error": "not\\nyet"}}'
    keys = [call["headers"]["idempotency-key"] for call in service.calls]
    assert keys == [found["id"]] * 2, "a service that knows the header recognises the second attempt"


def test_a_service_that_is_not_there_is_told(start: Start, service: WebService) -> None:
    service.close()
    server = start(merge(service.config(), {"courier": {"message_retries": 0}}), watch_courier=True)
    sign_up(server)
    assert service.url in settled(server, "abandoned")["dispatches"][0]["error"]["message"]


def sms(service: WebService, **request: Any) -> dict[str, Any]:
    channel = {"id": "sms", "type": "http", "request_config": {"url": service.url, **request}}
    return merge(VERIFYING, {"courier": {"channels": [channel], "worker": {"pull_wait": "100ms"}}})


def with_phone(start: Start, over: dict[str, Any]) -> Caller:
    server = start(over, schema=WITH_PHONE, watch_courier=True)
    caller = Caller(server, "app")
    caller.sign_up("ann@example.org", phone=PHONE)
    return caller


def test_text_messages_have_a_channel_of_their_own(start: Start, service: WebService) -> None:
    snippet = "function(ctx) {to: ctx.recipient, names: std.objectFields(ctx), data: ctx.template_data, body: ctx.body}"
    caller = with_phone(start, sms(service, body=jsonnet(snippet)))
    other = Caller(caller.server, "app")
    other.submit(other.start("verification"), method="code", email=PHONE)
    body = service.wait()[-1]["body"]
    assert body["to"] == PHONE
    assert "html_body" not in body["names"]
    code = body["data"]["verification_code"]
    assert body["data"]["request_url_domain"] == "127.0.0.1"
    assert body["body"] == f"Your code to confirm this number: {code}\n\n@127.0.0.1 #{code}\n"
    [found] = messages(caller.server, recipient=PHONE)[:1]
    assert (found["type"], found["channel"], found["subject"]) == ("sms", "sms", "")


def test_a_stalled_mail_server_holds_up_no_text_message(start: Start, service: WebService, mails: Any) -> None:
    mails.stall |= {f"p{i}@example.org" for i in range(20)}
    caller = with_phone(start, merge(sms(service), {"courier": mails.config["courier"]}))
    for i in range(20):
        sign_up(caller.server, f"p{i}@example.org")
    until(lambda: len(messages(caller.server, status="processing", page_size=50)) >= 16)
    other = Caller(caller.server, "app")
    other.submit(other.start("verification"), method="code", email=PHONE)
    assert json.loads(service.wait()[-1]["raw"])["recipient"] == PHONE


def test_without_a_channel_a_text_message_is_given_up(start: Start, mails: Any) -> None:
    over = mails.config
    over["courier"]["message_retries"] = 0
    caller = with_phone(start, over)
    other = Caller(caller.server, "app")
    other.submit(other.start("verification"), method="code", email=PHONE)
    found = settled(caller.server, "abandoned", PHONE)
    assert found["dispatches"][0]["error"]["message"] == "courier.channels has no entry with the id sms"


def test_a_service_can_tell_that_a_message_is_ours(start: Start, service: WebService) -> None:
    service.answers = [(503, ""), (200, "")]
    secret = {"limen": {"webhooks": {"signing_secret": "whsec_" + base64.b64encode(KEY).decode()}}}
    server = start(merge(service.config(), secret), watch_courier=True)
    sign_up(server)
    calls = service.wait(2)
    for call in calls:
        id_, at = call["headers"]["webhook-id"], call["headers"]["webhook-timestamp"]
        expected = hmac.digest(KEY, f"{id_}.{at}.{call['raw']}".encode(), hashlib.sha256)
        assert call["headers"]["webhook-signature"] == f"v1,{base64.b64encode(expected).decode()}"
    assert {call["headers"]["webhook-id"] for call in calls} == {settled(server, "sent")["id"]}


def test_without_a_secret_no_message_is_signed(start: Start, service: WebService) -> None:
    sign_up(start(service.config(), watch_courier=True))
    assert not [name for name in service.wait()[0]["headers"] if name.startswith("webhook-")]
