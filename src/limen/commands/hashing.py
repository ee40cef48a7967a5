"""Argon2 on this machine: hash, load it, and find parameters that take as long as they should."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import click
from msgspec.structs import replace

from limen.commands.output import options, pairs, show
from limen.core import configload, configreport
from limen.core.config import Argon2 as Own
from limen.core.configload import ConfigMistakes
from limen.core.configtypes import duration, duration_text, size, size_text
from limen.core.passwords import Argon2
from limen.reload import paths_of

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
    """The hasher's own flags. What they leave out is as in the configuration."""
    for name, kind, told in (
        ("--key-length", click.IntRange(min=16), "Bytes of the key; by default 32."),
        ("--salt-length", click.IntRange(min=16), "Bytes of the salt; by default 16."),
        ("--parallelism", click.IntRange(1, 255), "Lanes; by default 1."),
        ("--iterations", COUNT, "Iterations; by default 1."),
        ("--memory", BYTES, "Memory; by default 128MB."),
    ):
        command = click.option(name, type=kind, help=told)(command)
    return compatible("--expected-deviation", "--min-duration", "--dedicated-memory")(configuration(command))


def configuration(command: F) -> F:
    return click.option("-c", "--config", multiple=True, metavar="FILE", help="Begin with its `hashers.argon2`.")(
        command
    )


def compatible(*flags: str) -> Callable[[F], F]:
    """Kratos takes these and does nothing with them here; so do we."""

    def add(command: F) -> F:
        for flag in flags:
            command = click.option(flag, hidden=True, expose_value=False, help="Taken for compatibility.")(command)
        return command

    return add


def _chosen(config: Sequence[str], **flags: Any) -> Argon2:
    """The hasher that the flags, and below them the configuration, describe."""
    try:
        own = configload.load(paths_of(config), env=os.environ, flags={}).config.hashers.argon2 if config else Own()
    except ConfigMistakes as mistakes:
        raise click.ClickException(configreport.render(mistakes.problems)) from mistakes
    known = {name: value for name, value in flags.items() if value is not None}
    memory, lanes = known.pop("memory", own.memory), known.pop("parallelism", own.parallelism or 1)
    begin = Argon2(max(8 * lanes, int(memory) // 1024), own.iterations, lanes, own.salt_length, own.key_length)
    return replace(begin, **known)


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
    hasher = _chosen(**chosen)
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
    hasher = _chosen(**chosen)
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
@click.option("-m", "--start-memory", type=BYTES, help="Memory to begin with; by default 128MB.")
@click.option("-i", "--start-iterations", type=COUNT, help="Iterations to begin with; by default 1.")
@click.option("-r", "--probe-runs", type=COUNT, default=2, show_default=True, help="Hashes for each measurement.")
@click.option("--parallelism", type=click.IntRange(1, 255), help="Lanes; by default 1.")
@click.option("--salt-length", type=click.IntRange(min=16), help="Bytes of the salt; by default 16.")
@click.option("--key-length", type=click.IntRange(min=16), help="Bytes of the key; by default 32.")
@configuration
@compatible("--adjust-memory-by", "--expected-deviation", "--max-concurrent")
@options
def calibrate(
    requests_per_minute: int,
    min_duration: float,
    max_memory: float,
    dedicated_memory: float,
    start_memory: float | None,
    start_iterations: int | None,
    probe_runs: int,
    config: tuple[str, ...],
    parallelism: int | None,
    salt_length: int | None,
    key_length: int | None,
    form: str,
    quiet: bool,
) -> None:
    """Find parameters with which a hash takes the time it should, in the memory there is."""
    at_once = max(1.0, requests_per_minute / 60 * min_duration)  # sign-ins that overlap (Little's law)
    most = min(max_memory, dedicated_memory / at_once)
    hasher = _chosen(
        config, memory=start_memory, iterations=start_iterations, parallelism=parallelism, salt_length=salt_length,
        key_length=key_length,
    )  # fmt: skip
    hasher = replace(hasher, memory_kib=max(8 * hasher.parallelism, min(hasher.memory_kib, int(most) // 1024)))
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
