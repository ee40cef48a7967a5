"""What happened: the audit log, the history of sign-ins, figures for the overview, and what the security settings are."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec

from limen.audit import counts, store
from limen.audit.model import Entry
from limen.audit.store import END_OF_TIME, Filter
from limen.core import clock
from limen.core.devices import device_name, ip_address
from limen.core.errors import ApiError
from limen.http import paging
from limen.http.console.route import Route
from limen.http.kit import Answer, Call, json_answer
from limen.identity import directory

SIGN_INS = ("auth.login", "auth.login.failed")
SERIES = ("auth.login", "auth.login.failed", "auth.register")
MAX_PAGE, DEFAULT_PAGE, MAX_OFFSET, MAX_ACTIONS = 500, 100, 10_000, 20
DAYS = 30  # that the overview draws
DAY = timedelta(days=1)


def _moment(call: Call, name: str) -> str:
    text = call.first(name)
    if not text:
        return ""
    try:
        return clock.text(clock.parse(text.replace(" ", "+") if "T" in text else f"{text}T00:00:00Z"))
    except ValueError as error:
        raise ApiError(400, f"The query parameter {name} has to be a date or a moment, not {text!r}.") from error


def _size(call: Call) -> int:
    text = call.first("limit")
    if text and not text.isdecimal():
        raise ApiError(400, f"The query parameter limit has to be a number, not {text!r}.")
    return (
        max(1, min(int(text[:9] or DEFAULT_PAGE), MAX_PAGE))
        if text
        else paging.page_size(call, default=DEFAULT_PAGE, most=MAX_PAGE)
    )


def _offset(call: Call) -> int:
    text = call.first("offset") or "0"
    if not text.isdecimal() or int(text[:9]) > MAX_OFFSET:
        raise ApiError(400, f"The query parameter offset has to be a number up to {MAX_OFFSET}.")
    return int(text)


def _cursor(entry: Entry) -> str:
    return base64.urlsafe_b64encode(f"{entry.at}|{entry.id}".encode()).rstrip(b"=").decode()


def _before(token: str) -> tuple[str, str]:
    if not token:
        return END_OF_TIME, ""
    try:
        at, _, id_ = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode().partition("|")
    except (binascii.Error, ValueError) as error:
        raise ApiError(400, "The page token is not one of ours. Start again from the first page.") from error
    return at, id_


async def _page(call: Call, filter_: Filter) -> tuple[Sequence[Entry], str | None]:
    size = _size(call)
    found = await store.page(
        call.ctx.db, filter_, size + 1, before=_before(call.first("page_token")), offset=_offset(call)
    )
    return found[:size], _cursor(found[size - 1]) if len(found) > size else None


def _filter(call: Call, actions: tuple[str, ...]) -> Filter:
    return Filter(
        actions=actions, identity_id=call.first("identity_id"), search=call.first("search"),
        since=_moment(call, "from"), until=_moment(call, "to"),
    )  # fmt: skip


def wanted(call: Call) -> Filter:
    """Which entries of the audit log are asked for.

    :raises ApiError: 400, a parameter makes no sense
    """
    actions = tuple(filter(None, call.first("action").split(",")))
    if len(actions) > MAX_ACTIONS:
        raise ApiError(400, f"The query parameter action may name up to {MAX_ACTIONS} actions.")
    return _filter(call, actions)


async def _audit(call: Call) -> Answer:
    entries, following = await _page(call, wanted(call))
    return json_answer({"logs": [msgspec.to_builtins(one) for one in entries], "pagination": {"next": following}})


async def _history(call: Call) -> Answer:
    which = {"true": SIGN_INS[:1], "false": SIGN_INS[1:]}.get(call.first("success"), SIGN_INS)
    entries, following = await _page(call, _filter(call, which))
    return json_answer({"history": [_sign_in(one) for one in entries], "pagination": {"next": following}})


def _sign_in(entry: Entry) -> dict[str, Any]:
    return {
        "timestamp": entry.at,
        "identity_id": entry.identity_id or None,
        "email": entry.email or None,
        "ip_address": ip_address(entry.ip_address),
        "user_agent": entry.user_agent,
        "device": device_name(entry.user_agent),
        "method": entry.method,
        "success": entry.outcome == "success",
        "why": entry.detail.get("why", []),
    }


async def _stats(call: Call) -> Answer:
    ctx = call.ctx
    people = await directory.counts(ctx.db)
    recent = await counts.since(ctx.db, SIGN_INS, clock.text(ctx.now - DAY))
    days = [clock.text(ctx.now - back * DAY)[:10] for back in range(DAYS - 1, -1, -1)]
    by_day = await counts.by_day(ctx.db, SERIES, days[0])
    series = [
        {
            "day": day,
            "logins": by_day.get((day, SERIES[0]), 0),
            "failed": by_day.get((day, SERIES[1]), 0),
            "registrations": by_day.get((day, SERIES[2]), 0),
        }
        for day in days
    ]
    body = {
        "total_users": sum(people.values()),
        "active": people.get("active", 0),
        "inactive": people.get("inactive", 0),
        "logins_24h": recent[SIGN_INS[0]],
        "failed_24h": recent[SIGN_INS[1]],
        "series": series,
    }
    return json_answer(body)


async def _security(call: Call) -> Answer:
    """The settings now in force, as far as they say how safe accounts are; nothing secret is among them."""
    config = call.site.project.config
    methods, own, flows = config.selfservice.methods, config.limen, config.selfservice.flows
    password = methods.password.config
    body = {
        "password_policy": {
            "min_length": password.min_password_length,
            "breach_check": password.haveibeenpwned_enabled,
            "max_breaches": password.max_breaches,
            "similarity_check": password.identifier_similarity_check_enabled,
            "hasher": config.hashers.algorithm,
        },
        "methods": {
            name: call.site.project.has_method(name)
            for name in ("password", "code", "link", "oidc", "totp", "lookup_secret", "webauthn", "passkey")
        },
        "second_factor": {
            "required": own.second_factor.required,
            "whoami": config.session.whoami.required_aal,
            "settings": flows.settings.required_aal,
            "trusted_devices": own.second_factor.trusted_devices.enabled,
        },
        "lifespans": {
            "session": config.session.lifespan,
            "privileged_session": flows.settings.privileged_session_max_age,
            "login": flows.login.lifespan,
            "registration": flows.registration.lifespan,
            "recovery": flows.recovery.lifespan,
            "verification": flows.verification.lifespan,
        },
        "enumeration_mitigation": config.security.account_enumeration.mitigate,
        "registration_enabled": flows.registration.enabled,
        "limits": msgspec.to_builtins(own.limits),
    }
    return json_answer(body)


_FILTERS = "search, from, to, identity_id"
_PAGES = f"limit: integer, offset: integer, page_token, {_FILTERS}"
FILTERS = f"{_FILTERS}, action"
ROUTES: tuple[Route, ...] = (
    Route(
        id="listLogins", method="GET", path="/api/auth/login-history", tag="records", says="Sign-ins, newest first",
        may="viewer", handler=_history, answers={200: "logins"}, errors=(400,), takes=f"{_PAGES}, success: boolean",
    ),
    Route(
        id="listAuditEntries", method="GET", path="/api/auth/audit-logs", tag="records", says="The audit log, newest first",
        may="viewer", handler=_audit, answers={200: "auditLogs"}, errors=(400,), takes=f"{_PAGES}, action",
    ),
    Route(
        id="getStats", method="GET", path="/api/auth/stats", tag="records", says="Figures for the overview", may="viewer",
        handler=_stats, answers={200: "stats"},
    ),
    Route(
        id="getSecurityConfig", method="GET", path="/api/auth/security-config", tag="records",
        says="The security settings now in force", may="viewer", handler=_security, answers={200: "securityConfig"},
    ),
    Route(
        id="listAuditLogs", method="GET", path="/v1/audit-logs", tag="v1", says="The audit log, newest first",
        may="service", handler=_audit, answers={200: "auditLogs"}, errors=(400,), takes=f"{_PAGES}, action",
    ),
)  # fmt: skip
