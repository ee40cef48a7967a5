"""Codes and links: minted once, for one purpose, in one flow; stored as a digest and consumed by one statement."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from limen.context import Context
from limen.core import crypto
from limen.core.ids import new_id
from limen.db.database import Commit

_INSERT = """
    insert into proofs (project_id, id, purpose, flow_id, digest, identity_id, via, address, created_at, expires_at)
    values (:project, :id, :purpose, :flow_id, :digest, :identity_id, :via, :address, :created_at, :expires_at)
"""
_FIND = """
    select id, identity_id, via, address, expires_at, used_at from proofs
     where project_id = :project and flow_id = :flow_id and purpose = :purpose and digest = :digest
"""
_DROP = "delete from proofs where project_id = :project and flow_id = :flow_id and purpose = :purpose"
_DROP_OF = """
    delete from proofs
     where project_id = :project and identity_id = :identity_id and purpose = :purpose and used_at is null
"""
# A proof is good once: of two racing submits, one finds no row to update.
_USE = "update proofs set used_at = :now where project_id = :project and id = :id and used_at is null"
_COUNT = "update flows set submits = submits + 1 where project_id = :project and id = :flow_id returning submits"


class Found(Struct, frozen=True):
    """A proof that fits. `identity_id` is None while the account does not exist yet."""

    id: str
    identity_id: str | None
    via: str
    address: str
    expires_at: str
    is_used: bool = False


def issue(
    commit: Commit,
    ctx: Context,
    purpose: str,
    flow_id: str,
    secret: str,
    *,
    via: str,
    address: str,
    identity_id: str | None,
    seconds: float,
) -> None:
    """Remember a code or the token of a link. `purpose` is part of the digest: it proves nothing anywhere else."""
    commit.add(
        _INSERT,
        id=new_id(),
        purpose=purpose,
        flow_id=flow_id,
        digest=ctx.project.keys.digest("proof", purpose, flow_id, secret),
        identity_id=identity_id,
        via=via,
        address=address,
        created_at=ctx.stamp,
        expires_at=ctx.after(seconds),
    )


def drop(commit: Commit, purpose: str, flow_id: str) -> None:
    """Older proofs of this purpose and flow die when a new one is sent."""
    commit.add(_DROP, purpose=purpose, flow_id=flow_id)


def drop_all_of(commit: Commit, purpose: str, identity_id: str) -> None:
    """A person's unused proofs of this purpose die, in whichever flow they were minted."""
    commit.add(_DROP_OF, purpose=purpose, identity_id=identity_id)


async def count_submit(ctx: Context, flow_id: str) -> int:
    """Count an attempt, before it is looked at: however many come at once, each is counted."""
    rows = await ctx.db.write(_COUNT, flow_id=flow_id)
    return int(rows[0][0]) if rows else 0


async def find(
    ctx: Context, purpose: str, flow_id: str, secret: str, *, even_expired: bool = False, even_used: bool = False
) -> Found | None:
    """The unused proof of this purpose and flow that this code or token is; None when there is none in time."""
    for digest in ctx.project.keys.digests("proof", purpose, flow_id, secret):
        row = await ctx.db.row(_FIND, flow_id=flow_id, purpose=purpose, digest=digest)
        if row and (even_used or row[5] is None) and (even_expired or row[4] > ctx.stamp):
            id_, identity_id, via, address, expires_at, used_at = row
            return Found(id_, identity_id, via, address, expires_at, is_used=used_at is not None)
    return None


def use(commit: Commit, ctx: Context, proof: Found, otherwise: Callable[[], Exception]) -> None:
    commit.add(_USE, expect=1, otherwise=otherwise, id=proof.id, now=ctx.stamp)


def new_code() -> str:
    return crypto.numeric_code()
