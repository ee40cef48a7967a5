"""Webhooks: who is told what, whether it arrived, and telling it once more."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from limen.audit import record, seal
from limen.audit.store import END_OF_TIME
from limen.core import clock, errors
from limen.core.errors import ApiError
from limen.core.ids import new_id, parse_id
from limen.http import paging
from limen.http.console.answers import read
from limen.http.console.route import Route
from limen.http.kit import Answer, Call, json_answer
from limen.webhooks import dispatch, store
from limen.webhooks.model import EVENTS, Delivery, Webhook

MOST, LEAST_SECRET = 20, 16
MAX_PAGE, DEFAULT_PAGE = 500, 100


class Hook(Struct, forbid_unknown_fields=True):
    """`events`: login, register, recovery, verification, logout, or actions of the audit log. `secret` is never shown again."""

    url: str
    events: list[str]
    secret: str | None = None
    id: str | None = None


class SetHooks(Struct, forbid_unknown_fields=True):
    """All there are to be; those that are left out go."""

    webhooks: list[Hook]


class TestHook(Struct, forbid_unknown_fields=True):
    id: str


class Replay(Struct, forbid_unknown_fields=True):
    """`since`: what happened from this moment on is told once more."""

    since: str


def _shown(hook: Webhook) -> dict[str, Any]:
    return {
        "id": hook.id, "url": hook.url, "events": hook.events, "has_secret": bool(hook.secret), "created_at": hook.created_at,
    }  # fmt: skip


def _delivery(one: Delivery) -> dict[str, Any]:
    found = msgspec.structs.asdict(one)
    return {**found, "body": msgspec.json.decode(one.body)}


async def _list(call: Call) -> Answer:
    return json_answer({"webhooks": [_shown(hook) for hook in await store.everyone(call.ctx.db)]})


async def _set(call: Call) -> Answer:
    asked, ctx = (await read(call, SetHooks)).webhooks, call.ctx
    if len(asked) > MOST:
        raise ApiError(400, "The body does not fit.", reason=f"webhooks: at most {MOST}.")
    known = {hook.id: hook for hook in await store.everyone(ctx.db)}
    while await seal.seal_some(ctx.db, ctx.project.keys):
        pass  # a new webhook is told what comes after this moment
    position = await store.last_number(ctx.db)
    commit, kept = ctx.db.begin(), set[str]()
    for index, one in enumerate(asked):
        _check(index, one)
        before = known.get(parse_id(one.id or "") or "")
        if before is None:
            secret = dispatch.seal(ctx.project.keys, one.secret) if one.secret else ""
            hook = Webhook(new_id(), one.url, tuple(one.events), secret, position, ctx.stamp)
            store.insert(commit, hook)
            record.record(commit, ctx, "auth.webhook.create", webhook=hook.id, url=hook.url, events=one.events)
            continue
        kept.add(before.id)
        hook = Webhook(before.id, one.url, tuple(one.events), _secret(call, index, one, before), before.position, "")
        if (hook.url, hook.events, hook.secret) != (before.url, before.events, before.secret):
            store.update(commit, hook)
            record.record(commit, ctx, "auth.webhook.update", webhook=hook.id, url=hook.url, events=one.events)
    for id_ in known.keys() - kept:
        store.delete(commit, id_)
        record.record(commit, ctx, "auth.webhook.delete", webhook=id_, url=known[id_].url)
    await ctx.db.commit(commit)
    call.site.wake_webhooks()
    return await _list(call)


def _check(index: int, one: Hook) -> None:
    place = f"webhooks[{index}]"
    try:
        parts = urlsplit(one.url)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None and parts.port != 0
        fits = fits and one.url.isprintable() and " " not in one.url
    except ValueError:
        fits = False
    if not fits:
        raise ApiError(400, "The body does not fit.", reason=f"{place}.url: this is no address of a web server.")
    if not one.events or any(event not in EVENTS and not event.startswith("auth.") for event in one.events):
        known = ", ".join(EVENTS)
        raise ApiError(
            400,
            "The body does not fit.",
            reason=f"{place}.events: some of {known}, or actions such as auth.identity.ban.",
        )
    if one.secret is not None and len(one.secret) < LEAST_SECRET:
        raise ApiError(400, "The body does not fit.", reason=f"{place}.secret: at least {LEAST_SECRET} characters.")


def _secret(call: Call, index: int, one: Hook, before: Webhook) -> str:
    """A secret that is not sent stays, but not for another address: whoever listens there must not be told by it."""
    if one.secret is not None:
        return dispatch.seal(call.ctx.project.keys, one.secret)
    if before.secret and one.url != before.url:
        raise ApiError(
            400,
            "The body does not fit.",
            reason=f"webhooks[{index}].secret: another address needs a secret of its own.",
        )
    return before.secret


async def _must(call: Call, id_: str | None) -> Webhook:
    for hook in await store.everyone(call.ctx.db):
        if hook.id == id_:
            return hook
    raise errors.row_not_found()


async def _test(call: Call) -> Answer:
    """Call a webhook at once, with something that did not happen."""
    asked, ctx = await read(call, TestHook), call.ctx
    hook = await _must(call, parse_id(asked.id))
    id_ = new_id()
    body: dict[str, Any] = {"id": id_, "type": "test", "timestamp": ctx.stamp, "outcome": "success", "detail": {}}
    error = await dispatch.attempt(ctx.project, ctx.outbound, hook, id_, msgspec.json.encode(body).decode(), ctx.now)
    commit = ctx.db.begin()
    record.record(commit, ctx, "auth.webhook.test", webhook=hook.id, outcome="failure" if error else "success")
    await ctx.db.commit(commit)
    return json_answer({"delivered": not error, "error": error or None})


async def _deliveries(call: Call) -> Answer:
    size = paging.page_size(call, default=DEFAULT_PAGE, most=MAX_PAGE)
    before, _, id_ = call.first("page_token").partition("|")
    found = await store.page(call.ctx.db, (before or END_OF_TIME, id_), size + 1)
    following = f"{found[size - 1].created_at}|{found[size - 1].id}" if len(found) > size else None
    return json_answer({"deliveries": [_delivery(one) for one in found[:size]], "pagination": {"next": following}})


async def _again(call: Call) -> Answer:
    ctx, id_ = call.ctx, parse_id(call.params["id"])
    commit = ctx.db.begin()
    store.again(commit, id_ or "", ctx.stamp, lambda: errors.conflict("There is no such delivery, or it is under way."))
    record.record(commit, ctx, "auth.webhook.replay", delivery=id_)
    await ctx.db.commit(commit)
    call.site.wake_webhooks()
    return Answer(204)


async def _replay(call: Call) -> Answer:
    asked, ctx = await read(call, Replay), call.ctx
    hook = await _must(call, parse_id(call.params["id"]))
    try:
        since = clock.text(clock.parse(asked.since))
    except ValueError as error:
        raise ApiError(400, "The body does not fit.", reason=f"since: {asked.since!r} is no moment.") from error
    commit = ctx.db.begin()
    store.rewind(commit, hook.id, await store.number_before(ctx.db, since))
    record.record(commit, ctx, "auth.webhook.replay", webhook=hook.id, since=since)
    await ctx.db.commit(commit)
    call.site.wake_webhooks()
    return Answer(204)


_PLACE = "/api/auth/webhooks"
ROUTES: tuple[Route, ...] = (
    Route(
        id="listWebhooks", method="GET", path=_PLACE, tag="webhooks", says="The webhooks, without their secrets",
        may="viewer", handler=_list, answers={200: "webhooks"},
    ),
    Route(
        id="setWebhooks", method="PUT", path=_PLACE, tag="webhooks", says="Say which webhooks there are", may="owner",
        recent=True, handler=_set, body=SetHooks, answers={200: "webhooks"},
        example={
            "webhooks": [
                {"url": "https://app.example.org/hook", "events": ["login", "register"], "secret": "at-least-16-letters"}
            ]
        },
    ),
    Route(
        id="testWebhook", method="POST", path=_PLACE + "/test", tag="webhooks", says="Call a webhook now, to try it",
        may="developer", handler=_test, body=TestHook, answers={200: "webhookTest"}, errors=(404,),
        example={"id": "00000000-0000-4000-8000-000000000000"},
    ),
    Route(
        id="listDeliveries", method="GET", path=_PLACE + "/deliveries", tag="webhooks",
        says="What webhooks were told, and whether it arrived, newest first", may="viewer", handler=_deliveries,
        answers={200: "deliveries"}, errors=(400,), takes="per_page: integer, page_token",
    ),
    Route(
        id="deliverAgain", method="POST", path=_PLACE + "/deliveries/{id}/replay", tag="webhooks",
        says="Tell one thing once more", may="developer", handler=_again, answers={204: ""}, errors=(409,),
    ),
    Route(
        id="replayWebhook", method="POST", path=_PLACE + "/{id}/replay", tag="webhooks",
        says="Tell a webhook everything once more that happened since a moment", may="developer", handler=_replay,
        body=Replay, answers={204: ""}, errors=(404,), example={"since": "2026-01-01T00:00:00Z"},
    ),
)  # fmt: skip
