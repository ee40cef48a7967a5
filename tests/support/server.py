"""A real server for tests: Limen in a thread of this process, on free ports, spoken to over the wire."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import uvloop
import yaml

from limen.app import App, Listener, run
from limen.core import configload
from limen.core.passwords import Hasher, Passwords
from limen.db.database import Driver, Row, Statement
from limen.reload import Files, Source

# Seconds until what does not get anywhere is a failure. It says nothing about how fast anything has to be: machines that run
# tests may be slow, and busy with something else for a while.
PATIENCE = 180.0
PERSON = {
    "$id": "https://example.org/person.schema.json",
    "type": "object",
    "properties": {
        "traits": {
            "type": "object",
            "properties": {
                "email": {
                    "type": "string",
                    "format": "email",
                    "title": "E-mail",
                    "ory.sh/kratos": {
                        "credentials": {
                            "password": {"identifier": True},
                            "code": {"identifier": True, "via": "email"},
                            "totp": {"account_name": True},
                        },
                        "verification": {"via": "email"},
                        "recovery": {"via": "email"},
                    },
                },
                "name": {"type": "string", "title": "Name"},
            },
            "required": ["email"],
        }
    },
}


class Clock:
    """The server's time, which a test may move."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def forward(self, **amount: float) -> None:
        self.ahead += timedelta(**amount)


class CountingDriver:
    """Passes everything on to the real driver and counts the trips."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self.trips = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)

    async def rows(self, sql: str, params: Any) -> Sequence[Row]:
        self.trips += 1
        return await self._driver.rows(sql, params)

    async def scan(self, sql: str, params: Any) -> Sequence[Row]:
        self.trips += 1
        return await self._driver.scan(sql, params)

    async def write(self, sql: str, params: Any) -> Sequence[Row]:
        self.trips += 1
        return await self._driver.write(sql, params)

    async def commit(self, statements: Sequence[Statement]) -> None:
        self.trips += 1
        await self._driver.commit(statements)


class CountingPasswords(Passwords):
    """The real pool, which also notes what each piece of work was: an algorithm and its cost."""

    def __init__(self) -> None:
        super().__init__(workers=1, queue=100)
        self.work: list[str] = []

    @classmethod
    def of(cls, server: LiveServer) -> CountingPasswords:
        """Put one in the place of the server's own."""
        counting = server.app.site.passwords = cls()
        server.closing.append(counting.close)
        return counting

    async def make(self, hasher: Hasher, password: str) -> str:
        hashed = await super().make(hasher, password)
        self.work.append(price(hashed))
        return hashed

    async def check(self, password: str, hashed: str) -> bool:
        self.work.append(price(hashed))
        return await super().check(password, hashed)

    async def check_nobody(self, hasher: Hasher, password: str) -> None:
        self.work.append(price(hasher.decoy()))
        await super().check_nobody(hasher, password)


def price(hashed: str) -> str:
    """What a check of this hash costs: `bcrypt 4`, `argon2 m=19456,t=2,p=1`."""
    _, kind, *rest = hashed.split("$")
    return f"bcrypt {int(rest[0])}" if kind.startswith("2") else f"argon2 {rest[1]}"


class LiveServer:
    """A started server: `public`, `admin` and `console` are its addresses, ending in a slash."""

    def __init__(self, app: App, public: str, admin: str, console: str, clock: Clock, setup_link: str) -> None:
        self.app, self.public, self.admin, self.console, self.clock = app, public, admin, console, clock
        self.setup_link = setup_link
        self.closing: list[Callable[[], None]] = []  # what goes with the server: clients

    @property
    def trips(self) -> CountingDriver:
        driver = self.app.site.driver
        if not isinstance(driver, CountingDriver):
            driver = self.app.site.driver = CountingDriver(driver)  # type: ignore[assignment]
        return driver  # type: ignore[return-value]


def merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """`over` laid on `base`; None takes a key away."""
    merged = dict(base)
    for key, value in over.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = merge(merged[key], value)
        else:
            merged[key] = value
    return merged


def base_config(dsn: str, public: int, admin: int, schema: str, name: str = "127.0.0.1") -> dict[str, Any]:
    """A small configuration with everything on that a test may want; browsers know the server by `name`."""
    return {
        "dsn": dsn,
        "serve": {
            "public": {"host": "127.0.0.1", "port": public, "base_url": f"http://{name}:{public}/"},
            "admin": {"host": "127.0.0.1", "port": admin, "base_url": f"http://127.0.0.1:{admin}/"},
        },
        "selfservice": {
            "default_browser_return_url": f"http://{name}:{public}/ui/",
            "allowed_return_urls": ["https://app.example.org"],
            "methods": {"password": {"enabled": True, "config": {"haveibeenpwned_enabled": False}}},
            "flows": {"registration": {"after": {"password": {"hooks": [{"hook": "session"}]}}}},
        },
        "hashers": {"algorithm": "bcrypt", "bcrypt": {"cost": 4}},
        "secrets": {"default": ["a-secret-for-tests-only"], "cipher": ["32-letters-for-the-cipher-secret"]},
        "identity": {"default_schema_id": "default", "schemas": [{"id": "default", "url": schema}]},
        "log": {"level": "error"},
    }


@contextlib.contextmanager
def serve(
    folder: Path,
    dsn: str,
    over: dict[str, Any] | None = None,
    *,
    schema: dict[str, Any] | None = None,
    watch_courier: bool = False,
    prepare: Callable[[App], None] | None = None,
    file: Path | None = None,
    name: str = "127.0.0.1",
) -> Iterator[LiveServer]:
    """Start a server on free ports with `over` laid on the base configuration; stop it in the end.

    :param file: where the configuration is written, to be followed while the server runs
    :param name: of this machine, in the public address
    """
    sockets = [_listening(), _listening(), _listening()]
    public, admin, console = (opened.getsockname()[1] for opened in sockets)
    schema_file = folder / "person.schema.json"
    schema_file.write_text(json.dumps(schema or PERSON))
    config = merge(
        base_config(dsn, public, admin, schema_file.as_uri(), name), {"limen": {"console": {"port": console}}}
    )
    config = merge(config, over or {})
    clock = Clock()
    source = _followed(file, config) if file else None
    loaded = source.loaded if source else configload.load([], env={}, flags={}, base=config)
    app = App(loaded.config, dev=True, watch_courier=watch_courier, now=clock, source=source)
    if prepare:
        prepare(app)
    opened = [
        (Listener("public", "127.0.0.1", public), sockets[0]),
        (Listener("admin", "127.0.0.1", admin), sockets[1]),
        (Listener("console", "127.0.0.1", console), sockets[2]),
    ]
    thread = _Thread(app, opened)
    thread.begin()
    live = LiveServer(
        app, f"http://{name}:{public}/", f"http://127.0.0.1:{admin}/", f"http://localhost:{console}/", clock,
        thread.setup_link,
    )  # fmt: skip
    try:
        yield live
    finally:
        for close in live.closing:
            close()
        thread.end()


def _followed(file: Path, config: dict[str, Any]) -> Source:
    file.write_text(yaml.safe_dump(config))
    files = Files(lambda: configload.load([file], env={}, flags={"dev": True}), [file])
    return Source(files, files.read())


def _listening() -> socket.socket:
    opened = socket.socket()
    opened.bind(("127.0.0.1", 0))
    return opened


class _Thread:
    """The server's own event loop."""

    def __init__(self, app: App, opened: list[tuple[Listener, socket.socket]]) -> None:
        self._app, self._opened = app, opened
        self.setup_link = ""
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._main, daemon=True)

    def begin(self) -> None:
        self._thread.start()
        assert self._ready.wait(PATIENCE), "the server did not start"
        if self._failure:
            raise self._failure

    def end(self) -> None:
        if self._loop and self._stop:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "the server did not stop"
        if self._failure:
            raise self._failure

    def _main(self) -> None:
        try:
            uvloop.run(self._serve())
        except BaseException as error:
            self._failure = error
        finally:
            self._ready.set()

    def _told(self, setup_link: str) -> None:
        self.setup_link = setup_link
        self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        await run(self._app, self._opened, self._told, self._stop)
