"""What the answer of a web hook does: refuse, change, fail."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.hooks.conftest import SESSION, Begin, Hook, after, refusal, sign_in
from tests.support import mail
from tests.support.callers import JSON, KINDS, PASSWORD, Caller, Kind, nodes, told, value
from tests.support.receiver import Receiver, Reply
from tests.support.server import LiveServer

everybody = pytest.mark.parametrize("kind", KINDS)
ANN = "ann@example.org"


def people(server: LiveServer) -> list[dict[str, Any]]:
    return list(httpx.get(f"{server.admin}admin/identities").json())


def sign_up(caller: Caller, email: str = ANN, **more: Any) -> httpx.Response:
    flow = caller.start("registration")
    return caller.submit(flow, method="password", password=PASSWORD, traits={"email": email}, **more)


# --- refusing ------------------------------------------------------------------------------------------------------------


@everybody
@pytest.mark.parametrize("config", [{"can_interrupt": True}, {"response": {"parse": True}}])
def test_a_sign_up_is_refused_with_messages_where_they_belong(
    begin: Begin, hook: Hook, receiver: Receiver, kind: Kind, config: Any
) -> None:
    body = refusal("No such people.", "#/traits/email")
    body["messages"] += refusal("Not today.", id_=78)["messages"]
    receiver.on("/h", Reply(400, body), Reply(204))
    server = begin(after("registration", "password", hook("/h", **config), SESSION))
    ann = Caller(server, kind)
    sign_up(ann)
    assert ann.last.status_code == (302 if kind == "page" else 400)
    shown = ann.shown("registration")
    assert nodes(shown, "traits.email")[0]["messages"] == [
        {"id": 77, "text": "No such people.", "type": "error", "context": {"why": "a rule"}}
    ]
    assert [(m["id"], m["text"]) for m in shown["ui"]["messages"]] == [(78, "Not today.")]
    assert value(shown, "traits.email") == ANN
    assert people(server) == []
    ann.submit(shown, method="password", password=PASSWORD, traits={"email": ANN})
    assert ann.is_signed_in


@everybody
def test_a_sign_in_is_refused(begin: Begin, hook: Hook, receiver: Receiver, kind: Kind) -> None:
    receiver.on("/h", Reply(422, refusal("Locked.")))
    server = begin(after("login", "", hook("/h", can_interrupt=True)))
    Caller(server, "app").sign_up()
    ann = sign_in(server, kind)
    assert told(ann.shown("login")) == {77}
    assert not ann.is_signed_in


@everybody
def test_a_change_is_refused_and_not_made(begin: Begin, hook: Hook, receiver: Receiver, kind: Kind) -> None:
    receiver.on("/h", Reply(403, refusal("Not this name.", "#/traits/name")))
    ann = Caller(begin(after("settings", "profile", hook("/h", can_interrupt=True))), kind)
    ann.sign_up()
    ann.submit(ann.start("settings"), method="profile", traits={"email": ANN, "name": "Admin"})
    assert [m["id"] for m in nodes(ann.shown("settings"), "traits.name")[0]["messages"]] == [77]
    assert ann.whoami()["identity"]["traits"] == {"email": ANN}


@pytest.mark.parametrize("proof", ["verification", "recovery"])
def test_a_refused_proof_is_used_up_and_signs_nobody_in(
    begin: Begin, hook: Hook, receiver: Receiver, proof: str
) -> None:
    receiver.on("/h", Reply(400, refusal("Not you.")))
    server = begin(after(proof, "", hook("/h", can_interrupt=True)))
    Caller(server, "app").sign_up()
    ann = Caller(server, "page")
    flow = ann.start(proof)
    ann.submit(flow, method="code", email=ANN)
    code = mail.code(server, ANN)
    ann.submit(ann.flow(proof, flow["id"]), method="code", code=code)
    shown = ann.shown(proof)
    assert shown["id"] != flow["id"]
    assert told(shown) == {77}
    assert not ann.is_signed_in
    ann.submit(shown, method="code", code=code)
    assert not ann.is_signed_in
    assert len(receiver.at("/h")) == 1


@everybody
@pytest.mark.parametrize("flow", ["login", "registration", "settings", "verification", "recovery"])
def test_a_flow_is_refused_before_it_begins(
    begin: Begin, hook: Hook, receiver: Receiver, kind: Kind, flow: str
) -> None:
    receiver.on("/h", Reply(403, refusal("Not from here.")))
    server = begin({flow: {"before": {"hooks": [hook("/h", can_interrupt=True)]}}})
    ann = Caller(server, kind)
    if flow == "settings":
        ann.sign_up()
    answer = ann.get(f"self-service/{flow}/{'api' if kind == 'app' else 'browser'}")
    if kind == "page":
        assert answer.status_code == 303
        location = answer.headers["location"]
        assert location.startswith(f"{server.public}ui/error?id=")
        error = httpx.get(f"{server.public}self-service/errors", params={"id": location.rpartition("=")[2]}).json()[
            "error"
        ]
    else:
        error = answer.json()["error"]  # one document, and a whole one
        assert answer.status_code in (400, 500)
    assert error["message"] == "Not from here."


ODD = [
    {}, [], None, "text", 5, {"messages": None}, {"messages": []}, {"messages": {}}, {"messages": [5]},
    {"messages": [{"messages": [{"id": "x"}]}]}, {"messages": [{"instance_ptr": 5}]}, b"{", b"\xff",
]  # fmt: skip


@pytest.mark.parametrize("body", ODD, ids=range(len(ODD)))
def test_a_refusal_without_messages_is_a_fault(begin: Begin, hook: Hook, receiver: Receiver, body: Any) -> None:
    receiver.on("/h", Reply(400, body))
    ann = Caller(begin(after("registration", "password", hook("/h", can_interrupt=True), SESSION)), "app")
    answer = sign_up(ann)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 500)
    assert people(ann.server) == []


LENIENT = [
    ({"messages": [{}]}, set()),
    ({"messages": [{"messages": [{}]}]}, {0}),
    ({"messages": [{"messages": [{"id": 5, "text": None, "type": "odd", "context": ["x"]}], "more": 1}]}, {5}),
]


@pytest.mark.parametrize(("body", "ids"), LENIENT)
def test_what_a_message_lacks_is_empty(begin: Begin, hook: Hook, receiver: Receiver, body: Any, ids: set[int]) -> None:
    receiver.on("/h", Reply(400, body))
    ann = Caller(begin(after("registration", "password", hook("/h", can_interrupt=True), SESSION)), "app")
    assert sign_up(ann).status_code == 400
    assert told(ann.shown("registration")) == ids
    assert ann.json("self-service/registration/flows", id=ann.last.json()["id"])["ui"]["nodes"]  # it can be read again


POINTERS = [
    ("#/traits/email", "traits.email"), ("#/password", "password"), ("#/", ""), ("", ""), ("#/a~1b~0c", "a/b~c"),
    ("#/dotted.name", "dotted\\.name"), ("traits.name", "traits.name"), ("#/nobody/knows", "nobody.knows"),
]  # fmt: skip


@pytest.mark.parametrize(("pointer", "node"), POINTERS)
def test_where_a_message_is_shown(begin: Begin, hook: Hook, receiver: Receiver, pointer: str, node: str) -> None:
    receiver.on("/h", Reply(400, refusal(pointer=pointer)))
    ann = Caller(begin(after("registration", "password", hook("/h", can_interrupt=True), SESSION)), "app")
    ui = sign_up(ann).json()["ui"]
    if node:
        assert [m["id"] for n in nodes({"ui": ui}, node) for m in n["messages"]] == [77]
    else:
        assert [m["id"] for m in ui["messages"]] == [77]


# --- changing --------------------------------------------------------------------------------------------------------------


def test_who_signs_up_is_stored_as_the_answer_has_them(begin: Begin, hook: Hook, receiver: Receiver) -> None:
    address = {"value": "new@example.org", "via": "email", "verified": True, "status": "completed"}
    change = {
        "traits": {"email": "New@Example.org", "name": "By hook"},
        "metadata_public": {"tier": 1},
        "metadata_admin": {"risk": 0.5},
        "external_id": "e-1",
        "verifiable_addresses": [address, {"value": "stranger@example.org", "via": "email", "verified": True}],
        "credentials": {"password": {"config": {"hashed_password": "x"}}},
        "id": "00000000-0000-0000-0000-000000000001",
        "unknown": True,
    }
    receiver.on("/h", Reply(200, {"identity": change, "more": 1}))
    ann = Caller(begin(after("registration", "password", hook("/h", response={"parse": True}), SESSION)), "app")
    identity = sign_up(ann).json()["identity"]
    stored = people(ann.server)[0]
    assert stored["id"] == identity["id"] != change["id"]
    assert stored["traits"] == {"email": "New@Example.org", "name": "By hook"}
    assert (stored["metadata_public"], stored["metadata_admin"]) == ({"tier": 1}, {"risk": 0.5})
    assert stored["external_id"] == "e-1"
    assert [(a["value"], a["verified"], a["status"]) for a in stored["verifiable_addresses"]] == [
        ("new@example.org", True, "completed")
    ]
    assert "metadata_admin" not in identity
    assert sign_in(ann.server, email="new@example.org").is_signed_in


@pytest.mark.parametrize("status", [201, 202, 204, 302])
def test_only_an_answer_of_200_changes_anybody(begin: Begin, hook: Hook, receiver: Receiver, status: int) -> None:
    receiver.on("/h", Reply(status, None if status == 204 else {"identity": {"traits": {"email": "new@example.org"}}}))
    ann = Caller(begin(after("registration", "password", hook("/h", response={"parse": True}), SESSION)), "app")
    assert sign_up(ann).json()["identity"]["traits"] == {"email": ANN}


UNFIT: list[tuple[Any, set[int]]] = [
    ({"traits": {"email": "not an address"}}, {4000040, 4000001}),
    ({"traits": {}}, {4000002}),
    ({"traits": []}, {4000026}),
    ({"traits": None}, {4000026}),
    ({"traits": {"email": ANN, "deep": None}, "schema_id": "nowhere"}, {4000001}),
]


@pytest.mark.parametrize(("change", "ids"), UNFIT)
def test_a_change_has_to_fit_the_schema(
    begin: Begin, hook: Hook, receiver: Receiver, change: Any, ids: set[int]
) -> None:
    receiver.on("/h", Reply(200, {"identity": change}))
    ann = Caller(begin(after("registration", "password", hook("/h", response={"parse": True}), SESSION)), "app")
    assert sign_up(ann).status_code == 400
    assert told(ann.shown("registration")) == ids
    assert people(ann.server) == []


MISSHAPEN = [
    None, b"", b"{", [], "text", {"identity": 5}, {"identity": []}, {"identity": {"external_id": 5}},
    {"identity": {"schema_id": 1}}, {"identity": {"verifiable_addresses": "x"}}, {"identity": {"recovery_addresses": [5]}},
]  # fmt: skip


@pytest.mark.parametrize("body", MISSHAPEN, ids=range(len(MISSHAPEN)))
def test_a_misshapen_change_is_a_fault(begin: Begin, hook: Hook, receiver: Receiver, body: Any) -> None:
    receiver.on("/h", Reply(200, body))
    ann = Caller(begin(after("registration", "password", hook("/h", response={"parse": True}), SESSION)), "app")
    answer = sign_up(ann)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 500)
    assert people(ann.server) == []


@everybody
@pytest.mark.parametrize("state", ["inactive", "odd"])
def test_who_has_to_wait_exists_and_is_not_signed_in(
    begin: Begin, hook: Hook, receiver: Receiver, kind: Kind, state: str
) -> None:
    receiver.on("/h", Reply(200, {"identity": {"state": state}}))
    ann = Caller(begin(after("registration", "password", hook("/h", response={"parse": True}), SESSION)), kind)
    sign_up(ann)
    assert told(ann.shown("registration")) == {4010011}
    assert not ann.is_signed_in
    assert [p["state"] for p in people(ann.server)] == ["inactive"]
    assert not sign_in(ann.server).is_signed_in


def test_a_change_in_the_settings(begin: Begin, hook: Hook, receiver: Receiver) -> None:
    receiver.on(
        "/h", Reply(200, {"identity": {"metadata_public": {"seen": True}, "traits": {"email": ANN, "name": "Z"}}})
    )
    ann = Caller(begin(after("settings", "profile", hook("/h", response={"parse": True}))), "app")
    ann.sign_up()
    ann.submit(ann.start("settings"), method="profile", traits={"email": ANN, "name": "A"})
    seen = ann.whoami()["identity"]
    assert (seen["traits"], seen["metadata_public"]) == ({"email": ANN, "name": "Z"}, {"seen": True})


def test_a_change_at_a_sign_in_is_shown_and_not_stored(begin: Begin, hook: Hook, receiver: Receiver) -> None:
    receiver.on("/h", Reply(200, {"identity": {"traits": {"email": "other@example.org"}, "state": "inactive"}}))
    server = begin(after("login", "", hook("/h", response={"parse": True})))
    Caller(server, "app").sign_up()
    ann = sign_in(server)
    assert ann.last.json()["session"]["identity"]["traits"] == {"email": "other@example.org"}
    assert ann.whoami()["identity"]["traits"] == {"email": ANN}


def test_there_is_nobody_to_change_before_a_flow(begin: Begin, hook: Hook, receiver: Receiver) -> None:
    receiver.on("/h", Reply(200, {"identity": {"traits": {}}}), Reply(200, {"identity": {}}), Reply(200, {}))
    ann = Caller(begin({"login": {"before": {"hooks": [hook("/h", response={"parse": True})]}}}), "script")
    assert [ann.get("self-service/login/browser").status_code for _ in range(3)] == [500, 200, 200]


# --- failing -----------------------------------------------------------------------------------------------------------------


@everybody
def test_a_failing_hook_fails_the_sign_in(begin: Begin, hook: Hook, receiver: Receiver, kind: Kind) -> None:
    receiver.on("/h", Reply(404, refusal()))  # which counts only where it may interrupt
    server = begin(after("login", "", hook("/h")))
    Caller(server, "app").sign_up()
    ann = sign_in(server, kind)
    if kind == "page":
        assert "/ui/error?id=" in ann.last.headers["location"]
    else:
        assert (ann.last.status_code, ann.last.json()["error"]["code"]) == (502, 502)
    assert not ann.is_signed_in


@everybody
def test_who_signed_up_when_a_hook_failed_is_told_to_sign_in(
    begin: Begin, hook: Hook, receiver: Receiver, kind: Kind
) -> None:
    receiver.on("/h", Reply(404), Reply(200))
    ann = Caller(begin(after("registration", "password", hook("/h"), SESSION)), kind)
    answer = sign_up(ann)
    if kind == "page":
        error = ann.http.get(
            f"{ann.server.public}self-service/errors",
            params={"id": answer.headers["location"].rpartition("=")[2]},
            headers=JSON,
        ).json()["error"]
    else:
        error = answer.json()["error"]
    assert error["code"] == 502
    assert error["message"].endswith("The account exists all the same: sign in to it.")
    assert not ann.is_signed_in
    assert sign_in(ann.server).is_signed_in


def test_a_change_that_is_stored_is_told_so_when_a_hook_fails(begin: Begin, hook: Hook, receiver: Receiver) -> None:
    receiver.on("/h", Reply(404))
    ann = Caller(begin(after("settings", "profile", hook("/h"))), "app")
    ann.sign_up()
    answer = ann.submit(ann.start("settings"), method="profile", traits={"email": ANN, "name": "A"})
    assert answer.status_code == 502
    assert answer.json()["error"]["message"].endswith("Your change was saved all the same.")
    assert ann.whoami()["identity"]["traits"]["name"] == "A"


BROKEN = [
    "function(ctx) {",
    "function(ctx) ctx.nobody.knows",
    "function(ctx) error 'no'",
    "function(ctx) importstr '/etc/passwd'",
    "function(other) {}",
]


@pytest.mark.parametrize("snippet", BROKEN)
def test_a_broken_template_fails_the_flow_and_calls_nobody(
    begin: Begin, hook: Hook, receiver: Receiver, snippet: str
) -> None:
    server = begin(after("login", "", hook("/h", snippet)))
    Caller(server, "app").sign_up()
    answer = sign_in(server).last
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 500)
    assert "nobody" not in answer.text
    assert receiver.calls == []


@pytest.mark.parametrize(
    "config",
    [
        {"body": "file:///nowhere/at/all.jsonnet"},
        {"headers": {"Content-Type": "text/plain"}},
        {"url": "http://127.0.0.1:1/"},
        {"url": "http://no.such.host.invalid/"},
    ],
)
@pytest.mark.slow
def test_what_cannot_be_called_fails_the_flow(begin: Begin, hook: Hook, receiver: Receiver, config: Any) -> None:
    server = begin(after("login", "", hook("/h", **config)))
    Caller(server, "app").sign_up()
    answer = sign_in(server).last
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 500)
    assert "127.0.0.1" not in answer.text  # where hooks are is the operator's business


@pytest.mark.slow
def test_a_busy_receiver_is_asked_three_times(begin: Begin, hook: Hook, receiver: Receiver) -> None:
    receiver.on("/h", Reply(503), Reply(500), Reply(200))
    server = begin(after("login", "", hook("/h")))
    Caller(server, "app").sign_up()
    assert sign_in(server).is_signed_in
    attempts = [call.headers["ory-webhook-request-id"] for call in receiver.calls]
    assert len(set(attempts)) == 3
    assert len({call.headers["ory-webhook-trigger-id"] for call in receiver.calls}) == 1
    assert len({call.body for call in receiver.calls}) == 1


def test_a_huge_answer_hurts_only_where_it_is_read(begin: Begin, hook: Hook, receiver: Receiver) -> None:
    huge = Reply(200, b'{"identity": {"metadata_public": "' + b"x" * 6_000_000 + b'"}}')
    receiver.on("/told", huge)
    receiver.on("/parsed", huge)
    server = begin(
        after("login", "", hook("/told")) | after("settings", "profile", hook("/parsed", response={"parse": True}))
    )
    Caller(server, "app").sign_up()
    ann = sign_in(server)
    assert ann.is_signed_in
    answer = ann.submit(ann.start("settings"), method="profile", traits={"email": ANN, "name": "A"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 500)
