"""Flows in the database: a document with a version, so that of two submits at once the second one loses."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from limen.core import errors
from limen.db.database import Commit, ProjectDatabase
from limen.flow.model import Flow
from limen.project.model import Kind

_INSERT = """
    insert into flows (project_id, id, kind, version, expires_at, document)
    values (:project, :id, :kind, :version, :expires_at, :document)
"""
_UPDATE = """
    update flows set version = :version + 1, document = :document
     where project_id = :project and id = :id and version = :version
"""
# The version stays: a refusal must never make the submit lose that succeeds at the same moment.
_REFUSE = """
    update flows set document = :document
     where project_id = :project and id = :id and version = :version
"""
_BY_ID = "select version, document from flows where project_id = :project and id = :id and kind = :kind"

_decoder = msgspec.json.Decoder(Flow)


async def must(db: ProjectDatabase, kind: Kind, id_: str | None, *, reason: str = "") -> Flow:
    """The flow of this kind and id.

    :raises ApiError: 404, there is none (with the reason given)
    """
    row = await db.row(_BY_ID, id=id_, kind=kind) if id_ else None
    if row is None:
        raise errors.not_found(reason) if reason else errors.row_not_found()
    flow = _decoder.decode(row[1])
    flow.version = row[0]
    return flow


def insert(commit: Commit, flow: Flow) -> None:
    commit.add(
        _INSERT,
        fleeting=True,
        id=flow.id,
        kind=flow.kind,
        version=flow.version,
        expires_at=flow.expires_at,
        document=_document(flow),
    )


def update(commit: Commit, flow: Flow, otherwise: Callable[[], Exception] | None = None) -> None:
    """Store a changed flow; `otherwise` makes the error for a submit that another one overtook."""
    commit.add(
        _UPDATE,
        expect=1,
        otherwise=otherwise or overtaken,
        id=flow.id,
        version=flow.version,
        document=_document(flow),
    )


def refuse(commit: Commit, flow: Flow) -> None:
    """Store what a form says to a submit that failed, unless another one was stored since."""
    commit.add(_REFUSE, expect=1, otherwise=overtaken, id=flow.id, version=flow.version, document=_document(flow))


def note(commit: Commit, flow: Flow) -> None:
    """Store a change that may as well not happen: of two submits at once either may have it."""
    commit.add(_UPDATE, id=flow.id, version=flow.version, document=_document(flow))


def overtaken() -> Exception:
    return errors.conflict("The same form was sent twice at once. The other one counted.")


async def save_new(db: ProjectDatabase, flow: Flow) -> None:
    commit = db.begin()
    insert(commit, flow)
    await db.commit(commit)


async def save(db: ProjectDatabase, flow: Flow) -> None:
    commit = db.begin()
    update(commit, flow)
    await db.commit(commit)
    flow.version += 1


def _document(flow: Flow) -> str:
    stored = replace(flow, oauth2_login_request=None) if flow.oauth2_login_request else flow
    return msgspec.json.encode(stored).decode()
