"""Attacks on one-time proofs: used twice, used by many at once, used by others, used for something else, cut short."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from math import log2
from pathlib import Path
from typing import Any

import httpx
import pytest

import limen
from limen.core import crypto, csrf
from tests.support.callers import JSON, KINDS, PASSWORD, Caller, Kind, told, value
from tests.support.factors import App, set_up_app, set_up_codes, step_up
from tests.support.server import LiveServer

everybody = pytest.mark.parametrize("kind", KINDS)
ANN, EVE = "ann@example.org", "eve@example.org"
CROWD = 20
SOURCE = Path(limen.__file__).parent


def person(server: LiveServer, kind: Kind, email: str = ANN) -> Caller:
    caller = Caller(server, kind)
    caller.sign_up(email)
    return caller


def half_way(server: LiveServer, kind: Kind) -> tuple[Caller, dict[str, Any]]:
    """Ann after her password, and the form that asks for the second factor."""
    caller = Caller(server, kind)
    caller.sign_in()
    return caller, caller.start("login", aal="aal2")


def at_once(acts: Sequence[Callable[[], Any]]) -> None:
    with ThreadPoolExecutor(len(acts)) as pool:
        for done in [pool.submit(act) for act in acts]:
            done.result()


# --- used twice, and by many at once ----------------------------------------------------------------------------------


@everybody
def test_31_a_code_of_the_app_is_good_once(server: LiveServer, kind: Kind) -> None:
    app = set_up_app(person(server, kind))
    code = app.next_code()
    first = Caller(server, kind)
    first.sign_in()
    step_up(first, totp=code)
    assert first.is_signed_in
    for seconds in (0, 20, 29):  # within its half minute, and as long as clocks may differ
        server.clock.forward(seconds=seconds)
        later = Caller(server, kind)
        later.sign_in()
        step_up(later, totp=code)
        assert not later.is_signed_in
        assert told(later.shown("login")) == {4000008}


@everybody
def test_31_a_code_older_than_the_last_one_is_refused(server: LiveServer, kind: Kind) -> None:
    app = set_up_app(person(server, kind))
    older, newer = app.next_code(), app.next_code()
    first = Caller(server, kind)
    first.sign_in()
    step_up(first, totp=newer)
    assert first.is_signed_in
    later = Caller(server, kind)
    later.sign_in()
    step_up(later, totp=older)
    assert not later.is_signed_in


@everybody
def test_32_of_many_posts_of_one_app_code_one_succeeds(server: LiveServer, kind: Kind) -> None:
    app = set_up_app(person(server, kind))
    crowd = [half_way(server, kind) for _ in range(CROWD)]
    code = app.next_code()
    at_once([lambda c=c, f=f: c.submit(f, method="totp", totp_code=code) for c, f in crowd])
    assert sum(caller.is_signed_in for caller, _ in crowd) == 1
    assert {caller.last.status_code for caller, _ in crowd} <= {200, 303, 400}


@everybody
def test_33_of_many_posts_of_one_backup_code_one_succeeds(server: LiveServer, kind: Kind) -> None:
    codes = set_up_codes(person(server, kind))
    crowd = [half_way(server, kind) for _ in range(CROWD)]
    at_once([lambda c=c, f=f: c.submit(f, method="lookup_secret", lookup_secret=codes[0]) for c, f in crowd])
    assert sum(caller.is_signed_in for caller, _ in crowd) == 1
    assert {caller.last.status_code for caller, _ in crowd} <= {200, 303, 400}
    last, form = half_way(server, kind)
    last.submit(form, method="lookup_secret", lookup_secret=codes[1])
    assert last.is_signed_in  # the other codes were not lost in the crowd


@everybody
def test_33_of_many_registrations_of_one_address_one_succeeds(server: LiveServer, kind: Kind) -> None:
    crowd = [Caller(server, kind) for _ in range(CROWD)]
    traits = {"email": ANN}
    forms = []
    for caller in crowd:
        caller.submit(caller.start("registration"), method="profile", traits=traits)
        forms.append(caller.shown("registration"))
    last = {"method": "password", "password": PASSWORD, "traits": traits}
    at_once([lambda c=c, f=f: c.submit(f, **last) for c, f in zip(crowd, forms, strict=True)])
    assert sum(caller.is_signed_in for caller in crowd) == 1
    found = httpx.get(f"{server.admin}admin/identities", params={"credentials_identifier": ANN}).json()
    assert len(found) == 1


@pytest.mark.parametrize("kind", ["script", "page"])
def test_33_of_many_submits_of_one_form_one_signs_in(server: LiveServer, kind: Kind) -> None:
    ann = person(server, kind)
    caller = Caller(server, kind)
    flow = caller.start("login")
    right = {"method": "password", "identifier": ANN, "password": PASSWORD}
    clones = [clone_of(caller) for _ in range(CROWD)]
    at_once([lambda c=c: c.submit(flow, **right) for c in clones])
    assert len(ann.json("sessions")) == 1


def clone_of(caller: Caller) -> Caller:
    """Another window of the same browser."""
    twin = Caller(caller.server, caller.kind)
    twin.http.cookies.update(caller.http.cookies)
    return twin


# --- used by others, or for something else ------------------------------------------------------------------------------


@everybody
def test_46_a_backup_code_of_somebody_else_is_refused(server: LiveServer, kind: Kind) -> None:
    set_up_codes(person(server, kind))
    others = set_up_codes(person(server, kind, EVE))
    ann, form = half_way(server, kind)
    ann.submit(form, method="lookup_secret", lookup_secret=others[0])
    assert not ann.is_signed_in
    assert told(ann.shown("login")) == {4000016}


@everybody
def test_57_an_app_code_of_somebody_else_is_refused(server: LiveServer, kind: Kind) -> None:
    set_up_app(person(server, kind))
    others = set_up_app(person(server, kind, EVE))
    ann, form = half_way(server, kind)
    ann.submit(form, method="totp", totp_code=others.next_code())
    assert not ann.is_signed_in


def tokens(ann: Caller, app: App, codes: list[str], form: dict[str, Any]) -> dict[str, str]:
    """One of each kind of secret and id that this person was given."""
    found = {
        "csrf": value(form, "csrf_token") or "none", "form": form["id"], "app": app.next_code(), "backup": codes[0],
        "session id": ann.whoami()["id"], "identity": ann.whoami()["identity"]["id"],
        "page": paging_token(ann.server),
    }  # fmt: skip
    if ann.kind == "app":
        return {**found, "session": ann.token}
    link = ann.json("self-service/logout/browser")
    return {**found, "sign-out": link["logout_token"], "cookie": ann.http.cookies["ory_kratos_session"]}


def paging_token(server: LiveServer) -> str:
    link = httpx.get(f"{server.admin}admin/identities?page_size=1").headers["link"]
    found = re.search(r"page_token=([^&>]+)", link)
    assert found
    return found[1]


@everybody
def test_29_no_secret_is_accepted_in_the_place_of_another(server: LiveServer, kind: Kind) -> None:
    ann = person(server, kind)
    app, codes = set_up_app(ann), set_up_codes(ann)
    known = tokens(ann, app, codes, ann.start("login", refresh="true"))
    thief, form = half_way(server, kind)
    for name, secret in known.items():
        bare = httpx.Client(base_url=server.public, headers=JSON)
        for headers in (
            {"x-session-token": secret},
            {"authorization": f"Bearer {secret}"},
            {"cookie": f"ory_kratos_session={secret}"},
        ):
            own = (name, next(iter(headers))) in (
                ("session", "x-session-token"),
                ("session", "authorization"),
                ("cookie", "cookie"),
            )
            assert bare.get("sessions/whoami", headers=headers).status_code == (200 if own else 401), (name, headers)
        if name != "sign-out":
            assert ann.http.get("self-service/logout", params={"token": secret}, headers=JSON).status_code in (
                401,
                403,
            ), name
        for method, field in (("totp", "totp_code"), ("lookup_secret", "lookup_secret"), ("code", "code")):
            if (name, method) not in (("app", "totp"), ("backup", "lookup_secret")):
                thief.submit(form, method=method, **{field: secret})
                assert not thief.is_signed_in, (name, method)
        if kind != "app" and name != "csrf":
            forged = {"method": "password", "identifier": ANN, "password": PASSWORD, "csrf_token": secret}
            refused = thief.http.post(form["ui"]["action"], json=forged, headers=JSON)
            assert refused.status_code in (400, 403), name
        bare.close()
    assert ann.is_signed_in


@everybody
def test_47_a_secret_that_was_cut_short_is_refused(server: LiveServer, kind: Kind) -> None:
    ann = person(server, kind)
    header, secret = (
        ("x-session-token", ann.token) if kind == "app" else ("cookie", ann.http.cookies["ory_kratos_session"])
    )
    prefix = "" if kind == "app" else "ory_kratos_session="
    with httpx.Client(base_url=server.public, headers=JSON) as bare:
        for cut in (*range(1, len(secret), 7), len(secret) - 1):
            assert bare.get("sessions/whoami", headers={header: prefix + secret[:cut]}).status_code == 401
            assert bare.get("sessions/whoami", headers={header: prefix + secret[cut:]}).status_code == 401
        assert bare.get("sessions/whoami", headers={header: prefix + secret + "a"}).status_code == 401
        assert bare.get("sessions/whoami", headers={header: prefix + secret}).status_code == 200


@pytest.mark.parametrize("kind", ["script", "page"])
def test_47_a_sign_out_token_that_was_cut_short_is_refused(server: LiveServer, kind: Kind) -> None:
    ann = person(server, kind)
    token = ann.json("self-service/logout/browser")["logout_token"]
    for cut in (token[:-1], token[: len(token) // 2], token[1:], token + "a", token.upper()):
        assert ann.http.get("self-service/logout", params={"token": cut}, headers=JSON).status_code == 403
    assert ann.is_signed_in


# --- made badly ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "least"), [(crypto.session_token, 128), (csrf.new_secret, 128), (crypto.numeric_code, 19)]
)
def test_48_secrets_are_random(make: Callable[[], str], least: int) -> None:
    made = [make() for _ in range(4000)]
    assert len(set(made)) >= len(made) * (1 - len(made) / 2**least)  # birthdays
    columns = list(zip(*made, strict=True))
    assert sum(log2(len(set(column))) for column in columns) >= least
    for column in columns:
        letters = set(column)
        if len(letters) > 1:
            assert max(map(column.count, letters)) < 2 * len(made) / len(letters), "a letter is favoured"


def modules() -> list[tuple[Path, ast.Module]]:
    return [(path, ast.parse(path.read_text("utf-8"))) for path in sorted(SOURCE.rglob("*.py"))]


def test_48_no_secret_comes_from_the_predictable_generator() -> None:
    spreads_retries = SOURCE / "db" / "postgres.py"
    for path, tree in modules():
        if path == spreads_retries:
            continue
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names.append(str(node.module))
            assert "random" not in names, path


def test_28_no_decision_is_an_assert() -> None:
    """With `python -O` such a decision would not be taken."""
    for path, tree in modules():
        assert not [node for node in ast.walk(tree) if isinstance(node, ast.Assert)], path
