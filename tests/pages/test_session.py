"""The account: where somebody is signed in, ending that, and signing out."""

from __future__ import annotations

import pytest

from limen.core.devices import device_name, ip_address
from tests.pages.conftest import Begin
from tests.pages.visitor import Visitor, fields
from tests.support.server import LiveServer

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 "
    "Mobile/15E148 Safari/604.1"
)


def places(visitor: Visitor) -> list[str]:
    return [p.text for p in visitor.open("ui/").all("p", _class="device")]


def test_all_places_somebody_is_signed_in_are_listed(server: LiveServer) -> None:
    here, there = Visitor(server), Visitor(server, **{"user-agent": FIREFOX})
    here.sign_up("lists@example.org")
    there.sign_in("lists@example.org")
    assert places(here) == ["Unknown device This browser", "Firefox, Windows"]
    facts = here.page.all("p", _class="facts")[1]
    assert facts.text == "Signed in just now IP address 127.0.0.1"
    assert facts.one("time")["datetime"].endswith("Z")
    button = here.page.all("button", _class="small")[0]
    assert button["aria-label"] == "Sign out Firefox, Windows, Signed in just now"


def test_one_other_place_is_signed_out(server: LiveServer) -> None:
    here, there = Visitor(server), Visitor(server, **{"user-agent": IPHONE})
    here.sign_up("one@example.org")
    there.sign_in("one@example.org")
    assert places(here)[1] == "Safari, iPhone"
    page = here.send(here.page.all("button", _class="small")[0])
    assert page.one("p", role="status").text == "That device is signed out."
    assert here.answer.history[0].status_code == 303
    assert places(here) == ["Unknown device This browser"]
    assert "You are not signed in anywhere else." in here.page.text
    assert (there.whoami(), bool(here.whoami())) == ({}, True)


def test_everywhere_else_is_signed_out_at_once(server: LiveServer) -> None:
    here, *others = (Visitor(server) for _ in range(3))
    here.sign_up("all@example.org")
    for other in others:
        other.sign_in("all@example.org")
    here.open("ui/")
    page = here.send("Sign out everywhere else")
    assert page.one("p", role="status").text == "You are signed out everywhere else."
    assert [bool(v.whoami()) for v in (here, *others)] == [True, False, False]


def test_nobody_ends_the_session_of_somebody_else(server: LiveServer) -> None:
    mine, theirs = Visitor(server), Visitor(server)
    mine.sign_up("mine@example.org")
    theirs.sign_up("theirs@example.org")
    mine.open("ui/")
    token = mine.page.all("input", name="csrf_token")[0]["value"]
    for id_ in (theirs.whoami()["id"], mine.whoami()["id"], "x", "", "'", "00000000-0000-4000-8000-000000000000"):
        answer = mine.http.post("ui/sessions", data={"csrf_token": token, "id": id_}, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, server.public + "ui/")
    assert theirs.whoami()
    assert mine.whoami()


def test_who_is_signed_out_is_asked_to_sign_in(server: LiveServer) -> None:
    visitor = Visitor(server)
    visitor.open("ui/login")
    token = visitor.page.one("input", name="csrf_token")["value"]
    answer = visitor.http.post("ui/sessions", data={"csrf_token": token, "others": "true"}, follow_redirects=False)
    assert "/self-service/login/browser?return_to=" in answer.headers["location"]


@pytest.mark.parametrize("path", ["ui/logout", "ui/sessions"])
@pytest.mark.parametrize("data", [{}, {"csrf_token": "x"}, {"csrf_token": "A" * 88}, {"others": "true"}])
def test_a_forged_form_changes_nothing(server: LiveServer, path: str, data: dict[str, str]) -> None:
    visitor, other = Visitor(server), Visitor(server)
    visitor.sign_up(f"{hash((path, str(data)))}@example.org")
    strange = other.open("ui/login").one("input", name="csrf_token")["value"]
    for sent in (data, data | {"csrf_token": strange}):
        answer = visitor.http.post(path, data=sent)
        assert answer.status_code == 403
        assert "Started in another browser" in answer.text
        assert answer.headers["cache-control"] == "no-store"
    assert visitor.whoami()


@pytest.mark.parametrize("path", ["ui/logout", "ui/sessions"])
def test_odd_bodies_are_refused(server: LiveServer, path: str) -> None:
    visitor = Visitor(server)
    visitor.open("ui/")
    for content, type_ in ((b"", "text/plain"), (b"{", "application/json"), (b"\xff\xfe=", "application/x-www-form-urlencoded"),
                           (b"--", "multipart/form-data; boundary=x"), (b"x", "multipart/form-data")):  # fmt: skip
        answer = visitor.http.post(path, content=content, headers={"content-type": type_})
        assert answer.status_code == 403


def test_a_form_without_cookies_is_explained(server: LiveServer) -> None:
    answer = Visitor(server).http.post("ui/logout", data={"csrf_token": "x"})
    assert answer.status_code == 403
    assert "This browser blocks cookies" in answer.text


# --- signing out ----------------------------------------------------------------------------------------------------


def test_a_link_to_sign_out_asks_first(server: LiveServer) -> None:
    visitor = Visitor(server)
    visitor.sign_up("asks@example.org")
    page = visitor.open("ui/logout")
    assert page.one("main").text == (
        "Sign out Signed in as asks@example.org. Do you want to sign out of this browser? Sign out Stay signed in"
    )
    assert visitor.whoami()
    old = visitor.secret
    visitor.send("Sign out")
    assert (visitor.heading, visitor.whoami()) == ("You are signed out", {})
    assert visitor.secret != old  # whoever comes next starts afresh


def test_signing_out_leads_where_the_configuration_says(begin: Begin) -> None:
    to = "https://app.example.org/bye"
    live = begin({"selfservice": {"flows": {"logout": {"after": {"default_browser_return_url": to}}}}})
    visitor = Visitor(live)
    visitor.sign_up()
    visitor.open("ui/logout")
    answer = visitor.http.post("ui/logout", data=fields(visitor.page.one("form")), follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, to)


def test_signing_out_leads_back_only_to_allowed_places(server: LiveServer) -> None:
    visitor = Visitor(server)
    visitor.sign_up("leads@example.org")
    page = visitor.open("ui/logout", return_to="https://evil.example/<script>")
    visitor.send("Sign out")
    assert (visitor.answer.status_code, visitor.heading) == (400, "That did not work")
    assert visitor.whoami()
    page = visitor.open("ui/logout", return_to="https://app.example.org/x")
    answer = visitor.http.post("ui/logout", data=fields(page.one("form")), follow_redirects=False)
    assert answer.headers["location"] == "https://app.example.org/x"
    assert visitor.whoami() == {}


def test_signing_out_twice_is_no_mistake(server: LiveServer) -> None:
    visitor = Visitor(server)
    visitor.open("ui/")
    visitor.open("ui/login")
    token = visitor.page.one("input", name="csrf_token")["value"]
    visitor._show(visitor.http.post("ui/logout", data={"csrf_token": token}))
    assert visitor.heading == "You are signed out"


def test_signing_out_to_the_login_page_says_so(server: LiveServer) -> None:
    page = Visitor(server).open("ui/login?signed_out=true")
    assert page.one("p", _class="lead").text == "You are signed out."


# --- devices --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (FIREFOX, "Firefox, Windows"),
        (IPHONE, "Safari, iPhone"),
        (f"Mozilla/5.0 (Linux; Android 15; Pixel 9) {WEBKIT} Chrome/150.0.0.0 Mobile Safari/537.36", "Chrome, Android"),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/150.0 Safari/537.36 Edg/150.0", "Edge, Windows"),
        (f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {WEBKIT} Version/19.0 Safari/605.1.15", "Safari, macOS"),
        ("curl/8.5.0", "curl"),
        ("", ""),
        ("<script>alert(1)</script>", ""),
    ],
)  # fmt: skip
def test_a_device_has_a_name_people_know(user_agent: str, name: str) -> None:
    assert device_name(user_agent) == name


@pytest.mark.parametrize(
    ("kept", "shown"),
    [
        ("127.0.0.1:53122", "127.0.0.1"),
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8::1", "2001:db8::1"),
        ("x", "x"),
        ("", ""),
    ],
)
def test_an_address_is_shown_without_its_port(kept: str, shown: str) -> None:
    assert ip_address(kept) == shown
