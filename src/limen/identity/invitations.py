"""Invitations to sign up: a link in a mail, for the address it went to and no other, good once, until a moment.

The link carries the token into whichever flow it opens (`invite_token`). Whoever has it has read the mail, so the address is
proved with it.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from limen.audit import record
from limen.context import Context
from limen.core import crypto, errors, messages, normalize, urls
from limen.core.errors import form_error
from limen.core.ids import new_id
from limen.core.messages import Message
from limen.db.database import Commit, ProjectDatabase
from limen.identity.model import Identity

PARAMETER = "invite_token"
_COLUMNS = "id, email, created_at, created_by, sent_at, expires_at, revoked_at, accepted_at, identity_id"
_INSERT = """
    insert into invitations (project_id, id, email, digest, created_at, created_by, sent_at, expires_at)
    values (:project, :id, :email, :digest, :now, :by, :now, :expires_at)
"""
_BY_DIGEST = f"select {_COLUMNS} from invitations where project_id = :project and digest = :digest"
_BY_ID = f"select {_COLUMNS} from invitations where project_id = :project and id = :id"
_PAGE = f"""
    select {_COLUMNS} from invitations
     where project_id = :project and (created_at < :before or created_at = :before and id < :before_id)
     order by created_at desc, id desc limit :limit
"""
_OPEN = "revoked_at is null and accepted_at is null"
_ACCEPT = f"""
    update invitations set accepted_at = :now, identity_id = :identity_id
     where project_id = :project and id = :id and expires_at > :now and {_OPEN}
"""
_REVOKE = f"update invitations set revoked_at = :now where project_id = :project and id = :id and {_OPEN}"
_RENEW = f"""
    update invitations set digest = :digest, sent_at = :now, expires_at = :expires_at
     where project_id = :project and id = :id and {_OPEN}
"""


class Invitation(Struct, frozen=True):
    id: str
    email: str
    created_at: str
    created_by: str
    sent_at: str
    expires_at: str
    revoked_at: str | None
    accepted_at: str | None
    identity_id: str | None

    def status(self, now: str) -> Literal["accepted", "revoked", "expired", "pending"]:
        if self.accepted_at:
            return "accepted"
        if self.revoked_at:
            return "revoked"
        return "expired" if self.expires_at <= now else "pending"


# --- for operators ------------------------------------------------------------------------------------------------------


def invite(commit: Commit, ctx: Context, email: str, seconds: float) -> tuple[Invitation, str]:
    """A new invitation, and the token for its link."""
    token = crypto.token()
    made = Invitation(
        new_id(),
        normalize.identifier(email),
        ctx.stamp,
        ctx.client.actor,
        ctx.stamp,
        ctx.after(seconds),
        None,
        None,
        None,
    )
    commit.add(
        _INSERT, id=made.id, email=made.email, digest=crypto.digest(token), now=ctx.stamp, by=made.created_by,
        expires_at=made.expires_at,
    )  # fmt: skip
    record.record(commit, ctx, "auth.invite.create", email=made.email, invitation=made.id)
    return made, token


def renew(commit: Commit, ctx: Context, invitation: Invitation, seconds: float) -> str:
    """Another token for the same invitation; the one before is good no longer."""
    token = crypto.token()
    commit.add(
        _RENEW, expect=1, otherwise=_settled, id=invitation.id, digest=crypto.digest(token), now=ctx.stamp,
        expires_at=ctx.after(seconds),
    )  # fmt: skip
    record.record(commit, ctx, "auth.invite.resend", email=invitation.email, invitation=invitation.id)
    return token


def revoke(commit: Commit, ctx: Context, invitation: Invitation) -> None:
    commit.add(_REVOKE, expect=1, otherwise=_settled, id=invitation.id, now=ctx.stamp)
    record.record(commit, ctx, "auth.invite.revoke", email=invitation.email, invitation=invitation.id)


def _settled() -> Exception:
    return errors.conflict("This invitation was accepted or revoked already.")


async def must(db: ProjectDatabase, id_: str | None) -> Invitation:
    """:raises ApiError: 404, there is no such invitation"""
    row = await db.row(_BY_ID, id=id_) if id_ else None
    if row is None:
        raise errors.row_not_found()
    return Invitation(*row)


async def page(db: ProjectDatabase, before: tuple[str, str], limit: int) -> list[Invitation]:
    """Invitations made before this one (its moment and id), newest first."""
    return [Invitation(*row) for row in await db.rows(_PAGE, before=before[0], before_id=before[1], limit=limit)]


def link(ctx: Context, token: str) -> str:
    """Where an invitation leads: to a sign-up that knows of it."""
    return urls.with_query(urls.join(ctx.project.public_url, "/self-service/registration/browser"), {PARAMETER: token})


# --- for those who sign up ----------------------------------------------------------------------------------------------


async def admitted(ctx: Context, request_url: str, identity: Identity) -> Invitation | None:
    """The invitation that this sign-up came with, if it is good and for one of this person's addresses.

    :param request_url: the address that began the flow
    :raises FormError: people sign up by invitation only, and there is none that is good
    """
    found, wrong = await _brought(ctx, urls.query_value(request_url, PARAMETER), identity)
    if wrong and ctx.project.config.limen.registration.invite_only:
        raise form_error(wrong)
    return None if wrong else found


async def _brought(ctx: Context, token: str, identity: Identity) -> tuple[Invitation | None, Message | None]:
    """The invitation of this token, and what is wrong with it."""
    if not token:
        return None, messages.BY_INVITATION_ONLY()
    row = await ctx.db.row(_BY_DIGEST, digest=crypto.digest(token))
    found = Invitation(*row) if row else None
    if found is None or found.status(ctx.stamp) != "pending":
        return None, messages.INVITATION_OVER()
    own = {address.value for address in identity.verifiable_addresses if address.via == "email"}
    own |= {identifier for one in identity.credentials.values() for identifier in one.identifiers}
    return found, None if found.email in own else messages.INVITATION_OF_ANOTHER()


def accept(commit: Commit, ctx: Context, invitation: Invitation, identity: Identity) -> None:
    """Use it up: of two who sign up with it at once, one does."""
    commit.add(
        _ACCEPT, expect=1, otherwise=lambda: form_error(messages.INVITATION_OVER()), id=invitation.id, now=ctx.stamp,
        identity_id=identity.id,
    )  # fmt: skip
    record.record(commit, ctx, "auth.invite.accept", identity, invitation=invitation.id)
