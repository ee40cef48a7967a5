"""The other side of `confined`: answers one question after the other, under limits it cannot lift.

Questions and answers are JSON with four bytes of length before them.
"""

import json
import math
import resource
import struct
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

SECONDS = 2  # of computing for one answer, counted by the kernel: a busy machine makes no difference
_LENGTH = struct.Struct(">I")


def serve(answer: Callable[[dict[str, Any]], dict[str, Any]], *, memory: int) -> None:
    """Serve standard input until it is closed. `memory`: bytes of address space."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    while (asked := _read(sys.stdin.buffer)) is not None:
        _allow(SECONDS)
        body = json.dumps(answer(json.loads(asked)), ensure_ascii=False).encode("utf-8", "replace")
        sys.stdout.buffer.write(_LENGTH.pack(len(body)) + body)
        sys.stdout.buffer.flush()


def _read(source: BinaryIO) -> bytes | None:
    head = source.read(_LENGTH.size)
    return source.read(_LENGTH.unpack(head)[0]) if len(head) == _LENGTH.size else None


def _allow(seconds: int) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    end = math.ceil(used.ru_utime + used.ru_stime) + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (end, resource.RLIM_INFINITY))
