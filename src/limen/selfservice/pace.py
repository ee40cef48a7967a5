"""Answers that take as long for strangers as for members.

What is done for somebody who is known here, such as minting a code and queuing its message, takes a fraction of a millisecond
longer than for a stranger, and a thousand questions bring that to light. Such answers are therefore given at fixed moments
after their submit began: work that was done in time leaves no trace. What is left, as clocks tick in milliseconds, goes under
in chance. `bench/recovery_timing.py` measures it.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import Final

STEP: Final = 0.1  # seconds: far more than the work takes, its message sent, and nothing a person notices
CHANCE: Final = 0.02  # seconds, at most


async def even(begun: float) -> None:
    """Wait for the next moment at which an answer may be given; `begun` is of `time.monotonic()`."""
    await asyncio.sleep(rest(time.monotonic() - begun, secrets.randbelow(1_000_000) / 1_000_000))


def rest(passed: float, chance: float) -> float:
    """Seconds to wait after these; `chance` is between 0 and 1."""
    return -passed % STEP + CHANCE * chance
