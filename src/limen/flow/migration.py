"""Asking the former system whether a password is right: for people who were moved in without one."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from limen.context import Context
from limen.core import configuredcall, errors, jsonnet, sources
from limen.core.errors import ApiError
from limen.core.outbound import Answer, OutboundError, Retry
from limen.flow.body import flow_body
from limen.flow.model import Flow
from limen.identity.model import Identity
from limen.session import service as sessions

SECONDS = 30.0  # for one attempt
KEEP = 3600.0  # seconds a template from the web is kept
MATCH = "password_match"
MAX_ANSWER = 1024  # bytes of it that count


class _Said(Struct, frozen=True):
    status: str = ""


async def matches(ctx: Context, flow: Flow, identity: Identity, identifier: str, password: str) -> bool:
    """Whether the former system takes this password.

    :raises ApiError: 500, nobody is configured to be asked; 502, there was no answer, or none that says yes or no
    """
    hook = ctx.project.config.selfservice.methods.password.config.migrate_hook
    if not hook.enabled or not hook.config.url:
        raise errors.misconfigured("This password is known to the former system only, and asking it is switched off.")
    try:
        body = await _body(ctx, hook.config.body, flow, identity, identifier, password)
        headers = configuredcall.headers(hook.config.headers, hook.config.auth)
        answer = await ctx.outbound.request(
            hook.config.method, hook.config.url, headers=headers, body=body, seconds=SECONDS, retry=Retry()
        )
    except (OutboundError, jsonnet.JsonnetError, sources.SourceError, UnicodeDecodeError) as error:
        _tell(ctx, identity, why=str(error))
        raise _failed("cannot be reached") from error
    if hook.config.emit_analytics_event:
        ctx.events.tell("password.asked_elsewhere", identity.id, status=answer.status)
    return _judged(answer)


def _judged(answer: Answer) -> bool:
    if answer.status == 403:
        return False
    if answer.status != 200:
        raise _failed(f"answered {answer.status}")
    try:
        return msgspec.json.decode(answer.body[:MAX_ANSWER], type=_Said).status == MATCH
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False


def _failed(what: str) -> ApiError:
    return ApiError(502, f"The system that knows this password {what}.", reason="Try again in a little while.")


def _tell(ctx: Context, identity: Identity, *, why: str) -> None:
    ctx.events.tell("password.not_asked_elsewhere", identity.id, why=why)


async def _body(
    ctx: Context, template: str | None, flow: Flow, identity: Identity, identifier: str, password: str
) -> bytes:
    plain = {"identifier": identifier, "password": password}
    if not template:
        return msgspec.json.encode(plain)
    remote = sources.is_remote(template)
    raw = await ctx.outbound.document(template, keep=KEEP) if remote else sources.read(template)
    client = ctx.client
    told: dict[str, Any] = {
        **plain,
        "flow": flow_body(ctx.project, flow, client.csrf),
        "identity": sessions.identity_body(ctx.project, identity),
        "request_headers": _headers(client.headers),
        "request_method": client.method,
        "request_url": client.url,
        "request_cookies": dict(client.cookies),
    }
    return (await jsonnet.evaluate(raw.decode(), ctx=told, name="body")).encode()


def _headers(raw: Any) -> dict[str, list[str]]:
    """All of them: what is passed on, the operator's template decides."""
    found: dict[str, list[str]] = {}
    for name, value in raw:
        found.setdefault(configuredcall.canonical(name.decode("latin1")), []).append(value.decode("latin1"))
    return found
