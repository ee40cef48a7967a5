"""Taking many people in, and giving all of them out: JSON or CSV, a row at a time, in constant memory."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from limen.audit import record
from limen.core.errors import ApiError
from limen.http.console.answers import read
from limen.http.console.route import Route
from limen.http.kit import Answer, Call, json_answer
from limen.identity import admin, batch, listing
from limen.identity.admin import Address, Body
from limen.identity.importing import Credentials, Password, PasswordConfig
from limen.identity.listing import Listed
from limen.identity.model import Identity

MOST = 500
PAGE = 500
FIRST = "00000000-0000-0000-0000-000000000000"
_CSV = "text/csv"
_COLUMNS = (
    "id",
    "external_id",
    "state",
    "schema_id",
    "email",
    "verified",
    "created_at",
    "updated_at",
    "traits",
    "metadata_public",
)
_OWN = ("email", "password", "hashed_password", "hash_format", "schema_id", "verified", "external_id")
# What a spreadsheet would take for a formula is made a text.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class User(Struct):
    """`hashed_password` in any format the admin API reads; `hash_format` may name it, for people."""

    email: str = ""
    password: str = ""
    hashed_password: str = ""
    hash_format: str = ""
    traits: dict[str, Any] = {}
    schema_id: str = ""
    verified: bool = False
    metadata_public: dict[str, Any] | None = None
    metadata_admin: dict[str, Any] | None = None
    external_id: str = ""


class Import(Struct, forbid_unknown_fields=True):
    """Up to 500 people."""

    users: list[User]


# --- in -----------------------------------------------------------------------------------------------------------------


async def _import(call: Call) -> Answer:
    kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    users = _from_csv(await call.body()) if kind == _CSV else (await read(call, Import)).users
    if not 0 < len(users) <= MOST:
        raise ApiError(400, f"Send between 1 and {MOST} people at a time.")
    plain = sum(bool(user.password) for user in users)
    if plain > batch.LIMIT_WITH_PASSWORDS:
        raise ApiError(400, f"Send at most {batch.LIMIT_WITH_PASSWORDS} passwords to hash at a time, or hashes.")
    made = [await _made(call, user) for user in users]
    stored = await batch.store_each(call.ctx, made)
    results = [_result(index, user, one) for index, (user, one) in enumerate(zip(users, stored, strict=True))]
    done = sum(bool(one["success"]) for one in results)
    commit = call.ctx.db.begin()
    record.record(commit, call.ctx, "auth.import", imported=done, failed=len(results) - done)
    await call.ctx.db.commit(commit)
    return json_answer({"results": results, "imported": done, "failed": len(results) - done})


async def _made(call: Call, user: User) -> Identity | ApiError:
    credentials = None
    if user.password or user.hashed_password:
        config = PasswordConfig(password=user.password, hashed_password=user.hashed_password)
        credentials = Credentials(password=Password(config))
    traits = {**({"email": user.email} if user.email else {}), **user.traits}
    verified = (
        (Address(user.email, "email", verified=True, status="completed"),) if user.verified and user.email else ()
    )
    body = Body(
        schema_id=user.schema_id, traits=traits, credentials=credentials, verifiable_addresses=verified,
        metadata_public=user.metadata_public, metadata_admin=user.metadata_admin, external_id=user.external_id,
    )  # fmt: skip
    try:
        return admin.build(call.ctx, body, await admin.credentials(call.ctx, body))
    except ApiError as error:
        return error


def _result(index: int, user: User, made: Identity | ApiError) -> dict[str, Any]:
    told = {
        "index": index,
        "email": user.email or str(user.traits.get("email", "")),
        "success": isinstance(made, Identity),
    }
    if isinstance(made, ApiError):
        return told | {"id": None, "error": " ".join(text for text in (made.message, made.reason) if text)}
    return told | {"id": made.id, "error": None}


def _from_csv(data: bytes) -> list[User]:
    """The first line names the columns; one that is not ours is a trait, `a.b` one inside another.

    :raises ApiError: 400, it is no CSV, or has no column that says who somebody is
    """
    try:
        rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ApiError(400, "The body is no CSV.", reason=f"{error}.") from error
    if rows and not any(rows[0]):
        raise ApiError(400, "The body is no CSV.", reason="The first line has to name the columns, such as email.")
    return [_user(number, row) for number, row in enumerate(rows, 2)]


def _user(line: int, row: dict[str | None, Any]) -> User:
    if None in row or None in row.values():
        raise ApiError(400, "The body is no CSV.", reason=f"Line {line} has more or fewer fields than the first one.")
    own: dict[str, Any] = {}
    traits: dict[str, Any] = {}
    for name, value in row.items():
        if not name or value == "":
            continue
        if name in _OWN:
            own[name] = value.strip().lower() in ("1", "true", "yes") if name == "verified" else value
            continue
        *path, last = name.removeprefix("traits.").split(".")
        place = traits
        for step in path:
            place = place.setdefault(step, {})
        place[last] = value
    return User(**own, traits=traits)


# --- out ----------------------------------------------------------------------------------------------------------------


async def _export(call: Call) -> Answer:
    form = call.first("format", "json")
    if form not in ("json", "csv"):
        raise ApiError(400, "The query parameter format is json or csv.")
    commit = call.ctx.db.begin()
    record.record(commit, call.ctx, "auth.export", format=form)
    await call.ctx.db.commit(commit)
    kind = "text/csv; charset=utf-8" if form == "csv" else "application/json; charset=utf-8"
    headers = [("content-type", kind), ("content-disposition", f'attachment; filename="users.{form}"')]
    pages = _pages(call)
    return Answer(200, headers=headers, stream=_as_csv(pages) if form == "csv" else _as_json(pages))


async def _pages(call: Call) -> AsyncIterator[Sequence[Listed]]:
    after = FIRST
    while found := await listing.page(call.ctx.db, after, PAGE):
        yield found
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
    writer.writerow(_COLUMNS)
    async for page in pages:
        writer.writerows(_line(one) for one in page)
        yield out.getvalue().encode()
        out.seek(0)
        out.truncate()
    if out.getvalue():
        yield out.getvalue().encode()


def _line(one: Listed) -> list[str]:
    public = msgspec.json.decode(one.public)
    emails = [address for address in public.get("verifiable_addresses", ()) if address["via"] == "email"]
    metadata = public["metadata_public"]
    cells = [
        public["id"], public.get("external_id", ""), public["state"], public["schema_id"],
        emails[0]["value"] if emails else str(public["traits"].get("email", "")) if isinstance(public["traits"], dict) else "",
        str(bool(emails and emails[0]["verified"])).lower(), public["created_at"], public["updated_at"],
        msgspec.json.encode(public["traits"]).decode(),
        "" if metadata is None else msgspec.json.encode(metadata).decode(),
    ]  # fmt: skip
    return [f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells]


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
        takes="format: 'json|csv'", answers={200: "person[]"}, errors=(400,),
    ),
)  # fmt: skip
