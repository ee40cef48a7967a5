"""An operator acts as somebody else, for a short while: to see what they see. Nothing that protects the account can be changed.

Such a session lives no longer than the operator's own: with every use it is looked up whether that one is still good, and the
operator still one.
"""

from __future__ import annotations

from typing import Final

from limen.audit import record
from limen.context import Context
from limen.core import errors
from limen.core.errors import ApiError
from limen.db.database import Commit
from limen.identity.model import Identity
from limen.project import operators
from limen.session import service, store
from limen.session.model import Proof, Session, Subject

LIFESPAN: Final = 900.0  # seconds
METHOD: Final = "impersonation"
_MARK = "update sessions set impersonator = :by where project_id = :project and id = :id"
_OF = """
    select id, identity_id from sessions
     where project_id = :project and impersonator = :by and impersonator is not null and active = 1
"""


async def begin(ctx: Context, operator: Subject, whom: Identity, reason: str) -> tuple[Session, str]:
    """A session of this person's in which the operator acts, and its token.

    :raises ApiError: 403, they are an operator themselves; 409, they are switched off
    """
    if await operators.role_of(ctx.db, whom.id):
        raise ApiError(403, "Operators cannot be impersonated.", reason="That would lend out what their role may do.")
    if not whom.is_active:
        raise errors.conflict("This person is switched off.")
    proofs = [Proof(METHOD, "aal1", ctx.stamp)]
    if whom.available_aal == "aal2":
        proofs.append(Proof(METHOD, "aal2", ctx.stamp))
    session, token = service.issue(ctx, whom, *proofs, impersonated_by=operator.identity.id, lifespan=LIFESPAN)
    commit = ctx.db.begin()
    store.insert(commit, session, service.digest(token), is_login=False)
    commit.add(_MARK, id=session.id, by=operator.session.id)
    record.record(commit, ctx, "auth.identity.impersonate", whom, session=session.id, reason=reason)
    await ctx.db.commit(commit)
    ctx.events.tell("identity.impersonated", whom.id, session=session.id)
    return session, token


async def ends_with(ctx: Context, commit: Commit, operator_session: str) -> None:
    """End what the operator began from this session, and put it on the record."""
    for id_, identity_id in await ctx.db.rows(_OF, by=operator_session):
        store.revoke(commit, id_)
        record.record(commit, ctx, "auth.identity.impersonate.end", identity_id, session=id_)


def ended(commit: Commit, ctx: Context, subject: Subject) -> None:
    """Put the end of an impersonated session on the record."""
    by = subject.session.impersonated_by
    record.record(commit, ctx, "auth.identity.impersonate.end", subject.identity, session=subject.session.id, by=by)


def refuse(subject: Subject) -> None:
    """:raises ApiError: 403, an operator acts as this person, and what is asked for is theirs alone to do"""
    if subject.session.impersonated_by:
        raise ApiError(
            403, "This is not possible while somebody else acts for this person.", id="security_impersonated",
            reason="Sign in as this person to change what protects the account.",
        )  # fmt: skip
