"""Copying the people of a file, as often as one likes: who is here already is left alone, so a run that was stopped, or
killed, is simply repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from msgspec import Struct, field

from limen.context import Context
from limen.core.errors import ApiError
from limen.identity import directory, listing
from limen.identity import store as people
from limen.moving.fit import Fit, Fitted
from limen.moving.model import Brought, Unreadable

PAGE = 500


class Report(Struct):
    """What became of a file. `refused` are lines with reasons, `doubts` what was left behind, with the lines."""

    copied: int = 0
    here_already: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)
    doubts: dict[str, list[int]] = field(default_factory=dict)


class _One(Struct, frozen=True):
    line: int
    fitted: Fitted


async def copy(
    ctx: Context,
    fit: Fit,
    brought: Iterator[Brought | Unreadable],
    *,
    dry_run: bool = False,
    told: Callable[[int], None] = lambda _: None,
) -> Report:
    """Copy everybody; `told` hears which line was reached. With `dry_run` nothing is written, and the report is the same.

    :raises FileError: the file cannot be read any further
    """
    report, seen = Report(), set[tuple[str, ...]]()
    while page := list(islice(brought, PAGE)):
        known = await listing.known(ctx.db, [fit.id_of(one) for one in page if isinstance(one, Brought)])
        new = [fitted for one in page if (fitted := await _fitted(fit, one, known, report))]
        await (_check(ctx, new, seen, report) if dry_run else _store(ctx, new, report))
        told(page[-1].line)
    report.refused.sort()
    return report


async def _fitted(fit: Fit, one: Brought | Unreadable, known: set[str], report: Report) -> _One | None:
    if isinstance(one, Unreadable):
        report.refused.append((one.line, one.reason))
        return None
    if fit.id_of(one) in known:
        report.here_already += 1
        return None
    try:
        fitted = await fit.person(one)
    except ApiError as error:
        report.refused.append((one.line, error.reason))
        return None
    return _One(one.line, fitted)


async def _check(ctx: Context, new: list[_One], seen: set[tuple[str, ...]], report: Report) -> None:
    for one in new:
        keys = people.unique_keys(one.fitted.identity)
        if twice := keys & seen:
            _refuse(report, one, f"{min(twice)[-1]!r} stands in this file twice")
        elif clash := await people.clash(ctx.db, one.fitted.identity):
            _refuse(report, one, f"{clash} belongs to somebody else here")
        else:
            seen |= keys
            _count(report, one)


async def _store(ctx: Context, new: list[_One], report: Report) -> None:
    commits = []
    for one in new:
        commit = ctx.db.begin()
        people.insert(commit, one.fitted.identity)
        if one.fitted.last_login_at:
            directory.signed_in(commit, one.fitted.identity.id, one.fitted.last_login_at)
        commits.append(commit)
    for one, stored in zip(new, await ctx.db.insert_each(commits), strict=True):
        if stored:
            _count(report, one)
        else:
            clash = await people.clash(ctx.db, one.fitted.identity)
            _refuse(report, one, f"{clash or 'something of theirs'} belongs to somebody else here")


def _refuse(report: Report, one: _One, reason: str) -> None:
    report.refused.append((one.line, reason))


def _count(report: Report, one: _One) -> None:
    report.copied += 1
    for doubt in one.fitted.doubts:
        report.doubts.setdefault(doubt, []).append(one.line)


def lines_of(file: Path) -> int:
    """How many lines a file has, for a progress bar; 1 for one that cannot be read."""
    try:
        with file.open("rb") as opened:
            return 1 + sum(chunk.count(b"\n") for chunk in iter(lambda: opened.read(1 << 20), b""))
    except OSError:
        return 1
