"""People who look after a project, and what their role lets them do; and the link that makes the first of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from limen.core import crypto
from limen.db.database import Commit, ProjectDatabase

Role = Literal["viewer", "developer", "owner"]
ROLES: tuple[Role, ...] = ("viewer", "developer", "owner")  # each may what those before it may

_ROLE = "select role from operators where project_id = :project and identity_id = :identity_id"
_ALL = "select identity_id, role, created_at, created_by from operators where project_id = :project order by created_at"
_SET = """
    insert into operators (project_id, identity_id, role, created_at, created_by)
    values (:project, :identity_id, :role, :now, :by)
    on conflict (project_id, identity_id) do update set role = :role
"""
# The last owner stays: nobody would be left to name another.
_ANOTHER_OWNER = """
    exists (select 1 from operators o where o.project_id = :project and o.role = 'owner' and o.identity_id <> :identity_id)
"""
_REMOVE = f"""
    delete from operators
     where project_id = :project and identity_id = :identity_id and (role <> 'owner' or {_ANOTHER_OWNER})
"""
_DEMOTE = f"""
    update operators set role = :role
     where project_id = :project and identity_id = :identity_id and (role <> 'owner' or {_ANOTHER_OWNER})
"""
_GONE = "delete from operators where project_id = :project and identity_id = :identity_id"
_OFFER = "insert into setup_links (project_id, digest, expires_at) values (:project, :digest, :expires_at)"
_WITHDRAW = "delete from setup_links where project_id = :project"
_TAKE = """
    delete from setup_links
     where project_id = :project and digest = :digest and expires_at > :now
       and not exists (select 1 from operators o where o.project_id = :project)
"""
_OPEN = "select 1 from setup_links where project_id = :project and digest = :digest and expires_at > :now"


class Operator(Struct, frozen=True):
    identity_id: str
    role: Role
    created_at: str
    created_by: str


def reaches(role: str, wanted: Role) -> bool:
    """Whether a role may do what `wanted` may."""
    return role in ROLES and ROLES.index(role) >= ROLES.index(wanted)


async def role_of(db: ProjectDatabase, identity_id: str) -> Role | Literal[""]:
    """The person's role; "" for somebody who is no operator."""
    row = await db.row(_ROLE, identity_id=identity_id)
    return row[0] if row else ""


async def everybody(db: ProjectDatabase) -> list[Operator]:
    return [Operator(*row) for row in await db.rows(_ALL)]


def appoint(commit: Commit, identity_id: str, role: Role, now: str, by: str) -> None:
    """Make somebody an operator."""
    commit.add(_SET, identity_id=identity_id, role=role, now=now, by=by)


def change(commit: Commit, identity_id: str, role: Role, otherwise: Callable[[], Exception]) -> None:
    """Give an operator another role; `otherwise` makes the error for the last owner, and for who is no operator."""
    commit.add(_DEMOTE, expect=1, otherwise=otherwise, identity_id=identity_id, role=role)


def dismiss(commit: Commit, identity_id: str, otherwise: Callable[[], Exception]) -> None:
    """Take the role away; `otherwise` makes the error for the last owner, and for who is no operator."""
    commit.add(_REMOVE, expect=1, otherwise=otherwise, identity_id=identity_id)


def remove(commit: Commit, identity_id: str) -> None:
    """The person is deleted, and with them what they were, the last owner or not."""
    commit.add(_GONE, identity_id=identity_id)


# --- the first one ------------------------------------------------------------------------------------------------------


def offer_setup(commit: Commit, expires_at: str) -> str:
    """A new token that makes whoever has it the first owner, once. Older ones are withdrawn."""
    token = crypto.token()
    commit.add(_WITHDRAW)
    commit.add(_OFFER, digest=crypto.digest(token), expires_at=expires_at)
    return token


def take_setup(commit: Commit, token: str, now: str, otherwise: Callable[[], Exception]) -> None:
    """Use the token up. It is good only while there is no operator at all: afterwards set-up is closed for good."""
    commit.add(_TAKE, expect=1, otherwise=otherwise, digest=crypto.digest(token), now=now)


async def is_setup_open(db: ProjectDatabase, token: str, now: str) -> bool:
    return await db.row(_OPEN, digest=crypto.digest(token), now=now) is not None
