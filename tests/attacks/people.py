"""Attackers and those they attack: who they are, what was mailed to them, and how many can act at the same moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from tests.support import mail
from tests.support.callers import KINDS, Caller, Kind, has
from tests.support.server import LiveServer

everybody = pytest.mark.parametrize("kind", KINDS)
browsers = pytest.mark.parametrize("kind", ["script", "page"])
ANN, EVE = "ann@example.org", "eve@example.org"
NEW_PASSWORD = "another-fine-secret-2"
CROWD = 20
# Every way in which mail proves something, and enough tries to attempt many wrong proofs in one form.
MAILED = {
    "selfservice": {
        "flows": {"recovery": {"enabled": True}, "verification": {"enabled": True}},
        "methods": {
            "code": {"enabled": True, "passwordless_enabled": True, "config": {"max_submissions": 60}},
            "link": {"enabled": True},
        },
    },
    "limen": {"methods": {"link": {"login_enabled": True}}},
}


def linked(config: dict[str, Any] = MAILED) -> dict[str, Any]:
    """The same with recovery and verification by link."""
    flows = {name: {"enabled": True, "use": "link"} for name in ("recovery", "verification")}
    return {**config, "selfservice": {**config["selfservice"], "flows": flows}}


def person(server: LiveServer, kind: Kind, email: str = ANN) -> Caller:
    caller = Caller(server, kind)
    caller.sign_up(email)
    return caller


def prove(server: LiveServer, email: str = ANN) -> None:
    """An operator says that this person's first address is verified: the account is theirs, and nobody's who came before."""
    found = httpx.get(f"{server.admin}admin/identities", params={"credentials_identifier": email}).json()
    at = "/verifiable_addresses/0"
    patch = [
        {"op": "replace", "path": f"{at}/verified", "value": True},
        {"op": "replace", "path": f"{at}/status", "value": "completed"},
    ]
    httpx.patch(f"{server.admin}admin/identities/{found[0]['id']}", json=patch).raise_for_status()


def ask(caller: Caller, kind: str, method: str = "code", **values: Any) -> dict[str, Any]:
    """Start a flow, send this, and return the form that comes back."""
    flow = caller.start(kind)
    if kind == "registration" and not has(flow, "code"):
        caller.submit(flow, method="profile", traits=values["traits"])
        flow = caller.shown(kind)
    caller.submit(flow, method=method, **values)
    return caller.shown(kind)


def token(server: LiveServer, to: str) -> str:
    """The token of the link in the newest message."""
    return parse_qs(urlsplit(mail.link(server, to)).query)["token"][0]


def opened(caller: Caller, link: str) -> httpx.Response:
    """What somebody gets who opens a link and clicks the button there."""
    query = parse_qs(urlsplit(link).query)
    shown = caller.http.get(link, headers={"accept": "text/html"}, follow_redirects=True)
    csrf = shown.text.partition('name="csrf_token" value="')[2].partition('"')[0]
    action = f"{urlsplit(link).path}?{urlencode({'flow': query['flow'][0]})}"
    data = {"token": query["token"][0], "method": "link", "csrf_token": csrf.replace("&#43;", "+")}
    caller.last = caller.http.post(action, data=data, headers={"accept": "text/html"})
    return caller.last


def twin(caller: Caller) -> Caller:
    """The same person's same client, once more: as a thief of its cookies, or as a second click."""
    copy = Caller(caller.server, caller.kind)
    copy.token = caller.token
    for cookie in caller.http.cookies.jar:
        copy.http.cookies.jar.set_cookie(cookie)
    return copy


def at_once(acts: Sequence[Callable[[], Any]]) -> None:
    with ThreadPoolExecutor(len(acts)) as pool:
        for done in [pool.submit(act) for act in acts]:
            done.result()


def crowd(caller: Caller, act: Callable[[Caller], Any], size: int = CROWD) -> list[Caller]:
    """Copies of this client that all did this at the same moment."""
    copies = [twin(caller) for _ in range(size)]
    at_once([lambda c=copy: act(c) for copy in copies])
    return copies


def statuses(callers: Sequence[Caller]) -> list[int]:
    return sorted(caller.last.status_code for caller in callers)
