"""What the operating system says about this process, under the names that Prometheus' clients share."""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path

from limen.core.metrics import Family, counter, gauge

_STARTED = time.time()
_SELF = Path("/proc/self")  # Linux; elsewhere these lines are missing


def families() -> list[Family]:
    """Processor time, memory and open files."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    found = [
        counter("process_cpu_seconds_total", "Processor time used, in seconds.", used.ru_utime + used.ru_stime),
        gauge("process_start_time_seconds", "When the process began, in seconds since 1970.", _STARTED),
        gauge("process_max_fds", "How many files it may open.", resource.getrlimit(resource.RLIMIT_NOFILE)[0]),
    ]
    if _SELF.exists():
        pages = [int(text) for text in (_SELF / "statm").read_text().split()[:2]]
        size = os.sysconf("SC_PAGE_SIZE")
        found += [
            gauge("process_open_fds", "How many files are open.", len(list((_SELF / "fd").iterdir()))),
            gauge("process_virtual_memory_bytes", "Addresses in use.", pages[0] * size),
            gauge("process_resident_memory_bytes", "Memory in use.", pages[1] * size),
        ]
    return found
