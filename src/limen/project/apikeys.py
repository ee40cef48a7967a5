"""Keys of programs. A key is told once, when it is made; here is its digest.

A key is `truss_sk_` (service role) or `truss_pk_` (anonymous), 40 letters and digits, and six of a checksum over what stands
before it, so that scanners of repositories recognise a leaked one without asking us.
"""

from __future__ import annotations

import secrets
import string
import zlib
from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from limen.core import crypto
from limen.core.ids import new_id
from limen.db.database import Commit, ProjectDatabase

KeyRole = Literal["service_role", "anon"]
PREFIXES: dict[KeyRole, str] = {"service_role": "truss_sk_", "anon": "truss_pk_"}
LENGTH, CHECKSUM, HINT = 40, 6, 4
USED_EVERY = 60.0  # seconds; a use within them is not written down again
_LETTERS = string.ascii_letters + string.digits
_COLUMNS = "id, name, role, hint, created_at, created_by, expires_at, last_used_at"
_INSERT = """
    insert into api_keys (project_id, id, digest, name, role, hint, created_at, created_by, expires_at)
    values (:project, :id, :digest, :name, :role, :hint, :now, :by, :expires_at)
"""
_BY_DIGEST = f"select {_COLUMNS} from api_keys where project_id = :project and digest = :digest"
_ALL = f"select {_COLUMNS} from api_keys where project_id = :project order by created_at desc, id"
_USED = "update api_keys set last_used_at = :now where project_id = :project and id = :id returning id"
_DELETE = "delete from api_keys where project_id = :project and id = :id"
_EXPIRE = """
    update api_keys set expires_at = :at
     where project_id = :project and id = :id and (expires_at is null or expires_at > :at)
"""


class ApiKey(Struct, frozen=True):
    """`hint`: the last letters, to tell keys apart by."""

    id: str
    name: str
    role: KeyRole
    hint: str
    created_at: str
    created_by: str
    expires_at: str | None
    last_used_at: str | None


def looks_like_one(text: str) -> bool:
    """Whether this is a key by its form, checksum included: nothing else is worth a look into the database."""
    prefix = next((p for p in PREFIXES.values() if text.startswith(p)), "")
    body, checksum = text[:-CHECKSUM], text[-CHECKSUM:]
    return bool(prefix) and len(text) == len(prefix) + LENGTH + CHECKSUM and crypto.same(_checksum(body), checksum)


def make(commit: Commit, name: str, role: KeyRole, *, now: str, by: str, expires_at: str | None) -> tuple[ApiKey, str]:
    """A new key, and its text, which nobody can find out again."""
    body = PREFIXES[role] + "".join(secrets.choice(_LETTERS) for _ in range(LENGTH))
    text = body + _checksum(body)
    key = ApiKey(new_id(), name, role, text[-HINT:], now, by, expires_at, None)
    commit.add(
        _INSERT, id=key.id, digest=crypto.digest(text), name=name, role=role, hint=key.hint, now=now, by=by,
        expires_at=expires_at,
    )  # fmt: skip
    return key, text


def _checksum(text: str) -> str:
    number, found = zlib.crc32(text.encode()), ""
    for _ in range(CHECKSUM):
        number, place = divmod(number, len(_LETTERS))
        found += _LETTERS[place]
    return found


async def find(db: ProjectDatabase, text: str, now: str) -> ApiKey | None:
    """The key with this text that is still good."""
    if not looks_like_one(text):
        return None
    row = await db.row(_BY_DIGEST, digest=crypto.digest(text))
    key = ApiKey(*row) if row else None
    return None if key is None or (key.expires_at is not None and key.expires_at <= now) else key


async def note_use(db: ProjectDatabase, key: ApiKey, now: str) -> None:
    await db.write(_USED, id=key.id, now=now)


async def everyone(db: ProjectDatabase) -> list[ApiKey]:
    return [ApiKey(*row) for row in await db.rows(_ALL)]


def revoke(commit: Commit, id_: str, otherwise: Callable[[], Exception]) -> None:
    commit.add(_DELETE, expect=1, otherwise=otherwise, id=id_)


def expire(commit: Commit, id_: str, at: str) -> None:
    """Let a key end at this moment, if it would not sooner: for a rotation in which both are good for a while."""
    commit.add(_EXPIRE, id=id_, at=at)
