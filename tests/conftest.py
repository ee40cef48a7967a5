"""What all tests share: a database of each kind, and a server on it."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx._config as httpx_config
import httpx._transports.default as httpx_transport
import pytest
from hypothesis import HealthCheck, settings

from tests.support.postgres import PostgresServer, shared_folder
from tests.support.receiver import Receiver
from tests.support.server import PATIENCE, LiveServer, serve

# How long an example takes says more about the machine than about the code; and each run tries the same examples, so that
# what one says, all say.
settings.register_profile("limen", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("limen")

# A client reads all certificates of the machine, which takes longer than most tests: read them once.
httpx_transport.create_ssl_context = cache(httpx_transport.create_ssl_context)

# Who asks waits longer than five seconds: how long an answer takes says more about the machine, too.
for what in ("connect", "read", "write", "pool"):
    setattr(httpx_config.DEFAULT_TIMEOUT_CONFIG, what, PATIENCE)
os.environ["AIOSMTPD_CONTROLLER_TIMEOUT"] = str(PATIENCE)

DATABASES = ("sqlite", "postgres")
# What `--quick` runs, but for what is marked slow: all that needs no server, and the ways most people go.
QUICK = ("unit", "reference", "journeys", "budgets", "admin", "sessions")


def pytest_configure(config: pytest.Config) -> None:
    """The process that starts the run names the folder of the PostgreSQL that all its workers share."""
    if not hasattr(config, "workerinput"):
        os.environ["LIMEN_TEST_POSTGRES"] = tempfile.mkdtemp(prefix="limen-postgres-")


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ["LIMEN_TEST_POSTGRES"], ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.relative_to(here).parts[0] not in QUICK:
            item.add_marker("slow")


@cache
def postgres() -> PostgresServer:
    return PostgresServer(shared_folder())


def new_dsn(kind: str, folder: Path) -> str:
    return postgres().new() if kind == "postgres" else f"sqlite://{folder}/limen.sqlite"


@contextlib.contextmanager
def borrowed_dsn(kind: str, folder: Path) -> Iterator[str]:
    """A database for as long as a test runs, for servers that end with it."""
    if kind == "postgres":
        with postgres().borrowed() as dsn:
            yield dsn
    else:
        yield new_dsn(kind, folder)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A server that notes what it is told."""
    found = Receiver()
    yield found
    found.close()


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest) -> str:
    """Each test runs on both."""
    return str(request.param)


Start = Callable[..., LiveServer]


@pytest.fixture
def start(database: str, tmp_path: Path) -> Iterator[Start]:
    """Start servers with differences to the base configuration; all are stopped in the end.

    Servers of one test share a database unless `own=True`.
    """
    with contextlib.ExitStack() as stack:
        shared = stack.enter_context(borrowed_dsn(database, tmp_path))

        def begin(over: dict[str, Any] | None = None, *, own: bool = False, **more: Any) -> LiveServer:
            folder = Path(tempfile.mkdtemp(dir=tmp_path))
            dsn = stack.enter_context(borrowed_dsn(database, folder)) if own else shared
            return stack.enter_context(serve(folder, dsn, over, **more))

        yield begin


@pytest.fixture
def server(start: Start) -> LiveServer:
    """A server with the base configuration."""
    return start()
