"""Giving the audit log out, newest first, a page at a time, however long it is."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final, Literal

import msgspec

from limen.audit import store
from limen.audit.model import Entry
from limen.audit.store import END_OF_TIME, Filter
from limen.core.sheets import harmless
from limen.db.database import ProjectDatabase

Form = Literal["csv", "jsonl"]
FORMS: Final = ("csv", "jsonl")
_PAGE = 500


def entries(db: ProjectDatabase, wanted: Filter, form: Form) -> AsyncIterator[bytes]:
    """Everything that fits, as parts of a file: a table, or a JSON object on each line."""
    pages = _pages(db, wanted)
    return _as_csv(pages) if form == "csv" else _as_lines(pages)


async def _pages(db: ProjectDatabase, wanted: Filter) -> AsyncIterator[Sequence[Entry]]:
    before = END_OF_TIME, ""
    while found := await store.page(db, wanted, _PAGE, before=before):
        yield found
        before = found[-1].at, found[-1].id


async def _as_lines(pages: AsyncIterator[Sequence[Entry]]) -> AsyncIterator[bytes]:
    async for page in pages:
        yield b"".join(msgspec.json.encode(one) + b"\n" for one in page)


async def _as_csv(pages: AsyncIterator[Sequence[Entry]]) -> AsyncIterator[bytes]:
    out = io.StringIO(newline="")
    rows = csv.writer(out)
    rows.writerow(Entry.__struct_fields__)
    async for page in pages:
        rows.writerows([_cell(value) for value in msgspec.structs.astuple(one)] for one in page)
        yield out.getvalue().encode()
        out.seek(0)
        out.truncate()
    if out.getvalue():
        yield out.getvalue().encode()


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return msgspec.json.encode(value).decode()
    return "" if value is None else harmless(str(value))
