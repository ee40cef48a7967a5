"""Why a request of a flow was refused, as far as the request itself tells: hosts, cookies, origins.

Nothing here runs while all goes well. The causes become an event, and a trace that can be asked for by request id.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import SplitResult, urlsplit

from limen.core.causes import Cause
from limen.core.errors import ApiError
from limen.core.ids import parse_id
from limen.http.cookies import PAUSED
from limen.http.kit import Call
from limen.methods.oidc.journey import ANOTHER_BROWSER
from limen.selfservice import why as selfservice

_FLOWS: Final = ("/self-service/", "/ui/")
_LONG: Final = 200  # characters of what somebody sent
_LOCAL: Final = ("localhost", "127.0.0.1", "::1")
# The ordinary course of things: go elsewhere, sign in again, you are signed in already.
_ORDINARY: Final = frozenset((
    "browser_location_change_required", "session_refresh_required", "session_aal2_required", "session_already_available",
    "session_aal1_required",
))  # fmt: skip


def note(call: Call, error: ApiError) -> tuple[Cause, ...]:
    """Tell that a step of a flow was refused; returns why. Requests that belong to no flow are passed over."""
    if error.id in _ORDINARY or not call.path.startswith(_FLOWS):
        return ()
    found = causes(call, error)
    _tell(call, found, error.status, error.id)
    return found


def note_origin(call: Call) -> None:
    """Tell that a browser will keep our answer from the script that asked, as its origin is not allowed to read it."""
    if not call.path.startswith(_FLOWS):
        return
    origin, cors = call.headers.get("origin", "")[:_LONG], call.site.project.config.serve.public.cors
    expected = f"one of {', '.join(cors.allowed_origins)}" if cors.enabled else "none: `serve.public.cors` is off"
    fix = f"Set `serve.public.cors: {{enabled: true, allowed_origins: [{origin}]}}`, and let the script send cookies."
    _tell(call, (Cause("cors_origin", expected, origin, fix),), 0, "")


def _tell(call: Call, found: tuple[Cause, ...], status: int, error_id: str) -> None:
    kind = call.path.split("/")[2] if call.path.count("/") > 1 else ""
    flow = parse_id(call.first("flow") or call.first("id"))
    about = {
        "request": call.id,
        "step": f"{call.method} {call.endpoint or call.path[:200]}",
        "status": status,
        "kind": kind,
        "flow": flow,
        "error": error_id,
    }
    call.ctx.events.refuse(found, {name: value for name, value in about.items() if value not in (None, "")})


def causes(call: Call, error: ApiError) -> tuple[Cause, ...]:
    """Why this error is answered."""
    if error.id == "security_csrf_violation":
        return tuple(_csrf(call, error.check))
    if error.check == "provider":
        return (selfservice.of_provider(error),)
    if error.check == ANOTHER_BROWSER:
        return tuple(_way_back(call))
    if "expires_at" in error.facts:
        return (selfservice.expired(error.facts, call.ctx.stamp),)
    if error.check == "return_to":
        return (_return_to(call, error.facts["found"]),)
    if error.status == 401:
        return (Cause("session", "a session's cookie or token", _came(call), ""), *_lost_cookies(call))
    if error.status == 404:
        fix = "Flows are deleted some time after they expire; nodes that do not share one database do not see each other's."
        return (Cause("found", "something that is in this server's database", "there is none of this id", fix),)
    return (Cause(error.id or str(error.status), "a request without this error", error.message, error.reason),)


def _csrf(call: Call, check: str) -> Iterator[Cause]:
    project = call.site.project
    name = project.csrf_cookie
    match check:
        case "csrf_cookie":
            yield Cause("csrf_cookie", f"the cookie {name}", _came(call), "")
            yield from _lost_cookies(call)
        case "csrf_token":
            fix = "Send the node `csrf_token` of the form back, or the header X-CSRF-Token."
            yield Cause("csrf_token", "the field csrf_token of the form", "none", fix)
        case "other_browser":
            fix = "The link to a flow's page works only in the browser in which it was opened; start again there."
            yield Cause("flow_browser", "the browser in which this flow was started", "another browser's cookie", fix)
            yield from _hosts(call)
        case _:
            fix = "The form was drawn for another cookie: load the page again, and let no cache keep it."
            yield Cause("csrf_pair", "a csrf_token that was drawn for this browser's cookie", "one for another", fix)
            yield from _hosts(call)


def _way_back(call: Call) -> Iterator[Cause]:
    """The state of a sign-in with a provider was lost: another browser, or one that does not send our cookies."""
    fix = "The way to the provider and back has to begin and end in one browser, at one host, within half an hour."
    yield Cause("way_back", f"the cookie {PAUSED} of the browser that left for the provider", _came(call), fix)
    yield from _lost_cookies(call)


def _came(call: Call) -> str:
    names = [name for name in call.cookies if name.isprintable()]
    if not names:
        return "no cookie at all"
    return f"the cookies {', '.join(name[:80] for name in names[:8])}" + (" and more" if len(names) > 8 else "")


def _lost_cookies(call: Call) -> Iterator[Cause]:
    """What most often keeps a browser from sending our cookies."""
    config, project = call.site.project.config, call.site.project
    public, here = urlsplit(project.public_url), urlsplit(call.url())
    yield from _hosts(call)
    secure = config.cookies.secure if config.cookies.secure is not None else not project.dev
    if secure and here.scheme == "http":
        fix = "Serve HTTPS (a proxy has to say X-Forwarded-Proto: https), or start with --dev on your own machine."
        yield Cause("cookie_secure", "https, as the cookies are `Secure`", f"http at {here.hostname}", fix)
    domain = (config.cookies.domain or "").lstrip(".")
    host = public.hostname or ""
    if domain and host != domain and not host.endswith(f".{domain}"):
        fix = f"Write a domain that {host} belongs to, or leave `cookies.domain` out."
        yield Cause("cookie_domain", f"`cookies.domain` to cover {host}", domain, fix)
    origin = _split(call.headers.get("origin", ""))
    if origin.hostname and _authority(origin) != _authority(public) and call.ctx.client.is_ajax:
        if not call.site.cors.enabled or not call.site.cors.allows_cookies(call.headers["origin"]):
            fix = f"Set `serve.public.cors` with enabled: true and allowed_origins: [{_authority(origin)}]."
            yield Cause("cors_origin", "an origin listed in `serve.public.cors`", _authority(origin), fix)
        else:
            fix = 'fetch(…, {credentials: "include"}), or withCredentials: true.'
            yield Cause("fetch_credentials", "a script that sends cookies", "a script of another origin without", fix)


def _hosts(call: Call) -> Iterator[Cause]:
    """A browser keeps cookies by host: what was set for one name does not come with another."""
    base = urlsplit(call.site.project.public_url).hostname or ""
    asked = (urlsplit(call.url()).hostname or "")[:_LONG]
    page = _split(call.headers.get("origin") or call.headers.get("referer", "")).hostname or ""
    for host in dict.fromkeys((asked, page if page in _LOCAL and base in _LOCAL else asked)):
        if host and host != base:
            fix = f"Open the pages at {base}, or write {host} into `serve.public.base_url`; not both."
            yield Cause("host", f"{base}, as in `serve.public.base_url`", host, fix)


def _return_to(call: Call, found: str) -> Cause:
    allowed = call.site.project.config.selfservice.allowed_return_urls
    expected = (
        f"an address under {', '.join(allowed)}" if allowed else "an address in `allowed_return_urls`, which is empty"
    )
    place = _split(found)
    known = {urlsplit(entry).netloc: urlsplit(entry).scheme for entry in allowed}
    fix = f"Add {place.scheme}://{place.netloc} to `selfservice.allowed_return_urls`, if it is yours."
    if place.netloc in known:
        fix = "The host is listed; scheme and path have to fit too: an entry covers what begins like it."
    return Cause("return_to", expected, found[:_LONG], fix)


def _split(text: str) -> SplitResult:
    """An address that somebody sent, cut where it would only fill the log; what is none has no parts."""
    try:
        return urlsplit(text[:_LONG])
    except ValueError:
        return urlsplit("")


def _authority(url: SplitResult) -> str:
    return f"{url.scheme}://{url.netloc}"
