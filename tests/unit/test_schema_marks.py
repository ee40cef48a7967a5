"""A schema that is a tree of objects is read without the validator's help, and comes to the same."""

from __future__ import annotations

import time
import uuid
from typing import Any

import msgspec
import pytest

from limen.core.errors import FormError
from limen.core.ids import new_id
from limen.core.schema import IdentitySchema

PASSWORD = {"credentials": {"password": {"identifier": True}}}
CODE = {"credentials": {"code": {"identifier": True, "via": "email"}}, "verification": {"via": "email"}}
PHONE = {"verification": {"via": "sms"}, "recovery": {"via": "sms"}}


def document(**more: Any) -> dict[str, Any]:
    text = {"type": "string"}
    return {
        "type": "object",
        "properties": {
            "traits": {
                "type": "object",
                "properties": {
                    "second": {**text, "format": "email", "ory.sh/kratos": CODE},
                    "first": {**text, "ory.sh/kratos": PASSWORD},
                    "a/b~c": {
                        "type": "object",
                        "properties": {"phone": {**text, "format": "tel", "ory.sh/kratos": PHONE}},
                    },
                    "third": {**text, "format": "email", "ory.sh/kratos": {**CODE, "recovery": {"via": "email"}}},
                },
                **more,
            }
        },
    }


TRAITS = (
    {},
    {"first": "Ann", "second": "B@Example.org"},
    {"third": "c@example.org", "second": "b@example.org", "first": "x", "a/b~c": {"phone": "+49 1511 2345678"}},
    {"a/b~c": {}, "third": "c@example.org", "unknown": {"first": "y"}},
    {"first": 7},
    {"a/b~c": {"phone": "none"}},
)


@pytest.mark.parametrize("traits", TRAITS)
def test_the_short_way_comes_to_the_same(traits: dict[str, Any]) -> None:
    found = []
    for more in ({}, {"allOf": [{}]}):  # a schema that chooses goes the long way
        schema = IdentitySchema("x", msgspec.json.encode(document(**more)))
        try:
            found.append(msgspec.to_builtins(schema.extract(msgspec.json.decode(msgspec.json.encode(traits)))))
        except FormError as error:
            found.append([(message.id, place) for message, place in error.told])
    assert found[0] == found[1]


def test_an_id_is_a_uuid_of_its_moment_and_nobody_elses() -> None:
    before = time.time_ns() // 1_000_000
    made = [new_id() for _ in range(2000)]
    moments = [int(one.replace("-", "")[:12], 16) for one in made]
    assert moments == sorted(moments)
    assert before <= moments[0] <= moments[-1] <= time.time_ns() // 1_000_000
    assert len({one.replace("-", "")[13:] for one in made}) == len(made)
    assert len(set(made)) == len(made)
    assert {(one.version, one.variant) for one in map(uuid.UUID, made)} == {(7, uuid.RFC_4122)}
    assert made == [str(uuid.UUID(one)) for one in made]
