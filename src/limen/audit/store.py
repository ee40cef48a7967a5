"""Reading the audit log: pages by cursor, newest first, with filters. All have an index but the id of a request."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from limen.audit.model import Entry
from limen.db.database import ProjectDatabase, Row

COLUMNS = "id, at, action, outcome, actor, identity_id, email, ip_address, user_agent, request_id, method, detail, number, seal"
_NAMES = COLUMNS.split(", ")
END_OF_TIME = "9999"  # sorts after every moment
_SIGN_INS = ("auth.login", "auth.login.failed")


class Filter(Struct, frozen=True, kw_only=True):
    """What to look for. `actions` may end in `.*`; `search` is an e-mail address, or an id of a person or a request."""

    actions: tuple[str, ...] = ()
    identity_id: str = ""
    search: str = ""
    since: str = ""  # moments as they are stored; `since` is included, `until` is not
    until: str = ""


def from_row(row: Row) -> Entry:
    fields: dict[str, Any] = dict(zip(_NAMES, row, strict=True))
    fields["detail"] = msgspec.json.decode(fields["detail"])
    return Entry(**fields)


async def page(
    db: ProjectDatabase, wanted: Filter, limit: int, *, before: tuple[str, str] = (END_OF_TIME, ""), offset: int = 0
) -> list[Entry]:
    """Entries before this one (its moment and id), newest first."""
    conditions = ["(at < :before_at or at = :before_at and id < :before_id)"]
    params: dict[str, Any] = {"before_at": before[0], "before_id": before[1], "limit": limit, "offset": offset}
    if wanted.actions:
        conditions.append(_actions(wanted.actions, params))
    if wanted.identity_id:
        conditions.append("identity_id <> '' and identity_id = :identity_id")
        params["identity_id"] = wanted.identity_id
    if wanted.search:
        conditions.append(
            "(identity_id <> '' and identity_id = :search or email <> '' and email = :search or request_id = :search)"
        )
        params["search"] = wanted.search.strip().lower()
    for name, sign in (("since", ">="), ("until", "<")):
        if moment := getattr(wanted, name):
            conditions.append(f"at {sign} :{name}")
            params[name] = moment
    where = "".join(f" and {condition}" for condition in conditions)
    sql = f"""
        select {COLUMNS} from audit where project_id = :project{where}
         order by at desc, id desc limit :limit offset :offset
    """
    return [from_row(row) for row in await db.rows(sql, **params)]


def _actions(actions: tuple[str, ...], params: dict[str, Any]) -> str:
    found = []
    for place, action in enumerate(actions):
        if action.endswith(".*"):
            params[f"from_{place}"], params[f"to_{place}"] = action[:-1], action[:-2] + "/"  # "/" follows "."
            found.append(f"action >= :from_{place} and action < :to_{place}")
        else:
            params[f"action_{place}"] = action
            found.append(f"action = :action_{place}")
    return "(" + " or ".join(found) + ")"


async def sign_ins(db: ProjectDatabase, since: str) -> dict[str, int]:
    """How many sign-ins there were since a moment, by outcome."""
    sql = """
        select action, count(*) from audit
         where project_id = :project and action in (:login, :failed) and at >= :since group by action
    """
    rows = await db.rows(sql, login=_SIGN_INS[0], failed=_SIGN_INS[1], since=since)
    counts: dict[str, int] = {row[0]: int(row[1]) for row in rows}
    return {"success": counts.get(_SIGN_INS[0], 0), "failure": counts.get(_SIGN_INS[1], 0)}


async def by_day(db: ProjectDatabase, actions: tuple[str, ...], since: str) -> list[tuple[str, str, int]]:
    """How often each of these happened on each day since a moment: (day, action, count), oldest first."""
    params: dict[str, Any] = {"since": since}
    which = _actions(actions, params)
    sql = f"""
        select substr(at, 1, 10) as day, action, count(*) from audit
         where project_id = :project and at >= :since and {which} group by substr(at, 1, 10), action order by 1, 2
    """
    return [(row[0], row[1], int(row[2])) for row in await db.rows(sql, **params)]
