"""Callers of the operator's API: anybody with a cookie jar, operators of each role, and programs with a key."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import httpx

from limen.db.database import ProjectDatabase
from limen.project import apikeys, operators
from limen.project.apikeys import KeyRole
from limen.project.operators import Role
from limen.settings import data_source
from tests.support.callers import PASSWORD
from tests.support.server import LiveServer

T = TypeVar("T")
EARLIER = "2026-01-01T00:00:00.000000Z"


def at_database(server: LiveServer, work: Callable[[ProjectDatabase], Awaitable[T]], project: str = "") -> T:
    """Work on the server's database, as another process would; on that of another project, if its id is given."""
    config, project = server.app.config, project or server.app.site.project.id

    async def go() -> T:
        driver = await data_source(config.dsn, config).open()
        try:
            return await work(ProjectDatabase(driver, project))
        finally:
            await driver.close()

    return asyncio.run(go())


class Console:
    """One client of the operator's port, with its own cookies. What it answers is in `last`."""

    def __init__(self, server: LiveServer, **headers: str) -> None:
        self.server = server
        self.http = httpx.Client(base_url=server.console, headers=headers)
        server.closing.append(self.http.close)
        self.last: httpx.Response

    def ask(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        """The JSON of the answer; None where there is none."""
        self.last = self.http.request(method, path, json=body, params=query or None)
        kind = self.last.headers.get("content-type", "").partition(";")[0]
        return self.last.json() if self.last.content and kind == "application/json" else None

    def get(self, path: str, **query: str) -> Any:
        return self.ask("GET", path, **query)

    def post(self, path: str, body: Any = None) -> Any:
        return self.ask("POST", path, {} if body is None else body)

    @property
    def status(self) -> int:
        return self.last.status_code

    def sign_up(self, email: str, password: str = PASSWORD) -> str:
        """Sign up, and stay signed in; returns the id."""
        body = self.post("api/auth/register", {"email": email, "password": password})
        assert self.status == 200, self.last.text
        return str(body["session"]["identity"]["id"])

    def sign_in(self, email: str, password: str = PASSWORD) -> Any:
        return self.post("api/auth/login", {"email": email, "password": password})


def operator(server: LiveServer, role: Role, email: str = "") -> Console:
    """Somebody with this role, signed in."""
    console = Console(server)
    id_ = console.sign_up(email or f"{role}@example.org")

    async def appoint(db: ProjectDatabase) -> None:
        commit = db.begin()
        operators.appoint(commit, id_, role, EARLIER, "")
        await db.commit(commit)

    at_database(server, appoint)
    return console


def program(server: LiveServer, role: KeyRole = "service_role", project: str = "") -> Console:
    """A program with a key of this role, in the server's project or in another one."""

    async def make(db: ProjectDatabase) -> str:
        commit = db.begin()
        _, text = apikeys.make(commit, "a test", role, now=EARLIER, by="", expires_at=None)
        await db.commit(commit)
        return text

    return Console(server, apikey=at_database(server, make, project))
