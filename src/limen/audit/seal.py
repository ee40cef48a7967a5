"""Chaining the entries: each gets a number and a seal over the seal before it, so that nothing can be taken out or altered.

Sealing follows a moment after writing: inside every transaction, all writers of a project would wait for each other
(docs/decisions/0021). A seal needs the server's secret, so whoever has only the database cannot make one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from msgspec import Struct

from limen.audit import counts, store
from limen.audit.model import Entry
from limen.core.crypto import Keys, same
from limen.db.database import ProjectDatabase, Unmet

BATCH = 100  # entries at once: a few milliseconds, in which nobody else is served
START = ""  # what the first entry of all is sealed to
_HEAD = "select number, seal, pruned_number, pruned_seal from audit_heads where project_id = :project"
_WAITING = "select 1 from audit_waiting where project_id = :project limit 1"
_OLDEST = f"select {store.WRITTEN} from audit_waiting where project_id = :project order by id limit :limit"
_SEALED = (
    f"select {store.COLUMNS} from audit where project_id = :project and number > :after order by number limit :limit"
)
_SEAL = f"""
    insert into audit (project_id, {store.WRITTEN}, number, seal)
    select project_id, {store.WRITTEN}, :number, :seal from audit_waiting where project_id = :project and id = :id
"""
_MOVED = "delete from audit_waiting where project_id = :project and id = :id"
_FIRST = """
    insert into audit_heads (project_id, number, seal, pruned_number, pruned_seal) values (:project, :number, :seal, 0, '')
"""
_NEXT = "update audit_heads set number = :number, seal = :seal where project_id = :project and number = :before"
_OLD = """
    select number, seal from audit
     where project_id = :project and number is not null and at < :before order by number desc limit 1
"""
_PRUNE = "delete from audit where project_id = :project and number <= :number"
_PRUNED = "update audit_heads set pruned_number = :number, pruned_seal = :seal where project_id = :project"


class Head(Struct, frozen=True):
    """The last sealed entry, and the last one that was deleted because of its age."""

    number: int = 0
    seal: str = START
    pruned_number: int = 0
    pruned_seal: str = START


async def head(db: ProjectDatabase) -> Head:
    row = await db.row(_HEAD)
    return Head(*row) if row else Head()


async def seal_some(db: ProjectDatabase, keys: Keys) -> int:
    """Seal the oldest entries that are not sealed yet; how many. Of two nodes at once one does it, the other none."""
    if not await db.row(_WAITING):
        return 0
    last = await head(db)  # before the entries: if another node seals them meanwhile, this is not the head any more
    entries = [store.from_row(row) for row in await db.rows(_OLDEST, limit=BATCH)]
    if not entries:
        return 0
    commit = db.begin()
    number, seal, rows = last.number, last.seal, []
    for entry in entries:
        number, seal = number + 1, make(keys, seal, entry)
        rows.append({"id": entry.id, "number": number, "seal": seal})
    if last.number:  # first of all: whether another node was faster, the head tells
        commit.add(_NEXT, expect=1, number=number, seal=seal, before=last.number)
    else:
        commit.add(_FIRST, number=number, seal=seal, taken=_overtaken)
    commit.add_all(_SEAL, rows)
    commit.add_all(_MOVED, [{"id": entry.id} for entry in entries])
    counts.add(commit, entries)
    try:
        await db.commit(commit)
    except Unmet:
        return 0
    return len(entries)


def _overtaken() -> Exception:
    return Unmet("the chain")


def make(keys: Keys, before: str, entry: Entry) -> str:
    return keys.digest("audit", before, entry.sealed_text())


class Break(Struct, frozen=True):
    """A place where the chain does not hold, and why."""

    number: int
    why: str


async def verify(db: ProjectDatabase, keys: Keys) -> AsyncIterator[Entry | Break]:
    """Every sealed entry in its order; where something was removed or altered, a `Break`, after which nothing follows."""
    last = await head(db)
    number, seal = last.pruned_number, last.pruned_seal
    while rows := await db.rows(_SEALED, after=number, limit=BATCH):
        for row in rows:
            entry = store.from_row(row)
            if entry.number != number + 1:
                yield Break(number + 1, "it was removed")
                return
            if not any(same(one, entry.seal or "") for one in keys.digests("audit", seal, entry.sealed_text())):
                yield Break(entry.number, "it was altered, or sealed with a secret that is not configured any more")
                return
            number, seal = entry.number, entry.seal or ""
            yield entry
    if (number, seal) != (last.number, last.seal):
        yield Break(number + 1, "it was removed")


async def prune(db: ProjectDatabase, before: str) -> None:
    """Delete sealed entries from before a moment. Those that stay can be verified on."""
    row = await db.row(_OLD, before=before)
    if row is None:
        return
    commit = db.begin()
    commit.add(_PRUNE, number=row[0])
    commit.add(_PRUNED, number=row[0], seal=row[1])
    counts.forget(commit, before)
    await db.commit(commit)
