"""How often things happened: counted by the hour when they are sealed, so that figures cost the same however long the log is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from limen.audit.model import Entry
from limen.core import clock
from limen.db.database import Commit, ProjectDatabase

_HOUR = 13  # characters of a moment that name its hour
_DAY = 10
_ADD = """
    insert into audit_hours (project_id, action, hour, times) values (:project, :action, :hour, :times)
    on conflict (project_id, action, hour) do update set times = audit_hours.times + excluded.times
"""
_FORGET = "delete from audit_hours where project_id = :project and hour < :hour"


def add(commit: Commit, entries: Sequence[Entry]) -> None:
    """Count entries in the commit that seals them."""
    for (action, hour), times in sorted(Counter((one.action, one.at[:_HOUR]) for one in entries).items()):
        commit.add(_ADD, action=action, hour=hour, times=times)


def forget(commit: Commit, before: str) -> None:
    """Let go of whole hours before a moment."""
    commit.add(_FORGET, hour=before[:_HOUR])


async def since(db: ProjectDatabase, actions: Sequence[str], moment: str) -> dict[str, int]:
    """How often each of these happened since a moment."""
    following = clock.text(clock.parse(moment).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1))
    names, params = _names(actions)
    # Of the hour the moment is in, the entries themselves; from then on the hours. And what waits for its seal.
    sql = f"""
        select action, sum(times) from (
            select action, times from audit_hours
             where project_id = :project and action in ({names}) and hour >= :hour
            union all
            select action, 1 from audit
             where project_id = :project and action in ({names}) and at >= :since and at < :following
            union all
            select action, 1 from audit_waiting where project_id = :project and at >= :since
        ) found group by action
    """
    rows = await db.scan(sql, since=moment, following=following, hour=following[:_HOUR], **params)
    counts = {row[0]: int(row[1]) for row in rows}
    return {action: counts.get(action, 0) for action in actions}


async def by_day(db: ProjectDatabase, actions: Sequence[str], day: str) -> dict[tuple[str, str], int]:
    """How often each of these happened on each day from this one on (`2026-01-31`): by day and action."""
    names, params = _names(actions)
    sql = f"""
        select substr(moment, 1, {_DAY}), action, sum(times) from (
            select action, hour as moment, times from audit_hours
             where project_id = :project and action in ({names}) and hour >= :day
            union all
            select action, at as moment, 1 as times from audit_waiting where project_id = :project and at >= :day
        ) found group by substr(moment, 1, {_DAY}), action
    """
    rows = await db.scan(sql, day=day, **params)
    return {(row[0], row[1]): int(row[2]) for row in rows if row[1] in actions}


def _names(actions: Sequence[str]) -> tuple[str, dict[str, Any]]:
    params = {f"action_{place}": action for place, action in enumerate(actions)}
    return ", ".join(f":{name}" for name in params), params
