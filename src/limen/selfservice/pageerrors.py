"""Errors of pages, kept under an id for the error page to show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from limen.context import Context
from limen.core import clock, errors
from limen.core.causes import Cause
from limen.core.errors import ApiError
from limen.core.ids import new_id, parse_id

_WHY = "limen_why"  # beside the error in its row, never in an answer
STUB = "stub:500"  # an id that always has an error, to build an error page with

_INSERT = "insert into page_errors (project_id, id, created_at, error) values (:project, :id, :now, :error)"
_BY_ID = "select created_at, error from page_errors where project_id = :project and id = :id"


async def keep(ctx: Context, error: ApiError, causes: Sequence[Cause] = ()) -> str:
    """Store what happened; returns the id the error page is opened with. In development the page may say why, too."""
    id_ = new_id()
    kept = {**error.kept(), **({_WHY: causes} if causes and ctx.project.dev else {})}
    commit = ctx.db.begin()
    commit.add(_INSERT, id=id_, now=ctx.stamp, error=msgspec.json.encode(kept).decode())
    await ctx.db.commit(commit)
    return id_


async def must(ctx: Context, id_: str) -> dict[str, Any]:
    """`GET /self-service/errors`.

    :raises ApiError: 404, there is no error of this id
    """
    body, _ = await explained(ctx, id_)
    return body


async def explained(ctx: Context, id_: str) -> tuple[dict[str, Any], list[Cause]]:
    """The same, and why it happened, as far as that was kept.

    :raises ApiError: 404, there is no error of this id
    """
    if id_ == STUB:
        stub = ApiError(500, reason="This is an example, made to try out an error page.")
        return {"id": new_id(), "error": stub.envelope(), "created_at": clock.ZERO, "updated_at": clock.ZERO}, []
    canonical = parse_id(id_)
    row = await ctx.db.row(_BY_ID, id=canonical) if canonical else None
    if row is None:
        raise errors.row_not_found()
    error = msgspec.json.decode(row[1])
    causes = msgspec.convert(error.pop(_WHY, []), list[Cause])
    return {"id": canonical, "error": error, "created_at": row[0], "updated_at": row[0]}, causes
