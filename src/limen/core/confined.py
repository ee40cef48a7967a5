"""Processes of their own for what others wrote: it may loop or grow, and only such a process ends with it.

They are kept warm and shared by the whole program; they have no environment and write no files. What runs in them is
`confinedchild`.
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
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import msgspec

SECONDS: Final = 20.0  # until a process is given up that neither answers nor computes (the child limits that)
OUTPUT: Final = 1024 * 1024  # bytes an answer may have
# Else each of an engine's threads reserves memory of its own, and how much is left for the work is left to chance.
_ENVIRONMENT: Final = {"MALLOC_ARENA_MAX": "1"}
_LENGTH: Final = struct.Struct(">I")


class Exceeded(Exception):
    """It takes too long, too much memory, or makes too much; the text says which."""


class _OutOfMemory(Exceeded):
    pass


class Pool:
    """The processes of one module that wait for work. One that failed is not asked again."""

    def __init__(self, module: str, size: int) -> None:
        """:param size: how many work at a time; what is more waits"""
        self._module = module
        self._idle: list[_Worker] = []
        self._room = threading.BoundedSemaphore(size)
        # Who waits for a process waits here, and holds up nothing else that needs a thread.
        self._threads = ThreadPoolExecutor(size, thread_name_prefix=module.rpartition(".")[2])
        atexit.register(self.close)

    async def answer(self, asked: Mapping[str, object]) -> dict[str, Any]:
        """What the process answers.

        :raises Exceeded: it took more than it may
        """
        return await asyncio.get_running_loop().run_in_executor(self._threads, self.ask, asked)

    def ask(self, asked: Mapping[str, object]) -> dict[str, Any]:
        """The same. Not for the event loop: it waits."""
        with self._room:
            worker = self._take()
            try:
                return self._ask(worker, asked)
            except _OutOfMemory:
                if worker.is_fresh:
                    raise
                return self._ask(_Worker(self._module), asked)  # earlier work may have left it little room

    def _ask(self, worker: _Worker, asked: Mapping[str, object]) -> dict[str, Any]:
        try:
            answer = worker.ask(asked)
        except BaseException:
            worker.close()
            raise
        self._idle.append(worker)
        return answer

    def _take(self) -> _Worker:
        while True:
            try:
                worker = self._idle.pop()  # not asked for before: another thread may take the last one
            except IndexError:
                return _Worker(self._module)
            if worker.is_alive:
                return worker
            worker.close()

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()


class _Worker:
    """One process. Whoever holds it asks one thing at a time."""

    def __init__(self, module: str) -> None:
        self.is_fresh = True
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own module; what others wrote goes in by the socket
                [sys.executable, "-P", "-m", module],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=subprocess.DEVNULL,  # a process that dies of its limits prints pages
                env=_ENVIRONMENT | {k: v for k, v in os.environ.items() if k == "PYTHONPATH"},
            )

    def ask(self, asked: Mapping[str, object]) -> dict[str, Any]:
        """:raises Exceeded: the process ended, or took too long"""
        body = msgspec.json.encode(asked)
        end = time.monotonic() + SECONDS
        try:
            self._socket.settimeout(SECONDS)
            self._socket.sendall(_LENGTH.pack(len(body)) + body)
            length = _LENGTH.unpack(self._read(_LENGTH.size, end))[0]
            if length > OUTPUT:
                raise Exceeded(f"it makes more than {OUTPUT} bytes")
            answer: dict[str, Any] = msgspec.json.decode(self._read(length, end))
        except TimeoutError as error:
            raise Exceeded("it takes too long") from error
        except (OSError, EOFError) as error:
            if self._process.wait() == -signal.SIGXCPU:
                raise Exceeded("it takes too long") from error
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
