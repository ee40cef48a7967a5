"""Taking many people in, some hundred at a time: what becomes of each is told, and who is here already is left alone, so that
whatever was interrupted is simply repeated. What a file of them looks like is in tables.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from limen.audit import record
from limen.context import Context
from limen.core import errors
from limen.core.errors import ApiError
from limen.identity import admin, batch, holders
from limen.identity.admin import Address, Body
from limen.identity.importing import Credentials, Password, PasswordConfig
from limen.identity.model import Identity

MOST = 500  # at a time


class User(Struct, frozen=True, kw_only=True):
    """A person to take in. `hashed_password` in any format the admin API reads; `hash_format` may name it, for people.

    `email` is the trait of that name, and `verified` is about it; other addresses stand in `verifiable_addresses`.
    """

    email: str = ""
    password: str = ""
    hashed_password: str = ""
    hash_format: str = ""
    traits: dict[str, Any] = {}
    schema_id: str = ""
    state: str = ""
    verified: bool = False
    verifiable_addresses: tuple[Address, ...] = ()
    metadata_public: dict[str, Any] | None = None
    metadata_admin: dict[str, Any] | None = None
    external_id: str | None = None
    organization_id: str | None = None

    @property
    def called(self) -> str:
        """The e-mail address results are told under."""
        return self.email or str(self.traits.get("email", ""))


class Result(Struct, frozen=True):
    """What became of one. `exists`: somebody has what they sign in with, `id` says who; `error` says so in words."""

    outcome: Literal["created", "exists", "refused"]
    id: str | None = None
    error: str | None = None


async def take(ctx: Context, users: Sequence[User]) -> list[Result]:
    """Store those who are new and fit, up to 500 together; what became of each, in their order."""
    found = await _with_passwords(ctx, users, await drafts(ctx, users))
    made = [one for one in found if isinstance(one, Identity)]
    stored = await batch.store_each(ctx, list(made))
    failed = {one.id: error for one, error in zip(made, stored, strict=True) if isinstance(error, ApiError)}
    lost = [one for one in made if one.id in failed]
    late = dict(zip((one.id for one in lost), await holders.of(ctx.db, lost), strict=True))
    return [
        one if isinstance(one, Result) else _stored(one, failed.get(one.id), late.get(one.id, set())) for one in found
    ]


def _stored(one: Identity, error: ApiError | None, holder: set[str]) -> Result:
    if error is None:
        return Result("created", one.id)
    return _known(holder) if holder else _refused(error)


async def drafts(ctx: Context, users: Sequence[User]) -> list[Identity | Result]:
    """Who of them could be stored, as they would be but for passwords that are to be hashed; nothing is written."""
    built = [await _built(ctx, user) for user in users]
    people = [one for one in built if isinstance(one, Identity)]
    known = dict(zip((one.id for one in people), await holders.of(ctx.db, people), strict=True))
    return [_known(known[one.id]) if isinstance(one, Identity) and known[one.id] else one for one in built]


def _known(who: set[str]) -> Result:
    if len(who) == 1:
        return Result("exists", min(who), "Somebody has what they sign in with already.")
    return Result("refused", None, "What they sign in with belongs to several people here.")


async def _built(ctx: Context, user: User) -> Identity | Result:
    try:
        body = _body(user)
        given = replace(body, credentials=None) if user.password else body
        return admin.build(ctx, body, await admin.credentials(ctx, given))
    except ApiError as error:
        return _refused(error)


def _body(user: User) -> Body:
    """:raises ApiError: 400, its parts do not fit together"""
    credentials = None
    if user.password or user.hashed_password:
        config = PasswordConfig(password=user.password, hashed_password=user.hashed_password)
        credentials = Credentials(password=Password(config))
    own = (Address(user.email, "email", verified=True, status="completed"),) if user.verified and user.email else ()
    try:
        return Body(
            schema_id=user.schema_id, traits={**({"email": user.email} if user.email else {}), **user.traits},
            credentials=credentials, verifiable_addresses=(*user.verifiable_addresses, *own), state=user.state,
            metadata_public=user.metadata_public, metadata_admin=user.metadata_admin,
            external_id=user.external_id or "", organization_id=user.organization_id,
        )  # fmt: skip
    except ValueError as error:
        raise errors.bad_request(f"{error}.") from error


def _refused(error: ApiError) -> Result:
    return Result("refused", None, " ".join(text for text in (error.message, error.reason) if text))


async def _with_passwords(
    ctx: Context, users: Sequence[User], found: Sequence[Identity | Result]
) -> list[Identity | Result]:
    """The same people with their passwords hashed, as many at a time as there are threads for it."""
    free = asyncio.Semaphore(ctx.passwords.workers)

    async def one(user: User, draft: Identity | Result) -> Identity | Result:
        if isinstance(draft, Result) or not user.password:
            return draft
        body = _body(user)
        async with free:
            try:
                return admin.build(ctx, body, await admin.credentials(ctx, body))
            except ApiError as error:
                return _refused(error)

    return list(await asyncio.gather(*map(one, users, found)))


class Count(Struct):
    """How many there were of each outcome."""

    created: int = 0
    exists: int = 0
    refused: int = 0

    def add(self, results: Sequence[Result]) -> None:
        for one in results:
            setattr(self, one.outcome, getattr(self, one.outcome) + 1)


async def note(ctx: Context, count: Count) -> None:
    """Put an import on the record; who came in by it has an entry of their own already."""
    commit = ctx.db.begin()
    record.record(commit, ctx, "auth.import", imported=count.created, existing=count.exists, failed=count.refused)
    await ctx.db.commit(commit)
