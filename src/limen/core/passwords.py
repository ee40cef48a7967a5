"""Password hashes: made and checked in a bounded pool of threads, at low priority, so that sign-ins never starve the rest."""

from __future__ import annotations

import asyncio
import base64
import os
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import bcrypt
from argon2 import Type as Argon2Type
from argon2.low_level import hash_secret
from msgspec import Struct

from limen.core import errors, hashes
from limen.core.hashes import bcryptlib, native
from limen.core.metrics import Family, counter, gauge

T = TypeVar("T")

BCRYPT_LIMIT = native.BCRYPT_LIMIT


class Bcrypt(Struct, frozen=True):
    cost: int

    algorithm = "bcrypt"

    def make(self, password: bytes) -> str:
        made = bcryptlib.hashed(password, bcrypt.gensalt(self.cost)).decode()
        return f"$2a{made[3:]}"  # as Kratos writes it: the same by another name

    def decoy(self) -> str:
        """A hash of these parameters that no password fits; made without hashing."""
        return f"$2a${self.cost:02d}$" + "." * 21 + "u" + "." * 31


class Argon2(Struct, frozen=True):
    memory_kib: int
    iterations: int
    parallelism: int
    salt_length: int
    key_length: int

    algorithm = "argon2"

    def make(self, password: bytes) -> str:
        salt = secrets.token_bytes(self.salt_length)
        return hash_secret(
            password, salt, self.iterations, self.memory_kib, self.parallelism, self.key_length, Argon2Type.ID
        ).decode()

    def decoy(self) -> str:
        salt, key = (
            base64.b64encode(bytes(size)).rstrip(b"=").decode() for size in (self.salt_length, self.key_length)
        )
        return f"$argon2id$v=19$m={self.memory_kib},t={self.iterations},p={self.parallelism}${salt}${key}"


Hasher = Bcrypt | Argon2


def algorithm(hashed: str) -> str:
    """Which hasher of ours makes hashes of this kind: bcrypt or argon2; else the format's own name, "" for none."""
    found = hashes.algorithm(hashed)
    return "argon2" if found == "argon2id" else found


def check(password: bytes, hashed: str) -> bool:
    """Whether the password fits the hash. A hash nobody can read fits no password. Slow: meant for a thread."""
    try:
        return hashes.read(hashed).check(password)
    except hashes.HashError:
        return False


class Passwords:
    """The pool. What does not fit into its queue is refused at once, with the seconds until it is worth trying again."""

    def __init__(self, workers: int, queue: int) -> None:
        self._limit = workers + queue
        self._waiting = self._refused = 0
        self.workers = workers
        self._pace = 0.1  # seconds a hash takes, as seen lately
        self._threads = ThreadPoolExecutor(workers, "limen-hash", initializer=_be_nice)

    async def make(self, hasher: Hasher, password: str) -> str:
        """:raises ApiError: 429, the queue is full"""
        return await self._run(lambda: hasher.make(password.encode()))

    async def check(self, password: str, hashed: str) -> bool:
        """:raises ApiError: 429, the queue is full"""
        return await self._run(lambda: check(password.encode(), hashed))

    async def check_nobody(self, hasher: Hasher, password: str) -> None:
        """Take as long as a check takes, so that an answer for strangers comes no sooner than one for members."""
        await self._run(lambda: check(password.encode()[:BCRYPT_LIMIT], hasher.decoy()))

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= self._limit:
            self._refused += 1
            raise errors.too_busy(max(1, round(self._waiting * self._pace / self.workers)))
        loop = asyncio.get_running_loop()
        self._waiting += 1
        started = loop.time()
        try:
            return await loop.run_in_executor(self._threads, work)
        except MemoryError as error:  # argon2 with the memory an imported hash may ask for
            raise errors.too_busy(max(1, round(self._pace))) from error
        finally:
            self._pace += 0.1 * ((loop.time() - started) * self.workers / self._waiting - self._pace)
            self._waiting -= 1

    def families(self) -> list[Family]:
        """How busy the pool is, for the metrics."""
        return [
            gauge("limen_hashing_waiting", "Passwords being hashed or waiting for it.", self._waiting),
            gauge("limen_hashing_capacity", "How many may be, before others are told to come back later.", self._limit),
            counter("limen_hashing_refused_total", "Requests told to come back later (429).", self._refused),
        ]

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _be_nice() -> None:
    """A hash at normal priority on the loop's core halves the session checks; at nice 19 it costs them 3 %."""
    setpriority: Any = getattr(os, "setpriority", None)
    if setpriority is not None:
        setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)


# --- policy ---------------------------------------------------------------------------------------------------------

SIMILARITY_LIMIT = 256  # bytes; a longer text is not compared
_EDITS = 5


def is_similar(identifier: str, password: str) -> bool:
    """Whether a password gives itself away: fewer than 5 edits from the identifier, or half of it the same text."""
    a, b = identifier.lower(), password.lower()
    if not a or len(a.encode()) > SIMILARITY_LIMIT or len(b.encode()) > SIMILARITY_LIMIT:
        return False
    return _is_near(a, b) or _shares_half(a, b)


def _is_near(a: str, b: str) -> bool:
    """Whether the Levenshtein distance is below `_EDITS`: only the diagonal band that can hold such a path is filled."""
    # No path is shorter than the number of letters that only one of the two has; mostly that settles it.
    if len(set(a) - set(b)) >= _EDITS or len(set(b) - set(a)) >= _EDITS:
        return False
    far = _EDITS
    row = {j: j for j in range(min(len(b), far) + 1)}
    for i, x in enumerate(a, 1):
        first, last = max(0, i - far), min(len(b), i + far)
        fresh: dict[int, int] = {}
        for j in range(first, last + 1):
            if j == 0:
                fresh[0] = i
                continue
            replaced = row.get(j - 1, far) + (x != b[j - 1])
            fresh[j] = min(row.get(j, far) + 1, fresh.get(j - 1, far) + 1, replaced)
        if min(fresh.values()) >= far:
            return False
        row = fresh
    return row[len(b)] < far


def _shares_half(a: str, b: str) -> bool:
    """Whether a text longer than half of `b` stands in both."""
    size = len(b) // 2 + 1
    return any(b[i : i + size] in a for i in range(len(b) - size + 1))
