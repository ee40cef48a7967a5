"""What breaks during a sign-in opens nothing, and what happened is written down or did not happen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from limen.db.database import DatabaseError, Driver, Row, Statement
from limen.http.console.description import ROUTES
from tests.attacks.people import ANN
from tests.conftest import Start
from tests.console.conftest import CONFIG_OF_ALL
from tests.support.callers import PASSWORD, Caller
from tests.support.console import operator
from tests.support.direct import LOG, ask
from tests.support.factors import set_up_app
from tests.support.projects import stored
from tests.support.server import LiveServer

NOWHERE = "127.0.0.1:1"  # nothing listens there
TRIPS = 8  # more than a sign-in makes
FACTORS = {"selfservice": {"methods": {"totp": {"enabled": True}, "lookup_secret": {"enabled": True}}}}


class BreakingDriver:
    """Passes everything on to the real driver, but for the one trip that fails."""

    def __init__(self, driver: Driver, trip: int) -> None:
        self._driver, self._left = driver, trip

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)

    @property
    def is_broken(self) -> bool:
        return self._left <= 0

    def _go(self) -> None:
        self._left -= 1
        if self._left == 0:
            raise DatabaseError("the cable was pulled")

    async def rows(self, sql: str, params: Any) -> Sequence[Row]:
        self._go()
        return await self._driver.rows(sql, params)

    async def scan(self, sql: str, params: Any) -> Sequence[Row]:
        self._go()
        return await self._driver.scan(sql, params)

    async def write(self, sql: str, params: Any) -> Sequence[Row]:
        self._go()
        return await self._driver.write(sql, params)

    async def commit(self, statements: Sequence[Statement]) -> None:
        self._go()
        await self._driver.commit(statements)


def counts(server: LiveServer) -> dict[str, int]:
    """How many sessions there are, of which level, and what the audit log says of sign-ins."""
    dsn = server.app.config.dsn
    found = {f"session {aal}": 0 for aal in ("aal1", "aal2")} | {"auth.login": 0, "auth.login.failed": 0}
    for aal, count in ask(dsn, "select aal, count(*) from sessions group by aal"):
        found[f"session {aal}"] = count
    logins = f"select action, count(*) from {LOG} where action like 'auth.login%' group by action"
    return found | dict(ask(dsn, logins))


def with_trip_failing(
    server: LiveServer, trip: int, caller: Caller, flow: dict[str, Any], values: dict[str, str]
) -> int:
    """Submit a form while one trip to the database fails; the status."""
    driver = server.app.site.driver
    server.app.site.driver = BreakingDriver(driver, trip)  # type: ignore[assignment]
    try:
        return caller.submit(flow, **values).status_code
    finally:
        server.app.site.driver = driver


@pytest.mark.parametrize("proof", ["password", "wrong password", "totp", "wrong code"])
def test_100_a_sign_in_is_written_down_or_refused_wherever_the_database_fails(start: Start, proof: str) -> None:
    server = start(FACTORS)
    ann = Caller(server, "app")
    ann.sign_up(ANN)
    app = set_up_app(ann)
    statuses = []
    for trip in range(1, TRIPS + 1):
        caller = Caller(server, "app")
        caller.sign_in(ANN)
        values = {
            "method": "password",
            "identifier": ANN,
            "password": PASSWORD if proof == "password" else "wrong-one-1",
        }
        if proof in ("totp", "wrong code"):
            values = {"method": "totp", "totp_code": app.next_code() if proof == "totp" else "000000"}
        flow = caller.start("login", **({"aal": "aal2"} if "totp_code" in values else {"refresh": "true"}))
        before = counts(server)
        statuses.append(with_trip_failing(server, trip, caller, flow, values))
        made = {name: count - before[name] for name, count in counts(server).items()}
        if statuses[-1] == 200:
            assert made["auth.login"] == 1, (trip, made)
            assert made["auth.login.failed"] == 0
        elif statuses[-1] == 400:
            assert made["auth.login.failed"] == 1, (trip, made)
        else:
            assert statuses[-1] == 503, trip
            assert made == dict.fromkeys(made, 0), (trip, made)
    assert 503 in statuses
    assert (200 if proof in ("password", "totp") else 400) in statuses


def test_100_a_sign_in_that_a_hook_breaks_off_is_written_down(start: Start) -> None:
    hook = {"hook": "web_hook", "config": {"url": f"http://{NOWHERE}/", "method": "POST", "body": "base64://e30="}}
    server = start({"selfservice": {"flows": {"login": {"after": {"password": {"hooks": [hook]}}}}}})
    Caller(server, "app").sign_up(ANN)
    before = counts(server)
    ann = Caller(server, "app")
    ann.sign_in(ANN)
    assert ann.last.status_code >= 400, ann.last.text
    assert not ann.is_signed_in
    made = {name: count - before[name] for name, count in counts(server).items()}
    assert made == {"session aal1": 0, "session aal2": 0, "auth.login": 0, "auth.login.failed": 1}


@pytest.mark.parametrize("tolerant", [True, False])
def test_100_whether_an_unchecked_password_is_taken_is_chosen(start: Start, tolerant: bool) -> None:
    policy = {"haveibeenpwned_enabled": True, "haveibeenpwned_host": NOWHERE, "ignore_network_errors": tolerant}
    server = start({"selfservice": {"methods": {"password": {"config": policy}}}})
    ann = Caller(server, "app")
    flow = ann.start("registration")
    ann.submit(flow, method="profile", traits={"email": ANN})
    ann.submit(ann.shown("registration"), method="password", password=PASSWORD, traits={"email": ANN})
    assert ann.is_signed_in is tolerant
    written = [row[0] for row in ask(server.app.config.dsn, f"select action from {LOG}")]
    assert written == (["auth.register"] if tolerant else [])


@pytest.mark.slow
def test_100_what_operators_do_is_written_down_or_not_done(start: Start) -> None:
    """Each operation, once for each trip to the database that fails: whatever is changed then, the audit log says so."""
    server = start(CONFIG_OF_ALL)
    owner = operator(server, "owner")
    project, driver = server.app.site.project.id, server.app.site.driver
    broken = 0
    for route in (route for route in ROUTES if route.method != "GET" and route.may in ("developer", "owner")):
        for trip in range(1, TRIPS):
            id_ = Caller(server, "app").sign_up(f"{route.id}-{trip}@example.org".lower())["id"]
            named = {"ids": [id_], "identity_id": id_, "email": f"new-{route.id}-{trip}@example.org".lower()}
            body = {name: named.get(name, value) for name, value in (route.example or {}).items()}
            before = stored(server, project)
            failing = BreakingDriver(driver, trip)
            server.app.site.driver = failing  # type: ignore[assignment]
            owner.ask(route.method, route.path.replace("{id}", id_).lstrip("/"), body)
            server.app.site.driver = driver
            after = stored(server, project)
            changed = {table for table in after if after[table] != before[table]}
            broken += owner.status == 503
            assert owner.status < 500 or owner.status == 503, (route.id, trip)
            assert not changed or "audit" in changed, (route.id, trip, owner.status, changed)
            if not failing.is_broken:
                break  # there are no more trips
    assert broken > len(ROUTES)
