"""Jsonnet, evaluated in processes of its own: a snippet may loop or grow, and only such a process ends with it.

The processes are kept warm and shared by the whole program; they have no environment, read no files and write none.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

SECONDS = 20.0  # until a process is given up that neither answers nor computes (`jsonnetworker` limits that)
WORKERS = 4  # evaluations at a time; more wait
OUTPUT = 1024 * 1024  # bytes a result may have
_SCRIPT = Path(__file__).with_name("jsonnetworker.py")
# Else each of the engine's threads reserves memory of its own, and how much is left for the snippet is left to chance.
_ENVIRONMENT = {"MALLOC_ARENA_MAX": "1"}
_LENGTH = struct.Struct(">I")
_REFUSED = "importer error: import_callback did not return a tuple"


class JsonnetError(Exception):
    """A snippet cannot be read or evaluated, or takes too much; the text says what and where."""

    is_static = False  # the snippet itself cannot be read, whatever it is given


class Cancelled(JsonnetError):
    """The snippet said `error "cancel"`: nothing is to be done this time."""


async def evaluate(
    snippet: str, *, ctx: object = None, ext: Mapping[str, object] | None = None, name: str = "snippet"
) -> str:
    """The result as JSON text.

    :param ctx: what the snippet is a function of
    :param ext: what `std.extVar` finds, by name
    :param name: what the snippet is called in error texts
    :raises Cancelled: it ended with `error "cancel"`
    :raises JsonnetError: it is wrong, or takes too much
    """
    asked = {
        "name": name,
        "snippet": snippet,
        "arguments": {} if ctx is None else {"ctx": _json(ctx)},
        "variables": {key: _json(value) for key, value in (ext or {}).items()},
    }
    return await asyncio.to_thread(_POOL.evaluate, asked)


def check(snippet: str, name: str) -> None:
    """Read a snippet without giving it anything. Not for the event loop: it waits.

    :raises JsonnetError: it cannot be read; the text begins with `name:line:column`
    """
    try:
        _POOL.evaluate({"name": name, "snippet": snippet, "arguments": {}, "variables": {}})
    except JsonnetError as error:
        if error.is_static:
            raise


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


class _OutOfMemory(JsonnetError):
    pass


class _Worker:
    """One process. Whoever holds it asks one thing at a time."""

    def __init__(self) -> None:
        self.is_fresh = True
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own script; the snippet goes in by the socket
                [sys.executable, "-P", str(_SCRIPT)],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=subprocess.DEVNULL,  # a process that dies of its limits prints pages of Go
                env=_ENVIRONMENT | {k: v for k, v in os.environ.items() if k == "PYTHONPATH"},
            )

    def ask(self, asked: Mapping[str, object]) -> dict[str, str]:
        """:raises JsonnetError: the process ended, or took too long"""
        body = msgspec.json.encode(asked)
        end = time.monotonic() + SECONDS
        try:
            self._socket.settimeout(SECONDS)
            self._socket.sendall(_LENGTH.pack(len(body)) + body)
            length = _LENGTH.unpack(self._read(_LENGTH.size, end))[0]
            if length > OUTPUT:
                raise JsonnetError(f"it makes more than {OUTPUT} bytes")
            answer: dict[str, str] = msgspec.json.decode(self._read(length, end))
        except TimeoutError as error:
            raise JsonnetError("it takes too long") from error
        except (OSError, EOFError) as error:
            if self._process.wait() == -signal.SIGXCPU:
                raise JsonnetError("it takes too long") from error
            raise _OutOfMemory("it takes too much memory") from error
        self.is_fresh = False
        return answer

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def _read(self, count: int, end: float) -> bytes:
        data = b""
        while len(data) < count:
            self._socket.settimeout(max(0.001, end - time.monotonic()))
            part = self._socket.recv(count - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def close(self) -> None:
        self._process.kill()
        self._socket.close()
        self._process.wait()


class _Pool:
    """The processes that wait for work. One that failed is not asked again."""

    def __init__(self) -> None:
        self._idle: list[_Worker] = []
        self._room = threading.BoundedSemaphore(WORKERS)

    def evaluate(self, asked: Mapping[str, object]) -> str:
        with self._room:
            worker = self._take()
            try:
                answer = self._ask(worker, asked)
            except _OutOfMemory:
                if worker.is_fresh:
                    raise
                answer = self._ask(_Worker(), asked)  # earlier snippets may have left it little room
        if "text" in answer:
            return answer["text"]
        raise _error(answer["error"])

    def _ask(self, worker: _Worker, asked: Mapping[str, object]) -> dict[str, str]:
        try:
            answer = worker.ask(asked)
        except BaseException:
            worker.close()
            raise
        self._idle.append(worker)
        return answer

    def _take(self) -> _Worker:
        while self._idle:
            worker = self._idle.pop()
            if worker.is_alive:
                return worker
            worker.close()
        return _Worker()

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()


def _error(text: str) -> JsonnetError:
    """What was wrong and where; the stack below it is the engine's."""
    lines = [line.strip().partition("\t")[0] for line in text.removeprefix("RUNTIME ERROR: ").strip().splitlines()]
    told = " at ".join(line.replace(_REFUSED, "files cannot be imported") for line in lines[:2] if line)
    error = Cancelled(told) if text.startswith("RUNTIME ERROR: cancel\n") else JsonnetError(told)
    error.is_static = not text.startswith("RUNTIME ERROR: ")
    return error


_POOL = _Pool()
atexit.register(_POOL.close)
