"""Signing in by a mailed link: in any browser, after a click, once."""

from __future__ import annotations

import pytest

from tests.pages.conftest import Begin
from tests.pages.visitor import Visitor
from tests.support import mail
from tests.support.server import LiveServer

ANN = "ann@example.org"
BUTTON = "Send me a sign-in link"


@pytest.fixture
def server(begin: Begin) -> LiveServer:
    return begin({"limen": {"methods": {"link": {"login_enabled": True}}}})


def asked(server: LiveServer, who: str = ANN) -> Visitor:
    visitor = Visitor(server)
    visitor.open("ui/login", return_to="https://app.example.org/after")
    visitor.send(BUTTON, identifier=who)
    return visitor


def test_a_link_signs_in_the_browser_that_opens_it(server: LiveServer) -> None:
    Visitor(server).sign_up()
    here = asked(server)
    assert "A link is on its way to you" in here.page.text
    link = mail.link(server, ANN)
    phone = Visitor(server)
    for _ in range(2):  # looking at it does nothing
        phone.open(link)
    assert (phone.heading, phone.whoami(), here.whoami()) == ("Sign in", {}, {})
    phone.http.follow_redirects = False
    form = phone.page.one("form")
    answer = phone.http.post(form["action"], data={i["name"]: i["value"] for i in form.all("input")})
    assert (answer.status_code, answer.headers["location"]) == (303, "https://app.example.org/after")
    assert phone.whoami()["authentication_methods"][0]["method"] == "link"
    assert phone.whoami()["identity"]["verifiable_addresses"][0]["verified"]
    assert here.whoami() == {}


def test_it_is_good_once_and_for_nothing_else(server: LiveServer) -> None:
    Visitor(server).sign_up()
    asked(server)
    link = mail.link(server, ANN)
    first, second = Visitor(server), Visitor(server)
    first.http.follow_redirects = True
    first.open(link)
    form = first.page.one("form")
    first.http.post(form["action"], data={i["name"]: i["value"] for i in form.all("input")}, follow_redirects=False)
    assert first.whoami()
    second.open(link)
    second.send()
    assert second.whoami() == {}
    assert "no longer valid" in second.page.text


def test_nobody_is_signed_in_to_a_strangers_account_by_a_page_elsewhere(server: LiveServer) -> None:
    Visitor(server).sign_up()
    asked(server)
    mine = Visitor(server)
    mine.open(mail.link(server, ANN))
    form = mine.page.one("form")
    victim = Visitor(server)
    victim.open("ui/login")
    answer = victim.http.post(form["action"], data={i["name"]: i["value"] for i in form.all("input")})
    assert victim.whoami() == {}
    assert answer.status_code < 500


def test_strangers_get_no_mail(server: LiveServer) -> None:
    visitor = asked(server, "nobody@example.org")
    assert "No account signs in" in visitor.page.text
    assert mail.messages(server, "nobody@example.org") == []


def test_masked_strangers_see_what_members_see(begin: Begin) -> None:
    server = begin(
        {
            "limen": {"methods": {"link": {"login_enabled": True}}},
            "security": {"account_enumeration": {"mitigate": True}},
        }
    )
    Visitor(server).sign_up()
    assert asked(server).page.text == asked(server, "nobody@example.org").page.text.replace("nobody@example.org", ANN)
    assert mail.messages(server, "nobody@example.org") == []


def test_without_the_setting_there_is_no_such_way(begin: Begin) -> None:
    server = begin()
    Visitor(server).sign_up()
    visitor = Visitor(server)
    assert BUTTON not in visitor.open("ui/login").text
