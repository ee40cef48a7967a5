"""Taking many people in, and giving all of them out: JSON or CSV. `limen users` does the same from the command line."""

from __future__ import annotations

import io
from typing import Any, cast

from msgspec import Struct

from limen.core.errors import ApiError
from limen.http.console.answers import read
from limen.http.console.route import Route
from limen.http.kit import Answer, Call, json_answer
from limen.identity import batch, incoming, outgoing, tables
from limen.identity.incoming import MOST, Count, Result, User
from limen.identity.tables import BadRow, TableError

_CSV = "text/csv"


class Import(Struct, forbid_unknown_fields=True):
    """Up to 500 people."""

    users: list[User]


async def _import(call: Call) -> Answer:
    kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    users = _from_csv(call, await call.body()) if kind == _CSV else (await read(call, Import)).users
    if not 0 < len(users) <= MOST:
        raise ApiError(400, f"Send between 1 and {MOST} people at a time.")
    plain = sum(bool(user.password) for user in users)
    if plain > batch.LIMIT_WITH_PASSWORDS:
        raise ApiError(400, f"Send at most {batch.LIMIT_WITH_PASSWORDS} passwords to hash at a time, or hashes.")
    results, count = await incoming.take(call.ctx, users), Count()
    count.add(results)
    await incoming.note(call.ctx, count)
    told = [_told(index, user, one) for index, (user, one) in enumerate(zip(users, results, strict=True))]
    return json_answer({"results": told, "imported": count.created, "failed": len(results) - count.created})


def _told(index: int, user: User, one: Result) -> dict[str, Any]:
    return {
        "index": index, "email": user.called, "success": one.outcome == "created", "outcome": one.outcome, "id": one.id,
        "error": one.error,
    }  # fmt: skip


def _from_csv(call: Call, data: bytes) -> list[User]:
    """:raises ApiError: 400, it is no CSV, or a row is nobody"""
    users = []
    try:
        lines = io.StringIO(data.decode("utf-8-sig"), newline="")
        for line, user in tables.read(lines, call.site.project):
            if isinstance(user, BadRow):
                raise TableError(f"Line {line}: {user.reason}")
            users.append(user)
    except (UnicodeDecodeError, TableError) as error:
        raise ApiError(400, "The body is no CSV.", reason=str(error)) from error
    return users


async def _export(call: Call) -> Answer:
    form = call.first("format", "json")
    if form not in outgoing.FORMS:
        raise ApiError(400, "The query parameter format is json or csv.")
    await outgoing.note(call.ctx, form)
    kind = "text/csv; charset=utf-8" if form == "csv" else "application/json; charset=utf-8"
    headers = [("content-type", kind), ("content-disposition", f'attachment; filename="users.{form}"')]
    return Answer(200, headers=headers, stream=outgoing.everybody(call.ctx.db, cast(outgoing.Form, form)))


ROUTES: tuple[Route, ...] = (
    Route(
        id="importUsers", method="POST", path="/api/auth/users/import", tag="transfer",
        says="Take in up to 500 people, as JSON or CSV; each one's result is told", may="developer", recent=True,
        handler=_import, body=Import, answers={200: "importResults"}, errors=(413, 429),
        example={"users": [{"email": "ben@example.org", "password": "correct-horse-battery-1", "verified": True}]},
    ),
    Route(
        id="exportUsers", method="GET", path="/api/auth/users/export", tag="transfer",
        says="Everybody, as JSON or CSV, without anything secret", may="developer", recent=True, handler=_export,
        takes="format: 'json|csv'", answers={200: "exported[]"}, errors=(400,),
    ),
)  # fmt: skip
