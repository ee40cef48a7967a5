"""Many people at once: what is wrong with one is told of that one, in order; limits; and what happens all at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.callers import Caller
from tests.support.operators import Operator
from tests.support.server import LiveServer

CONFLICT = {"code": 409, "status": "Conflict"}


def person(email: Any, **more: Any) -> dict[str, Any]:
    return {"traits": {"email": email}, **more}


def outcome(answer: dict[str, Any] | None) -> object:
    """`create`, or the code of the error."""
    return answer and (answer.get("error", {}).get("code") or answer["action"])


def test_each_has_its_own_result_in_the_order_given(server: LiveServer) -> None:
    operator = Operator(server)
    operator.person("taken@example.org")
    answer = operator.batch(
        person("a@example.org"), person("taken@example.org"), person(5), None, person("b@example.org", schema_id="none"),
        person("same@example.org"), person("same@example.org"), person("c@example.org", external_id="x"),
        person("d@example.org", external_id="x"),
    )  # fmt: skip
    assert answer.status_code == 200
    results = answer.json()["identities"]
    assert [outcome(one) for one in results] == ["create", 409, 400, None, 400, "create", 409, "create", 409]
    assert results[1] == {"action": "error", "error": {**CONFLICT, "message": results[1]["error"]["message"]}}
    stored = {p["id"]: p["traits"]["email"] for p in operator.get("identities")}
    assert stored[results[0]["identity"]] == "a@example.org"
    assert sorted(stored.values()) == ["a@example.org", "c@example.org", "same@example.org", "taken@example.org"]


def test_the_names_of_the_patches_come_back(server: LiveServer) -> None:
    id_ = "A0000000-1111-4111-8111-111111111111"
    body = {"identities": [{"create": person("a@example.org"), "patch_id": id_}]}
    answer = Operator(server).http.patch("admin/identities", json=body)
    assert answer.json()["identities"][0]["patch_id"] == id_.lower()


@pytest.mark.parametrize(
    "wrong",
    [{"state": "odd"}, {"region": "mars"}, {"credentials": {"password": {"config": {"hashed_password": "x"}}}}],
)
def test_what_was_never_meant_to_be_sent_refuses_all(server: LiveServer, wrong: dict[str, Any]) -> None:
    operator = Operator(server)
    answer = operator.batch(person("a@example.org"), person("b@example.org", **wrong))
    assert answer.status_code == 400
    assert operator.get("identities") == []


def test_a_single_clash_is_the_answer_itself(server: LiveServer) -> None:
    operator = Operator(server)
    operator.person()
    answer = operator.batch(person("ann@example.org"))
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == 409


def test_a_thousand_fit_and_one_more_does_not(server: LiveServer) -> None:
    operator = Operator(server)
    operator.person("person500@example.org")
    thousand = [person(f"person{n}@example.org") for n in range(1000)]
    assert operator.batch(*thousand, person("one.more@example.org")).status_code == 400
    results = operator.batch(*thousand).json()["identities"]
    assert [n for n, one in enumerate(results) if one["action"] != "create"] == [500]
    total = operator.http.get("admin/identities", params={"page": 0, "per_page": 1}).headers["x-total-count"]
    assert total == "1000"


def test_passwords_to_hash_are_limited_to_200(server: LiveServer) -> None:
    operator = Operator(server)
    clear = {"credentials": {"password": {"config": {"password": "correct-horse-1"}}}}
    many = [person(f"person{n}@example.org", **clear) for n in range(201)]
    assert operator.batch(*many).status_code == 400
    assert operator.batch(*many[:20]).status_code == 200
    assert Caller(server, "app").sign_in("person19@example.org", "correct-horse-1").status_code == 200


@pytest.mark.parametrize(
    "body",
    ["", "[", "[]", "7", '{"identities": 5}', '{"identities": [5]}', '{"identities": [{"create": 5}]}', '{"other": []}',
     '{"identities": [{"create": {"id": "x"}}]}', '{"identities": [{"patch_id": "x"}]}'],
)  # fmt: skip
def test_a_body_that_is_none(server: LiveServer, body: str) -> None:
    """The status and the code in the body differ, as in Kratos."""
    answer = Operator(server).http.patch("admin/identities", content=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 500)


def test_two_batches_at_once_store_everybody_once(server: LiveServer) -> None:
    def send(_: int) -> list[object]:
        people = [person(f"person{n}@example.org") for n in range(60)]
        return [outcome(one) for one in Operator(server).batch(*people).json()["identities"]]

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(send, range(4)))
    for each in zip(*results, strict=True):
        assert sorted(each, key=str) == [409, 409, 409, "create"]
