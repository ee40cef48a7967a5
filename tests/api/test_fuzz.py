"""Whatever a caller sends that the description allows, or does not allow, gets an answer that is described, and never a 500."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.openapi import from_dict
from schemathesis.specs.openapi import checks

from tests.conftest import Start
from tests.support.callers import Caller
from tests.support.server import PATIENCE, LiveServer

CHECKS = [
    not_a_server_error, checks.status_code_conformance, checks.content_type_conformance, checks.response_schema_conformance,
]  # fmt: skip
EXAMPLES = 8
WIDE: dict[str, Any] = {
    "selfservice": {
        "flows": {"recovery": {"enabled": True}, "verification": {"enabled": True}},
        "methods": {
            "code": {"enabled": True, "passwordless_enabled": True},
            "link": {"enabled": True},
            "totp": {"enabled": True},
            "lookup_secret": {"enabled": True},
            "webauthn": {
                "enabled": True,
                "config": {"passwordless": True, "rp": {"id": "localhost", "display_name": "x"}},
            },
            "passkey": {"enabled": True, "config": {"rp": {"id": "localhost", "display_name": "x"}}},
        },
    },
    "courier": {"smtp": {"connection_uri": "smtp://127.0.0.1:1/?disable_starttls=true"}},
}


class World:
    """A server with one person in it, and the means to name what is there."""

    def __init__(self, live: LiveServer) -> None:
        self.live = live
        self.ann = Caller(live, "app")
        self.id = str(self.ann.sign_up()["id"])
        self.session = str(self.ann.whoami()["id"])
        self.http = requests.Session()

    def flow(self, kind: str) -> str:
        headers = {"x-session-token": self.ann.token} if kind == "settings" else {}
        answer = httpx.get(f"{self.live.public}self-service/{kind}/api", headers=headers)
        return str(answer.json()["id"])

    def named(self, path: str) -> str:
        """What an id at this place may name."""
        if path.startswith("/self-service/") and "/errors" not in path:
            return self.flow(path.split("/")[2])
        return self.session if "/sessions" in path and "identities" not in path else self.id


def strict(document: dict[str, Any]) -> dict[str, Any]:
    """The description without its answer for everything else: each status has to be named."""
    for item in document["paths"].values():
        item.pop("servers", None)
        for operation in item.values():
            del operation["responses"]["default"]
    return document


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestWarning")
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["right", "wrong"])
@pytest.mark.parametrize("port", ["public", "admin"])
def test_whatever_is_sent(start: Start, port: str, mode: GenerationMode) -> None:
    world = World(start(WIDE))
    base = getattr(world.live, port)
    document = strict(httpx.get(base + "openapi.json").json())
    document["paths"] = {
        path: item
        for path, item in document["paths"].items()
        if port == "public" or path.startswith(("/admin", "/version"))
    }
    for result in from_dict(document).get_all_operations():
        operation = result.ok()
        with contextlib.suppress(Unsatisfiable):  # nothing about this one can be wrong
            _everything(world, operation, mode, base.rstrip("/"))()


def _everything(world: World, operation: Any, mode: GenerationMode, base: str) -> Callable[[], None]:
    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode), known=st.booleans(), signed_in=st.booleans())
    def send(case: schemathesis.Case, known: bool, signed_in: bool) -> None:
        if known:
            for name, values in (("flow", case.query), ("id", case.query), ("id", case.path_parameters)):
                if values and name in values:
                    values[name] = world.named(operation.path)
        headers = {"X-Session-Token": world.ann.token} if signed_in else {}
        answer = case.call(base_url=base, session=world.http, headers=headers, allow_redirects=False, timeout=PATIENCE)
        case.validate_response(answer, checks=CHECKS)

    return send


# --- bodies that are no shape at all --------------------------------------------------------------------------------------

NAMES = st.sampled_from([
    "method", "password", "identifier", "traits", "code", "csrf_token", "transient_payload", "email", "totp_code", "traits.email",
    "schema_id", "credentials", "op", "path", "value", "identities", "identity_id", "expires_in", "session_token", "sessions",
    "passkey_login", "webauthn_login", "lookup_secret", "screen", "state", "verifiable_addresses", "action", "create",
])  # fmt: skip
TEXTS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["password", "code", "profile", "totp", "ann@example.org", "\x00", "-1", "1e999"]),
)
JSON_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), TEXTS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.one_of(NAMES, st.text(max_size=5)), inner, max_size=5)
    ),
    max_leaves=12,
)
BODIES = st.one_of(
    st.tuples(st.just("application/json"), JSON_VALUES.map(lambda value: json.dumps(value).encode())),
    st.tuples(st.just("application/json"), st.binary(max_size=60)),
    st.tuples(
        st.just("application/x-www-form-urlencoded"),
        st.lists(st.tuples(NAMES, TEXTS), max_size=6).map(lambda pairs: urlencode(pairs).encode()),
    ),
    st.tuples(st.sampled_from(["multipart/form-data; boundary=x", "text/plain", "", "\xff"]), st.binary(max_size=60)),
)


@pytest.mark.slow
@pytest.mark.parametrize("port", ["public", "admin"])
def test_whatever_a_body_is(start: Start, port: str) -> None:
    world = World(start(WIDE))
    base = getattr(world.live, port)
    document = httpx.get(base + "openapi.json").json()
    targets = [
        (method, path)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if "requestBody" in operation and path.startswith("/admin") is (port == "admin")
    ]

    @settings(
        max_examples=25 * len(targets),
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        target=st.sampled_from(targets),
        body=BODIES,
        signed_in=st.booleans(),
        accept=st.sampled_from(["application/json", "text/html"]),
    )
    def send(target: tuple[str, str], body: tuple[str, bytes], signed_in: bool, accept: str) -> None:
        method, path = target
        query = {"flow": world.named(path)} if path.startswith("/self-service") and "logout" not in path else {}
        headers = {
            "accept": accept,
            "content-type": body[0],
            **({"x-session-token": world.ann.token} if signed_in else {}),
        }
        url = base.rstrip("/") + path.replace("{id}", world.id)
        answer = world.http.request(method, url, params=query, data=body[1], headers=headers, allow_redirects=False)
        assert answer.status_code < 500, answer.text

    send()
