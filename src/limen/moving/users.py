"""Taking in a file of people, page by page in constant memory. A run that was stopped, or killed, is simply repeated."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import islice

import msgspec
from msgspec import Struct

from limen.context import Context
from limen.identity import incoming, store
from limen.identity.incoming import MOST, Count, Result, User
from limen.identity.model import Identity
from limen.identity.tables import BadRow


class Told(Struct, frozen=True):
    """What became of one row; `row` counts from 1."""

    row: int
    line: int
    email: str
    result: Result


Rows = Iterator[tuple[int, User | BadRow]]
Tell = Callable[[Sequence[Told]], None]


async def take(context: Callable[[], Context], rows: Rows, tell: Tell) -> Count:
    """Take everybody in; `tell` hears of each page once it is stored. `context` makes the context of a page.

    :raises FileError: the file cannot be read any further; who was told of is stored
    """
    count = Count()
    try:
        await _each(context, rows, tell, incoming.take, count)
    finally:
        await incoming.note(context(), count)
    return count


async def check(context: Callable[[], Context], rows: Rows, tell: Tell) -> Count:
    """Say what `take` would say, and write nothing."""
    count = Count()
    with contextlib.closing(_Seen()) as seen:

        async def look(ctx: Context, users: Sequence[User]) -> list[Result]:
            return [_fits(one, seen) for one in await incoming.drafts(ctx, users)]

        await _each(context, rows, tell, look, count)
    return count


def _fits(one: Identity | Result, seen: _Seen) -> Result:
    if isinstance(one, Result):
        return one
    if seen.add(one):
        return Result("created")
    return Result("exists", None, "Somebody before them in the file has what they sign in with.")


async def _each(
    context: Callable[[], Context],
    rows: Rows,
    tell: Tell,
    act: Callable[[Context, Sequence[User]], Awaitable[list[Result]]],
    count: Count,
) -> None:
    before = 0
    while page := list(islice(rows, MOST)):
        users = [one for _, one in page if isinstance(one, User)]
        results = iter(await act(context(), users) if users else ())
        told = []
        for number, (line, one) in enumerate(page, before + 1):
            if isinstance(one, User):
                told.append(Told(number, line, one.called, next(results)))
            else:
                told.append(Told(number, line, "", Result("refused", None, one.reason)))
        before += len(page)
        count.add([one.result for one in told])
        tell(told)


class _Seen:
    """What the people of a file sign in with, kept on the disk: a file may be larger than the memory."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)  # a file of its own that goes when it is closed
        self._database.execute("pragma synchronous = off")
        self._database.execute("create table seen (key text primary key) without rowid")
        self._database.execute("begin")

    def add(self, one: Identity) -> bool:
        """Whether nobody before has any of it."""
        keys = [(msgspec.json.encode(key).decode(),) for key in store.unique_keys(one)]
        known = any(self._database.execute("select 1 from seen where key = ?", key).fetchone() for key in keys)
        if not known:
            self._database.executemany("insert into seen values (?)", keys)
        return not known

    def close(self) -> None:
        self._database.close()
