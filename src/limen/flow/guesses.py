"""Wrong passwords and codes are counted, for the person they were meant for and for the network address they came from.

After `limen.limits.guesses_per_person` of them nothing more is looked at until a pause is over; each further wrong one
doubles the pause. Strangers are counted by the name they gave, so that a pause does not tell who has an account. Guesses
at a password that are under way at the same time are bounded by the hash pool; all others are counted before they are
looked at.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Any, Final

from limen.context import Context
from limen.core import messages
from limen.core.errors import FormError, form_error
from limen.core.ids import parse_id
from limen.db.database import Commit
from limen.flow.method import Then
from limen.identity import store as people
from limen.identity.model import Identity

STEPS: Final = 16  # how often the pause doubles at most
_PAUSES = " ".join(f"when {step} then :pause_{step}" for step in range(STEPS))
_COUNT = f"""
    insert into guesses (project_id, id, wrong, blocked_until, expires_at) values (:project, :id, 1, '', :expires_at)
    on conflict (project_id, id) do update
       set wrong = case when guesses.expires_at < :now then 1 else guesses.wrong + 1 end,
           blocked_until = case
               when guesses.expires_at < :now or guesses.wrong + 1 < :most then ''
               else case guesses.wrong + 1 - :most {_PAUSES} else :pause_{STEPS - 1} end
           end,
           expires_at = :expires_at
     where guesses.blocked_until <= :now
"""
_FORGET = "delete from guesses where project_id = :project and id = :id"
_TAKE_BACK = "update guesses set wrong = wrong - 1 where project_id = :project and id = :id and wrong > 0"
# One row always, also for strangers: what is known of them, and until when their name or network address has to wait.
_HOLDER = f"""
    select {people.COLUMNS},
           (select g.blocked_until from guesses g
             where g.project_id = :project and g.id = coalesce(:kind || f.identity_id, :stranger)),
           (select g.blocked_until from guesses g where g.project_id = :project and g.id = :address)
      from (select 1 as one) o
      left join identifiers f on f.project_id = :project and f.type = :type and f.identifier = :identifier
      left join identities i on i.project_id = f.project_id and i.id = f.identity_id
"""


def counter(ctx: Context, kind: str, who: str) -> str:
    """The id of a counter. A name nobody may have is kept as a digest: people mistype secrets into the field for it."""
    return f"{kind}:{who if parse_id(who) == who else ctx.project.keys.digest('guess', who)}"


class Guess:
    """One guess at a secret: of which kind, whose, and from where. `who` is a person's id, or what they are called."""

    __slots__ = ("_address", "_persons")

    def __init__(self, ctx: Context, kind: str, *who: str) -> None:
        limits = ctx.project.config.limen.limits
        self._persons = [counter(ctx, kind, one) for one in who] if limits.guesses_per_person else []
        self._address = network(ctx.client.ip) if limits.guesses_per_address else ""

    def was_wrong(self, ctx: Context) -> Then:
        """What counts it, to be written with the answer."""

        def then(commit: Commit) -> None:
            self._count(commit, ctx)

        return then

    async def start(self, ctx: Context) -> None:
        """Count it before it is looked at: however many come at once, each is counted.

        :raises FormError: there were too many
        """
        commit = ctx.db.begin()
        self._count(commit, ctx, expect=1)
        if commit.statements:
            await ctx.db.commit(commit)

    def was_right(self, commit: Commit) -> None:
        """The person's counter starts anew. What else came from the address stays counted, but for this one."""
        for id_ in self._persons:
            commit.add(_FORGET, id=id_)
        if self._address:
            commit.add(_TAKE_BACK, id=self._address)

    def _count(self, commit: Commit, ctx: Context, *, expect: int | None = None) -> None:
        limits = ctx.project.config.limen.limits
        times: dict[str, Any] = {
            "now": ctx.stamp,
            "expires_at": ctx.after(limits.forgotten_after),
            **{f"pause_{n}": ctx.after(min(limits.pause * 2**n, limits.longest_pause)) for n in range(STEPS)},
        }
        for id_ in self._persons:
            commit.add(_COUNT, expect=expect, otherwise=too_many, id=id_, most=limits.guesses_per_person, **times)
        if self._address:
            commit.add(
                _COUNT, expect=expect, otherwise=too_many, id=self._address, most=limits.guesses_per_address, **times
            )


async def holder(
    ctx: Context, kind: str, type_: str, identifier: str, *, named: str
) -> tuple[Identity | None, Guess, bool]:
    """Whose identifier this is, the guess that is being made at them, and whether there were some before. One query.

    :param named: what strangers are counted by: the normal spelling of the name they gave
    :raises FormError: there were too many
    """
    [row] = await ctx.db.rows(  # the query begins with a row, so there is always one
        _HOLDER,
        kind=f"{kind}:",
        type=type_,
        identifier=identifier,
        stranger=counter(ctx, kind, named),
        address=network(ctx.client.ip),
    )
    identity = people.from_row(row) if row[0] is not None else None
    limits = ctx.project.config.limen.limits
    blocked = (row[5] if limits.guesses_per_person else None, row[6] if limits.guesses_per_address else None)
    if any(until and until > ctx.stamp for until in blocked):
        raise too_many()
    return identity, Guess(ctx, kind, identity.id if identity else named), row[5] is not None


def too_many() -> FormError:
    return form_error(messages.TOO_MANY_GUESSES())


@lru_cache(maxsize=4096)
def network(ip: str) -> str:
    """The counter of a public address; of IPv6 the 64 bits that one customer has.

    A private address is a proxy that nobody told us to trust, or a colleague: it has none ("").
    """
    address = _parsed(ip) or _parsed(ip.rpartition(":")[0])  # who comes directly is known with the port
    if address is None or not address.is_global:
        return ""
    bits = 64 if address.version == 6 else 32
    return f"from:{ipaddress.ip_network((address, bits), strict=False).network_address}"


def _parsed(ip: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(ip)
    except ValueError:
        return None
