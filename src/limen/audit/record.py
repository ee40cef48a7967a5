"""Writing an entry, in the transaction of what it records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from limen.audit.model import Outcome
from limen.context import Context
from limen.core import formats
from limen.core.ids import new_id
from limen.db.database import Commit

MAX_AGENT = 512  # characters of a user agent that are kept
_INSERT = """
    insert into audit_waiting (project_id, id, at, action, outcome, actor, identity_id, email, ip_address, user_agent,
                               request_id, method, detail)
    values (:project, :id, :at, :action, :outcome, :actor, :identity_id, :email, :ip_address, :user_agent, :request_id,
            :method, :detail)
"""


class Person(Protocol):
    """Whom an entry is about. `called`: what they are called in lists, an e-mail address where they have one."""

    @property
    def id(self) -> str: ...
    @property
    def called(self) -> str: ...


def record(
    commit: Commit,
    ctx: Context,
    action: str,
    whom: Person | str | None = None,
    *,
    outcome: Outcome = "success",
    method: str = "",
    email: str = "",
    **detail: Any,
) -> None:
    """Add an entry to what is about to be committed.

    :param whom: the person it is about, or their id
    :param email: what was given for a person who may not exist; kept when it looks like an address
    :param detail: what else is worth knowing, as JSON; nothing secret
    """
    if whom is None or isinstance(whom, str):
        id_ = whom or ""
    else:
        id_, email = whom.id, whom.called
    client = ctx.client
    commit.add(
        _INSERT,
        id=new_id(),
        at=ctx.stamp,
        action=action,
        outcome=outcome,
        actor=client.actor,
        identity_id=id_,
        email=email if formats.email_loose(email) else "",
        ip_address=client.ip,
        user_agent=client.user_agent[:MAX_AGENT],
        request_id=client.request_id,
        method=method,
        detail=msgspec.json.encode(detail).decode(),
    )


def recorded(ctx: Context, action: str, whom: Person | str | None = None, **more: Any) -> Callable[[Commit], None]:
    """The same, to be handed on to whoever commits."""

    def then(commit: Commit) -> None:
        record(commit, ctx, action, whom, **more)

    return then
