"""The child process of `jsonnet.py`: evaluates one snippet after the other, under limits it cannot lift.

Runs as a script with nothing of ours imported. Requests and answers are JSON with four bytes of length before them.
"""

import json
import math
import resource
import struct
import sys
from typing import BinaryIO

import _gojsonnet

MEMORY = 2 * 1024**3  # bytes of address space; the Go runtime alone reserves more than half of it
SECONDS = 2  # of computing for one snippet, counted by the kernel: a busy machine makes no difference
_LENGTH = struct.Struct(">I")


def main() -> None:
    """Serve standard input until it is closed."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    while (asked := _read(sys.stdin.buffer)) is not None:
        answer = json.dumps(_evaluate(json.loads(asked))).encode()
        sys.stdout.buffer.write(_LENGTH.pack(len(answer)) + answer)
        sys.stdout.buffer.flush()


def _read(source: BinaryIO) -> bytes | None:
    head = source.read(_LENGTH.size)
    return source.read(_LENGTH.unpack(head)[0]) if len(head) == _LENGTH.size else None


def _evaluate(asked: dict[str, object]) -> dict[str, str]:
    used = resource.getrusage(resource.RUSAGE_SELF)
    resource.setrlimit(
        resource.RLIMIT_CPU, (math.ceil(used.ru_utime + used.ru_stime) + SECONDS, resource.RLIM_INFINITY)
    )
    try:
        # A callback that answers nothing refuses every import: `importstr "/etc/passwd"` reads no file.
        text = _gojsonnet.evaluate_snippet(
            asked["name"],
            asked["snippet"],
            tla_codes=asked["arguments"],
            ext_codes=asked["variables"],
            import_callback=lambda *_: None,
        )
    except RuntimeError as error:
        return {"error": str(error)}
    return {"text": text}


if __name__ == "__main__":
    main()
