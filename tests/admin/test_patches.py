"""JSON Patch: what its paths name, and what is made on the way."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.support.operators import Operator
from tests.support.server import LiveServer


def patched(server: LiveServer, id_: str, op: str, path: str, value: Any) -> httpx.Response:
    body = [{"op": op, "path": path, "value": value}]
    return httpx.patch(f"{server.admin}admin/identities/{id_}", json=body)


def test_members_are_named_in_any_case(server: LiveServer) -> None:
    id_ = Operator(server).person(traits={"email": "ann@example.org", "name": "Ann"})["id"]
    after = patched(server, id_, "replace", "/Traits/email", "eve@example.org").json()
    assert after["traits"] == {"email": "eve@example.org", "name": "Ann"}
    assert [a["value"] for a in after["verifiable_addresses"]] == ["eve@example.org"]
    assert patched(server, id_, "replace", "/State", "inactive").json()["state"] == "inactive"
    assert patched(server, id_, "replace", "/ID", id_).status_code == 400
    assert patched(server, id_, "replace", "", {}).status_code == 400


MADE = [
    ("add", "/metadata_public/a/-", [1]),
    ("replace", "/metadata_public/a/x", {"x": 1}),
    ("add", "/metadata_public/a/2", [None, None, 1]),
    ("add", "/metadata_public/a/-1", [1]),
    ("add", "/metadata_public/a/1/x", [None, {"x": 1}]),
]


@pytest.mark.parametrize(("op", "path", "expected"), MADE)
def test_missing_parents_are_made_as_the_path_says(server: LiveServer, op: str, path: str, expected: Any) -> None:
    id_ = Operator(server).person()["id"]
    assert patched(server, id_, op, path, 1).json()["metadata_public"] == {"a": expected}


@pytest.mark.parametrize("path", ["/metadata_public/a/0", "/metadata_public/a/-", "/metadata_public/b/7"])
def test_an_item_that_is_not_there_is_not_replaced(server: LiveServer, path: str) -> None:
    id_ = Operator(server).person(metadata_public={"a": []})["id"]
    assert patched(server, id_, "replace", path, 1).status_code == 400


def test_a_patch_does_not_make_endless_lists(server: LiveServer) -> None:
    id_ = Operator(server).person()["id"]
    assert patched(server, id_, "add", "/metadata_public/a/99999999", 1).status_code == 400
