"""Links in mails: opened by whoever and however often, they do nothing before somebody clicks."""

from __future__ import annotations

import pytest

from tests.pages.conftest import Begin
from tests.pages.visitor import Visitor
from tests.support import mail
from tests.support.server import LiveServer

ANN = "ann@example.org"
FLOWS = {"recovery": {"enabled": True, "use": "link"}, "verification": {"enabled": True, "use": "link"}}


@pytest.fixture
def server(begin: Begin) -> LiveServer:
    return begin({"selfservice": {"flows": FLOWS, "methods": {"link": {"enabled": True}}}})


def asked(server: LiveServer, kind: str) -> str:
    """The link that came after asking for one."""
    visitor = Visitor(server)
    visitor.open(f"ui/{kind}")
    visitor.send(email=ANN)
    return mail.link(server, ANN)


def test_recovery_asks_for_a_click_also_after_a_scanner_was_there(server: LiveServer) -> None:
    Visitor(server).sign_up()
    link = asked(server, "recovery")
    scanner = Visitor(server, accept="*/*")
    for _ in range(3):
        scanner.http.get(link)
    assert scanner.whoami() == {}
    other = Visitor(server)  # not the browser that asked
    other.open(link)
    assert other.heading == "Back into your account"
    assert other.whoami() == {}
    other.send()
    assert other.whoami()["identity"]["traits"]["email"] == ANN
    assert other.heading == "Settings"


def test_a_link_is_good_once(server: LiveServer) -> None:
    Visitor(server).sign_up()
    link = asked(server, "recovery")
    first, second = Visitor(server), Visitor(server)
    for visitor in (first, second):
        visitor.open(link)
        visitor.send()
    assert first.whoami()
    assert not second.whoami()
    assert "no longer valid" in second.page.text


def test_verification_by_link(server: LiveServer) -> None:
    ann = Visitor(server)
    ann.sign_up()
    link = asked(server, "verification")
    ann.open(link)
    assert ann.heading == "Confirm your address"
    assert not ann.whoami()["identity"]["verifiable_addresses"][0]["verified"]
    ann.send()
    assert ann.whoami()["identity"]["verifiable_addresses"][0]["verified"]


def test_a_link_that_is_none_says_so(server: LiveServer) -> None:
    visitor = Visitor(server)
    visitor.open("ui/link", kind="settings", flow="x", token="y")
    assert visitor.answer.status_code == 404
    visitor.open("ui/link", kind="recovery", flow="x", token="<script>")
    assert visitor.page.one("input", name="token")["value"] == "<script>"
    visitor.send()
    assert visitor.answer.status_code < 500


def test_a_scanner_does_not_take_the_form_of_a_code_away(begin: Begin) -> None:
    server = begin({"selfservice": {"flows": {"verification": {"enabled": True}}}})
    ann = Visitor(server)
    ann.sign_up()
    ann.open("ui/verification")
    ann.send(email=ANN)
    here = str(ann.answer.url)
    Visitor(server, accept="*/*").http.get(mail.link(server, ANN))
    ann.open(here)
    assert ann.answer.status_code == 200
    ann.send(code=mail.code(server, ANN))
    assert ann.whoami()["identity"]["verifiable_addresses"][0]["verified"]
