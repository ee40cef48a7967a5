"""The first operator: whoever has the link that the server printed becomes the owner, once, and only while there is none."""

from __future__ import annotations

from limen.audit import record
from limen.context import Context
from limen.core import urls
from limen.core.errors import ApiError
from limen.db import chores
from limen.db.database import Commit, ProjectDatabase
from limen.identity.model import Identity
from limen.project import operators

CHORE = "setup"  # done for good when there was an operator once, also if they are all gone
LIFESPAN = 86400.0  # seconds a link is good for; the next start prints another
PAGE = "/ui/setup"


async def offer(db: ProjectDatabase, now: str, until: str) -> str:
    """A new token, or "" when there is, or was, an operator."""
    if await chores.done_at(db, CHORE) or await operators.everybody(db):
        return ""
    commit = db.begin()
    token = operators.offer_setup(commit, until)
    await db.commit(commit)
    return token


def link(public_url: str, token: str) -> str:
    return urls.with_query(urls.join(public_url, PAGE), {"token": token})


def appoint(commit: Commit, ctx: Context, identity: Identity, token: str) -> None:
    """Make this person the owner, and use the token up; without it nothing of the commit is written."""
    operators.take_setup(commit, token, ctx.stamp, closed)
    operators.appoint(commit, identity.id, "owner", ctx.stamp, "")
    chores.note(commit, CHORE, ctx.stamp)
    record.record(commit, ctx, "auth.operator.appoint", identity, role="owner", by="set-up link")


async def check_open(ctx: Context, token: str) -> None:
    """:raises ApiError: 403, the token is not good (any more)"""
    if await chores.done_at(ctx.db, CHORE) or not await operators.is_setup_open(ctx.db, token, ctx.stamp):
        raise closed()


def closed() -> ApiError:
    return ApiError(403, "This set-up link is not good any more.", reason="Make an operator with `limen operator add`.")
