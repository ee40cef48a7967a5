"""What a person may do with the account as a whole: take the data along, and delete it (`limen.selfservice`)."""

from __future__ import annotations

from typing import Any

import msgspec

from limen.audit import record
from limen.context import Context
from limen.core import errors
from limen.identity import service as identities
from limen.identity import store as people
from limen.project import operators
from limen.selfservice import notices
from limen.session import impersonation, trusted
from limen.session import service as sessions
from limen.session import store as session_store
from limen.session.model import Subject

MOST_SESSIONS = 1000


async def data(ctx: Context, subject: Subject) -> dict[str, Any]:
    """Everything that is kept about the person, but for secrets, and for what operators note among themselves."""
    identity = subject.identity
    kept = await session_store.recent(ctx.db, identity.id, MOST_SESSIONS)
    return {
        "exported_at": ctx.stamp,
        "identity": sessions.identity_body(ctx.project, identity),
        "credentials": [
            {"type": c.type, "identifiers": c.identifiers, "created_at": c.created_at, "updated_at": c.updated_at}
            for _, c in sorted(identity.credentials.items())
        ],
        "trusted_devices": [msgspec.to_builtins(one) for one in await trusted.of_person(ctx, identity.id)],
        "sessions": [
            {
                "id": one.id,
                "active": one.is_active(ctx.stamp, identity),
                "authenticated_at": one.authenticated_at,
                "expires_at": one.expires_at,
                "devices": msgspec.to_builtins(one.devices),
            }
            for one in kept
        ],
    }


async def delete(ctx: Context, subject: Subject) -> None:
    """Delete the account with all that belongs to it, and say so by mail.

    :raises ApiError: 404, accounts are not deleted here by their owners; 403, the sign-in was too long ago
    """
    check_may_delete(ctx)
    impersonation.refuse(subject)
    if not sessions.is_privileged(ctx, subject.session):
        raise errors.ApiError(403, "Sign in again to delete the account.", id="session_refresh_required")
    identity = subject.identity
    commit = ctx.db.begin()
    notices.account_deleted(commit, ctx, identity)
    people.delete(commit, identity, identities.overtaken)
    session_store.delete_all(commit, identity.id)
    operators.remove(commit, identity.id)
    record.record(commit, ctx, "auth.identity.delete", identity)
    await ctx.db.commit(commit)
    ctx.events.tell("identity.deleted", identity.id, by="owner")


def check_may_delete(ctx: Context) -> None:
    """:raises ApiError: 404, the operator did not allow it"""
    if not ctx.project.config.limen.selfservice.account_deletion.enabled:
        raise errors.not_found(
            "Accounts are not deleted by their owners here: limen.selfservice.account_deletion is off."
        )
