"""The description of the API (OpenAPI 3.1), served by both ports at `/openapi.json`.

The public port describes itself, the admin port describes both. Every name is the one that Kratos' document has, so that
clients generated from either fit both servers.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec

from limen import __version__
from limen.http.kit import Answer, Call
from limen.http.openapi import admin, answers, bodies, public
from limen.http.openapi.operation import JSON, Operation
from limen.http.openapi.shape import Schema

PATH = "/openapi.json"
_TAGS = {
    "frontend": "What people do for themselves, in browsers and apps",
    "identity": "What operators do: people, their sessions, identity schemas",
    "courier": "Messages that were sent, and are to be sent",
    "metadata": "The server itself",
}


def document(public_url: str, admin_url: str = "") -> dict[str, Any]:
    """The description of the public port, or with `admin_url` of both."""
    operations: list[tuple[Operation, str]] = [(operation, public_url) for operation in public.OPERATIONS]
    operations += [(operation, admin_url) for operation in admin.OPERATIONS] if admin_url else []
    paths: dict[str, Any] = {}
    for operation, url in operations:
        entry = paths.setdefault(operation.path, {"servers": [{"url": url.rstrip("/")}]} if admin_url else {})
        entry[operation.method.lower()] = operation.document()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Limen",
            "version": __version__,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": (admin_url or public_url).rstrip("/")}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "paths": paths,
        "components": {"schemas": _used(paths)},
    }


def _used(paths: dict[str, Any]) -> dict[str, Schema]:
    """The components that these paths need, by name."""
    known = {**answers.SCHEMAS, **bodies.SCHEMAS}
    wanted, found = _names(paths), set[str]()
    while wanted - found:
        name = min(wanted - found)
        found.add(name)
        wanted |= _names(known[name])
    return {name: known[name] for name in sorted(found)}


def _names(part: Any) -> set[str]:
    if isinstance(part, dict):
        own = {part["$ref"].rpartition("/")[2]} if isinstance(part.get("$ref"), str) else set[str]()
        return own.union(*(_names(inner) for inner in part.values()))
    return set[str]().union(*(_names(inner) for inner in part)) if isinstance(part, list) else set()


@lru_cache(maxsize=8)
def _written(public_url: str, admin_url: str) -> bytes:
    return msgspec.json.encode(document(public_url, admin_url))


async def of_public(call: Call) -> Answer:
    return Answer(200, _written(call.site.project.public_url, ""), [("content-type", JSON)])


async def of_both(call: Call) -> Answer:
    project = call.site.project
    return Answer(200, _written(project.public_url, project.admin_url), [("content-type", JSON)])
