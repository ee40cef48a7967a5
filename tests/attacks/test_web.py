"""Attacks through the browser: redirects, forged requests, other origins, headers and paths that lie."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import product
from urllib.parse import quote, urlsplit

import httpx
import pytest

from tests.conftest import Start
from tests.support import mail
from tests.support.callers import HTML, JSON, KINDS, PASSWORD, Caller, Kind, value
from tests.support.server import LiveServer

everybody = pytest.mark.parametrize("kind", KINDS)
browsers = pytest.mark.parametrize("kind", ["script", "page"])
ANN, EVE = "ann@example.org", "eve@example.org"
EVIL = "evil.example"
FLOWS = ("login", "registration", "recovery", "verification")
OVER = {"selfservice": {"flows": {"recovery": {"enabled": True}, "verification": {"enabled": True}}}}


@pytest.fixture
def server(start: Start) -> LiveServer:
    return start(OVER)


def person(server: LiveServer, kind: Kind, email: str = ANN) -> Caller:
    caller = Caller(server, kind)
    caller.sign_up(email)
    return caller


# --- redirects ----------------------------------------------------------------------------------------------------------

ALLOWED = "https://app.example.org"  # see tests/support/server
OPEN_REDIRECTS = [
    f"//{EVIL}", f"/\\{EVIL}", f"\\\\{EVIL}", f"https:{EVIL}", f"https:/{EVIL}", f"https:\\\\{EVIL}", f"///{EVIL}",
    f"https://app.example.org@{EVIL}", f"https://app.example.org:443@{EVIL}/", f"https://app.example.org%40{EVIL}",
    f"https://{EVIL}#@app.example.org", f"https://{EVIL}?@app.example.org", f"https://{EVIL}\\@app.example.org",
    f"https://app.example.org\\.{EVIL}", f"\thttps://{EVIL}", f"https://{EVIL}\t", f"ht\ntps://{EVIL}", f" https://{EVIL}",
    f"%2f%2f{EVIL}", f"/%5c{EVIL}", f"https://app.example.org%2f@{EVIL}", f"https://app。example.org@{EVIL}",
    f"https://{EVIL}/https://app.example.org", f"http://{EVIL}", f"HTTPS://{EVIL}",
]  # fmt: skip
OTHER_SCHEMES = [
    "javascript:alert(1)", "JavaScript:alert(1)", "java\tscript:alert(1)", "javascript://app.example.org/%0aalert(1)",
    "data:text/html,x", "vbscript:x", "file:///etc/passwd", "blob:https://app.example.org/x", "ftp://app.example.org/",
    "myapp://app.example.org/", "intent://app.example.org#Intent;end",
]  # fmt: skip
NEARLY_ALLOWED = [
    f"https://app.example.org.{EVIL}", "https://app.example.orgevil.example", "https://appxexample.org", "https://xapp.example.org",
    "https://sub.app.example.org", "http://app.example.org", "https://app.example.org:8443", "https://example.org",
    "https://app.example.org.:443", "https://app.example", "https://аpp.example.org",
]  # fmt: skip


def leads_away(answer: httpx.Response) -> bool:
    """Whether a browser that follows this ends anywhere that was not configured."""
    place = answer.headers.get("location", "")
    return bool(place) and urlsplit(place).hostname not in ("127.0.0.1", "app.example.org")


def refuse(server: LiveServer, addresses: Sequence[str]) -> None:
    """No form takes these addresses up, and no redirect leads there."""
    with httpx.Client(base_url=server.public) as http:
        for kind, asked in product(FLOWS, addresses):
            place = f"self-service/{kind}/browser?return_to={quote(asked, safe='')}"
            said = http.get(place, headers=JSON)
            assert said.status_code == 400, (kind, asked)
            assert "request_url" not in said.json()
            shown = http.get(place, headers=HTML)
            assert shown.status_code in (303, 400)
            assert not leads_away(shown), (kind, asked)
            assert http.get(place.replace("/browser", "/api"), headers=JSON).status_code == 400, (kind, asked)


def test_74_no_form_leads_to_an_address_that_was_not_configured(server: LiveServer) -> None:
    refuse(server, OPEN_REDIRECTS)


def test_75_no_form_leads_to_another_scheme(server: LiveServer) -> None:
    refuse(server, OTHER_SCHEMES)


def test_76_an_address_is_allowed_exactly_or_not_at_all(server: LiveServer) -> None:
    refuse(server, NEARLY_ALLOWED)


@browsers
def test_74_neither_signing_out_nor_being_signed_in_leads_away(server: LiveServer, kind: Kind) -> None:
    ann = person(server, kind)
    for asked in (f"//{EVIL}", f"https://{EVIL}", "javascript:alert(1)", f"https://app.example.org@{EVIL}"):
        for path in ("self-service/login/browser", "self-service/registration/browser", "self-service/settings/browser",
                     "self-service/logout/browser"):  # fmt: skip
            answer = ann.http.get(path, params={"return_to": asked}, headers=HTML)
            assert not leads_away(answer), (path, asked)
    link = ann.json("self-service/logout/browser")["logout_url"]
    assert not leads_away(ann.http.get(f"{link}&return_to=https://{EVIL}", headers=HTML))


def test_74_an_allowed_address_is_reached(server: LiveServer) -> None:
    person(server, "page")
    ann = Caller(server, "page")
    ann.sign_in(return_to=f"{ALLOWED}/back?a=b")
    assert ann.last.headers["location"] == f"{ALLOWED}/back?a=b"


# --- forged requests ----------------------------------------------------------------------------------------------------


@browsers
@pytest.mark.parametrize("token", ["", "x", "other", "missing"])
def test_77_a_form_without_its_token_does_nothing(server: LiveServer, kind: Kind, token: str) -> None:
    """A page of the attacker makes the victim's browser send a form: its cookies come along, its token does not."""
    ann, eve = person(server, kind), Caller(server, kind)
    other = value(eve.start("login"), "csrf_token")
    settings, login, registration = ann.start("settings"), ann.start("login", refresh="true"), eve.start("registration")
    forged = {} if token == "missing" else {"csrf_token": other if token == "other" else token}
    for caller, flow, body in (
        (ann, settings, {"method": "password", "password": "another-fine-secret-2"}),
        (ann, settings, {"method": "profile", "traits": {"email": EVE}, "traits.email": EVE}),
        (ann, login, {"method": "password", "identifier": ANN, "password": PASSWORD}),
        (
            eve,
            registration,
            {"method": "password", "password": PASSWORD, "traits": {"email": EVE}, "traits.email": EVE},
        ),
    ):
        token_of = {} if caller is eve and token == "other" else forged
        if kind == "page":
            plain = {k: v for k, v in body.items() if isinstance(v, str)}
            answer = caller.http.post(flow["ui"]["action"], data={**plain, **token_of}, headers=HTML)
        else:
            answer = caller.http.post(flow["ui"]["action"], json={**body, **token_of}, headers=JSON)
        assert answer.status_code in (302, 303, 400, 403), answer.text
        assert "ory_kratos_session" not in answer.headers.get("set-cookie", "")
    assert ann.whoami()["identity"]["traits"] == {"email": ANN}
    for email, password in ((EVE, PASSWORD), (ANN, "another-fine-secret-2")):
        late = Caller(server, kind)
        late.sign_in(email, password)
        assert not late.is_signed_in


@browsers
@pytest.mark.parametrize(
    "content_type", ["text/plain", "text/plain;application/json", "application/xml", "application/jsonp", ""]
)
def test_77_a_body_is_read_only_as_what_it_says_it_is(server: LiveServer, kind: Kind, content_type: str) -> None:
    """JSON as text/plain is what a form of another site can send without being asked first."""
    ann = person(server, kind)
    settings = ann.start("settings")
    body = f'{{"method":"password","password":"another-fine-secret-2","csrf_token":"{value(settings, "csrf_token")}"}}'
    headers = {**JSON, **({"content-type": content_type} if content_type else {})}
    ann.http.post(settings["ui"]["action"], content=body.encode(), headers=headers)
    late = Caller(server, kind)
    late.sign_in(password="another-fine-secret-2")
    assert not late.is_signed_in


@browsers
def test_77_signing_out_needs_the_link_of_the_session(server: LiveServer, kind: Kind) -> None:
    ann = person(server, kind)
    for path in ("self-service/logout", "self-service/logout?token=", "self-service/logout?token=x"):
        assert ann.http.get(path, headers=JSON).status_code in (400, 401, 403)
        ann.http.post(path, headers=JSON)
    assert ann.is_signed_in


def test_77_an_app_form_is_not_taken_from_a_browser(server: LiveServer) -> None:
    """It has no token, so it must not be good for a page that can make a browser send it."""
    person(server, "app")
    form = Caller(server, "app").start("login")
    body = {"method": "password", "identifier": ANN, "password": PASSWORD}
    with httpx.Client() as http:
        for headers in ({"origin": "https://evil.example"}, {"cookie": "a=b"}, {"origin": "null"}):
            answer = http.post(form["ui"]["action"], json=body, headers={**JSON, **headers})
            assert answer.status_code == 400, headers
            assert "session_token" not in answer.json()


CORS = {"serve": {"public": {"cors": {"enabled": True, "allowed_origins": [ALLOWED, "https://*.apps.example.org"]}}}}
STRANGERS = [
    "https://evil.example", "null", "https://app.example.org.evil.example", "https://evilapp.example.org", "http://app.example.org",
    "https://app.example.org:8443", "https://apps.example.org", "https://apps.example.org.evil.example", "https://xapps.example.org",
    "", "*",
]  # fmt: skip


def test_78_a_strange_origin_is_told_nothing(start: Start) -> None:
    server = start(CORS)
    with httpx.Client(base_url=server.public) as http:
        for origin, path in product(STRANGERS, ("sessions/whoami", "self-service/login", "nowhere")):
            ask = {"origin": origin, "access-control-request-method": "POST"}
            for answer in (http.options(path, headers=ask), http.get(path, headers={**JSON, "origin": origin})):
                said = {name for name in answer.headers if name.startswith("access-control-")}
                assert not said, (origin, path)


def test_78_an_allowed_origin_is_named_and_never_the_star(start: Start) -> None:
    server = start(CORS)
    for origin in (ALLOWED, "https://one.apps.example.org"):
        answer = httpx.get(f"{server.public}sessions/whoami", headers={**JSON, "origin": origin})
        assert answer.headers["access-control-allow-origin"] == origin
        assert "Origin" in answer.headers["vary"]


def test_78_the_star_is_without_cookies(start: Start) -> None:
    server = start(
        {"serve": {"public": {"cors": {"enabled": True, "allowed_origins": ["*"], "allow_credentials": True}}}}
    )
    answer = httpx.get(f"{server.public}sessions/whoami", headers={**JSON, "origin": "https://evil.example"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers


# --- headers and paths that lie -------------------------------------------------------------------------------------------

LIES = [
    {"host": EVIL}, {"x-forwarded-host": EVIL}, {"x-forwarded-host": EVIL, "x-forwarded-proto": "https"}, {"x-host": EVIL},
    {"forwarded": f"host={EVIL}"}, {"x-forwarded-server": EVIL}, {"x-original-host": EVIL},
    {"x-forwarded-host": f"127.0.0.1@{EVIL}"},
]  # fmt: skip


def test_41_no_address_is_made_of_what_the_client_says_about_it(server: LiveServer) -> None:
    person(server, "app")
    for lie in LIES:
        assert not leads_away(httpx.get(f"{server.public}self-service/login/browser", headers={**HTML, **lie}))
        form = httpx.get(f"{server.public}self-service/recovery/api", headers={**JSON, **lie}).json()
        assert form["ui"]["action"].startswith(server.public)
        httpx.post(form["ui"]["action"], json={"method": "code", "email": ANN}, headers={**JSON, **lie})
    written = [message["body"] for message in mail.messages(server, ANN)]
    assert len(written) > len(LIES)
    assert not [body for body in written if EVIL in body]


@everybody
def test_82_who_somebody_is_cannot_be_said_in_a_header(server: LiveServer, kind: Kind) -> None:
    ann = person(server, kind)
    found = ann.whoami()
    token = ann.token or "x"
    for headers in (
        {"x-kratos-authenticated-identity-id": found["identity"]["id"]}, {"x-user": ANN}, {"x-session-id": found["id"]},
        {"x_session_token": token}, {"x-forwarded-user": ANN}, {"authorization": f"Token {token}"}, {"x-auth-request-email": ANN},
    ):  # fmt: skip
        answer = httpx.get(f"{server.public}sessions/whoami", headers={**JSON, **headers})
        assert answer.status_code == 401, headers
        assert "x-kratos-authenticated-identity-id" not in answer.headers


@everybody
def test_39_a_client_cannot_choose_the_address_it_is_seen_at(server: LiveServer, kind: Kind) -> None:
    person(server, kind)
    for said, seen in (
        ("198.51.100.7, 203.0.113.5", "203.0.113.5"),  # the last one is what the proxy itself saw
        ("198.51.100.7, 203.0.113.5, 10.0.0.1", "203.0.113.5"),
        ("garbage", "127.0.0.1"), ("'; drop table sessions", "127.0.0.1"), ("", "127.0.0.1"), (",,,", "127.0.0.1"),
        ("203.0.113.5:443", "127.0.0.1"), ("x" * 5000, "127.0.0.1"),
    ):  # fmt: skip
        caller = Caller(server, kind)
        caller.http.headers["x-forwarded-for"] = said
        caller.sign_in()
        assert caller.whoami()["devices"][0]["ip_address"].partition(":")[0] == seen, said


def test_39_what_a_proxy_passes_on_does_not_hide_what_it_adds(server: LiveServer) -> None:
    """A proxy adds what it saw to the list, or a line of its own below the client's; other headers it lets through."""
    ann = person(server, "app")
    for passed_on in (("true-client-ip", "198.51.100.7"), ("cf-connecting-ip", "198.51.100.7"), ("x-real-ip", "198.51.100.7"),
                      ("x-forwarded-for", "198.51.100.7"), ("x-forwarded-for", "198.51.100.7, 10.0.0.1")):  # fmt: skip
        headers = [passed_on, ("x-forwarded-for", "203.0.113.5"), ("x-session-token", ann.token)]
        flow = httpx.get(server.public + "self-service/login/api?refresh=true", headers=headers).json()
        body = {"method": "password", "identifier": ANN, "password": PASSWORD}
        answer = httpx.post(flow["ui"]["action"], json=body, headers=headers).json()
        assert answer["session"]["devices"][-1]["ip_address"] == "203.0.113.5", passed_on


ESCAPES = [
    "sessions%2fwhoami", "sessions%2Fwhoami", "%2fsessions%2fwhoami", "sessions/..%2fsessions/whoami", "admin%2fidentities",
    "admin/..%2fadmin/identities", "..%2fadmin%2fidentities", "sessions/%2e%2e%2fadmin%2fidentities", "admin/identities%00",
]  # fmt: skip


def test_83_an_escaped_path_is_not_another_path(server: LiveServer) -> None:
    ann = person(server, "app")
    for base, path in product((server.public, server.admin), ESCAPES):
        answer = httpx.get(base + path, headers={**JSON, "x-session-token": ann.token})
        assert answer.status_code in (301, 307, 400, 404, 405), (base, path)
        assert ANN not in answer.text


def test_83_the_admin_api_is_not_on_the_public_port(server: LiveServer) -> None:
    ann = person(server, "app")
    id_ = ann.whoami()["identity"]["id"]
    for path in (
        "admin/identities",
        f"admin/identities/{id_}",
        "identities",
        f"identities/{id_}",
        "admin/sessions",
        "admin/courier/messages",
    ):
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            answer = httpx.request(method, server.public + path, headers={**JSON, "x-session-token": ann.token})
            assert answer.status_code in (307, 403, 404, 405), (method, path)
            assert ANN not in answer.text
    assert ann.is_signed_in


def test_83_an_id_is_a_uuid_or_nothing(server: LiveServer) -> None:
    for place in ("identities/{}", "sessions/{}", "identities/{}/sessions", "courier/messages/{}"):
        for id_ in ("%2e%2e", "x", "1 or 1=1", "00000000", "*", "%00", "ä", "a" * 3000):
            answer = httpx.get(f"{server.admin}admin/{place.format(id_)}", headers=JSON)
            assert answer.status_code in (307, 400, 404), (place, id_)


@everybody
def test_68_no_secret_is_in_an_address(server: LiveServer, kind: Kind) -> None:
    seen: list[str] = []
    caller = Caller(server, kind)
    caller.http.event_hooks["response"] = [
        lambda answer: seen.append(f"{answer.url} {answer.headers.get('location', '')}")
    ]
    caller.sign_up()
    caller.sign_in(refresh="true")
    caller.submit(caller.start("settings"), method="password", password="another-fine-secret-2")
    secrets = [PASSWORD, "another-fine-secret-2", caller.token, *caller.http.cookies.values()]
    for place in seen:
        assert not [secret for secret in secrets if secret and secret in place]
        assert not re.search(r"ory_st_|csrf", place)


@everybody
def test_68_no_secret_is_in_the_log(start: Start, kind: Kind, capfd: pytest.CaptureFixture[str]) -> None:
    server = start({"log": {"level": "trace"}})
    caller = Caller(server, kind)
    caller.sign_up()
    flow = caller.start("login", refresh="true")
    caller.submit(flow, method="password", identifier=ANN, password=PASSWORD)
    caller.http.get("sessions/whoami", headers={"x-session-token": "ory_st_made_up"})
    written = "".join(capfd.readouterr())
    secrets = [PASSWORD, caller.token, "ory_st_made_up", *caller.http.cookies.values(), value(flow, "csrf_token")]
    assert not [secret for secret in secrets if secret and secret in written]
