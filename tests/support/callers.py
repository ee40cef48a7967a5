"""The three kinds of callers: an app with a session token, a page's script with cookies, and a page of plain forms."""

from __future__ import annotations

from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.support.server import LiveServer

Kind = Literal["app", "script", "page"]
KINDS: tuple[Kind, ...] = ("app", "script", "page")
HTML = {"accept": "text/html,application/xhtml+xml"}
JSON = {"accept": "application/json"}
PASSWORD = "correct-horse-battery-1"


class Caller:
    """One person in front of one client. `token` is an app's session; a browser's is in its cookies."""

    def __init__(self, server: LiveServer, kind: Kind) -> None:
        self.server, self.kind = server, kind
        self.http = httpx.Client(base_url=server.public, follow_redirects=False)
        server.closing.append(self.http.close)
        self.token = ""
        self.last: httpx.Response

    # --- plain requests ---------------------------------------------------------------------------------------------

    def headers(self) -> dict[str, str]:
        own = {"x-session-token": self.token} if self.token else {}
        return {**(HTML if self.kind == "page" else JSON), **own}

    def get(self, path: str, **query: str) -> httpx.Response:
        self.last = self.http.get(path, params=query or None, headers=self.headers())
        return self.last

    def json(self, path: str, **query: str) -> Any:
        """Read JSON, as a page's server or script would."""
        self.last = self.http.get(path, params=query or None, headers={**self.headers(), **JSON})
        return self.last.json()

    # --- flows ------------------------------------------------------------------------------------------------------

    def start(self, kind: str, **query: str) -> dict[str, Any]:
        """A new flow of this kind, as its form is shown."""
        if self.kind == "app":
            return dict(self.json(f"self-service/{kind}/api", **query))
        if self.kind == "script":
            return dict(self.json(f"self-service/{kind}/browser", **query))
        answer = self.get(f"self-service/{kind}/browser", **query)
        return self.flow(kind, flow_id(answer.headers["location"]))

    def flow(self, kind: str, id_: str) -> dict[str, Any]:
        return dict(self.json(f"self-service/{kind}/flows", id=id_))

    def submit(self, flow: dict[str, Any], **values: Any) -> httpx.Response:
        """Send a flow's form: its hidden values, and these."""
        if self.kind == "page":
            data = {**hidden(flow), **flat(values)}
            self.last = self.http.post(flow["ui"]["action"], data=data, headers=self.headers())
        else:
            csrf = {"csrf_token": value(flow, "csrf_token")} if self.kind == "script" else {}
            self.last = self.http.post(flow["ui"]["action"], json={**csrf, **values}, headers=self.headers())
        if self.kind == "app" and self.last.headers.get("content-type", "").startswith("application/json"):
            self.token = self.last.json().get("session_token") or self.token
        return self.last

    def shown(self, kind: str) -> dict[str, Any]:
        """The flow that the last answer shows, or leads to."""
        if self.kind == "page":
            return self.flow(kind, flow_id(self.last.headers["location"]))
        return dict(self.last.json())

    # --- what people do ---------------------------------------------------------------------------------------------

    def sign_up(self, email: str = "ann@example.org", password: str = PASSWORD, **traits: Any) -> dict[str, Any]:
        """Register in as many steps as the form asks for; returns the person."""
        flow = self.start("registration")
        named = {"email": email, **traits}
        if not has(flow, "password"):
            self.submit(flow, method="profile", traits=named)
            flow = self.shown("registration")
        self.submit(flow, method="password", password=password, traits=named)
        assert self.last.status_code in (200, 303), self.last.text
        return dict(self.whoami()["identity"])

    def sign_in(self, email: str = "ann@example.org", password: str = PASSWORD, **query: str) -> httpx.Response:
        flow = self.start("login", **query)
        return self.submit(flow, method="password", identifier=email, password=password)

    def whoami(self) -> dict[str, Any]:
        """The session; {} for who has none."""
        answer = self.http.get("sessions/whoami", headers={**self.headers(), **JSON})
        return dict(answer.json()) if answer.status_code == 200 else {}

    @property
    def is_signed_in(self) -> bool:
        return bool(self.whoami())


def flow_id(url: str) -> str:
    """The `flow` in an address."""
    return parse_qs(urlsplit(url).query)["flow"][0]


def nodes(flow: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = flow["ui"]["nodes"] or []
    return [n for n in found if name in (n["attributes"].get("name"), n["attributes"].get("id"))]


def has(flow: dict[str, Any], name: str) -> bool:
    return bool(nodes(flow, name))


def value(flow: dict[str, Any], name: str) -> Any:
    return next((n["attributes"].get("value") for n in nodes(flow, name)), None)


def hidden(flow: dict[str, Any]) -> dict[str, str]:
    """What a browser sends of its own accord."""
    inputs = [n["attributes"] for n in flow["ui"]["nodes"] or [] if n["attributes"].get("type") == "hidden"]
    return {i["name"]: str(i.get("value", "")) for i in inputs}


def told(flow: dict[str, Any]) -> set[int]:
    """The ids of all messages of a form, wherever they stand."""
    on_nodes = [m["id"] for n in flow["ui"]["nodes"] or [] for m in n["messages"]]
    return {m["id"] for m in flow["ui"].get("messages") or []} | set(on_nodes)


def flat(values: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested values under dotted names, as forms send them."""
    found: dict[str, str] = {}
    for key, inner in values.items():
        name = f"{prefix}.{key}" if prefix else key
        if isinstance(inner, dict):
            found |= flat(inner, name)
        else:
            found[name] = str(inner).lower() if isinstance(inner, bool) else str(inner)
    return found
