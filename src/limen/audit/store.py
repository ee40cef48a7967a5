"""Reading the audit log: pages by cursor, newest first, with filters. Every way to look has an index that has the order, too.

What is not sealed yet lies in a small table of its own, which is looked through.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from limen.audit.model import Entry
from limen.core.ids import parse_id
from limen.db.database import ProjectDatabase, Row

WRITTEN = "id, at, action, outcome, actor, identity_id, email, ip_address, user_agent, request_id, method, detail"
COLUMNS = f"{WRITTEN}, number, seal"
END_OF_TIME = "9999"  # sorts after every moment
MOST_WAITING = 10_000  # entries that wait for their seals and are looked at; there are more after a large import
MOST_WAYS = 16  # actions that are each looked for by themselves; of more than that the log is full
_NAMES = COLUMNS.split(", ")
_WHOLE = ", ".join(f"a.{name}" for name in _NAMES)
# One action after the other along the index, however many entries each has.
_ACTIONS = """
    with recursive known(action) as (
        select (select min(a.action) from audit a
                 where a.project_id = :project and a.action > :after and a.action < :until)
        union all
        select (select min(a.action) from audit a
                 where a.project_id = :project and a.action > known.action and a.action < :until)
          from known where known.action is not null
    )
    select action from known where action is not null
    union
    select action from audit_waiting where project_id = :project and action > :after and action < :until
"""


class Filter(Struct, frozen=True, kw_only=True):
    """What to look for. `actions` may end in `.*`; `search` is an e-mail address, or an id of a person or a request."""

    actions: tuple[str, ...] = ()
    identity_id: str = ""
    search: str = ""
    since: str = ""  # moments as they are stored; `since` is included, `until` is not
    until: str = ""


def from_row(row: Row) -> Entry:
    fields: dict[str, Any] = dict(zip(_NAMES, row, strict=False))  # what waits has neither number nor seal
    fields["detail"] = msgspec.json.decode(fields["detail"])
    return Entry(**fields)


async def page(
    db: ProjectDatabase, wanted: Filter, limit: int, *, before: tuple[str, str] = (END_OF_TIME, ""), offset: int = 0
) -> list[Entry]:
    """Entries before this one (its moment and id), newest first."""
    actions = await _spelled(db, wanted.actions)
    if wanted.actions and not actions:
        return []
    before = min(before, (wanted.until, "")) if wanted.until else before
    params: dict[str, Any] = {"before_at": before[0], "before_id": before[1]}
    common = ["(at, id) < (:before_at, :before_id)"]
    if wanted.since:
        common.append("at >= :since")
        params["since"] = wanted.since
    ways = [" and ".join([*way, *common]) for way in _ways(wanted, actions, params)]
    # First what waits: what is sealed meanwhile is found twice then, and not missed.
    waiting = await _waiting(db, ways, params, offset + limit)
    skipped = max(0, offset - len(waiting))
    sealed = await _sealed(db, ways, params, limit + offset - skipped, skipped)
    found = {entry.id: entry for entry in (*waiting, *sealed)}
    in_order = sorted(found.values(), key=lambda entry: (entry.at, entry.id), reverse=True)
    return in_order[offset - skipped :][:limit]


async def _waiting(db: ProjectDatabase, ways: Sequence[str], params: dict[str, Any], limit: int) -> list[Entry]:
    """The newest of those that are not sealed yet."""
    sql = f"""
        select {WRITTEN} from (
            select {WRITTEN} from audit_waiting where project_id = :project order by id desc limit {MOST_WAITING}
        ) newest where {" or ".join(f"({way})" for way in ways)} order by at desc, id desc limit :limit
    """
    return [from_row(row) for row in await db.scan(sql, **params, limit=limit)]


async def _sealed(
    db: ProjectDatabase, ways: Sequence[str], params: dict[str, Any], limit: int, offset: int
) -> list[Entry]:
    keys = " union all ".join(_keys(way, f"way_{n}" if len(ways) > 1 else "") for n, way in enumerate(ways))
    # What is skipped is skipped in the indexes: only the entries of the page are read.
    sql = f"""
        select {_WHOLE} from ({keys} order by at desc, id desc limit :limit offset :offset) found
         cross join audit a where a.project_id = :project and a.id = found.id order by a.at desc, a.id desc
    """
    return [from_row(row) for row in await db.scan(sql, **params, limit=limit, offset=offset, reach=limit + offset)]


def _keys(conditions: str, name: str) -> str:
    """The keys of entries along one index. One way of several (it has a name) ends by itself: PostgreSQL would walk them all
    to the end, and sort what it met.
    """
    keys = f"select at, id from audit where project_id = :project and {conditions}"
    return f"select at, id from ({keys} order by at desc, id desc limit :reach) {name}" if name else keys


def _ways(wanted: Filter, actions: Sequence[str], params: dict[str, Any]) -> list[list[str]]:
    """The conditions of each index that is walked; no entry fits two of them."""
    each = []
    for place, action in enumerate(actions):
        params[f"action_{place}"] = action
        each.append(f"action = :action_{place}")
    any_action = [f"({' or '.join(each)})"] if each else []
    about = []
    if wanted.identity_id:
        about = ["identity_id <> '' and identity_id = :identity_id"]
        params["identity_id"] = wanted.identity_id
    if found := _searched(wanted.search.strip(), params):
        return [[one, *about, *any_action] for one in found]
    if about or not 0 < len(each) <= MOST_WAYS:
        return [[*about, *any_action]]
    return [[one] for one in each]


def _searched(text: str, params: dict[str, Any]) -> list[str]:
    if not text:
        return []
    if "@" in text:
        params["email"] = text.lower()
        return ["email <> '' and email = :email"]
    params["request_id"] = text
    if id_ := parse_id(text):
        params["person"] = id_
        return [
            "identity_id <> '' and identity_id = :person",
            "request_id <> '' and request_id = :request_id and identity_id <> :person",
        ]
    return ["request_id <> '' and request_id = :request_id"]


async def _spelled(db: ProjectDatabase, actions: Sequence[str]) -> list[str]:
    """The same with those that happened in the place of `.*`."""
    found: dict[str, None] = {}
    for action in actions:
        if action.endswith(".*"):
            after, until = action[:-1], action[:-2] + "/"  # "/" follows "."
            found |= dict.fromkeys(row[0] for row in await db.rows(_ACTIONS, after=after, until=until))
        else:
            found[action] = None
    return list(found)
