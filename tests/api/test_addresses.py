"""What a path is: which one answers, what is escaped in it, and which methods it takes."""

from __future__ import annotations

import httpx
import pytest

from tests.support.callers import JSON, Caller
from tests.support.server import LiveServer

REVOKING = ("DELETE", "/sessions/token-exchange")


def asked(server: LiveServer, method: str, path: str, base: str = "") -> httpx.Response:
    return httpx.request(method, (base or server.public).rstrip("/") + path, headers=JSON)


def test_a_path_takes_the_methods_of_every_pattern_it_fits(server: LiveServer) -> None:
    """A session named `token-exchange` may be revoked as any other: only GET means something else there."""
    assert asked(server, *REVOKING).status_code == 401
    refused = asked(server, "OPTIONS", REVOKING[1])
    assert (refused.status_code, refused.headers["allow"]) == (405, "DELETE, GET, HEAD")


@pytest.mark.parametrize(("path", "status"), [("/schemas/%2e%2e", 404), ("/schemas/%2E", 404)])
def test_escaped_dots_are_a_name(server: LiveServer, path: str, status: int) -> None:
    assert asked(server, "GET", path).status_code == status


def test_an_escape_that_is_none_is_refused(server: LiveServer) -> None:
    for base in (server.public, server.admin):
        assert asked(server, "GET", "/sessions/%", base).status_code == 400


def test_what_no_route_knows_gets_no_cookie_where_flows_get_none(server: LiveServer) -> None:
    answer = asked(server, "POST", "/self-service/login%2fapi")
    assert (answer.status_code, "set-cookie" in answer.headers) == (404, False)


def test_the_admin_port_tidies_what_has_no_prefix(server: LiveServer) -> None:
    doubled = asked(server, "GET", "/self-service//login/api", server.admin)
    assert doubled.headers["location"] == f"{server.public}self-service/login/api"
    assert asked(server, "POST", "/sessions/whoami", server.admin).status_code == 405
    assert asked(server, "GET", "/sessions/token-exchange/", server.admin).status_code == 400
    assert asked(server, "GET", "/admin//identities", server.admin).headers["location"] == "/admin/identities"


def test_of_two_session_cookies_the_one_that_opens_counts(server: LiveServer) -> None:
    """A browser sends both where the path or the domain of the cookie was changed."""
    ann = Caller(server, "script")
    ann.sign_up()
    cookie = next(f"{k}={v}" for k, v in ann.http.cookies.items() if k == "ory_kratos_session")
    for header in (f"ory_kratos_session=old; {cookie}", f"{cookie}; ory_kratos_session=old"):
        answer = httpx.get(f"{server.public}sessions/whoami", headers={**JSON, "cookie": header})
        assert answer.status_code == 200
        listed = httpx.get(f"{server.public}sessions", headers={**JSON, "cookie": header})
        assert listed.status_code == 200


def test_a_bearer_token_is_one_word(server: LiveServer) -> None:
    ann = Caller(server, "app")
    ann.sign_up()
    for header, status in ((f"Bearer {ann.token}", 200), (f"Bearer  {ann.token}", 401), (f"bearer {ann.token} x", 401)):
        for path in ("sessions/whoami", "sessions"):
            assert httpx.get(server.public + path, headers={"authorization": header}).status_code == status


def test_an_app_signs_out_with_json(server: LiveServer) -> None:
    ann = Caller(server, "app")
    ann.sign_up()
    url, body = f"{server.public}self-service/logout/api", f'{{"session_token": "{ann.token}"}}'
    for kind, status in (("text/plain", 400), ("application/json; charset=utf-8", 204)):
        assert httpx.request("DELETE", url, content=body, headers={"content-type": kind}).status_code == status
