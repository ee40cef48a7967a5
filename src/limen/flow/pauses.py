"""Paused submits: what a person sent, kept sealed until they come back in the same browser, and good once.

The browser holds the ids in one sealed cookie, by name; `Client.paused` is what it sent, `Reply.paused` what it gets.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from limen.context import Context
from limen.core.ids import new_id
from limen.db.database import Commit

_INSERT = """
    insert into pauses (project_id, id, name, flow_id, identity_id, payload, expires_at)
    values (:project, :id, :name, :flow_id, :identity_id, :payload, :expires_at)
"""
_TAKE = """
    delete from pauses where project_id = :project and id = :id and name = :name
    returning flow_id, identity_id, payload, expires_at
"""
_DROP = "delete from pauses where project_id = :project and id = :id"
_SEAL = "pause"


class Paused(Struct, frozen=True):
    """What comes back: in which flow, whose it was, and what was sent."""

    flow_id: str
    identity_id: str | None
    values: dict[str, list[str]]


def pause(
    commit: Commit,
    ctx: Context,
    name: str,
    flow_id: str,
    values: object,
    *,
    seconds: float,
    identity_id: str | None = None,
) -> str:
    """Keep a submit; returns the id for the browser's cookie."""
    id_ = new_id()
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
    if not rows or rows[0][3] < ctx.stamp:
        return None
    flow_id, identity_id, payload, _ = rows[0]
    raw = ctx.project.keys.open(_SEAL, payload)
    return Paused(flow_id, identity_id, msgspec.json.decode(raw)) if raw is not None else None


def drop(commit: Commit, id_: str) -> None:
    commit.add(_DROP, id=id_)
