"""What both ports are made of: a request as handlers see it, an answer, routes in a dict, and the error envelope."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from http import HTTPStatus
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import msgspec
import structlog
from msgspec.structs import replace
from starlette.datastructures import Headers as StarletteHeaders
from starlette.formparsers import MultiPartException, MultiPartParser

from limen import __version__
from limen import log as logs
from limen.context import Client, Context
from limen.core import csrf, errors
from limen.core import form as forms
from limen.core.configserver import AdminServer
from limen.core.errors import ApiError
from limen.core.events import Events
from limen.core.form import Form
from limen.core.ids import short_id
from limen.core.metrics import Metrics
from limen.core.outbound import Outbound
from limen.core.passwords import Passwords
from limen.core.urls import parse_query
from limen.db.database import DatabaseError, Driver, ProjectDatabase
from limen.http import cookies, negotiate
from limen.http.cors import CorsPolicy
from limen.http.measure import Requests
from limen.project.model import Project

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

BODY_LIMIT = 5 * 1024 * 1024
MAX_FIELDS = 1000  # of an HTML form
# What monitoring asks all day long.
HEALTH = (
    "/health/alive", "/health/ready", "/admin/health/alive", "/admin/health/ready", "/admin/metrics/prometheus",
)  # fmt: skip
JSON = "application/json; charset=utf-8"
ERROR_JSON = "application/json"
NO_STORE = ("cache-control", "private, no-cache, no-store, must-revalidate")
_BROKEN = re.compile(r"%(?![0-9A-Fa-f]{2})")
_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")
_LISTS = {"cookie": "; ", "x-forwarded-for": ", "}
_LONGEST_IP = 64  # characters, with a zone
_HOST = re.compile(r"[\w.~-]+(?::\d+)?|\[[0-9A-Fa-f:.]+\](?::\d+)?")
_SCHEME = re.compile(r"https?")
_CHARSET = re.compile(r";\s*charset[\s\d*]*=", re.IGNORECASE)
_JSON_TYPE, _FORM_TYPE, _MULTIPART_TYPE = "application/json", "application/x-www-form-urlencoded", "multipart/form-data"

_INTERNAL = [
    ip_network(net)
    for net in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16",
                "::1/128", "fc00::/7", "fe80::/10")
]  # fmt: skip
_URL_SAFE = "!#$%&'()*+,/:;=?@[]~"  # a URL is ASCII already but for what somebody typed into it

# At every line of the metrics: what dashboards made for Kratos filter by.
CONSTANT = {"app": "kratos", "version": f"v{__version__}", "hash": "", "buildTime": ""}

log = structlog.get_logger("limen.http")


class Answer:
    """A response: status, headers, body; or, for what may be long, the parts of a body in `stream`."""

    __slots__ = ("body", "headers", "status", "stream")

    def __init__(
        self,
        status: int,
        body: bytes = b"",
        headers: list[tuple[str, str]] | None = None,
        *,
        stream: AsyncIterator[bytes] | None = None,
    ) -> None:
        self.status, self.body, self.headers, self.stream = status, body, headers or [], stream


def json_answer(body: Any, status: int = 200, headers: list[tuple[str, str]] | None = None) -> Answer:
    return Answer(status, msgspec.json.encode(body) + b"\n", [("content-type", JSON), *(headers or [])])


def text_answer(status: int, text: str, headers: list[tuple[str, str]] | None = None) -> Answer:
    return Answer(status, text.encode() + b"\n", [("content-type", "text/plain; charset=utf-8"), *(headers or [])])


def redirect(call: Call, url: str, status: int = 303) -> Answer:
    """A redirect; whoever asked with GET also gets a line to read."""
    place = ("location", quote(url, safe=_URL_SAFE))
    if call.method not in ("GET", "HEAD"):
        return Answer(status, b"", [place])
    escaped = url.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")
    body = f'<a href="{escaped}">{HTTPStatus(status).phrase}</a>.\n'.encode()
    return Answer(status, body, [("content-type", "text/html; charset=utf-8"), place])


def error_answer(error: ApiError, request_id: str = "") -> Answer:
    headers = [("content-type", ERROR_JSON), ("ory-error-id", error.id), *error.headers.items()]
    return Answer(error.status, msgspec.json.encode(error.body(request_id)) + b"\n", headers)


class Site:
    """The running server as requests see it; `project` is replaced as a whole when the configuration changes."""

    __slots__ = (
        "_proxies",
        "cors",
        "driver",
        "events",
        "metrics",
        "now",
        "outbound",
        "passwords",
        "project",
        "requests",
        "trusts",
        "wake_courier",
        "wake_webhooks",
    )

    def __init__(
        self,
        project: Project,
        driver: Driver,
        passwords: Passwords,
        outbound: Outbound,
        events: Events,
        now: Callable[[], datetime],
    ) -> None:
        self.driver, self.passwords, self.outbound, self.events, self.now = driver, passwords, outbound, events, now
        self.wake_courier: Callable[[], None] = _nothing
        self.wake_webhooks: Callable[[], None] = _nothing
        self.requests = Requests()
        self.metrics = Metrics(CONSTANT)
        self.metrics.add(self.requests.families)
        self.project = project
        flags = project.config.feature_flags
        self.cors = CorsPolicy(project.config.serve.public.cors, allow_unsafe=flags.legacy_allow_insecure_origins)
        self.trusts = lru_cache(maxsize=1024)(self._trusts)
        self._proxies = [ip_network(net) for net in project.config.limen.trusted_proxies]

    def under(self, project: Project) -> Site:
        """The same with another configuration."""
        site = Site(project, self.driver, self.passwords, self.outbound, self.events, self.now)
        site.wake_courier, site.wake_webhooks = self.wake_courier, self.wake_webhooks
        site.requests, site.metrics = self.requests, self.metrics  # counts go on
        return site

    def database(self) -> ProjectDatabase:
        return ProjectDatabase(self.driver, self.project.id)

    def context(self, client: Client) -> Context:
        return Context(self.project, self.database(), client, self.now(), self.passwords, self.outbound, self.events)

    def may_read(self, origin: str) -> bool:
        """Whether scripts of this origin may read our answers: our own may, and those that CORS lets."""
        own = urlsplit(self.project.public_url)
        return origin == f"{own.scheme}://{own.netloc}" or (self.cors.enabled and self.cors.allows(origin))

    def _trusts(self, peer: str) -> bool:
        """Whether what this peer says about its own client is believed: the listed proxies, by default this machine
        and private networks, which is where a proxy stands.
        """
        try:
            ip = ip_address(peer)
        except ValueError:
            return not peer  # a unix socket has no address; who may open it is decided by its mode
        return any(ip in net for net in self._proxies or _INTERNAL)


class Current:
    """The site as it is configured now. To take over a configuration is to set this; running requests keep theirs."""

    __slots__ = ("site",)

    def __init__(self, site: Site) -> None:
        self.site = site


def _nothing() -> None:
    """Nobody in this process waits for it."""


class Call:
    """One request."""

    __slots__ = (
        "_asked", "_body", "_receive", "client", "cookies", "ctx", "endpoint", "headers", "id", "is_proxied", "method",
        "params", "path", "query", "scope", "site",
    )  # fmt: skip

    ctx: Context

    def __init__(self, site: Site, scope: Scope, receive: Receive) -> None:
        self.site = site
        self.scope = scope
        self._receive = receive
        self._body: bytes | None = None
        self._asked: tuple[str, dict[str, list[str]]] | None = None
        self.method: str = scope["method"]
        self.path = _path(scope)
        self.query: str = scope["query_string"].decode("latin1")
        self.headers = headers_of(scope)
        self.cookies = cookies.parse(self.headers.get("cookie", ""))
        self.params: Mapping[str, str] = {}
        self.endpoint = ""  # the pattern of the route that answers
        # Whether what the request says about where it comes from is believed.
        self.is_proxied = site.trusts((scope.get("client") or ("",))[0])
        given = self.headers.get("x-request-id", "")
        self.id = given if _REQUEST_ID.fullmatch(given) else short_id()

    @property
    def given_id(self) -> str:
        """The request's id, when the caller chose it: then the answer names it."""
        return self.id if "x-request-id" in self.headers else ""

    def first(self, name: str, default: str = "") -> str:
        """The first value of a query parameter."""
        return self.asked.get(name, [default])[0]

    def all(self, name: str) -> list[str]:
        return self.asked.get(name, [])

    @property
    def asked(self) -> dict[str, list[str]]:
        """The query's parameters."""
        if self._asked is None or self._asked[0] is not self.query:
            self._asked = self.query, parse_query(self.query)
        return self._asked[1]

    def url(self) -> str:
        """The request's own address, as the client saw it; a host that is none is replaced by our own."""
        h = self.headers
        told = h if self.is_proxied else {}
        host = told.get("x-forwarded-host") or h.get("host", "")
        scheme = told.get("x-forwarded-proto") or self.scope.get("scheme", "http")
        own = self.site.project.public_url.rstrip("/")
        origin = f"{scheme}://{host}" if _HOST.fullmatch(host) and _SCHEME.fullmatch(scheme) else own
        return f"{origin}{self.raw_path}" + (f"?{self.query}" if self.query else "")

    @property
    def raw_path(self) -> str:
        """The path as it was sent, with its escapes."""
        raw: bytes = self.scope.get("raw_path") or quote(self.scope["path"]).encode()
        return raw.decode("latin1")

    @property
    def host(self) -> str:
        """The name, or the address, by which the client calls us, without its port; empty when that is none."""
        try:
            return urlsplit(f"//{self.headers.get('host', '')}").hostname or ""
        except ValueError:  # a bracket that is not closed
            return ""

    def enter(self, actor: str = "") -> Context:
        """Make the context of this request; `actor` is who acts, where that is not the person themselves."""
        h = self.headers
        secret = self.cookies.get(self.site.project.csrf_cookie, "")
        accept = h.get("accept", "")
        client = Client(
            url=self.url(),
            id=self.id,
            method=self.method,
            ip=self.ip(),
            user_agent=h.get("user-agent", ""),
            location=", ".join(h[n] for n in ("cf-ipcity", "cf-ipcountry") if h.get(n)) if self.is_proxied else "",
            origin=h.get("origin", ""),
            token=self.session_token(),
            csrf=secret if csrf.is_secret(secret) else "",
            cookies=self.cookies,
            headers=self.scope["headers"],
            paused=cookies.open_paused(self.site.project, self.cookies.get(cookies.PAUSED, "")),
            trusted=cookies.open_trusted(self.site.project, self.cookies.get(cookies.TRUSTED, "")),
            is_json=negotiate.is_json(h.get("content-type", ""), accept),
            accepts_json=negotiate.accepts_json(accept),
            wants_page=negotiate.is_browser(accept),
            is_ajax=h.get("sec-fetch-mode") in ("cors", "same-origin"),
            sends_json=h.get("content-type", "").startswith(_JSON_TYPE),
            languages=h.get("accept-language", ""),
            request_id=self.id,
            actor=actor,
        )
        self.ctx = self.site.context(client)
        return self.ctx

    def enter_as(self, actor: str) -> Context:
        """The same on a port where people have no browsers: nothing is read of cookies, sessions and what pages need."""
        client = Client(
            url=self.url(),
            id=self.id,
            method=self.method,
            ip=self.ip(),
            user_agent=self.headers.get("user-agent", ""),
            headers=self.scope["headers"],
            request_id=self.id,
            actor=actor,
        )
        self.ctx = self.site.context(client)
        return self.ctx

    def remember(self, secret: str) -> None:
        """The browser gets this secret with the answer; for the rest of the request it counts as there already."""
        self.ctx = replace(self.ctx, client=replace(self.ctx.client, csrf=secret))

    def session_token(self) -> str:
        """Header, cookie, bearer, in this order; a cookie we did not make is passed over."""
        if token := self.headers.get("x-session-token"):
            return token
        if opened := cookies.session_of(self.site.project, self.headers.get("cookie", "")):
            return opened.token
        kind, _, token = self.headers.get("authorization", "").partition(" ")
        return token if kind.lower() == "bearer" and " " not in token else ""

    def ip(self) -> str:
        """Where the request comes from: what a trusted proxy says, else the peer with its port."""
        peer = self.scope.get("client") or ("", 0)
        if self.is_proxied:
            h = self.headers
            # Each proxy adds to the end what it saw; whatever stands further left the client may have made up.
            for part in reversed(h["x-forwarded-for"].split(",") if "x-forwarded-for" in h else ()):
                if is_ip(part.strip()) and not self.site.trusts(part.strip()):
                    return part.strip()
            # A proxy that adds to the list may pass on these as they came.
            for name in ("true-client-ip", "cf-connecting-ip", "x-real-ip"):
                if (told := h.get(name)) and is_ip(told):
                    return told
        return f"{peer[0]}:{peer[1]}" if peer[0] else ""

    @property
    def received(self) -> int:
        """How large the body is: as far as it was read, else as it was announced."""
        return len(self._body) if self._body is not None else _length(self.headers.get("content-length", ""))

    async def body(self) -> bytes:
        """:raises ApiError: 413, it is too large; 400, the caller left before it was here"""
        if self._body is None:
            data = bytearray()
            while True:
                message = await self._receive()
                if message["type"] == "http.disconnect":  # half a form may well look like a whole one
                    raise errors.bad_request("The body ended before its end.")
                data += message.get("body", b"")
                if len(data) > BODY_LIMIT:
                    raise errors.body_too_large(BODY_LIMIT)
                if not message.get("more_body"):
                    break
            self._body = bytes(data)
        return self._body

    async def form(self) -> Form:
        """The submitted values, from whichever kind of body they came in."""
        if self.method in ("GET", "HEAD"):
            return forms.from_urlencoded(self.query, MAX_FIELDS)
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        data = await self.body()
        if not data:
            return Form({}, errors.bad_body("The body is empty."))
        if kind == _JSON_TYPE:
            return forms.from_json(data)
        if kind == _FORM_TYPE:
            return forms.from_urlencoded(data.decode("utf8", "replace"), MAX_FIELDS)
        if kind == _MULTIPART_TYPE:
            return await self._multipart(data)
        return Form({}, errors.bad_body(f"A body of type {kind or 'unknown'} is not read here; send JSON or a form."))

    async def _multipart(self, data: bytes) -> Form:
        async def stream() -> Any:
            yield data

        # A charset of the caller's choice decides nothing, as in Kratos: some make texts that can be written nowhere.
        kind = {"content-type": _CHARSET.sub("; ignored=", self.headers["content-type"])}
        try:
            parsed = await MultiPartParser(StarletteHeaders(kind), stream()).parse()
        except (MultiPartException, KeyError) as error:
            return Form({}, errors.bad_body(f"The multipart body cannot be read: {error}."))
        return forms.from_pairs((k, v) for k, v in parsed.multi_items() if isinstance(v, str))


def _length(announced: str) -> int:
    return int(announced) if announced.isdecimal() and len(announced) < 10 else 0


def _path(scope: Scope) -> str:
    """The decoded path, but for slashes: one that is escaped does not separate, so it stays as it is."""
    raw: bytes = scope.get("raw_path") or b""
    if b"%2f" not in raw.lower():
        return str(scope["path"])
    return "/".join(unquote(part).replace("/", "%2F") for part in raw.decode("latin1").split("/"))


def headers_of(scope: Scope) -> dict[str, str]:
    """Header names in lower case; of a repeated header the first value counts, but those that are lists are joined."""
    found: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin1"), raw_value.decode("latin1")
        if name not in found:
            found[name] = value
        elif name in _LISTS:  # a proxy may add a line of its own to those of the client
            found[name] += _LISTS[name] + value
    return found


def is_ip(text: str) -> bool:
    return len(text) <= _LONGEST_IP and _is_ip(text)


@lru_cache(maxsize=1024)
def _is_ip(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


Handler = Callable[[Call], Awaitable[Answer]]


_NAMES = re.compile(r"\{(\w+)\}")


class Routes:
    """Paths to handlers: exact ones in a dict, those with `{names}` behind them."""

    def __init__(self) -> None:
        self._exact: dict[str, dict[str, Handler]] = {}
        self._patterns: list[tuple[re.Pattern[str], str, str, dict[str, Handler]]] = []

    def add(self, method: str, path: str, handler: Handler) -> None:
        if "{" not in path:
            self._exact.setdefault(path, {})[method] = handler
            return
        for _, known, _, handlers in self._patterns:
            if known == path:
                handlers[method] = handler
                return
        pattern = re.compile(_NAMES.sub(r"(?P<\1>(?!%2F(?:/|$))[^/]+)", path))
        self._patterns.append((pattern, path, _NAMES.sub("{param}", path), {method: handler}))

    def all(self) -> Iterator[tuple[str, str]]:
        """Every method and path."""
        for path, handlers in (*self._exact.items(), *((path, found) for _, path, _, found in self._patterns)):
            for method in handlers:
                yield method, path

    def find(self, call: Call) -> Handler | Answer:
        """The handler, or the answer that there is none: 404, or 405 with what the path does answer."""
        allowed: set[str] = set()
        for endpoint, handlers, params in self._matching(call.path):
            method = "GET" if call.method == "HEAD" and "HEAD" not in handlers else call.method
            if handler := handlers.get(method) or handlers.get("*"):
                call.endpoint, call.params = endpoint, params
                return handler
            call.endpoint = call.endpoint or endpoint
            allowed |= {*handlers, *(("HEAD",) if "GET" in handlers else ())}
        if not allowed:
            return text_answer(404, "404: there is nothing at this address")
        return text_answer(
            405, "405: this address does not answer that method", [("allow", ", ".join(sorted(allowed)))]
        )

    def _matching(self, path: str) -> Iterator[tuple[str, dict[str, Handler], dict[str, str]]]:
        """What answers at this path, the most exact first, by its pattern, with the values of its names."""
        if handlers := self._exact.get(path):
            yield path, handlers, {}
        for pattern, _, endpoint, handlers in self._patterns:
            if match := pattern.fullmatch(path):
                yield endpoint, handlers, {k: v.replace("%2F", "/") for k, v in match.groupdict().items()}


async def guarded(call: Call, handler: Handler, told: Callable[[Call, ApiError], object] | None = None) -> Answer:
    """Run a handler; every error that is meant becomes its envelope, anything else is our bug: 500, logged, with an id.

    :param told: hears of the errors that are meant
    """
    try:
        return await handler(call)
    except ApiError as error:
        if told:
            told(call, error)
        return error_answer(error, call.given_id)
    except DatabaseError as error:
        return error_answer(unreachable(error, call.id), call.id)
    except Exception:
        log.exception("bug", request=call.id, method=call.method, path=call.path)
        return error_answer(ApiError(500, reason=f"Tell the operator this request id: {call.id}"), call.id)


RETRY_AFTER = "5"  # seconds: most databases that restart are back by then


def unreachable(error: DatabaseError, request_id: str = "") -> ApiError:
    """The answer while the database cannot be reached; the operator is told why."""
    log.error("database", request=request_id, error=str(error))
    reason = "The database cannot be used right now. Try again in a moment."
    return ApiError(503, reason=reason, headers={"Retry-After": RETRY_AFTER})


def untidy(call: Call) -> Answer | None:
    """Doubled slashes and dots in a path are redirected to the path they mean; what is escaped separates nothing."""
    path = tidied(call.raw_path)
    return redirect(call, path + (f"?{call.query}" if call.query else ""), 307) if path != call.raw_path else None


def tidied(path: str) -> str:
    """The path without empty parts and dots."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            parts[-1:] = []
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts) + ("/" if path.endswith("/") and parts else "")


async def send_answer(send: Send, answer: Answer, extra: list[tuple[str, str]], *, head: bool) -> None:
    headers = [(k.encode("latin1"), v.encode("latin1", "replace")) for k, v in (*answer.headers, *extra)]
    if answer.stream is not None:
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        if not head:
            async for part in answer.stream:
                await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        return
    if answer.status not in (204, 304):
        headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else answer.body})


class Port:
    """What the ports share: lifespan messages, timing and the request log. `serve` is the port's own."""

    name = ""

    def __init__(self, current: Current) -> None:
        self.current = current

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        call = Call(self.current.site, scope, receive)
        started = time.perf_counter()
        extra: list[tuple[str, str]] = []
        if b"%" in scope["raw_path"] and _BROKEN.search(call.raw_path):
            answer = text_answer(400, "400: the address is not encoded as it has to be")
        else:
            answer, extra = await self.serve(call)
        extra.append(("x-request-id", call.id))
        await send_answer(send, answer, extra, head=call.method == "HEAD")
        took = time.perf_counter() - started
        call.site.requests.note(
            call.endpoint,
            call.method,
            answer.status,
            took,
            call.received,
            0 if call.method == "HEAD" else len(answer.body),
        )
        if call.endpoint in HEALTH and self._is_quiet(call):
            return
        logs.request(
            port=self.name,
            method=call.method,
            path=call.path,
            status=answer.status,
            request=call.id,
            ms=round(took * 1000, 1),
        )

    def _is_quiet(self, call: Call) -> bool:
        """Whether health checks are left out of the request log."""
        own: AdminServer = getattr(call.site.project.config.serve, self.name)
        return own.request_log.disable_for_health

    async def serve(self, call: Call) -> tuple[Answer, list[tuple[str, str]]]:
        raise NotImplementedError

    def dress(self, call: Call, answer: Answer) -> list[tuple[str, str]]:
        """Headers that every answer of this port carries."""
        return [NO_STORE] if call.method == "GET" else []
