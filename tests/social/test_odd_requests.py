"""Whatever is sent where providers send people back to, and where they leave, is answered, and is never our fault."""

from __future__ import annotations

import itertools
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.social.conftest import leave, query_of
from tests.support.callers import HTML, JSON, Caller
from tests.support.openid import OpenIdProvider
from tests.support.server import LiveServer

CALLBACK = "self-service/methods/oidc/callback"
TEXTS = [
    "",
    "\x00",
    "é" * 10,
    "\ud800",
    "x" * 20_000,
    "%",
    "A" * 88,
    "' or 1=1 --",
    "../../x",
    "a\r\nset-cookie: b",
    "=?&#",
]
VALUES: list[Any] = [None, True, 5, -1, 1.5, [], {}, "", "x" * 9_000, "\x00", {"a": {"b": []}}, ["acme"], [{"x": None}]]


def test_the_way_back(live: LiveServer, acme: OpenIdProvider) -> None:
    ann = Caller(live, "page")
    state = query_of(acme.consent(leave(ann)))["state"]
    for text in TEXTS:
        _come_back(ann, state, text)
    assert not ann.is_signed_in


def _come_back(ann: Caller, state: str, text: str) -> None:
    odd = quote(text.encode("utf8", "surrogatepass"))
    queries = [
        f"state={odd}&code=x", f"state={state}&code={odd}", f"state={state}&error={odd}&error_description={odd}",
        f"state={state}&iss={odd}&code=x", f"code={odd}", f"state={state}&state={odd}&code=x&code={odd}", odd,
        f"oauth_token={odd}&oauth_verifier={odd}&state={state}", f"user={odd}&state={state}&code=x", f"denied={odd}",
    ]  # fmt: skip
    for query in queries:
        for accept in (HTML, JSON):
            answer = ann.http.get(f"{CALLBACK}/acme?{query}", headers=accept)
            assert answer.status_code < 500 or answer.status_code == 502, (query[:80], answer.text)
    for path in (f"{CALLBACK}/{odd}", f"self-service/methods/oidc/organization/{odd}/callback/{odd}"):
        assert ann.http.get(f"{path}?state={state}&code=x", headers=JSON).status_code < 500
    assert ann.http.post(f"{CALLBACK}/acme", content=text.encode("utf8", "surrogatepass")).status_code < 500


def test_a_posted_answer_may_have_anything_in_it(live: LiveServer) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    for body in (b"\xff\xfe", b"a=b&" * 1000, b"state=" + b"x" * 100_000, b"%zz=%", b"", b"{}"):
        for path in (CALLBACK, f"{CALLBACK}/acme"):
            answer = httpx.post(f"{live.public}{path}", content=body, headers=form)
            assert answer.status_code < 500
            assert answer.headers.get("location", live.public).startswith(live.public), "it leads nowhere else"


FIELDS = ("provider", "id_token", "id_token_nonce", "upstream_parameters", "traits", "transient_payload", "method")


@pytest.mark.parametrize("kind", ["login", "registration"])
def test_leaving_for_a_provider(kind: str, live: LiveServer) -> None:
    app = Caller(live, "app")
    for name, value in itertools.product(FIELDS, VALUES):
        answer = app.submit(app.start(kind), **{"provider": "acme", "method": "oidc", name: value})
        assert answer.status_code < 500 or answer.status_code == 502, (name, value, answer.text)
        assert not app.token


def test_linking_and_unlinking(live: LiveServer) -> None:
    ann = Caller(live, "script")
    ann.sign_up()
    for name, value in itertools.product(("link", "unlink", "upstream_parameters"), VALUES):
        answer = ann.submit(ann.start("settings"), **{"method": "oidc", name: value})
        assert answer.status_code < 500, (name, value, answer.text)
