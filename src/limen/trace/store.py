"""Traces in the database: every node writes its own and reads all of them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from limen.db.database import ProjectDatabase
from limen.trace.model import Trace

_INSERT = """
    insert into traces (project_id, id, request_id, created_at, expires_at, trace)
    values (:project, :id, :request_id, :created_at, :expires_at, :trace)
"""
_OF_REQUEST = """
    select trace from traces where project_id = :project and request_id = :request_id
     order by created_at desc, id limit :most
"""
_NEWEST = "select trace from traces where project_id = :project order by created_at desc, id limit :most"
_DROP_OLD = "delete from traces where project_id = :project and expires_at < :now"
# The ones beyond the newest `most`: a burst of refusals must not fill the disk before it expires.
_DROP_MANY = """
    delete from traces where project_id = :project and id in (
        select id from traces where project_id = :project order by created_at desc, id limit 100000 offset :most
    )
"""


async def insert(db: ProjectDatabase, found: Sequence[Trace], expires_at: str) -> None:
    commit = db.begin()
    for one in found:
        commit.add(
            _INSERT,
            id=one.id,
            request_id=one.request_id,
            created_at=one.at,
            expires_at=expires_at,
            trace=msgspec.json.encode(one).decode(),
        )
    await db.commit(commit)


async def drop(db: ProjectDatabase, now: str, most: int) -> None:
    """Delete what has expired, and all but the newest `most`."""
    commit = db.begin()
    commit.add(_DROP_OLD, now=now)
    commit.add(_DROP_MANY, most=most)
    await db.commit(commit)


async def of_request(db: ProjectDatabase, request_id: str, most: int) -> list[Trace]:
    """The traces of one request id, newest first: callers may choose it, so there may be several."""
    return _decoded(await db.rows(_OF_REQUEST, request_id=request_id, most=most))


async def newest(db: ProjectDatabase, most: int) -> list[Trace]:
    return _decoded(await db.rows(_NEWEST, most=most))


def _decoded(rows: Sequence[Sequence[str]]) -> list[Trace]:
    return [msgspec.json.decode(row[0], type=Trace) for row in rows]
