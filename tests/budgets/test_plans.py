"""What operators ask about a long audit log walks along an index, in its order: nothing is scanned, and only a page is sorted."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from limen.audit import counts, seal, store
from limen.audit.store import Filter
from limen.core.crypto import Keys
from limen.db import migrate
from limen.db.database import ProjectDatabase, Row, Statement
from limen.db.postgres import Postgres
from limen.db.sqlite import Sqlite, SqliteOptions
from limen.webhooks import store as webhooks
from limen.webhooks.model import Webhook
from tests.conftest import postgres
from tests.support.direct import ask

SIGN_INS = ("auth.login", "auth.login.failed")
ID = "11111111-1111-4111-8111-111111111111"
MOMENT = "2026-01-01T00:00:00.000000Z"


class Asked:
    """A driver that notes how SQLite means to answer each statement."""

    dialect = "sqlite"

    def __init__(self, driver: Sqlite) -> None:
        self._driver = driver
        self.plans: list[list[str]] = []

    async def rows(self, sql: str, params: Any) -> Sequence[Row]:
        self.plans.append([row[3] for row in await self._driver.rows(f"explain query plan {sql}", params)])
        return await self._driver.write(sql, params)

    scan = write = rows

    async def commit(self, statements: Sequence[Statement]) -> None:
        await self._driver.commit(statements)


def plans(work: Any) -> list[list[str]]:
    async def go() -> list[list[str]]:
        driver = await Sqlite.open(SqliteOptions(None))
        await migrate.up(driver)
        asked = Asked(driver)
        await work(ProjectDatabase(asked, "a-project"))  # type: ignore[arg-type]
        await driver.close()
        return asked.plans

    return asyncio.run(go())


WAYS = pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (Filter(), "audit_newest"),
        (Filter(since="2026", until="2027"), "audit_newest"),
        (Filter(actions=SIGN_INS), "audit_action"),
        (Filter(actions=SIGN_INS, since="2026", until="2027"), "audit_action"),
        (Filter(actions=SIGN_INS[1:]), "audit_action"),
        (Filter(identity_id=ID), "audit_identity"),
        (Filter(identity_id=ID, actions=SIGN_INS), "audit_identity"),
        (Filter(search="ann@example.org", actions=SIGN_INS), "audit_email"),
        (Filter(search="request-1"), "audit_request"),
        (Filter(search="request-1", actions=SIGN_INS), "audit_request"),
        (Filter(search=ID), "audit_identity audit_request"),
    ],
)


@WAYS
def test_a_page_of_the_log_walks_along_an_index(wanted: Filter, index: str) -> None:
    waiting, plan = plans(lambda db: store.page(db, wanted, 100))
    assert "SEARCH audit_waiting USING PRIMARY KEY (project_id=?)" in waiting  # the newest of them, however many wait
    walked = [line for line in plan if " audit " in line]
    assert walked
    assert all(line.startswith("SEARCH audit USING") for line in walked)
    assert {name for line in walked for name in line.split() if name.startswith("audit_")} == set(index.split())
    assert all("(at,id)<(?,?)" in line for line in walked)  # a deep page begins where it begins
    for place, line in enumerate(plan[: plan.index("SCAN found")]):
        assert "TEMP B-TREE" not in line or plan[place - 1].startswith("SCAN way_")  # no more than a page of each


MANY = """
    insert into audit (project_id, id, at, action, outcome, actor, identity_id, email, ip_address, user_agent, request_id,
                       method, detail, number)
    select 'a-project', n::text, to_char(timestamp '2026-01-01' + n * interval '1 minute', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
           case n % 10 when 0 then 'auth.login.failed' when 1 then 'auth.logout' else 'auth.login' end, 'success', '',
           'person-' || n % 500, 'p' || n % 500 || '@example.org', '', repeat('x', 100), 'r' || n, '', '{}', n
      from generate_series(1, 20000) n
"""


@pytest.fixture(scope="module")
def long_log() -> str:
    """A PostgreSQL database with an audit log that is long enough for its planner to care."""
    dsn = postgres().new()
    ask(dsn, MANY)
    ask(dsn, "analyze audit")
    return dsn


@pytest.mark.slow
@WAYS
def test_so_it_does_on_postgresql(long_log: str, wanted: Filter, index: str) -> None:
    found: list[str] = []

    class Explained:
        dialect = "postgres"

        def __init__(self, driver: Postgres) -> None:
            self._driver = driver

        async def scan(self, sql: str, params: Any) -> Sequence[Row]:
            found.extend(row[0] for row in await self._driver.rows(f"explain {sql}", params))
            return await self._driver.rows(sql, params)

    async def go() -> None:
        driver = await Postgres.open(long_log)
        await store.page(ProjectDatabase(Explained(driver), "a-project"), wanted, 100)  # type: ignore[arg-type]
        await driver.close()

    asyncio.run(go())
    walked = {name for line in found for name in line.split() if name.startswith("audit_") and "Scan" in line}
    assert set(index.split()) <= walked
    assert not any("Seq Scan" in line or "Bitmap" in line for line in found)


def test_figures_read_hours_and_what_is_not_sealed_yet() -> None:
    for plan in plans(lambda db: counts.since(db, SIGN_INS, MOMENT)) + plans(
        lambda db: counts.by_day(db, SIGN_INS, MOMENT[:10])
    ):
        walked = [line for line in plan if "audit" in line]
        assert all(line.startswith("SEARCH") for line in walked)
        assert any("audit_hours USING PRIMARY KEY (project_id=? AND action=? AND hour>?)" in line for line in walked)
        assert any("SEARCH audit_waiting USING PRIMARY KEY (project_id=?)" in line for line in walked)
        assert all("at>? AND at<?" in line for line in walked if "audit_action" in line)  # an hour at most


def test_a_node_that_idles_asks_one_question_and_writes_nothing() -> None:
    hook = Webhook("w", "https://example.org/", ("login",), "", 0, MOMENT)

    async def idle(db: ProjectDatabase) -> None:
        commit = db.begin()
        webhooks.insert(commit, hook)
        await db.commit(commit)
        assert [(one.is_behind, one.is_due) for one in await webhooks.look(db, MOMENT)] == [(False, False)]
        assert await seal.seal_some(db, Keys(["a-secret"])) == 0

    look, sealing = plans(idle)
    assert any("d USING COVERING INDEX webhook_deliveries_room" in line for line in look)
    assert sealing == ["SEARCH audit_waiting USING PRIMARY KEY (project_id=?)"]


def test_what_is_due_for_a_webhook_is_found_without_looking_at_others() -> None:
    hook = Webhook("w", "https://example.org/", ("login",), "", 0, MOMENT)
    (plan,) = plans(lambda db: webhooks.lease(db, hook, MOMENT, MOMENT, 8))
    walked = [line for line in plan if " d " in line or " o " in line]
    assert "webhook_deliveries_room (project_id=? AND webhook_id=? AND status=? AND due_at<?)" in walked[0]
    assert "webhook_deliveries_about (project_id=? AND webhook_id=? AND about=? AND status=? AND number<?)" in walked[1]


def test_a_family_of_actions_is_found_in_steps() -> None:
    first, _, second = plans(_family)
    assert sum("COVERING INDEX audit_action (project_id=? AND action>? AND action<?)" in line for line in first) == 2
    assert any("audit_action (project_id=? AND action=?" in line for line in second)


async def _family(db: ProjectDatabase) -> None:
    commit = db.begin()
    commit.add(
        """insert into audit (project_id, id, at, action, outcome, actor, identity_id, email, ip_address, user_agent,
               request_id, method, detail)
           values (:project, 'x', '2026', 'auth.identity.ban', 'success', '', '', '', '', '', '', '', '{}')"""
    )
    await db.commit(commit)
    assert len(await store.page(db, Filter(actions=("auth.identity.*",)), 10)) == 1
