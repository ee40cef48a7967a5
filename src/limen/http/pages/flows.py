"""The page of each kind of flow: started when there is none, shown when there is, explained when it cannot be shown."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

from limen.context import Context
from limen.core import urls
from limen.core.errors import ApiError
from limen.core.ids import parse_id
from limen.flow.model import Flow
from limen.http import why
from limen.http.kit import Answer, Call, redirect
from limen.http.pages import draw, factors, links, providers, state, words
from limen.http.pages.view import view
from limen.identity.model import Identity
from limen.project.model import Kind
from limen.selfservice.reply import Reply
from limen.session import service as sessions
from limen.session import store as session_store
from limen.session import strength

Fetch = Callable[[Context, str | None], Awaitable[Reply]]
_REMEMBERED = 20  # sessions, to find out what a person likes to use
_OWN = ("flow", "lang", "again")  # parameters that are the page's, not the flow's


def page(kind: Kind, fetch: Fetch) -> Callable[[Call], Awaitable[Answer]]:
    """The handler of `GET /ui/{kind}`."""

    async def handler(call: Call) -> Answer:
        if not links.offers(call.site.project, kind):
            text = "registration" if kind == "registration" else "text"
            return state.answer(call, state.State(name="disabled", status=404, text=text))
        if not call.first("flow"):
            return await _start(call, kind)
        try:
            reply = await fetch(call.ctx, parse_id(call.first("flow")))
        except ApiError as error:
            return _instead(call, kind, error)
        if reply.flow is None:  # nobody is signed in
            return redirect(call, links.start(call.site.project, "login", _here(call)))
        return await _shown(call, reply.flow, reply.identity)

    return handler


async def _start(call: Call, kind: Kind) -> Answer:
    """Make a new flow; what the address says about it (`return_to`, `refresh`, `aal`) is handed on."""
    project = call.site.project
    if kind == "settings" and await sessions.current(call.ctx) is None:
        answer = redirect(call, links.start(project, "login", _here(call)))
    else:
        pairs = [(name, v) for name, found in urls.parse_query(call.query).items() if name not in _OWN for v in found]
        answer = redirect(call, links.start(project, kind) + (f"?{urlencode(pairs)}" if pairs else ""))
    answer.headers += words.chosen_cookie(call)
    return answer


def _here(call: Call) -> str:
    """The address of this page, to come back to."""
    query = {name: found[0] for name, found in urls.parse_query(call.query).items() if name not in ("lang", "again")}
    return urls.with_query(urls.join(call.site.project.public_url, call.path), query)


async def _urgent(call: Call) -> list[str]:
    """What somebody has to do in the settings, or soon will have to."""
    project, t = call.site.project, words.pick(call)
    subject = await sessions.current(call.ctx)
    if subject is None or subject.session.aal == "aal2" or subject.identity.available_aal == "aal2":
        return []
    by = strength.needed_by(project, subject.identity.schema_id, subject.identity.created_at)
    if by is None:
        return []
    if by <= call.ctx.stamp:
        return [t("page.settings.factor_needed")]
    return [t("page.settings.factor_needed_by", by=t.moment(by))]


async def _shown(call: Call, flow: Flow, identity: Identity | None) -> Answer:
    project, t = call.site.project, words.pick(call)
    held = factors.holdings(project.config, identity, t, call.ctx.now) if identity else None
    recent = await _recent(call.ctx) if flow.situation in ("second", "second_refresh") else []
    shown = view(project, flow, t, call.ctx.now, last_provider=providers.last_used(call), held=held, recent=recent)
    shown.leads += await _urgent(call) if flow.kind == "settings" else []
    return draw.page(call, "flow", {"view": shown})


async def _recent(ctx: Context) -> list[str]:
    """How this person passed the second step lately, the last time first."""
    subject = await sessions.current(ctx)
    if subject is None:
        return []
    known = await session_store.recent(ctx.db, subject.identity.id, _REMEMBERED)
    mailed = [p.completed_at for one in known for p in one.proofs if (p.method, p.aal) == ("code", "aal2")]
    return factors.recent(subject.identity, max(mailed, default=""))


def _instead(call: Call, kind: Kind, error: ApiError) -> Answer:
    """What is shown when the flow is not."""
    project = call.site.project
    here = _here(call)
    if isinstance(to := error.top.get("redirect_browser_to"), str):
        return redirect(call, to)
    if error.status == 401:
        return redirect(call, links.start(project, "login", here))
    # Without the cookie there is nothing to tell a browser that refuses cookies from one that never was here: with
    # this answer it gets one, and whether it keeps it shows when it comes back.
    if error.id == "security_csrf_violation" and project.csrf_cookie not in call.cookies and not call.first("again"):
        return redirect(call, urls.with_query(here, {"again": "true"}))
    return state.answer(call, state.explain(call, error, kind=kind, causes=why.note(call, error)))
