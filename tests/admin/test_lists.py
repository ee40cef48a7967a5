"""Lists: everybody once, whichever way one pages; filters by themselves; and parameters nobody should send."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.support.operators import Operator, links
from tests.support.server import LiveServer

NAMES = tuple(f"person{n}@example.org" for n in range(7))


@pytest.fixture
def operator(server: LiveServer) -> Operator:
    operator = Operator(server)
    operator.batch(*({"traits": {"email": name}} for name in NAMES))
    return operator


def emails(people: list[dict[str, Any]]) -> list[str]:
    return sorted(person["traits"]["email"] for person in people)


def walk(operator: Operator, path: str, rel: str = "next") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while path:
        answer = operator.http.get(path)
        assert answer.status_code == 200, answer.text
        found += answer.json()
        path = links(answer).get(rel, "")
    return found


@pytest.mark.parametrize(
    "path", ["page_size=2", "per_page=2", "page_size=7", "page=0&per_page=3", "page_size=2&consistency=eventual"]
)
def test_every_way_to_page_shows_everybody_once(operator: Operator, path: str) -> None:
    assert emails(walk(operator, f"admin/identities?{path}")) == list(NAMES)


def test_pages_by_number_count_and_end_at_a_thousand(operator: Operator) -> None:
    middle = operator.http.get("admin/identities?page=1&per_page=3")
    assert (len(middle.json()), middle.headers["x-total-count"]) == (3, "7")
    assert {rel: url.split("?")[1] for rel, url in links(middle).items()} == {
        "first": "page=0&per_page=3", "next": "page=2&per_page=3", "prev": "page=0&per_page=3", "last": "page=2&per_page=3",
    }  # fmt: skip
    assert operator.http.get("admin/identities?page=11&per_page=100").status_code == 400
    assert operator.http.get("admin/identities?page=10&per_page=100").json() == []


def test_filters(operator: Operator) -> None:
    one = operator.get("identities", credentials_identifier="PERSON3@example.org")
    assert emails(one) == [NAMES[3]]
    assert "credentials" in one[0]
    similar = operator.get("identities", preview_credentials_identifier_similar="person")
    assert emails(similar) == list(NAMES)
    assert operator.get("identities", preview_credentials_identifier_similar="erson") == []
    assert operator.get("identities", preview_credentials_identifier_similar="%") == []
    ids = [one[0]["id"], str(uuid.uuid4()), one[0]["id"].upper()]
    assert emails(operator.get("identities", ids=ids)) == [NAMES[3]]
    assert operator.get("identities", credentials_identifier="nobody@example.org") == []


def test_many_ids_are_one_list(operator: Operator) -> None:
    ids = [person["id"] for person in operator.get("identities")] + [str(uuid.uuid4()) for _ in range(493)]
    assert emails(operator.get("identities", ids=ids)) == list(NAMES)
    assert operator.http.get("admin/identities", params={"ids": [*ids, ids[0]]}).status_code == 400


@pytest.mark.parametrize(
    "query",
    ["page_size=x", "page_token=x", "ids=", "ids=x", "organization_id=x", "include_credential=x", "page=9&per_page=500",
     f"ids={uuid.UUID(int=1)}&credentials_identifier=a", "page_size=2&page_token=' or 1=1 --"],
)  # fmt: skip
def test_what_cannot_be_asked(operator: Operator, query: str) -> None:
    answer = operator.http.get(f"admin/identities?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == 400


@pytest.mark.parametrize(
    "query", ["page_size=0", "page_size=-3", "page_size=501", "page_size=99999999999999999999", "unknown=1"]
)
def test_what_makes_no_sense_is_the_default(operator: Operator, query: str) -> None:
    assert len(operator.http.get(f"admin/identities?{query}").json()) == len(NAMES)


def test_people_of_an_organization(operator: Operator) -> None:
    id_ = str(uuid.uuid4())
    operator.create("member@example.org", organization_id=id_)
    assert emails(operator.get("identities", organization_id=id_)) == ["member@example.org"]
    assert operator.get("identities", organization_id=str(uuid.uuid4())) == []


def test_external_ids_find_one_person(operator: Operator) -> None:
    ann = operator.create("ann@example.org", external_id="crm/17 ü").json()
    assert operator.http.get("admin/identities/by/external/crm%2F17%20%C3%BC").json()["id"] == ann["id"]
    assert operator.http.get("admin/identities/by/external/other").status_code == 404
    assert operator.create("ben@example.org", external_id="crm/17 ü").status_code == 409
    cleared = operator.http.patch(
        f"admin/identities/{ann['id']}", json=[{"op": "replace", "path": "/external_id", "value": ""}]
    )
    assert "external_id" not in cleared.json()
    assert operator.create("ben@example.org", external_id="crm/17 ü").status_code == 201
