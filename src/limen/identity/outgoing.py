"""Giving everybody out, a page at a time, however many there are; nothing secret is in it."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final, Literal

from limen.audit import record
from limen.context import Context
from limen.db.database import ProjectDatabase
from limen.identity import listing, tables
from limen.identity.listing import Listed

Form = Literal["json", "csv"]
FORMS: Final = ("json", "csv")
PAGE = 500
_FIRST = "00000000-0000-0000-0000-000000000000"


async def note(ctx: Context, form: str) -> None:
    """Put on the record that everybody is given out."""
    commit = ctx.db.begin()
    record.record(commit, ctx, "auth.export", format=form)
    await ctx.db.commit(commit)


def everybody(db: ProjectDatabase, form: Form, told: Callable[[int], None] = lambda _: None) -> AsyncIterator[bytes]:
    """All people, as parts of a file of this form. `told` hears how many each part has."""
    pages = _pages(db, told)
    return _as_csv(pages) if form == "csv" else _as_json(pages)


async def _pages(db: ProjectDatabase, told: Callable[[int], None]) -> AsyncIterator[Sequence[Listed]]:
    after = _FIRST
    while found := await listing.page(db, after, PAGE):
        yield found
        told(len(found))
        after = found[-1].id


async def _as_json(pages: AsyncIterator[Sequence[Listed]]) -> AsyncIterator[bytes]:
    lead = "["
    async for page in pages:
        lines = []
        for one in page:
            lines.append(f'{lead}\n{{"metadata_admin":{one.metadata_admin or "null"},{one.public[1:]}')
            lead = ","
        yield "".join(lines).encode()
    yield b"\n]\n" if lead == "," else b"[]\n"


async def _as_csv(pages: AsyncIterator[Sequence[Listed]]) -> AsyncIterator[bytes]:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(tables.COLUMNS)
    async for page in pages:
        writer.writerows(tables.row(one) for one in page)
        yield out.getvalue().encode()
        out.seek(0)
        out.truncate()
    if out.getvalue():
        yield out.getvalue().encode()
