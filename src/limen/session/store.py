"""Sessions in the database. `by_digest` is the hot path: one row, by key, with the identity as it is sent."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from limen.db.database import Commit, ProjectDatabase, Row, Statement
from limen.identity import directory
from limen.identity import store as identities
from limen.identity.model import Identity
from limen.session.model import Session, Subject, decode

COLUMNS = "s.public, s.identity_id, s.active, s.created_at, s.expires_at, s.trusted_device"
_WIDTH = COLUMNS.count(",") + 1

CHECK = """
    select s.active, s.expires_at, s.aal, s.public, i.id, i.state, i.available_aal, i.schema_id, i.public,
           s.trusted_device
      from sessions s join identities i on i.project_id = s.project_id and i.id = s.identity_id
     where s.project_id = :project and s.token_digest = :digest
"""
_SUBJECT = f"""
    select {COLUMNS}, {identities.COLUMNS}
      from sessions s join identities i on i.project_id = s.project_id and i.id = s.identity_id
     where s.project_id = :project and s.token_digest = :digest
"""
_INSERT = """
    insert into sessions (project_id, id, identity_id, token_digest, active, aal, created_at, expires_at, public,
                          trusted_device)
    values (:project, :id, :identity_id, :digest, 1, :aal, :created_at, :expires_at, :public, :trusted_device)
"""
_UPDATE = """
    update sessions set aal = :aal, expires_at = :expires_at, public = :public
     where project_id = :project and id = :id and active = 1
"""
_PLACE = "update sessions set trusted_device = :trusted_device where project_id = :project and id = :id and active = 1"
_REVOKE = "update sessions set active = 0 where project_id = :project and id = :id and active = 1"
_REVOKE_OWN = """
    update sessions set active = 0
     where project_id = :project and id = :id and identity_id = :identity_id and active = 1
"""
_REVOKE_ALL_BUT = """
    update sessions set active = 0
     where project_id = :project and identity_id = :identity_id and id <> :keep and active = 1
"""
_REVOKE_ALL_COUNTED = """
    update sessions set active = 0
     where project_id = :project and identity_id = :identity_id and id <> :keep
"""
_REVOKE_ALL = "update sessions set active = 0 where project_id = :project and identity_id = :identity_id and active = 1"
_DELETE_ALL = "delete from sessions where project_id = :project and identity_id = :identity_id"
_EXTEND = """
    update sessions set expires_at = :expires_at
     where project_id = :project and id = :id and active = 1 and expires_at < :only_if_before
"""
_BY_ID = f"select {COLUMNS} from sessions s where s.project_id = :project and s.id = :id"
_OTHERS = f"""
    select {COLUMNS} from sessions s
     where s.project_id = :project and s.identity_id = :identity_id and s.id <> :keep and s.active = 1 and s.expires_at > :now
     order by s.created_at desc, s.id limit :limit offset :offset
"""
_HOLDS = """
    select 1 from sessions s
      join sessions o on o.project_id = s.project_id and o.id = s.impersonator and o.active = 1 and o.expires_at > :now
      join identities i on i.project_id = o.project_id and i.id = o.identity_id and i.state = 'active'
      join operators p on p.project_id = o.project_id and p.identity_id = o.identity_id and p.role <> 'viewer'
     where s.project_id = :project and s.id = :id
"""
_RECENT = f"""
    select {COLUMNS} from sessions s
     where s.project_id = :project and s.identity_id = :identity_id order by s.created_at desc, s.id limit :limit
"""
_COUNT_OTHERS = """
    select count(*) from sessions
     where project_id = :project and identity_id = :identity_id and id <> :keep and active = 1 and expires_at > :now
"""


async def check(db: ProjectDatabase, digest: str) -> Row | None:
    """The columns of the session check for this token, unjudged: see `CHECK` for their order."""
    return await db.row(CHECK, digest=digest)


async def subject(db: ProjectDatabase, digest: str) -> Subject | None:
    """Whose token this is, active or not."""
    row = await db.row(_SUBJECT, digest=digest)
    return Subject(decode(*row[:_WIDTH]), identities.from_row(row[_WIDTH:])) if row else None


async def by_id(db: ProjectDatabase, id_: str) -> Session | None:
    row = await db.row(_BY_ID, id=id_)
    return decode(*row[:_WIDTH]) if row else None


async def is_impersonation_good(db: ProjectDatabase, id_: str, now: str) -> bool:
    """Whether the session from which an operator began this one is still good, and they are still an operator who may."""
    return await db.row(_HOLDS, id=id_, now=now) is not None


def insert(commit: Commit, session: Session, digest: str, *, is_login: bool = True) -> None:
    """Store a new session. That it began is noted of the person, for the operators, unless it is no sign-in of theirs."""
    if is_login:
        directory.signed_in(commit, session.identity_id, session.authenticated_at)
    commit.add(
        _INSERT,
        id=session.id,
        identity_id=session.identity_id,
        digest=digest,
        aal=session.aal,
        created_at=session.created_at,
        expires_at=session.expires_at,
        public=msgspec.json.encode(session.document(stored=True)).decode(),
        trusted_device=session.trusted_device or None,
    )


def place(commit: Commit, id_: str, trusted_device: str) -> None:
    """This session lives in that trusted browser. `update` leaves this alone, so that it never revives an ended trust."""
    commit.add(_PLACE, id=id_, trusted_device=trusted_device)


def update(commit: Commit, session: Session, otherwise: Callable[[], Exception]) -> None:
    """Store what a refresh or a further factor added; `otherwise` makes the error for one that was revoked meanwhile."""
    directory.signed_in(commit, session.identity_id, session.authenticated_at)
    commit.add(
        _UPDATE,
        expect=1,
        otherwise=otherwise,
        id=session.id,
        aal=session.aal,
        expires_at=session.expires_at,
        public=msgspec.json.encode(session.document(stored=True)).decode(),
    )


def revoke_all_but(commit: Commit, identity_id: str, keep: str) -> None:
    commit.add(_REVOKE_ALL_BUT, identity_id=identity_id, keep=keep)


def revoke_all(commit: Commit, identity_id: str) -> None:
    commit.add(_REVOKE_ALL, identity_id=identity_id)


def delete_all(commit: Commit, identity_id: str) -> Statement:
    return commit.add(_DELETE_ALL, identity_id=identity_id)


def revoke(commit: Commit, id_: str) -> None:
    commit.add(_REVOKE, id=id_)


def revoke_own(commit: Commit, id_: str, identity_id: str, otherwise: Callable[[], Exception]) -> None:
    """Revoke a session, provided it belongs to this person."""
    commit.add(_REVOKE_OWN, expect=1, otherwise=otherwise, id=id_, identity_id=identity_id)


def revoke_others(commit: Commit, identity_id: str, keep: str) -> Statement:
    """Its count has those that were revoked before, too: that is the number Kratos tells."""
    return commit.add(_REVOKE_ALL_COUNTED, identity_id=identity_id, keep=keep)


def extend(commit: Commit, id_: str, expires_at: str, only_if_before: str, otherwise: Callable[[], Exception]) -> None:
    """Prolong an active session that ends before `only_if_before`, in one statement."""
    commit.add(_EXTEND, expect=1, otherwise=otherwise, id=id_, expires_at=expires_at, only_if_before=only_if_before)


async def others(db: ProjectDatabase, identity_id: str, keep: str, now: str, limit: int, offset: int) -> list[Session]:
    """The person's other active sessions, newest first."""
    rows = await db.rows(_OTHERS, identity_id=identity_id, keep=keep, now=now, limit=limit, offset=offset)
    return [decode(*row[:_WIDTH]) for row in rows]


async def recent(db: ProjectDatabase, identity_id: str, limit: int) -> list[Session]:
    """The person's last sessions, ended ones included, newest first."""
    rows = await db.rows(_RECENT, identity_id=identity_id, limit=limit)
    return [decode(*row[:_WIDTH]) for row in rows]


async def count_others(db: ProjectDatabase, identity_id: str, keep: str, now: str) -> int:
    row = await db.row(_COUNT_OTHERS, identity_id=identity_id, keep=keep, now=now)
    return int(row[0]) if row else 0


def from_columns(row: Row) -> tuple[Session, Identity | None]:
    """A session row followed by the identity's columns (all null when it was not asked for)."""
    return decode(*row[:_WIDTH]), identities.from_row(row[_WIDTH:]) if len(row) > _WIDTH else None
