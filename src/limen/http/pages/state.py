"""Pages that tell how things stand instead of showing a form: expired, another browser, not found, trouble on our side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from limen.core import errors, reasons, urls
from limen.core.causes import Cause
from limen.core.errors import ApiError
from limen.http.kit import Answer, Call
from limen.http.pages import draw, links, words
from limen.http.pages.links import Link
from limen.project.model import Kind, Project


class State(Struct, frozen=True, kw_only=True):
    """`name` is that of the words: `state.<name>.title` and the like in the catalogue."""

    name: str
    status: int
    to: str = ""  # where its button leads; empty: to the start page
    text: str = "text"
    said: str = ""  # a reason that stands in the place of its text
    technical_id: str = ""
    seconds: int = 0  # how long to wait, when that is known
    details: Mapping[str, Any] = {}  # for developers only
    causes: Sequence[Cause] = ()  # the same


def answer(call: Call, state: State, *, status: int = 0) -> Answer:
    """`status` is that of the answer where it differs: a page about an error is itself none."""
    t = words.pick(call)
    home = Link(t("link.home"), _home(call.site.project))
    action = Link(t.maybe(f"state.{state.name}.action") or home.label, state.to or home.url)
    values = {
        "title": t(f"state.{state.name}.title"),
        "leads": [t.reason(state.said) if state.said else t(f"state.{state.name}.{state.text}"), *_waiting(state, t)],
        "actions": [action] if action.label == home.label else [action, home],
        "technical_id": state.technical_id,
        "details": state.details if call.site.project.dev else {},
        "causes": state.causes if call.site.project.dev else (),
    }
    headers = [("retry-after", str(state.seconds))] if state.seconds else []
    return draw.page(call, "state", values, status=status or state.status, headers=headers)


def _home(project: Project) -> str:
    return urls.join(project.public_url, "/ui/")


def _waiting(state: State, t: words.Words) -> list[str]:
    if not state.seconds:
        return []
    if state.seconds < 120:
        return [t("state.rate_limited.seconds", seconds=state.seconds)]
    return [t("state.rate_limited.minutes", minutes=-(-state.seconds // 60))]


def explain(
    call: Call, error: ApiError, *, kind: Kind = "login", technical_id: str = "", causes: Sequence[Cause] = ()
) -> State:
    """What an error means to the person in front of it. Its own words are for developers and stay out of sight."""
    project = call.site.project
    start = links.start(project, kind)
    details = {"message": error.message, "reason": error.reason, **error.details}
    common: dict[str, Any] = {
        "status": error.status, "technical_id": technical_id, "details": details, "causes": causes,
    }  # fmt: skip
    said = error.reason or error.message
    if (known := reasons.recognise(said)) and known.reason.page:
        return State(name=known.reason.page, to=start, said=said, **common)
    match error.id:
        case "self_service_flow_expired" | "self_service_flow_replaced":
            return State(name="expired", text="fresh", to=error.details.get("redirect_to", start), **common)
        case "security_csrf_violation":
            has_cookie = project.csrf_cookie in call.cookies
            return State(name="other_browser" if has_cookie else "cookies_blocked", to=start, **common)
        case "security_identity_mismatch" | "session_refresh_required":
            return State(name="forbidden", to=start, **common)
        case "session_already_available":
            return State(name="signed_in", **common)
        case "session_inactive" | "session_aal1_required":
            return State(name="signed_out", to=links.start(project, "login"), **common)
        case "self_service_flow_disabled":
            return State(name="disabled", **common)
    return _by_status(call, error, start, common)


def _by_status(call: Call, error: ApiError, start: str, common: dict[str, Any]) -> State:
    match error.status:
        case 401:
            return State(name="signed_out", to=links.start(call.site.project, "login"), **common)
        case 403:
            return State(name="forbidden", to=start, **common)
        case 404:
            return State(name="not_found", **common)
        case 410:
            return State(name="expired", text="fresh", to=error.details.get("redirect_to", start), **common)
        case 429:
            seconds = error.headers.get("Retry-After", "")
            return State(name="rate_limited", to=start, seconds=int(seconds) if seconds.isdecimal() else 0, **common)
        case status if status >= 500:
            return State(name="server_error", to=start, **common)
    return State(name="failed", to=start, **common)


def of_kept(kept: Mapping[str, Any]) -> ApiError:
    """An error as it was kept for the error page. The page itself is found: the status is told by `kept` alone."""
    told = kept["error"]
    return ApiError(
        int(told.get("code", 500)), told.get("message", ""), id=told.get("id", ""), reason=told.get("reason", ""),
        details=told.get("details", {}),
    )  # fmt: skip


def not_found(call: Call) -> Answer:
    return answer(call, explain(call, errors.not_found()))


def trouble(call: Call, error: ApiError) -> Answer:
    """Something is wrong on our side: with the id of the request, which the log names too."""
    told = answer(call, explain(call, error, technical_id=call.id))
    told.headers += error.headers.items()
    return told
