"""Many people at once: what is wrong with one is told of that one, and the rest is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from limen.audit import record
from limen.context import Context
from limen.core import errors
from limen.core.errors import ApiError
from limen.identity import admin, store
from limen.identity.admin import Body
from limen.identity.model import Identity

LIMIT, LIMIT_WITH_PASSWORDS = 1000, 200
_BREATH = 20  # people between two moments at which other requests run


async def create(ctx: Context, bodies: Sequence[Body]) -> list[Identity | ApiError]:
    """Create these people, each by itself: the person, or why there is none, in the order given.

    :raises ApiError: 400, there are too many, or one brings a credential, state or region that cannot be; 429
    """
    _must_be_few(bodies)
    configs = [await admin.credentials(ctx, body) for body in bodies]
    results: list[Identity | ApiError] = []
    for index, (body, config) in enumerate(zip(bodies, configs, strict=True)):
        try:
            results.append(admin.build(ctx, body, config))
        except ApiError as error:
            results.append(error)
        if index % _BREATH == 0:
            await asyncio.sleep(0)
    return await store_each(ctx, results)


def _must_be_few(bodies: Sequence[Body]) -> None:
    if len(bodies) > LIMIT:
        raise errors.bad_request(f"A batch may have at most {LIMIT} identities.")
    plain = sum(1 for body in bodies if body.credentials and body.credentials.has_plain_password)
    if plain > LIMIT_WITH_PASSWORDS:
        raise errors.bad_request(
            f"A batch may have at most {LIMIT_WITH_PASSWORDS} passwords to hash; send hashes, or smaller batches."
        )


async def store_each(ctx: Context, results: list[Identity | ApiError]) -> list[Identity | ApiError]:
    """Store those who can be; in the place of the others stands the error."""
    places, commits = [], []
    for place, made in enumerate(results):
        if isinstance(made, Identity):
            commit = ctx.db.begin()
            try:
                store.insert(commit, made)
                record.record(commit, ctx, "auth.identity.create", made, batch=True)
            except ApiError as error:  # a text of theirs cannot be stored
                results[place] = error
                continue
            places.append(place)
            commits.append(commit)
    for place, stored in zip(places, await ctx.db.insert_each(commits), strict=True):
        made = results[place]
        if not stored:
            results[place] = admin.taken()
        elif isinstance(made, Identity):
            ctx.events.tell("identity.created", made.id)
    return results
