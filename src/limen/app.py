"""The composition root: from a configuration to a running server, and back down."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import secrets
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog
import uvicorn

from limen import log
from limen.audit import record
from limen.audit.sealer import Sealer
from limen.context import Client
from limen.core import clock, configreport, process, schemaload
from limen.core.config import Config
from limen.core.events import Events
from limen.core.metrics import Counts
from limen.core.outbound import Outbound
from limen.core.passwords import Passwords
from limen.core.schema import IdentitySchema
from limen.core.schemaload import SchemaMistakes
from limen.courier import mailbox
from limen.courier.carrier import Carrier
from limen.courier.deliver import Courier
from limen.db import migrate
from limen.db.database import DatabaseError, Driver, ProjectDatabase
from limen.http import bounds
from limen.http.admin import AdminPort
from limen.http.admin_metrics import MetricsPort
from limen.http.console import ConsolePort
from limen.http.kit import Current, Site
from limen.http.public import PublicPort
from limen.listen import BACKLOG, Listener, StartError, bind, close, listen
from limen.project import store as projects
from limen.project.model import Identifiers, Project, compile_project
from limen.reload import Reload, Source
from limen.selfservice import firstoperator
from limen.settings import data_source
from limen.telemetry import setup as telemetry
from limen.trace.keeper import Keeper
from limen.upkeep import Upkeep
from limen.webhooks.dispatch import Dispatcher

GRACE = 120.0  # seconds running requests get when the server is told to stop
FILES = "configuration"  # who acts when a file was changed
READY_WITHIN = 5.0  # seconds the database has to answer for the server to be ready
# New objects until the collector looks for cycles, of which there are hardly any: a batch of people makes 100,000.
OBJECTS = (20_000, 20, 20)
_logger = structlog.get_logger("limen")


class App:
    """Everything a running server holds. `start` makes it, `stop` lets go of it; tests use it without listeners."""

    def __init__(
        self,
        config: Config,
        schemas: Mapping[str, IdentitySchema] | None = None,
        *,
        dev: bool = False,
        watch_courier: bool = False,
        now: Callable[[], datetime] = clock.now,
        source: Source | None = None,
        read_only: bool = False,
    ) -> None:
        """
        :param source: where the configuration came from, when it is to be followed while the server runs
        :param read_only: look at the database and leave it as it is; it has to be there, and migrated
        """
        self.config = config
        self._schemas = schemas
        self.dev = dev
        self._watch_courier = watch_courier
        self._now = now
        self._source = source
        self._read_only = read_only
        self._secret = secrets.token_hex(32)  # signs when no secret is configured, as long as the process lives
        self._tasks: list[asyncio.Task[None]] = []
        self.is_leaving = False
        self.telemetry = telemetry.of(config)
        self.reload = asyncio.Event()  # to be set when the configuration is to be read anew at once

    driver: Driver
    keeper: Keeper
    current: Current
    public: PublicPort
    admin: AdminPort
    console: ConsolePort

    async def start(self) -> None:
        """Open, and begin to work in the background.

        :raises StartError: the data source, a schema or the database's state is in the way
        """
        await self.open()
        self._tasks.append(asyncio.create_task(self.keeper.run()))
        if self.telemetry:
            self._tasks.append(asyncio.create_task(self.telemetry.run()))
        if self._source:
            follow = Reload(self._source.files, self._source.loaded, lambda: self.config, self._take_over, self.reload)
            self._tasks.append(asyncio.create_task(follow.run()))
        upkeep = Upkeep(lambda: self.config, self.site.database(), self._now)
        self._tasks.append(asyncio.create_task(upkeep.run()))
        sealer = Sealer(lambda: self.site.project, self.site.database(), self._now)
        self._tasks.append(asyncio.create_task(sealer.run()))
        if self.config.limen.console.enabled is not False:
            telling = Dispatcher(lambda: self.site.project, self.site.database(), self.site.outbound, self._now)
            self.site.wake_webhooks = telling.wake
            self._tasks.append(asyncio.create_task(telling.run()))
        if self._watch_courier or mailbox.is_only(self.site.project):
            self._start_courier()

    async def setup_link(self) -> str:
        """A new link that makes the first operator; "" when there is, or was, one."""
        now = self._now()
        until = clock.after(now, firstoperator.LIFESPAN)
        token = await firstoperator.offer(self.site.database(), clock.text(now), until)
        return firstoperator.link(self.site.project.public_url, token) if token else ""

    async def open(self) -> None:
        """Open the database, compile the project, build the ports. Schemas that were not given are read.

        :raises StartError: the data source, a schema or the database's state is in the way
        """
        config = self.config
        try:
            source = data_source(config.dsn, config)
            self.driver = await (source.for_reading() if self._read_only else source).open()
            if self.telemetry:
                self.driver = self.telemetry.driver(self.driver)
            await self._migrate(itself=source.migrates_itself)
            who = await projects.default(self.driver, clock.text(self._now()))
        except DatabaseError as error:
            raise StartError(f"The data source cannot be used: {error}.") from error
        project = self._compile(who, config, self._schemas or load_schemas(config))
        clients = config.clients.http
        happened = Counts("limen_events_total", "What happened, by kind.", "kind")
        self.keeper = Keeper(lambda: self.config.limen.traces, self._database, self._now)
        private: dict[str, Any] = {
            "refuse_private": clients.disallow_private_ip_ranges,
            "exceptions": clients.private_ip_exception_urls,
        }
        sinks = [log.sink, lambda event: happened.note(event.kind), self.keeper.take]
        site = Site(
            project,
            self.driver,
            Passwords(config.limen.hashing.workers or os.cpu_count() or 1, config.limen.hashing.queue),
            self.telemetry.outbound(**private) if self.telemetry else Outbound(**private),
            Events(*sinks, *([self.telemetry.take] if self.telemetry else [])),
            self._now,
        )
        for measured in (happened.families, site.passwords.families, process.families, self.keeper.families):
            site.metrics.add(measured)
        if self.telemetry:
            site.metrics.add(self.telemetry.exporter.families)
        self.current = Current(site)
        self.public = PublicPort(self.current, self.is_ready)
        self.admin = AdminPort(self.current, self.is_ready)
        self.console = ConsolePort(self.current, self.is_ready)

    @property
    def site(self) -> Site:
        return self.current.site

    def _database(self) -> ProjectDatabase:
        return self.site.database()

    def _compile(self, who: Identifiers, config: Config, schemas: Mapping[str, IdentitySchema]) -> Project:
        return compile_project(who, config, schemas, dev=self.dev, fallback_secret=self._secret)

    async def _take_over(
        self, config: Config, schemas: Mapping[str, IdentitySchema], changed: Sequence[str] = ()
    ) -> None:
        """Make this the configuration in force. Requests that run keep the one they began with."""
        before = self.site.project
        who = Identifiers(before.id, before.slug, before.name)
        project = await asyncio.to_thread(self._compile, who, config, schemas)
        clients = config.clients.http
        self.site.outbound.obey(
            refuse_private=clients.disallow_private_ip_ranges, exceptions=clients.private_ip_exception_urls
        )
        self.config = config
        self.current.site = self.site.under(project)
        await self._note_change(changed)

    async def _note_change(self, changed: Sequence[str]) -> None:
        """Write down which keys have other values now; the values may be secret."""
        ctx = self.site.context(Client(url="", actor=FILES))
        commit = ctx.db.begin()
        record.record(commit, ctx, "auth.config.change", keys=list(changed))
        try:
            await ctx.db.commit(commit)
        except DatabaseError as error:  # the log has it; to go on with the former configuration would help nobody
            _logger.error("audit.lost", action="auth.config.change", keys=", ".join(changed), error=str(error))

    def _start_courier(self) -> None:
        site = self.site
        carrier = Carrier(site.outbound, self._now)
        courier = Courier(lambda: self.site.project, site.database(), site.events, carrier, self._now)
        site.wake_courier = courier.wake
        self._tasks.append(asyncio.create_task(courier.run()))

    async def _migrate(self, *, itself: bool) -> None:
        configured = self.config.limen.database.auto_migrate
        if not self._read_only and (itself if configured is None else configured):
            await migrate.up(self.driver)
        elif await migrate.pending(self.driver):
            raise StartError(
                "The database is behind this version. Run `limen migrate sql up -e --yes` with the same configuration, "
                "or set limen.database.auto_migrate: true."
            )
        if ahead := await migrate.too_new(self.driver):
            raise StartError(f"The database was migrated by a newer version of Limen ({max(ahead):04}). Use that one.")

    async def is_ready(self) -> bool:
        """Ready means it: the database answers, and has what this version needs; and the server is not about to stop."""
        if self.is_leaving:
            return False
        try:
            async with asyncio.timeout(READY_WITHIN):
                return not await migrate.pending(self.driver)
        except (DatabaseError, TimeoutError):
            return False

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self.site.passwords.close()
        await self.site.outbound.close()
        await self.driver.close()


def load_schemas(config: Config) -> Mapping[str, IdentitySchema]:
    """Read, check and compile the identity schemas; for those who print no reports.

    :raises StartError: one cannot be used; the text has every mistake
    """
    try:
        return schemaload.load(config).by_id
    except SchemaMistakes as mistakes:
        raise StartError(f"The identity schemas cannot be used. {configreport.plain(mistakes.problems)}") from mistakes


# --- serving ------------------------------------------------------------------------------------------------------------


class _Server(uvicorn.Server):
    """One listener; signals are the app's business.

    Between the ticks of its clock (the `Date` header changes every second) it sleeps until it is told to end.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ending = asyncio.Event()

    def leave(self) -> None:
        """From now on ask clients for a new connection each time, which a balancer opens to another node.

        A connection that is kept would end while somebody sends a request on it, and who sent it could not tell whether
        it was heard (RFC 9112 §9.3.1).
        """
        for headers in (self.config.encoded_headers, self.server_state.default_headers):
            headers.append((b"connection", b"close"))

    def end(self) -> None:
        self.should_exit = True
        self._ending.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As the library does it, but without waiting a tenth of a second where there is nothing to wait for."""
        for one in self.servers:
            one.close()
        for opened in sockets or []:
            opened.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        for _ in range(3):  # connections that idled are gone then
            await asyncio.sleep(0)
        try:
            await asyncio.wait_for(self._wait_tasks_to_complete(), self.config.timeout_graceful_shutdown)
        except TimeoutError:
            for task in self.server_state.tasks:
                task.cancel()

    async def main_loop(self) -> None:
        while not await self.on_tick(0):
            bounds.end_late(self.server_state.connections, asyncio.get_running_loop().time())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), 1)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def server(listener: Listener, port: Callable[..., Awaitable[None]], *, grace: float = GRACE) -> _Server:
    config = uvicorn.Config(
        port,
        loop="none",
        http=bounds.BoundedProtocol,
        ws="none",
        lifespan="off",
        interface="asgi3",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=True,
        proxy_headers=False,
        timeout_keep_alive=120,
        timeout_graceful_shutdown=int(grace),
        backlog=BACKLOG,
        ssl_context_factory=(lambda *_: tls) if (tls := listener.tls) else None,
    )
    return _Server(config)


async def run(
    app: App, opened: Sequence[tuple[Listener, socket.socket]], told: Callable[[str], None], stop: asyncio.Event
) -> None:
    """Start, serve until `stop` is set, then let running requests end. `told` is called once the doors are open, with the
    link that makes the first operator, if there is one to be made.

    :raises StartError: something is in the way
    """
    await app.start()
    setup_link = await app.setup_link() if any(listener.name == "console" for listener, _ in opened) else ""
    ports: dict[str, Callable[..., Awaitable[None]]] = {
        "public": app.public,
        "admin": app.admin,
        "console": app.console,
    }
    if app.telemetry:
        ports = {name: app.telemetry.port(port) for name, port in ports.items()}
    try:
        for listener, sock in opened:
            listen(listener, sock)
    except StartError:
        await app.stop()
        raise
    servers = [server(listener, ports[listener.name]) for listener, _ in opened]
    tasks = [asyncio.create_task(one.serve(sockets=[sock])) for one, (_, sock) in zip(servers, opened, strict=True)]
    told(setup_link)
    gc.collect()
    gc.freeze()  # what was made at the start stays: the collector need not look at it again
    gc.set_threshold(*OBJECTS)
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait([waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
    app.is_leaving = True  # a balancer that asks whether we are ready sends nobody any more
    for one in servers:
        one.leave()
    await asyncio.sleep(app.config.limen.drain)
    for one in servers:
        one.end()
    await asyncio.gather(*tasks)
    waiting.cancel()
    for listener, _ in opened:
        close(listener)
    await app.stop()


async def run_until_signal(
    app: App, opened: Sequence[tuple[Listener, socket.socket]], told: Callable[[str], None]
) -> None:
    """Serve until SIGINT or SIGTERM."""
    await run(app, opened, told, _signalled(app))


async def watch_until_signal(app: App, told: Callable[[], None]) -> None:
    """Nothing but the courier, until SIGINT or SIGTERM.

    :raises StartError: something is in the way
    """
    await app.start()
    stop = _signalled(app)
    async with _metrics(app):
        told()
        await stop.wait()
    await app.stop()


@contextlib.asynccontextmanager
async def _metrics(app: App) -> AsyncIterator[None]:
    """Meanwhile serve the metrics at `expose-metrics-port`, if that is set.

    :raises StartError: the port is in use
    """
    port = app.config.expose_metrics_port
    if not port:
        yield
        return
    door = Listener("metrics", app.config.serve.admin.host, port)
    try:
        opened = bind(door)
        listen(door, opened)
    except StartError:
        await app.stop()
        raise
    one = server(door, MetricsPort(app.current))
    task = asyncio.create_task(one.serve(sockets=[opened]))
    try:
        yield
    finally:
        one.end()
        await task


def _signalled(app: App) -> asyncio.Event:
    """What SIGINT and SIGTERM set. SIGHUP reads the configuration anew."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, app.reload.set)
    return stop
