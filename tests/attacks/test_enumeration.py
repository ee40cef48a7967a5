"""Attacks that ask who has an account: strangers and members get the same answer for the same work."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from limen.selfservice.pace import STEP
from tests.conftest import Start
from tests.support.callers import KINDS, PASSWORD, Caller, Kind
from tests.support.factors import set_up_app
from tests.support.server import CountingPasswords, LiveServer

everybody = pytest.mark.parametrize("kind", KINDS)
ANN, BEN, CAT, NOBODY = "ann@example.org", "ben@example.org", "cat@example.org", "nobody@example.org"
CHANGING = re.compile(
    r"[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-\d\d-\d\dT[\d:.]+Z|[A-Za-z0-9+/]{80,}={0,2}|[a-z]+@example\.org|:\d+"
)


def import_person(server: LiveServer, email: str, **more: Any) -> None:
    body = {"schema_id": "default", "traits": {"email": email}, **more}
    assert httpx.post(f"{server.admin}admin/identities", json=body).status_code == 201


def seen(caller: Caller, kind: str) -> tuple[Any, ...]:
    """All that an answer tells, without what is new in each one."""
    last = caller.last
    names = sorted(
        (name, value)
        for name, value in last.headers.items()
        if name not in ("date", "content-length", "x-request-id", "set-cookie")
    )
    return last.status_code, CHANGING.sub("*", str(names)), CHANGING.sub("*", str(caller.shown(kind)))


def is_even(caller: Caller) -> None:
    """The answer was held back until a fixed moment (`limen.selfservice.pace`)."""
    assert caller.last.elapsed.total_seconds() >= STEP


@everybody
def test_98_a_refused_sign_in_tells_nothing(server: LiveServer, kind: Kind) -> None:
    """A wrong password, no account, no password to the account, an account that is switched off: one answer, one price."""
    password = {"credentials": {"password": {"config": {"password": PASSWORD}}}}
    import_person(server, ANN, **password)
    import_person(server, BEN)
    import_person(server, CAT, state="inactive", **password)
    told = {}
    for email in (ANN, BEN, CAT, NOBODY):
        caller = Caller(server, kind)
        flow = caller.start("login")
        counting = CountingPasswords.of(server)
        caller.submit(flow, method="password", identifier=email, password="not-the-right-one")
        told[email] = (seen(caller, "login"), counting.work)
    assert told[ANN] == told[BEN] == told[CAT] == told[NOBODY]
    assert [work for _, work in told.values()] == [["bcrypt 4"]] * 4


@everybody
def test_98_a_second_factor_is_not_told_before_the_first(server: LiveServer, kind: Kind) -> None:
    for email in (ANN, BEN):
        Caller(server, kind).sign_up(email)
    guarded = Caller(server, kind)
    guarded.sign_in(ANN)
    set_up_app(guarded)
    answers = []
    for email in (ANN, BEN, NOBODY):
        caller = Caller(server, kind)
        caller.submit(caller.start("login"), method="password", identifier=email, password="not-the-right-one")
        answers.append(seen(caller, "login"))
    assert answers[0] == answers[1] == answers[2]


@everybody
@pytest.mark.parametrize("flow", ["recovery", "verification"])
def test_98_asking_for_a_code_tells_nothing(start: Start, kind: Kind, flow: str) -> None:
    server = start({"selfservice": {"flows": {flow: {"enabled": True}}, "methods": {"code": {"enabled": True}}}})
    import_person(server, ANN)
    answers = []
    for email in (ANN, NOBODY):
        caller = Caller(server, kind)
        caller.submit(caller.start(flow), method="code", email=email)
        is_even(caller)
        answers.append(seen(caller, flow))
    assert answers[0] == answers[1]


@everybody
@pytest.mark.parametrize("flow", ["recovery", "verification"])
def test_98_asking_for_a_link_tells_nothing(start: Start, kind: Kind, flow: str) -> None:
    over = {"flows": {flow: {"enabled": True, "use": "link"}}, "methods": {"link": {"enabled": True}}}
    server = start({"selfservice": over})
    import_person(server, ANN)
    answers = []
    for email in (ANN, NOBODY):
        caller = Caller(server, kind)
        caller.submit(caller.start(flow), method="link", email=email)
        is_even(caller)
        answers.append(seen(caller, flow))
    assert answers[0] == answers[1]


@everybody
@pytest.mark.parametrize("style", ["unified", "identifier_first"])
def test_98_asking_for_a_code_to_sign_in_tells_nothing_where_that_is_wanted(
    start: Start, kind: Kind, style: str
) -> None:
    """`security.account_enumeration.mitigate`; and a wrong code is answered in the same way to all."""
    methods = {"code": {"enabled": True, "passwordless_enabled": True}, "password": {"enabled": style == "unified"}}
    mitigated = {"security": {"account_enumeration": {"mitigate": True}}}
    server = start({"selfservice": {"methods": methods, "flows": {"login": {"style": style}}}, **mitigated})
    import_person(server, ANN)
    answers = []
    for email in (ANN, NOBODY):
        caller = Caller(server, kind)
        flow = caller.start("login")
        told = []
        if style == "identifier_first":
            caller.submit(flow, method="identifier_first", identifier=email)
            is_even(caller)
            told.append(seen(caller, "login"))
            flow = dict(caller.last.json())
        caller.submit(flow, method="code", identifier=email)
        is_even(caller)
        told.append(seen(caller, "login"))
        caller.submit(dict(caller.last.json()), method="code", identifier=email, code="000000")
        answers.append([*told, seen(caller, "login")])
    assert answers[0] == answers[1]
