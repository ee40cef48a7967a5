"""What is on the record: who did what, from where, with which outcome; written with it, sealed after it, without secrets."""

from __future__ import annotations

import json
from typing import Any, TypeVar

import httpx
import pytest

from limen.audit import counts, seal, store
from limen.audit.model import Entry
from limen.audit.seal import Break
from limen.audit.store import Filter
from limen.db.database import ProjectDatabase
from tests.conftest import Start
from tests.support import mail
from tests.support.callers import HTML, KINDS, PASSWORD, Caller, Kind, flow_id
from tests.support.console import at_database
from tests.support.factors import set_up_app, set_up_codes, step_up
from tests.support.openid import OpenIdProvider
from tests.support.server import LiveServer

T = TypeVar("T")
everybody = pytest.mark.parametrize("kind", KINDS)
ANN = "ann@example.org"
CONFIG = {
    "selfservice": {
        "flows": {"recovery": {"enabled": True}, "verification": {"enabled": True}},
        "methods": {
            "totp": {"enabled": True},
            "lookup_secret": {"enabled": True},
            "code": {"enabled": True},
            "link": {"enabled": True},
        },
    }
}


@pytest.fixture
def server(start: Start) -> LiveServer:
    return start(CONFIG)


def entries(server: LiveServer, **wanted: Any) -> list[Entry]:
    """All entries, oldest first."""
    return at_database(server, lambda db: store.page(db, Filter(**wanted), 1000))[::-1]


def actions(server: LiveServer, **wanted: Any) -> list[str]:
    return [entry.action for entry in entries(server, **wanted)]


@everybody
def test_signing_up_in_and_out_is_on_the_record(server: LiveServer, kind: Kind) -> None:
    ann = Caller(server, kind)
    ann.http.headers["x-request-id"] = "request-1"
    ann.http.headers["user-agent"] = "A browser of Ann's"
    id_ = ann.sign_up()["id"]
    later = Caller(server, kind)
    later.sign_in(password="not-the-right-one")
    later.sign_in()
    first, failed, second = entries(server, actions=("auth.register", "auth.login", "auth.login.failed"))
    assert (first.action, first.outcome, first.identity_id, first.email) == ("auth.register", "success", id_, ANN)
    assert (first.request_id, first.user_agent, first.method, first.actor) == (
        "request-1", "A browser of Ann's", "password", "",
    )  # fmt: skip
    assert first.ip_address.startswith("127.0.0.1")
    assert (failed.action, failed.outcome, failed.identity_id, failed.email) == (
        "auth.login.failed", "failure", id_, ANN,
    )  # fmt: skip
    assert failed.detail["why"] == [4000006]
    assert (second.action, second.method, second.detail["aal"]) == ("auth.login", "password", "aal1")


@everybody
def test_a_stranger_is_recorded_by_the_address_and_by_nothing_else(server: LiveServer, kind: Kind) -> None:
    for name in ("nobody@example.org", "my-password-by-mistake"):
        Caller(server, kind).sign_in(name, password="not-the-right-one")
    named, unnamed = entries(server)
    assert (named.email, named.identity_id) == ("nobody@example.org", "")
    assert (unnamed.email, unnamed.identity_id) == ("", "")
    assert "my-password" not in str(unnamed)


def test_providers_that_are_linked_and_unlinked_are_on_the_record(start: Start) -> None:
    acme = OpenIdProvider()
    methods = {"oidc": {"enabled": True, "config": {"providers": [acme.configured()]}}}
    server = start({"selfservice": {"methods": methods}})
    ann = Caller(server, "page")
    ann.sign_up()

    def back(left: httpx.Response) -> httpx.Response:
        return ann.http.get(acme.consent(left.headers["location"]), headers=HTML)

    back(ann.submit(ann.start("settings"), link="acme"))
    ann.submit(ann.start("settings"), unlink="acme")
    ann = Caller(server, "page")
    form = ann.flow("login", flow_id(back(ann.submit(ann.start("login"), provider="acme")).headers["location"]))
    ann.submit(form, method="password", password=PASSWORD)
    ann = Caller(server, "page")
    back(ann.submit(ann.start("login"), provider="acme"))
    assert ann.is_signed_in
    told = [(entry.action, entry.method, entry.detail) for entry in entries(server, actions=("auth.settings.*",))]
    assert told == [
        ("auth.settings.oidc", "oidc", {"linked": ["acme"]}),
        ("auth.settings.oidc", "oidc", {"unlinked": ["acme"]}),
        ("auth.settings.oidc", "oidc", {"linked": ["acme"]}),
    ]
    assert [entry.method for entry in entries(server, actions=("auth.login",))] == ["password", "oidc"]
    acme.close()


def test_a_provider_that_vouches_for_nobody_here_is_on_the_record(start: Start) -> None:
    acme = OpenIdProvider()
    methods = {"oidc": {"enabled": True, "config": {"providers": [acme.configured()]}}}
    server = start({"selfservice": {"methods": methods}})
    acme.error = "access_denied"
    ann = Caller(server, "page")
    left = ann.submit(ann.start("login"), provider="acme")
    ann.http.get(acme.consent(left.headers["location"]), headers=HTML)
    (failed,) = entries(server)
    assert (failed.action, failed.outcome, failed.method, failed.identity_id) == (
        "auth.login.failed", "failure", "oidc", "",
    )  # fmt: skip
    assert failed.detail == {"why": [4000001]}
    acme.close()


@everybody
def test_what_people_change_is_on_the_record(server: LiveServer, kind: Kind) -> None:
    ann = Caller(server, kind)
    ann.sign_up()
    ann.submit(ann.start("settings"), method="profile", traits={"email": ANN, "name": "Ann"})
    ann.submit(ann.start("settings"), method="password", password="another-fine-secret-2")
    app = set_up_app(ann)
    set_up_codes(ann)
    half_way = Caller(server, kind)
    half_way.sign_in(password="another-fine-secret-2")
    step_up(half_way, totp=app.next_code())
    half_way.submit(half_way.start("settings"), method="totp", totp_unlink=True)
    assert actions(server, actions=("auth.settings.*", "auth.mfa.*")) == [
        "auth.settings.profile", "auth.settings.password", "auth.mfa.totp.setup", "auth.mfa.recovery_codes.setup",
        "auth.mfa.totp.remove",
    ]  # fmt: skip


@everybody
def test_proofs_by_mail_are_on_the_record(server: LiveServer, kind: Kind) -> None:
    Caller(server, kind).sign_up()
    ann = Caller(server, kind)
    for flow_kind in ("verification", "recovery"):
        flow = ann.start(flow_kind)
        ann.submit(flow, method="code", email=ANN)
        ann.submit(ann.shown(flow_kind), method="code", code=mail.code(server, ANN))
    assert {"auth.verification", "auth.recovery"} <= set(actions(server))


def test_what_operators_do_is_on_the_record(server: LiveServer) -> None:
    admin = httpx.Client(base_url=server.admin)
    made = admin.post("admin/identities", json={"schema_id": "default", "traits": {"email": ANN}}).json()
    one = f"admin/identities/{made['id']}"
    admin.patch(one, json=[{"op": "replace", "path": "/state", "value": "inactive"}])
    admin.post("admin/recovery/link", json={"identity_id": made["id"]})
    admin.delete(f"{one}/sessions")
    admin.delete(one)
    admin.close()
    found = entries(server)
    assert [entry.action for entry in found] == [
        "auth.identity.create", "auth.identity.update", "auth.recovery.handed_out", "auth.session.revoke",
        "auth.identity.delete",
    ]  # fmt: skip
    assert {entry.actor for entry in found} == {"admin"}
    assert {entry.identity_id for entry in found} == {made["id"]}


@everybody
def test_nothing_secret_is_on_the_record(server: LiveServer, kind: Kind) -> None:
    ann = Caller(server, kind)
    ann.sign_up()
    app, codes = set_up_app(ann), set_up_codes(ann)
    Caller(server, kind).sign_in(password="a-secret-that-is-wrong")
    written = json.dumps([str(entry) for entry in entries(server)])
    for secret in (PASSWORD, "a-secret-that-is-wrong", app.secret, *codes, ann.token or "-none-"):
        assert secret not in written


def test_every_entry_is_sealed_to_the_one_before_it(server: LiveServer) -> None:
    for number in range(5):
        Caller(server, "app").sign_up(f"person-{number}@example.org")
    assert broken(server) is None
    assert [entry.number for entry in entries(server)] == list(range(1, 6))


@pytest.mark.parametrize(
    ("harm", "number"),
    [
        ("update audit set outcome = 'failure' where project_id = :project and number = 2", 2),
        ("update audit set email = 'eve@example.org' where project_id = :project and number = 5", 5),
        ("delete from audit where project_id = :project and number = 3", 3),
        ("delete from audit where project_id = :project and number = 5", 5),
        ("delete from audit where project_id = :project and number > 3", 4),
        ("update audit_heads set number = 4 where project_id = :project", 6),
    ],
)
def test_what_was_removed_or_altered_is_found(server: LiveServer, harm: str, number: int) -> None:
    for person in range(5):
        Caller(server, "app").sign_up(f"person-{person}@example.org")
    assert broken(server) is None
    at_database(server, lambda db: db.write(harm + " returning project_id"))
    found = broken(server)
    assert found is not None
    assert found.number == number


def test_what_is_old_is_let_go_and_the_rest_holds(server: LiveServer) -> None:
    for person in range(4):
        Caller(server, "app").sign_up(f"person-{person}@example.org")
        server.clock.forward(hours=1)
    assert broken(server) is None
    old = entries(server)[2].at
    at_database(server, lambda db: seal.prune(db, old))
    assert [entry.number for entry in entries(server)] == [3, 4]
    assert broken(server) is None


@pytest.mark.parametrize("step", [1, 2, 3, 4])
@pytest.mark.parametrize("sealed_before", [0, 2])
def test_of_two_nodes_that_seal_at_once_one_does(server: LiveServer, step: int, sealed_before: int) -> None:
    keys = server.app.site.project.keys

    class Overtaken:
        """A driver; another node seals everything before one of its steps."""

        def __init__(self, other: ProjectDatabase) -> None:
            self.other, self.steps = other, 0

        async def rows(self, sql: str, params: Any) -> Any:
            await self._overtake()
            return await self.other._driver.rows(sql, params)

        async def commit(self, statements: Any) -> None:
            await self._overtake()
            await self.other._driver.commit(statements)

        async def _overtake(self) -> None:
            self.steps += 1
            if self.steps == step:
                assert await seal.seal_some(self.other, keys) == 3

    async def work(shared: ProjectDatabase) -> None:
        db = ProjectDatabase(shared._driver, "a project that no server seals for")
        await write(db, "before", sealed_before)
        assert await seal.seal_some(db, keys) == sealed_before
        await write(db, "after", 3)
        assert await seal.seal_some(ProjectDatabase(Overtaken(db), db.project), keys) == 0  # type: ignore[arg-type]
        chain = [found async for found in seal.verify(db, keys)]
        assert [found.number for found in chain if isinstance(found, Entry)] == list(range(1, sealed_before + 4))
        assert await counts.since(db, ("auth.login",), "2026-01-01T00:00:00.000000Z") == {
            "auth.login": sealed_before + 3
        }

    at_database(server, work)


async def write(db: ProjectDatabase, name: str, count: int) -> None:
    commit = db.begin()
    for number in range(count):
        commit.add(
            """insert into audit_waiting (project_id, id, at, action, outcome, actor, identity_id, email, ip_address,
                   user_agent, request_id, method, detail)
               values (:project, :id, :at, 'auth.login', 'success', '', '', '', '', '', '', '', '{}')""",
            id=f"{name}-{number}", at=f"2026-01-01T01:00:0{number}.000000Z",
        )  # fmt: skip
    await db.commit(commit)


def broken(server: LiveServer) -> Break | None:
    """Where the chain does not hold; None when it holds from end to end."""
    keys = server.app.site.project.keys

    async def work(db: ProjectDatabase) -> Break | None:
        while await seal.seal_some(db, keys):
            pass
        async for found in seal.verify(db, keys):
            if isinstance(found, Break):
                return found
        return None

    return at_database(server, work)
