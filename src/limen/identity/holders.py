"""Whose something is that only one person may have, asked for many at once. The commit decides; this is to tell before it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from limen.db import lists
from limen.db.database import ProjectDatabase
from limen.identity import store
from limen.identity.model import Identity

Key = tuple[str, ...]  # as store.unique_keys has them

_IDENTIFIERS = f"""
    select type, identifier, identity_id from identifiers
     where project_id = :project and type = :type and identifier in {lists.placeholders("value")}
"""
_ADDRESSES = f"""
    select kind, via, value, identity_id from addresses
     where project_id = :project and kind = :kind and via = :via and value in {lists.placeholders("value")}
"""
_EXTERNAL = f"""
    select 'external_id', external_id, id from identities
     where project_id = :project and external_id in {lists.placeholders("value")}
"""


async def of(db: ProjectDatabase, people: Sequence[Identity]) -> list[set[str]]:
    """For each of these people the ids of those who have something of theirs already."""
    wanted = [{key for key in store.unique_keys(one) if "\0" not in key[-1]} for one in people]  # nobody can have that
    found = await _holders(db, set[Key]().union(*wanted))
    return [{found[key] for key in keys if key in found} for keys in wanted]


async def _holders(db: ProjectDatabase, keys: Iterable[Key]) -> dict[Key, str]:
    by_kind: defaultdict[Key, list[str]] = defaultdict(list)
    for key in keys:
        by_kind[key[:-1]].append(key[-1])
    found: dict[Key, str] = {}
    for kind, values in by_kind.items():
        for chunk in lists.chunks("value", values):
            match kind:
                case ("id",):
                    rows: Sequence[Sequence[str]] = ()  # a new one is made for everybody
                case ("external_id",):
                    rows = await db.rows(_EXTERNAL, **chunk)
                case (kind_, via):
                    rows = await db.rows(_ADDRESSES, kind=kind_, via=via, **chunk)
                case _:
                    rows = await db.rows(_IDENTIFIERS, type=kind[0], **chunk)
            found |= {tuple(row[:-1]): row[-1] for row in rows}
    return found
