"""`limen import kratos`: copies people, what they sign in with, and their live sessions, as often as one likes.

Who is here already is left alone, so a run that was stopped is simply repeated. A person and their sessions are stored together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from msgspec import Struct

from limen.context import Context
from limen.core import hashes
from limen.core.errors import ApiError
from limen.db.database import Commit
from limen.identity import store as people
from limen.identity.model import Identity
from limen.moving.convert import Mover, movers
from limen.moving.source import FIRST, KratosDatabase
from limen.session import service as sessions
from limen.session import store as session_store

PAGE = 500


class Report(Struct):
    """What became of a copy. `doubts` are what the operator should know, with how many people each is about."""

    copied: int = 0
    sessions: int = 0
    here_already: int = 0
    refused: list[str] = []
    doubts: Counter[str] = Counter()

    def __post_init__(self) -> None:
        self.refused, self.doubts = [], Counter()


async def copy(
    ctx: Context, source: KratosDatabase, *, dry_run: bool = False, told: Callable[[int], None] = lambda _: None
) -> Report:
    """Copy everybody; `told` hears how many are done. With `dry_run` nothing is written, and the report is the same."""
    report, after = Report(), FIRST
    while (page := await source.page(after, PAGE)).people:
        found = list(movers(ctx, page))
        known = await people.known_between(ctx.db, found[0].identity.id, found[-1].identity.id)
        new = [m for m in found if m.identity.id not in known]
        report.here_already += len(known)
        for mover in new:
            report.doubts.update(_doubts(ctx, mover.identity))
        await (_check(ctx, new, report) if dry_run else _store(ctx, new, report))
        after = found[-1].identity.id
        told(len(found))
    return report


def _doubts(ctx: Context, identity: Identity) -> list[str]:
    found: list[str] = []
    try:
        if ctx.project.schema(identity.schema_id).check(identity.traits):
            found.append(f"do not fit the schema {identity.schema_id!r} as it is now; the settings let them mend that")
    except ApiError:
        found.append(f"have the schema {identity.schema_id!r}, which is not configured here")
    password = identity.credentials.get("password")
    if password and (hashed := password.config.get("hashed_password")):
        try:
            hashes.read(hashed)
        except hashes.HashError as error:
            found.append(f"have a password hash that cannot be checked ({error}); they have to recover their account")
    return found


async def _check(ctx: Context, new: Sequence[Mover], report: Report) -> None:
    for mover in new:
        clash = await _clash(ctx, mover.identity)
        _count(mover, report) if not clash else report.refused.append(clash)


async def _clash(ctx: Context, identity: Identity) -> str:
    """Whose identifier somebody else here has."""
    found = await people.clash(ctx.db, identity)
    return f"{identity.id}: {found} belongs to somebody else here" if found else ""


async def _store(ctx: Context, new: Sequence[Mover], report: Report) -> None:
    commits = [_commit(ctx, mover) for mover in new]
    for mover, stored in zip(new, await ctx.db.insert_each(commits), strict=True):
        if stored:
            _count(mover, report)
        else:
            report.refused.append(await _clash(ctx, mover.identity) or f"{mover.identity.id}: an address is taken here")


def _commit(ctx: Context, mover: Mover) -> Commit:
    commit = ctx.db.begin()
    people.insert(commit, mover.identity)
    for session, token in mover.sessions:
        session_store.insert(commit, session, sessions.digest(token))
    return commit


def _count(mover: Mover, report: Report) -> None:
    report.copied += 1
    report.sessions += len(mover.sessions)
