"""Work that one node does for all: whoever takes it has it until a moment, after which another may."""

from __future__ import annotations

from limen.db.database import Commit, ProjectDatabase

_KNOWN = "insert into chores (project_id, name) values (:project, :name) on conflict do nothing"
_TAKE = """
    update chores set leased_until = :until
     where project_id = :project and name = :name and leased_until <= :now returning name
"""
_DONE = "update chores set done_at = :at where project_id = :project and name = :name"
_WHEN = "select done_at from chores where project_id = :project and name = :name"


async def take(db: ProjectDatabase, name: str, now: str, until: str) -> bool:
    """Take this work until a moment; False: another node has it. Of two at once, one gets it."""
    if await db.write(_TAKE, name=name, now=now, until=until):
        return True
    commit = db.begin()
    commit.add(_KNOWN, name=name)
    await db.commit(commit)
    return bool(await db.write(_TAKE, name=name, now=now, until=until))


def note(commit: Commit, name: str, at: str) -> None:
    """The same as `finish`, as a part of a commit, and also for work that nobody took."""
    commit.add(_KNOWN, name=name)
    commit.add(_DONE, name=name, at=at)


async def finish(db: ProjectDatabase, name: str, at: str) -> None:
    """Note that it was done."""
    commit = db.begin()
    commit.add(_DONE, name=name, at=at)
    await db.commit(commit)


async def done_at(db: ProjectDatabase, name: str) -> str:
    """When it was done last; "": never."""
    row = await db.row(_WHEN, name=name)
    return row[0] if row else ""
