"""The description of the API: it has every route, and the names that clients generated for Kratos know."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from limen import __version__
from limen.http import openapi
from limen.http.kit import Routes
from limen.http.public import FLOWS
from tests.support.server import LiveServer

REFERENCE = json.loads((Path(__file__).parents[1] / "reference/api.json").read_text("utf-8"))
DOCUMENT = openapi.document("https://id.example.org/", "http://127.0.0.1:4434/")
OPERATIONS = {
    operation["operationId"]: (method.upper(), path, operation)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
    if method != "servers"
}
# What Kratos' document has and Limen does not serve.
NOT_SERVED = {
    "createFedcmFlow", "updateFedcmFlow", "createTestLoginFlow", "deleteTestLoginFlow",
}  # fmt: skip
# Parameters that only Limen has stand behind Kratos': clients that pass them by position keep working.
OURS = {
    "listIdentities": [
        "search", "state", "schema_id", "created_after", "verified", "has_credential", "sort", "include",
    ],
    "getIdentity": ["include"],
    "getIdentityByExternalID": ["include"],
}  # fmt: skip


def bare(path: str) -> str:
    """A path without the names of its parameters."""
    return re.sub(r"\{\w+\}", "{}", path)


def described() -> set[tuple[str, str]]:
    return {(method, bare(path)) for method, path, _ in OPERATIONS.values()}


def served(routes: Routes, *, but: tuple[str, ...]) -> set[tuple[str, str]]:
    return {(method, bare(path)) for method, path in routes.all() if not path.startswith(but)}


def test_every_operation_of_kratos_is_described() -> None:
    assert REFERENCE["operations"].keys() - OPERATIONS.keys() <= NOT_SERVED


OWN = {  # not Kratos'
    "updateLoginFlowWithLinkMethod", "trustedDevice", "listMyTrustedDevices", "forgetMyTrustedDevice",
    "listTraces", "getTraces", "trace", "traceFlow", "traceCause",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(OPERATIONS.keys() - OWN))
def test_an_operation_is_as_clients_know_it(name: str) -> None:
    known = REFERENCE["operations"][name]
    method, path, operation = OPERATIONS[name]
    assert (method, path, operation["tags"]) == (known["method"], known["path"], [known["tag"]])
    parameters = [[p["name"], p["in"], p.get("required", False)] for p in operation.get("parameters", [])]
    ours = OURS.get(name, [])
    assert parameters == [*known["parameters"], *([parameter, "query", False] for parameter in ours)]
    body = operation.get("requestBody", {}).get("content", {})
    assert sorted(body) == known["kinds"]
    assert {kind_of(media["schema"]) for media in body.values()} == ({known["body"]} if known["body"] else set())


@pytest.mark.parametrize("name", sorted(OPERATIONS.keys() - OWN))
def test_an_answer_is_as_clients_know_it(name: str) -> None:
    ours = OPERATIONS[name][2]["responses"]
    for status, schema in REFERENCE["operations"][name]["answers"].items():
        if name in ("isReady", "isAlive") and status != "200":
            continue  # Kratos' server does not answer what its document says either
        content = ours[status].get("content", {})
        found = next(iter(content.values()))["schema"] if content else None
        if schema is None or found is None:
            assert schema is found, status
        elif schema != "object":
            assert schema in {kind_of(one) for one in found.get("anyOf", [found])} or is_list(schema, found), status


def is_list(name: str, schema: Any) -> bool:
    """Kratos names some lists: what they are lists of is what counts."""
    return bool(REFERENCE["schemas"].get(name, {}).get("type") == kind_of(schema))


def kind_of(schema: Any) -> str:
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:  # or null
        return kind_of(schema["anyOf"][0])
    kind = schema.get("type", "any")
    kind = kind[0] if isinstance(kind, list) else kind
    return kind_of(schema.get("items", {})) + "[]" if kind == "array" else kind


# Where what is sent is not what Kratos' document says.
TRUER = {
    ("errorBrowserLocationChangeRequired", "error"): "genericError",
    ("identityPatchResponse", "error"): "any",
    ("verificationFlow", "state"): "any",
}


@pytest.mark.parametrize("name", sorted(DOCUMENT["components"]["schemas"].keys() - OWN))
def test_a_component_is_as_clients_know_it(name: str) -> None:
    ours, known = DOCUMENT["components"]["schemas"][name], REFERENCE["schemas"].get(name)
    assert known is not None, "neither a name that clients know nor in OWN"
    if "oneOf" in known:
        assert {kind_of(one) for one in ours["oneOf"]} - OWN <= set(known["oneOf"])
        return
    if "properties" not in known:
        assert kind_of(ours) in (known["type"], "any")
        assert ours.get("enum", known.get("enum")) == known.get("enum")
        return
    assert sorted(ours.get("required", [])) == known["required"]
    for field, kind in known["properties"].items():
        if (name, field) == ("loginFlow", "test_context"):
            continue  # of a flow that Limen does not have
        assert field in ours["properties"], field
        assert kind_of(ours["properties"][field]) == TRUER.get((name, field), kind), field


def test_every_route_is_described(server: LiveServer) -> None:
    site = (
        "/openapi.json",
        "/admin/openapi.json",
        "/ui",
        "/admin/health",
        "/admin/metrics",
        "/self-service/methods/oidc/callback",
        "/self-service/methods/oidc/organization",
    )  # what no client calls: pages, and where providers send people
    public = served(server.app.public.routes, but=site)
    redirects = {(m, p) for m, p in public if p.startswith(("/admin", "/identities", "/recovery", "/courier"))}
    links = {("GET", f"/self-service/{kind}") for kind in FLOWS} | {("*", "/sessions/whoami")}
    admin = {(m, p.replace("/admin/version", "/version")) for m, p in served(server.app.admin.routes, but=site)}
    asked = {("GET", "/sessions/whoami"), *public}
    admin -= {(m, "/admin" + p) for m, p in asked} - described()  # asked of the wrong port
    found = (public - redirects - links - {("GET", "/")}) | admin
    assert found == described() - {("GET", "/sessions/whoami")}


def test_both_ports_serve_it(server: LiveServer) -> None:
    public = httpx.get(server.public + "openapi.json")
    assert public.headers["content-type"] == "application/json"
    assert "set-cookie" not in public.headers
    assert public.json()["info"]["version"] == __version__
    assert public.json()["servers"] == [{"url": server.public.rstrip("/")}]
    assert not any(path.startswith("/admin") for path in public.json()["paths"])
    for path in ("openapi.json", "admin/openapi.json"):
        admin = httpx.get(server.admin + path).json()
        assert admin["paths"]["/admin/identities"]["servers"] == [{"url": server.admin.rstrip("/")}]
        assert admin["paths"]["/self-service/login"]["servers"] == [{"url": server.public.rstrip("/")}]
