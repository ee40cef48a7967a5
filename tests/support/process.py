"""Limen as an operator has it: the program `limen` in a process of its own, in a folder of its own."""

from __future__ import annotations

import ctypes
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import httpx
import yaml

from tests.support.server import PATIENCE, PERSON, base_config, merge

PROGRAM = (sys.executable, "-m", "limen.cli")
_KEPT = ("PATH", "PYTHONPATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT")


_worker, _workers = (
    int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]),
    int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")),
)
_ports: set[int] = set()  # that were given away


def free_port() -> int:
    """A port nobody listens on, outside of the range that outgoing connections get theirs from.

    Nobody else is given it before it is used: each process of a run has ports of its own, and gives away each once.
    """
    while True:
        port = random.randrange(20_000 + _worker, 32_000, _workers)
        if port in _ports:
            continue
        _ports.add(port)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a process gets of our environment: nothing that could be a key of its configuration.

    Servers of several tests run at a time, and the operator's port is the same for all: it is off unless it is asked for.
    """
    console = {"LIMEN_CONSOLE_ENABLED": "false"}
    return {k: os.environ[k] for k in _KEPT if k in os.environ} | console | dict(more or {})


def write(folder: Path, name: str, data: Mapping[str, Any]) -> str:
    """A JSON or YAML file; returns its path."""
    file = folder / name
    file.write_text(json.dumps(data) if file.suffix == ".json" else yaml.safe_dump(dict(data), sort_keys=False))
    return str(file)


def configured(folder: Path, dsn: str, over: Mapping[str, Any] | None = None, name: str = "limen.yml") -> str:
    """The base configuration with these differences, on free ports and with its schema, as files; returns the path."""
    schema = folder / "person.schema.json"
    write(folder, schema.name, PERSON)
    return write(folder, name, merge(base_config(dsn, free_port(), free_port(), schema.as_uri()), dict(over or {})))


T = TypeVar("T")


def until(found: Callable[[], T]) -> T:
    """Wait for something to be there; returns it."""
    end = time.monotonic() + PATIENCE
    while not (value := found()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)
    return value


def limen(
    folder: Path, *arguments: str, env: Mapping[str, str] | None = None, answer: str = "", mortal: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end.

    :param answer: what is typed
    :param mortal: rights of files count, also when the tests run as root
    """
    return subprocess.run(
        [*PROGRAM, *arguments],
        cwd=folder,
        env=environment(env),
        input=answer,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        preexec_fn=_become_mortal if mortal else None,
    )


def _become_mortal() -> None:
    """Give up root's power over the rights of files (prctl PR_CAPBSET_DROP: CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH)."""
    for capability in (1, 2):
        ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)


class Node:
    """A server in a process. `public` and `admin` are its addresses, ending in a slash."""

    def __init__(self, folder: Path, *arguments: str, env: Mapping[str, str] | None = None) -> None:
        self.folder, self.arguments, self.env = folder, arguments, dict(env or {})
        files = [file for i, word in enumerate(arguments) if word == "-c" for file in arguments[i + 1].split(",")]
        serve: dict[str, Any] = {}
        for file in files:
            serve = merge(serve, yaml.safe_load((folder / file).read_text()).get("serve", {}))
        if not files:  # a server without configuration has fixed ports, which several tests cannot share
            self.env = ports_from_environment() | self.env
        self.public, self.admin = (
            self.env.get(f"SERVE_{name.upper()}_BASE_URL") or serve[name]["base_url"] for name in ("public", "admin")
        )
        self.closing: list[Callable[[], None]] = []
        self._log = folder / f"log-{random.randrange(10**9)}.txt"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    @property
    def log(self) -> str:
        """All it wrote."""
        return self._log.read_text()

    def begin(self) -> Node:
        """Start without waiting."""
        with self._log.open("ab") as out:
            self._process = subprocess.Popen(
                [*PROGRAM, "serve", *self.arguments],
                cwd=self.folder,
                env=environment(self.env),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        return self

    def start(self) -> Node:
        """Start, and wait until it is ready."""
        return self.begin().ready()

    def ready(self) -> Node:
        assert self._process
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            assert self._process.poll() is None, f"it ended with {self._process.returncode}: {self.log}"
            if self.status("health/ready") == 200:
                return self
            time.sleep(0.02)
        raise AssertionError(f"it did not become ready: {self.log}")

    def status(self, path: str) -> int:
        """The status a public path answers with; 0 when nobody answers."""
        try:
            return httpx.get(self.public + path, timeout=PATIENCE, verify=False).status_code
        except httpx.TransportError:
            return 0

    def kill(self) -> None:
        """As a power cut does: nothing is finished, nobody is told."""
        self.signal(signal.SIGKILL)
        self.ended()

    def stop(self) -> int:
        """As an operator does; returns the exit code."""
        self.signal(signal.SIGTERM)
        return self.ended()

    def signal(self, number: int) -> None:
        assert self._process
        self._process.send_signal(number)

    def ended(self) -> int:
        """Wait for its end; returns the exit code."""
        assert self._process
        return self._process.wait(PATIENCE)

    def close(self) -> None:
        for close in self.closing:
            close()
        if self._process and self._process.poll() is None:
            self.kill()


def ports_from_environment() -> dict[str, str]:
    found = {"SELFSERVICE_METHODS_PASSWORD_CONFIG_HAVEIBEENPWNED_ENABLED": "false"}  # tests ask nobody on the internet
    for name in ("PUBLIC", "ADMIN"):
        port = free_port()
        found |= {f"SERVE_{name}_PORT": str(port), f"SERVE_{name}_BASE_URL": f"http://127.0.0.1:{port}/"}
    return found
