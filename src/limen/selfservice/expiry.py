"""What becomes of flows that were open for too long: the answer to who reads one, and the flow that replaces it."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from limen.context import Context
from limen.core import clock, csrf, errors, messages, urls
from limen.core.errors import ApiError
from limen.core.messages import Declared
from limen.flow import store
from limen.flow.model import Flow
from limen.selfservice import engine, why
from limen.selfservice.reply import Reply

_WITHOUT_ID = ("settings", "verification")  # the reading of these is answered without an error id


def gone(ctx: Context, flow: Flow) -> ApiError:
    """The answer to who reads an expired flow: where a new one is started."""
    public = ctx.project.public_url
    if not flow.is_browser:
        details: dict[str, Any] = {"api": urls.join(public, f"/self-service/{flow.kind}/api")}
        return errors.flow_gone(flow.kind, details, with_id=flow.kind not in _WITHOUT_ID, facts=_times(flow))
    start = urls.join(public, f"/self-service/{flow.kind}/browser")
    details = {
        "redirect_to": urls.with_query(start, {"return_to": flow.return_to}) if flow.return_to else start,
        "return_to": flow.return_to,
    }
    with_id = flow.kind not in (*_WITHOUT_ID, "recovery")
    return errors.flow_gone(flow.kind, details, with_id=with_id, facts=_times(flow))


def too_late(flow: Flow) -> ApiError:
    """The answer to who comes back to a flow that expired while they were at a provider: no word of another one."""
    return errors.flow_gone(flow.kind, {}, with_id=True, facts=_times(flow))


def _times(flow: Flow) -> dict[str, str]:
    return {"issued_at": flow.issued_at, "expires_at": flow.expires_at}


def since(ctx: Context, flow: Flow) -> int:
    """Nanoseconds since the flow expired."""
    return int((ctx.now - clock.parse(flow.expires_at)).total_seconds() * 1_000_000) * 1000


async def replaced(ctx: Context, old: Flow, new: Flow, told: Declared, *, json: bool) -> Reply:
    """Store the flow that takes an expired one's place, say why, and answer with it."""
    if not json:  # a script is told by an error, which is traced with all others
        why.tell(ctx, old, (why.expired(_times(old), ctx.stamp),), status=303)
    new.request_url = old.request_url
    new.identity_schema = old.identity_schema
    new.ui.messages = [*new.ui.messages, messages.expired(told, clock.parse(old.expires_at))]
    await store.save_new(ctx.db, new)
    if json:
        error = errors.flow_expired(new.id, old.expires_at, since(ctx, old), facts=_times(old))
        return Reply(json=True, status=error.status, error=error)
    return Reply(json=False, url=engine.page(ctx, new))


async def followed(ctx: Context, old: Flow, new: Flow, told: Declared) -> Reply:
    """The same for recovery and verification, where scripts and apps are redirected to the new flow, too."""
    why.tell(ctx, old, (why.expired(_times(old), ctx.stamp),), status=303)
    new.request_url = old.request_url
    new.ui.messages = [messages.expired(told, clock.parse(old.expires_at))]
    secret = csrf.new_secret() if new.kind == "verification" else ""
    new.csrf = csrf.digest(secret) if secret else new.csrf
    await store.save_new(ctx.db, new)
    return replace(follow(ctx, new), csrf=secret)


def follow(ctx: Context, flow: Flow) -> Reply:
    """Send a page to the flow's page and everybody else to the flow itself."""
    if ctx.client.is_json:
        public = urls.join(ctx.project.public_url, f"/self-service/{flow.kind}/flows")
        return Reply(json=False, url=urls.with_query(public, {"id": flow.id}))
    return Reply(json=False, url=engine.page(ctx, flow))
