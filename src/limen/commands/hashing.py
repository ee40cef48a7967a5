"""Argon2 on this machine: hash, load it, and find parameters that take as long as they should."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import click
from msgspec.structs import replace

from limen.commands.output import options, pairs, show
from limen.core.configtypes import duration, duration_text, size, size_text
from limen.core.passwords import Argon2

SAMPLE = b"a password of usual length"
MEGABYTE = 1024 * 1024
F = TypeVar("F", bound=Callable[..., Any])


class _Of(click.ParamType[float]):
    """A value as the configuration writes it."""

    def __init__(self, name: str, read: Callable[[str], float | int | None], example: str) -> None:
        self.name, self._read, self._example = name, read, example

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, int | float):
            return value
        found = self._read(str(value))
        if found is None:
            self.fail(f"{value!r} is no {self.name}; write it as {self._example}.", param, ctx)
        return found


BYTES = _Of("size", size, "128MB")
SPAN = _Of("time span", duration, "500ms")
COUNT = click.IntRange(min=1)


def parameters(command: F) -> F:
    """The hasher's own flags."""
    for name, kind, default, told in (
        ("--key-length", click.IntRange(min=16), 32, "Bytes of the key."),
        ("--salt-length", click.IntRange(min=16), 16, "Bytes of the salt."),
        ("--parallelism", click.IntRange(1, 255), 1, "Lanes."),
        ("--iterations", COUNT, 1, "Iterations."),
        ("--memory", BYTES, "128MB", "Memory."),
    ):
        command = click.option(name, type=kind, default=default, show_default=True, help=told)(command)
    return command


def _hasher(memory: float, iterations: int, parallelism: int, salt_length: int, key_length: int) -> Argon2:
    return Argon2(max(8 * parallelism, int(memory) // 1024), iterations, parallelism, salt_length, key_length)


def _seconds(hasher: Argon2, password: bytes = SAMPLE) -> float:
    began = time.perf_counter()
    hasher.make(password)
    return time.perf_counter() - began


def _facts(hasher: Argon2) -> dict[str, Any]:
    return {
        "memory": size_text(hasher.memory_kib * 1024),
        "iterations": hasher.iterations,
        "parallelism": hasher.parallelism,
        "salt_length": hasher.salt_length,
        "key_length": hasher.key_length,
    }


def _print(facts: dict[str, Any], form: str, *, quiet: bool) -> None:
    lines = [(name.upper().replace("_", " "), str(value)) for name, value in facts.items()]
    show(facts, form, quiet=quiet, table=lambda: pairs(lines), ids=lambda: [str(next(iter(facts.values())))])


@click.command("hash")
@click.argument("passwords", nargs=-1, required=True)
@click.option("--parallel", is_flag=True, help="All at the same time.")
@parameters
def hash_(passwords: tuple[str, ...], parallel: bool, **chosen: Any) -> None:
    """Hash passwords, and say how long each took."""
    hasher = _hasher(**chosen)
    began = time.perf_counter()
    with ThreadPoolExecutor(len(passwords) if parallel else 1) as pool:
        for index, took in enumerate(pool.map(lambda password: _seconds(hasher, password.encode()), passwords)):
            click.echo(f"password {index}: {took * 1000:.1f}ms")
    click.echo(f"total: {(time.perf_counter() - began) * 1000:.1f}ms")


@click.command("load-test")
@click.argument("requests_per_minute", type=COUNT)
@click.option("--seconds", type=COUNT, default=20, show_default=True, help="How long to go on.")
@click.option("--max-concurrent", type=COUNT, default=16, show_default=True, help="Hashes at a time.")
@parameters
@options
def load_test(
    requests_per_minute: int, seconds: int, max_concurrent: int, form: str, quiet: bool, **chosen: Any
) -> None:
    """Hash as often as people sign in, and say how long they wait."""
    hasher = _hasher(**chosen)
    times = _under_load(hasher, requests_per_minute, seconds, max_concurrent)
    facts = {
        **_facts(hasher),
        "requests": len(times),
        "median": duration_text(round(statistics.median(times), 3)),
        "longest": duration_text(round(max(times), 3)),
        "deviation": duration_text(round(statistics.pstdev(times), 3)),
    }
    _print(facts, form, quiet=quiet)


def _under_load(hasher: Argon2, per_minute: int, seconds: float, at_once: int) -> list[float]:
    """How long each request took, its wait for a free place included, when they come evenly."""
    pause, count = 60 / per_minute, max(1, round(per_minute * seconds / 60))
    with ThreadPoolExecutor(at_once) as pool:
        begun = time.perf_counter()

        def one(due: float) -> float:
            hasher.make(SAMPLE)
            return time.perf_counter() - due

        waiting = []
        for index in range(count):
            due = begun + index * pause
            time.sleep(max(0.0, due - time.perf_counter()))
            waiting.append(pool.submit(one, due))
        return [each.result() for each in waiting]


@click.command()
@click.argument("requests_per_minute", type=COUNT)
@click.option("--min-duration", type=SPAN, default="500ms", show_default=True, help="How long a sign-in should take.")
@click.option("--max-memory", type=BYTES, default="1GB", show_default=True, help="Most memory of one hash.")
@click.option("--dedicated-memory", type=BYTES, default="1GB", show_default=True, help="Memory of all hashes together.")
@click.option("-m", "--start-memory", type=BYTES, default="128MB", show_default=True, help="Memory to begin with.")
@click.option("-i", "--start-iterations", type=COUNT, default=1, show_default=True, help="Iterations to begin with.")
@click.option("-r", "--probe-runs", type=COUNT, default=2, show_default=True, help="Hashes for each measurement.")
@click.option("--parallelism", type=click.IntRange(1, 255), default=1, show_default=True, help="Lanes.")
@click.option("--salt-length", type=click.IntRange(min=16), default=16, show_default=True, help="Bytes of the salt.")
@click.option("--key-length", type=click.IntRange(min=16), default=32, show_default=True, help="Bytes of the key.")
@options
def calibrate(
    requests_per_minute: int,
    min_duration: float,
    max_memory: float,
    dedicated_memory: float,
    start_memory: float,
    start_iterations: int,
    probe_runs: int,
    parallelism: int,
    salt_length: int,
    key_length: int,
    form: str,
    quiet: bool,
) -> None:
    """Find parameters with which a hash takes the time it should, in the memory there is."""
    at_once = max(1.0, requests_per_minute / 60 * min_duration)  # sign-ins that overlap (Little's law)
    most = min(max_memory, dedicated_memory / at_once)
    hasher = _hasher(min(start_memory, most), start_iterations, parallelism, salt_length, key_length)
    _print(_facts(found := calibrated(hasher, min_duration, int(most), probe_runs)), form, quiet=quiet)
    if quiet is False:
        click.echo(f"One hash took {duration_text(round(_median(found, probe_runs), 3))}.", err=True)


def _median(hasher: Argon2, runs: int) -> float:
    return statistics.median(_seconds(hasher) for _ in range(runs))


def calibrated(hasher: Argon2, wanted: float, most: int, runs: int) -> Argon2:
    """As much memory as takes `wanted` seconds, at most `most` bytes; iterations for what is left of the time.

    Memory first: it is what makes guessing dear (RFC 9106 §4).
    """
    while _median(hasher, runs) > wanted and hasher.memory_kib * 1024 > MEGABYTE:
        hasher = replace(hasher, memory_kib=hasher.memory_kib // 2)
    while (doubled := hasher.memory_kib * 2) * 1024 <= most:
        if _median(replace(hasher, memory_kib=doubled), runs) > wanted:
            break
        hasher = replace(hasher, memory_kib=doubled)
    while _median(more := replace(hasher, iterations=hasher.iterations + 1), runs) <= wanted:
        hasher = more
    return hasher


COMMANDS: Sequence[click.Command] = (calibrate, hash_, load_test)
