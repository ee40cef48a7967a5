"""Paused submits: what a person sent, kept sealed until they come back in the same browser, and good once.

The browser holds the ids in one sealed cookie, by name; `Client.paused` is what it sent, `Reply.paused` what it gets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from limen.context import Context
from limen.core.ids import new_id
from limen.db.database import Commit, Row

_INSERT = """
    insert into pauses (project_id, id, name, flow_id, identity_id, payload, expires_at)
    values (:project, :id, :name, :flow_id, :identity_id, :payload, :expires_at)
"""
_TAKE = """
    delete from pauses where project_id = :project and id = :id and name = :name
    returning flow_id, identity_id, payload, expires_at
"""
# The row stays for a moment under another name, so that who comes twice can be told so.
_USE = """
    update pauses set name = :used where project_id = :project and id = :id and name = :name and expires_at > :now
    returning flow_id, identity_id, payload, expires_at
"""
_LOOK = """
    select flow_id, identity_id, payload, expires_at from pauses
     where project_id = :project and id = :id and name = :name and expires_at > :now
"""
_NAME = "select name from pauses where project_id = :project and id = :id"
_DROP = "delete from pauses where project_id = :project and id = :id"
_SEAL = "pause"


class Paused(Struct, frozen=True):
    """What comes back: in which flow, whose it was, and what was sent."""

    flow_id: str
    identity_id: str | None
    values: Any


def pause(
    commit: Commit,
    ctx: Context,
    name: str,
    flow_id: str,
    values: object,
    *,
    seconds: float,
    identity_id: str | None = None,
    id_: str = "",
) -> str:
    """Keep a submit; returns the id for the browser's cookie."""
    id_ = id_ or new_id()
    commit.add(
        _INSERT,
        id=id_,
        name=name,
        flow_id=flow_id,
        identity_id=identity_id,
        payload=ctx.project.keys.seal(_SEAL, msgspec.json.encode(values)),
        expires_at=ctx.after(seconds),
    )
    return id_


async def take(ctx: Context, name: str) -> Paused | None:
    """What this browser paused under this name: handed out once, then gone. None: nothing, or too old."""
    id_ = ctx.client.paused.get(name)
    rows = await ctx.db.write(_TAKE, id=id_, name=name) if id_ else []
    return _opened(ctx, rows[0]) if rows and rows[0][3] >= ctx.stamp else None


async def use(ctx: Context, id_: str, name: str) -> Paused | None:
    """The pause of this id and name, whoever asks: good once. None: there is none (any more), or it is too old."""
    rows = await ctx.db.write(_USE, id=id_, name=name, used=_used(name), now=ctx.stamp)
    return _opened(ctx, rows[0]) if rows else None


async def look(ctx: Context, id_: str, name: str) -> Paused | None:
    """The same without using it."""
    row = await ctx.db.row(_LOOK, id=id_, name=name, now=ctx.stamp)
    return _opened(ctx, row) if row else None


async def is_used(ctx: Context, id_: str, name: str) -> bool:
    """Whether it was used already, as far as that is remembered."""
    row = await ctx.db.row(_NAME, id=id_)
    return row is not None and row[0] == _used(name)


def _used(name: str) -> str:
    return f"{name}, used"


def _opened(ctx: Context, row: Row) -> Paused | None:
    flow_id, identity_id, payload, _ = row
    raw = ctx.project.keys.open(_SEAL, payload)
    return Paused(flow_id, identity_id, msgspec.json.decode(raw)) if raw is not None else None


def once(
    commit: Commit, ctx: Context, name: str, id_: str, *, seconds: float, otherwise: Callable[[], Exception]
) -> None:
    """Write down that something was used, which is good once; `otherwise` makes the error of a second time.

    :param id_: a digest of it
    :param seconds: how long it could be used at all
    """
    nothing: dict[str, Any] = {"flow_id": "", "identity_id": None, "payload": ""}
    commit.add(_INSERT, taken=otherwise, id=id_, name=name, expires_at=ctx.after(seconds), **nothing)


def drop(commit: Commit, id_: str) -> None:
    commit.add(_DROP, id=id_)
