"""The mailbox: there in development only, and nothing in it does anything."""

from __future__ import annotations

import base64
import re

import httpx
import pytest

from limen.app import App
from tests.conftest import Start
from tests.courier.conftest import VERIFYING, MailServer, messages, settled, sign_up
from tests.pages.visitor import read
from tests.support.callers import PASSWORD
from tests.support.server import LiveServer, merge


def not_in_development(app: App) -> None:
    app.dev = False


def page(server: LiveServer, path: str = "", **headers: str) -> httpx.Response:
    return httpx.get(f"{server.public}ui/mailbox{path}", headers={"accept": "text/html", **headers})


def test_without_a_mail_server_messages_are_shown(start: Start) -> None:
    server = start(VERIFYING, prepare=not_in_development)
    assert "No message yet" in page(server).text
    sign_up(server)
    found = settled(server, "sent")
    listed = read(page(server).text)
    assert "No mail server is configured" in listed.text
    line = listed.one("ul", _class="places").one("a")
    assert re.fullmatch(r"Confirm your address: \d{6}", line.text)
    shown = page(server, f"/{found['id']}")
    assert line["href"].endswith(f"/ui/mailbox/{found['id']}")
    assert read(shown.text).one("h1").text == line.text
    assert "ann@example.org" in read(shown.text).one("main").text


def test_the_frame_does_nothing(start: Start) -> None:
    html = "<script>alert(1)</script><img src=x onerror=alert(2)><form action=/x></form>{{ .To }}"
    source = "base64://" + base64.b64encode(html.encode()).decode()
    templates = {"verification_code": {"valid": {"email": {"body": {"html": source}}}}}
    server = start(merge(VERIFYING, {"courier": {"templates": templates}}))
    sign_up(server)
    id_ = settled(server, "sent")["id"]
    shown = page(server, f"/{id_}")
    frame = read(shown.text).one("iframe")
    assert frame["sandbox"] == "allow-popups allow-popups-to-escape-sandbox"
    assert "frame-src 'self'" in shown.headers["content-security-policy"]
    inside = httpx.get(frame["src"])
    assert "ann@example.org" in inside.text
    policy = inside.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "script-src" not in policy
    assert "sandbox allow-popups allow-popups-to-escape-sandbox" in policy
    assert inside.headers["x-content-type-options"] == "nosniff"


def test_with_a_mail_server_there_is_none(start: Start, mails: MailServer) -> None:
    server = start(mails.config, watch_courier=True, prepare=not_in_development)
    sign_up(server)
    mails.wait("ann@example.org")
    id_ = messages(server)[0]["id"]
    for path in ("", f"/{id_}", f"/{id_}/html"):
        assert page(server, path).status_code == 404
        assert "ann@example.org" not in page(server, path).text


def test_in_development_it_is_there_beside_a_mail_server(start: Start, mails: MailServer) -> None:
    server = start(mails.config, watch_courier=True)
    sign_up(server)
    mails.wait("ann@example.org")
    assert "Only development shows them" in read(page(server).text).text


def test_on_a_public_address_there_is_none(start: Start) -> None:
    over = merge(VERIFYING, {"serve": {"public": {"base_url": "https://id.example.org/"}}})
    server = start(over, prepare=not_in_development)
    flow = httpx.get(f"{server.public}self-service/registration/api").json()
    action = flow["ui"]["action"].replace("https://id.example.org/", server.public)
    person = {"method": "password", "password": PASSWORD, "traits": {"email": "ann@example.org"}}
    assert httpx.post(action, json=person).status_code == 200
    assert page(server, host="id.example.org").status_code == 404
    assert messages(server)[0]["status"] == "queued", "it waits for a mail server"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:4433", 200),
        ("127.0.0.1", 200),
        ("[::1]:80", 200),
        ("me.localhost", 200),
        ("evil.example", 404),
        ("[::1", 404),
        ("", 404),
    ],
)
def test_a_name_that_is_not_ours_reads_nothing(start: Start, host: str, status: int) -> None:
    server = start(VERIFYING)
    assert page(server, host=host).status_code == status


def test_nothing_is_found_under_what_is_no_id(start: Start) -> None:
    server = start(VERIFYING)
    for path in ("/nonsense", "/7b0b3b0e-0000-4000-8000-000000000000", "/7b0b3b0e-0000-4000-8000-000000000000/html"):
        assert page(server, path).status_code == 404


def test_the_log_names_the_code_in_development_only(
    start: Start, mails: MailServer, capsys: pytest.CaptureFixture[str]
) -> None:
    sign_up(start(VERIFYING, own=True, prepare=not_in_development))
    server = start(mails.config, own=True, watch_courier=True, prepare=not_in_development)
    sign_up(server, "ben@example.org")
    mails.wait("ben@example.org")
    settled(server, "sent", "ben@example.org")
    said = capsys.readouterr()
    told = [line for line in (said.out + said.err).splitlines() if "shown_at" in line]
    assert len(told) == 1
    assert re.search(r"Confirm your address: \d{6}", told[0])
    assert "/self-service/verification?code=" in told[0]
    assert "ben@example.org" not in said.out + said.err
