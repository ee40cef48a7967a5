"""The general check of the public port: every browser gets a secret, and what changes something has to name it.

Flows check their own forms (see selfservice/guard), so their paths are left out here, as are those no browser uses.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from limen.core import csrf
from limen.core.form import Form
from limen.http import cookies, pages, why
from limen.http.kit import Answer, Call, guarded
from limen.selfservice import guard

SAFE_METHODS = ("GET", "HEAD", "OPTIONS", "TRACE")
# These answers carry no cookies and ask for none.
PLAIN = ("/health/alive", "/health/ready", "/version", "/metrics/prometheus", "/openapi.json")
_FLOWS = "(?:login|registration|settings|recovery|verification)"
_IGNORED = re.compile("|".join((
    f"/self-service/{_FLOWS}(?:/api)?", "/self-service/logout/api", "/self-service/methods/oidc/callback/[^/]*",
    "/sessions", "/sessions/[^/]*", "/sessions/[^/]*/extend", "/sessions/trusted-devices/[^/]*", "/identities/[^/]*/sessions",
    "(?:/admin)?/schemas/[^/]*", "(?:/admin)?/courier/messages", "/recovery/(?:code|link)",
    "(?:/admin)?/identities", "(?:/admin)?/identities/[^/]*", "(?:/admin)?/identities/[^/]*/credentials/[^/]*",
)))  # fmt: skip


async def passed(call: Call, handle: Callable[[Call], Awaitable[Answer]]) -> Answer:
    """The answer of `handle`, or 403; with the secret of a browser that has none yet."""
    path = call.scope["path"]  # with every escape undone: what no route knows is guarded by what it seems to be
    if path in PLAIN or _IGNORED.fullmatch(path) or path.startswith(pages.STATIC):
        return await handle(call)
    known, fresh = call.ctx.client.csrf, ""
    if not known:
        fresh = csrf.new_secret()
        call.remember(fresh)
    posted = path.startswith(pages.PREFIX)  # a form of our own pages, which check its field csrf_token themselves
    if call.method in SAFE_METHODS or posted or csrf.fits(known, call.headers.get("x-csrf-token", "")):
        answer = await handle(call)
    else:
        answer = await guarded(call, _forged, why.note)
    name = call.site.project.csrf_cookie
    if fresh and not any(k == "set-cookie" and v.startswith(name) for k, v in answer.headers):
        answer.headers.append(("set-cookie", cookies.csrf(call.site.project, fresh)))
    return answer


async def _forged(call: Call) -> Answer:
    raise guard.violation(call.ctx, Form({}))
