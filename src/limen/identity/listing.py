"""Lists of people: pages in the order of ids, as they are stored. What finds people by words is in search.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct

from limen.db import lists
from limen.db.database import ProjectDatabase
from limen.identity import store
from limen.identity.model import Identity, decode

_LISTED = f"select {store.COLUMNS}, i.id, i.schema_id, '' from identities i where i.project_id = :project"
_PAGE = f"{_LISTED} and i.id > :after order by i.id limit :limit"
_PAGE_OFFSET = f"{_LISTED} order by i.id limit :limit offset :offset"
_PAGE_ORGANIZATION = f"""
    {_LISTED} and i.organization_id = :organization_id and i.id > :after order by i.id limit :limit
"""
_ONE = f"{_LISTED} and i.id = :id"
_BY_ANY_IDENTIFIER = f"{_LISTED} and {store.HAS_IDENTIFIER}"
_PAGE_SIMILAR = f"""
    select distinct {store.COLUMNS}, i.id, i.schema_id, '' from identifiers f
      join identities i on i.project_id = f.project_id and i.id = f.identity_id
     where f.project_id = :project and f.identifier >= :low and f.identifier < :high and i.id > :after
       and f.type <> 'webauthn_handle'
     order by i.id limit :limit
"""
_BY_IDS = f"""
    select {store.COLUMNS}, i.id, i.schema_id, d.last_login_at from identities i
      left join directory d on d.project_id = i.project_id and d.identity_id = i.id
     where i.project_id = :project and i.id in {lists.placeholders("id")}
"""
_BARE = f"""
    select {store.COLUMNS}, i.id, i.schema_id from identities i
     where i.project_id = :project and i.id in {lists.placeholders("id")}
"""
_KNOWN = f"select id from identities where project_id = :project and id in {lists.placeholders('id')}"
_COUNT = "select count(*) from identities where project_id = :project"


class Held(Struct, frozen=True):
    """A credential as everybody sees it who may see it at all: without its config, which is not even read."""

    type: str
    identifiers: tuple[str, ...]
    version: int
    created_at: str
    updated_at: str


_credentials = msgspec.json.Decoder(dict[str, Held])


class Listed(Struct, frozen=True):
    """A person as stored, to be shown without being read: `public` and `metadata_admin` are JSON, `credentials` too."""

    public: str
    version: int
    available_aal: str
    metadata_admin: str | None
    credentials: str
    id: str
    schema_id: str
    last_login_at: str | None  # "": never, or not asked for

    def metadata_of_credentials(self) -> dict[str, Held]:
        """By type, in the order of types."""
        return dict(sorted(_credentials.decode(self.credentials).items())) if self.credentials else {}

    def identity(self) -> Identity:
        return decode(self.public, self.version, self.available_aal, self.metadata_admin, self.credentials)


async def page(db: ProjectDatabase, after: str, limit: int) -> list[Listed]:
    """The people whose ids come after this one."""
    return [Listed(*row) for row in await db.rows(_PAGE, after=after, limit=limit)]


async def page_at(db: ProjectDatabase, offset: int, limit: int) -> list[Listed]:
    return [Listed(*row) for row in await db.rows(_PAGE_OFFSET, offset=offset, limit=limit)]


async def page_of_organization(db: ProjectDatabase, organization_id: str, after: str, limit: int) -> list[Listed]:
    rows = await db.rows(_PAGE_ORGANIZATION, organization_id=organization_id, after=after, limit=limit)
    return [Listed(*row) for row in rows]


async def page_similar(db: ProjectDatabase, prefix: str, after: str, limit: int) -> list[Listed]:
    """Everybody with an identifier that starts with this text. A range of the index, not a scan."""
    rows = await db.rows(_PAGE_SIMILAR, low=prefix, high=prefix + "\U0010ffff", after=after, limit=limit)
    return [Listed(*row) for row in rows]


async def by_any_identifier(db: ProjectDatabase, identifier: str) -> list[Listed]:
    """Everybody with a credential of any type with this identifier."""
    return [Listed(*row) for row in await db.rows(_BY_ANY_IDENTIFIER, identifier=identifier)]


async def one(db: ProjectDatabase, id_: str) -> Listed | None:
    row = await db.row(_ONE, id=id_)
    return Listed(*row) if row else None


async def by_ids(db: ProjectDatabase, ids: Sequence[str], after: str, limit: int) -> list[Listed]:
    """Those of these people who exist, by id, after this one."""
    return (await listed(db, sorted({id_ for id_ in ids if id_ > after})))[:limit]


async def listed(db: ProjectDatabase, ids: Sequence[str], logins: Mapping[str, str] | None = None) -> list[Listed]:
    """Those of these people who exist, in this order, with their last sign-ins.

    :param logins: these, where they are known already, of everybody
    """
    rows = [row for chunk in lists.chunks("id", ids) for row in await db.rows(_BARE if logins else _BY_IDS, **chunk)]
    if logins:
        rows = [(*row, logins[row[5]]) for row in rows]
    by_id_ = {one.id: one for one in (Listed(*row) for row in rows)}
    return [by_id_[id_] for id_ in ids if id_ in by_id_]


async def known(db: ProjectDatabase, ids: Sequence[str]) -> set[str]:
    """Those of these ids that somebody has."""
    return {row[0] for chunk in lists.chunks("id", ids) for row in await db.rows(_KNOWN, **chunk)}


async def count(db: ProjectDatabase) -> int:
    row = await db.row(_COUNT)
    return int(row[0]) if row else 0
