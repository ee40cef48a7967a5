"""Which traces are kept: a share of them, a number of them a second, or what Jaeger's sampling server says."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlencode

import msgspec
import structlog
from msgspec import Struct, field

from limen.core.outbound import Outbound, OutboundError

Sampler = Callable[[str, str], bool]  # (trace id, name of the first span) → whether the trace is kept
EVERY: Final = 60.0  # seconds between two questions to the sampling server
_log = structlog.get_logger("limen.telemetry")


def share(ratio: float) -> Sampler:
    """A share of the traces, the same ones in every process that asks for as many."""
    limit = int(ratio * (1 << 63))
    return lambda trace_id, _: int(trace_id[16:], 16) >> 1 < limit


def limited(most: float, clock: Callable[[], float] = time.monotonic) -> Sampler:
    """So many traces a second; what was not used of a second is there in the next, and no longer."""
    full = max(most, 1.0)
    balance, last = full, clock()

    def keeps(_: str, __: str) -> bool:
        nonlocal balance, last
        now = clock()
        balance, last = min(full, balance + (now - last) * most), now
        if balance < 1:
            return False
        balance -= 1
        return True

    return keeps


class _Probabilistic(Struct, rename="camel"):
    sampling_rate: float = 0.0


class _RateLimiting(Struct, rename="camel"):
    max_traces_per_second: float = 0.0


class _Operation(Struct, rename="camel"):
    operation: str
    probabilistic_sampling: _Probabilistic = field(default_factory=_Probabilistic)


class _Operations(Struct, rename="camel"):
    default_sampling_probability: float = 0.0
    default_lower_bound_traces_per_second: float = 0.0
    per_operation_strategies: list[_Operation] = field(default_factory=list)


class _Strategy(Struct, rename="camel"):
    """A SamplingStrategyResponse (jaeger-idl, api_v2/sampling.proto) in JSON."""

    probabilistic_sampling: _Probabilistic | None = None
    rate_limiting_sampling: _RateLimiting | None = None
    operation_sampling: _Operations | None = None


_strategies = msgspec.json.Decoder(_Strategy)


def read(answer: bytes) -> Sampler:
    """What a sampling server answered.

    :raises ValueError: it makes no sense
    """
    strategy = _strategies.decode(answer)  # msgspec's errors are ValueErrors
    if own := strategy.operation_sampling:
        rates = {one.operation: one.probabilistic_sampling.sampling_rate for one in own.per_operation_strategies}
        return _by_operation(rates, own.default_sampling_probability, own.default_lower_bound_traces_per_second)
    if strategy.probabilistic_sampling:
        return share(strategy.probabilistic_sampling.sampling_rate)
    if strategy.rate_limiting_sampling:
        return limited(strategy.rate_limiting_sampling.max_traces_per_second)
    raise ValueError("it names no strategy")


def _by_operation(rates: Mapping[str, float], default: float, least: float) -> Sampler:
    """A share for each name; and of each name so many a second, however rare it is."""
    shares = {name: share(rate) for name, rate in rates.items()}
    other = share(default)
    floors: dict[str, Sampler] = {}

    def keeps(trace_id: str, name: str) -> bool:
        floor = floors.setdefault(name if name in shares else "", limited(least))
        return shares.get(name, other)(trace_id, name) or (least > 0 and floor(trace_id, name))

    return keeps


class Remote:
    """A sampler that does as a server says, and until it said something as `until` does."""

    def __init__(self, url: str, service: str, until: Sampler) -> None:
        self._url = f"{url}{'&' if '?' in url else '?'}{urlencode({'service': service})}"
        self._keeps = until
        self._answer = b""
        self._outbound = Outbound()

    def __call__(self, trace_id: str, name: str) -> bool:
        return self._keeps(trace_id, name)

    async def run(self) -> None:
        """Ask again and again, until cancelled."""
        try:
            while True:
                await self._ask()
                await asyncio.sleep(EVERY)
        finally:
            await self._outbound.close()

    async def _ask(self) -> None:
        try:
            answer = await self._outbound.request("GET", self._url, seconds=10)
            if answer.status != 200:
                raise OutboundError(f"it answered {answer.status}")
            if answer.body != self._answer:  # the same strategy goes on counting where it was
                self._keeps, self._answer = read(answer.body), answer.body
        except (OutboundError, ValueError) as error:
            _log.warning("telemetry.sampling", why=str(error))
