"""Every answer of the recorded conversations is described: its status, and each field of its body.

The replay holds Limen to the recordings; this holds the description to them, and so to what Limen answers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema_rs
import pytest

from limen.http import openapi

GOLDEN = sorted((Path(__file__).parents[1] / "conversations/golden").glob("*.json"))
DOCUMENT = openapi.document("https://id.example.org/", "http://127.0.0.1:4434/")
# Kratos answers these with what its own document does not have either; Limen answers them otherwise.
MENDED = {("oauth2.signed_in", 5), ("registration.usernames", 4)}
OPEN = ("JSONRawMessage", "identitySchema", "identityTraits", "nullJsonRawMessage")


def closed(schema: Any) -> Any:
    """The same without room for fields nobody described, and without formats: the recordings have names for values."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: closed(value) for key, value in schema.items() if key not in ("format", "discriminator")}
    if "properties" in kept and isinstance(kept.get("type"), str):
        kept["additionalProperties"] = False
    return kept


def sent(value: Any) -> Any:
    """The recordings have names for numbers that differ each time, and show what is inside of some texts."""
    if isinstance(value, dict):
        if "<call>" in value or "<json in a string>" in value:
            return "text"
        return {key: sent(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [sent(inner) for inner in value]
    return 0 if value in ("<number>", "<unix>") else value


COMPONENTS = {"schemas": closed(DOCUMENT["components"]["schemas"])}


def operation(method: str, url: str) -> dict[str, Any] | None:
    """What the description has for a recorded request."""
    path = urlsplit(url.removeprefix("admin:")).path
    for template, item in DOCUMENT["paths"].items():
        if template.startswith(("/admin", "/version")) is not url.startswith("admin:"):
            continue  # what comes to the wrong port is redirected
        if method.lower() in item and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
            return dict(item[method.lower()])
    return None


def exchanges(file: Path) -> Iterator[tuple[int, dict[str, Any], dict[str, Any]]]:
    recorded = json.loads(file.read_text("utf-8"))
    for number, step in enumerate(recorded["steps"]):
        if "note" in step or (recorded["scenario"], number) in MENDED:
            continue
        if step["response"]["status"] >= 500:
            continue  # what Kratos cannot do, Limen does
        found = operation(step["request"]["method"], step["request"]["url"])
        if found is not None:
            yield number, found, step["response"]


@pytest.mark.parametrize("file", GOLDEN, ids=lambda file: file.stem)
def test_recorded_answers_are_described(file: Path) -> None:
    missing = []
    for number, described, answer in exchanges(file):
        where = f"step {number}, {described['operationId']} {answer['status']}"
        response = described["responses"].get(str(answer["status"]))
        if response is None:
            missing.append(f"{where}: this status is not described")
            continue
        if "json" not in answer["headers"].get("content-type", "") or answer["status"] == 204:
            continue
        if "content" not in response:
            missing.append(f"{where}: this body is not described: {answer['body']}")
            continue
        schema = closed(response["content"]["application/json"]["schema"])
        validator = jsonschema_rs.Draft202012Validator({**schema, "components": COMPONENTS})
        missing += [
            f"{where}: {error.instance_path} {error.message[:200]}"
            for error in validator.iter_errors(sent(answer["body"]))
        ]
    assert missing == []


def test_enough_was_compared() -> None:
    assert sum(1 for file in GOLDEN for _ in exchanges(file)) > 1000
