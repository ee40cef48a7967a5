"""Pages for what does not go as planned, and the answers to odd requests."""

from __future__ import annotations

import pytest

from tests.pages.conftest import Begin
from tests.pages.visitor import Visitor
from tests.support.server import LiveServer

KINDS = ["login", "registration", "settings", "recovery", "verification"]


def new_flow(visitor: Visitor, kind: str = "login", **query: str) -> str:
    """The path of the page of a new flow of this visitor."""
    visitor.open(f"ui/{kind}", **query)
    return str(visitor.answer.url)


def test_a_page_without_a_flow_starts_one_and_hands_on_what_was_asked(server: LiveServer) -> None:
    visitor = Visitor(server)
    answer = visitor.step(
        "ui/login?return_to=https%3A%2F%2Fapp.example.org%2F%3Fa%3D1%262&refresh=true&aal=aal2&lang=en"
    )
    base = f"{server.public}self-service/login/browser"
    assert answer.status_code == 303
    assert answer.headers["location"] == (
        f"{base}?return_to=https%3A%2F%2Fapp.example.org%2F%3Fa%3D1%262&refresh=true&aal=aal2"
    )
    visitor.open("ui/login", return_to="https://app.example.org/x")
    assert visitor.heading == "Sign in"


def test_an_expired_form_leads_to_a_fresh_one(begin: Begin) -> None:
    live = begin()
    visitor = Visitor(live)
    place = new_flow(visitor, return_to="https://app.example.org/x")
    live.clock.forward(hours=2)
    page = visitor.open(place)
    assert (visitor.answer.status_code, visitor.heading) == (410, "This page was open for a while")
    button = page.one("a", _class="button main")
    assert button["href"].endswith("/self-service/login/browser?return_to=https%3A%2F%2Fapp.example.org%2Fx")
    visitor.open(button["href"])
    assert visitor.heading == "Sign in"


def test_a_form_sent_too_late_comes_back_fresh_and_says_why(begin: Begin) -> None:
    live = begin()
    visitor = Visitor(live)
    new_flow(visitor)
    live.clock.forward(hours=2)
    page = visitor.send(identifier="a@example.org", password="x")
    assert page.one("p", role="alert").text.startswith("This page was open for a while, so here is a fresh one.")


def test_a_form_of_another_browser_is_not_shown(server: LiveServer) -> None:
    place = new_flow(Visitor(server))
    other = Visitor(server)
    page = other.open(place)  # comes with no cookie, and gets one
    assert (other.answer.status_code, other.heading) == (403, "Started in another browser")
    other.open(page.one("a", _class="button main")["href"])
    assert other.heading == "Sign in"


def test_a_browser_that_keeps_no_cookies_is_told_so(server: LiveServer) -> None:
    place = new_flow(Visitor(server))
    forgetful = Visitor(server)
    first = forgetful.step(place)
    assert first.status_code == 303
    forgetful.http.cookies.clear()
    forgetful.open(first.headers["location"])
    assert (forgetful.answer.status_code, forgetful.heading) == (403, "This browser blocks cookies")


def test_a_form_that_was_sent_without_its_cookie_is_explained(server: LiveServer) -> None:
    visitor = Visitor(server)
    new_flow(visitor)
    visitor.http.cookies.clear()
    visitor.send(identifier="a@example.org", password="x")
    assert visitor.heading == "This browser blocks cookies"
    new_flow(visitor)
    page = visitor.send(identifier="a@example.org", password="x", csrf_token="forged")
    assert visitor.heading == "Started in another browser"
    assert page.one("p", _class="technical").text.startswith("Technical id: ")


@pytest.mark.parametrize("kind", ["login", "registration", "recovery", "verification"])
@pytest.mark.parametrize(
    "id_", ["x", "00000000-0000-4000-8000-000000000000", "'%3B--", "%00", "a" * 5000, "%FF%FE", "<script>", "stub:500"]
)
def test_a_flow_that_does_not_exist_is_not_found(visitor: Visitor, kind: str, id_: str) -> None:
    page = visitor.open(f"ui/{kind}?flow={id_}")
    assert (visitor.answer.status_code, visitor.heading) == (404, "Nothing is here")
    assert not page.has("script", src="")


def test_settings_ask_who_is_not_signed_in_to_sign_in_and_come_back(server: LiveServer) -> None:
    known = Visitor(server)
    known.sign_up("comes-back@example.org")
    place = new_flow(known, "settings")
    stranger = Visitor(server)
    stranger.open(place)
    assert stranger.heading == "Sign in"
    known.open("ui/")
    known.send("Sign out")
    known.open("ui/settings")
    known.send(identifier="comes-back@example.org", password="correct-horse-battery-1")
    assert known.heading == "Settings"


def test_settings_of_somebody_else_are_not_shown(server: LiveServer) -> None:
    first, second = Visitor(server), Visitor(server)
    first.sign_up("first@example.org")
    second.sign_up("second@example.org")
    second.open(new_flow(first, "settings"))
    assert (second.answer.status_code, second.heading) == (403, "This is not possible here")


@pytest.mark.parametrize("kind", ["registration", "recovery", "verification"])
def test_what_is_switched_off_says_so_and_is_not_linked(begin: Begin, kind: str) -> None:
    visitor = Visitor(begin({"selfservice": {"flows": {"registration": {"enabled": False}}}}))
    visitor.open(f"ui/{kind}")
    assert (visitor.answer.status_code, visitor.heading) == (404, "Not possible at the moment")
    assert visitor.open("ui/").one("main").text == "Welcome Sign in to your account. Sign in"
    links = [link["href"] for link in visitor.open("ui/login").one("main").all("a")]
    assert links == []


def test_links_below_a_form_keep_the_way_back(visitor: Visitor) -> None:
    to = "https://app.example.org/x"
    links = {link.text: link["href"] for link in visitor.open("ui/login", return_to=to).one("main").all("a")}
    assert set(links) == {"Forgot password?", "Create an account"}
    for url in links.values():
        assert url.endswith("?return_to=https%3A%2F%2Fapp.example.org%2Fx")
    assert visitor.open("ui/registration", return_to=to).one("main").one("a")["href"].endswith("org%2Fx")


# --- errors that belong to no form ----------------------------------------------------------------------------------


def test_a_kept_error_is_shown_in_friendly_words(visitor: Visitor) -> None:
    page = visitor.open("self-service/login/browser?return_to=https://evil.example")
    assert (visitor.answer.status_code, visitor.heading) == (200, "That did not work")
    assert page.one("p", _class="technical").one("code").text == visitor.answer.url.params["id"]


def test_the_example_error_looks_like_trouble_on_our_side(visitor: Visitor) -> None:
    visitor.open("ui/error?id=stub:500")
    assert (visitor.answer.status_code, visitor.heading) == (200, "Something went wrong on our side")


@pytest.mark.parametrize("query", ["", "?id=", "?id=x", "?id=00000000-0000-4000-8000-000000000000", "?error=%00"])
def test_an_error_nobody_kept_is_not_found(visitor: Visitor, query: str) -> None:
    visitor.open(f"ui/error{query}")
    assert (visitor.answer.status_code, visitor.heading) == (404, "Nothing is here")


def test_developers_see_what_an_error_says_and_others_do_not(begin: Begin) -> None:
    visitor = Visitor(begin())
    assert "not in selfservice.allowed_return_urls" in visitor.open("ui/login?return_to=https://evil.example").text
    live = begin(prepare=lambda app: setattr(app, "dev", False))
    visitor = Visitor(live)
    assert "allowed_return_urls" not in visitor.open("ui/login?return_to=https://evil.example").text


def test_a_broken_database_is_told_with_the_id_of_the_request(begin: Begin) -> None:
    live = begin()
    visitor = Visitor(live)
    place = new_flow(visitor)

    class Broken:
        def __getattr__(self, name: str) -> object:
            raise RuntimeError("gone")

    driver, live.app.site.driver = live.app.site.driver, Broken()  # type: ignore[assignment]
    page = visitor.open(place)
    live.app.site.driver = driver
    assert (visitor.answer.status_code, visitor.heading) == (500, "Something went wrong on our side")
    assert page.one("p", _class="technical").one("code").text == visitor.answer.headers["x-request-id"]


# --- addresses ------------------------------------------------------------------------------------------------------


def test_the_bare_address_leads_browsers_to_the_pages(visitor: Visitor) -> None:
    answer = visitor.step("")
    assert (answer.status_code, answer.headers["location"]) == (303, visitor.server.public + "ui/")
    assert visitor.http.get("", headers={"accept": "application/json"}).status_code == 404
    assert visitor.http.get("", headers={"accept": "*/*"}).status_code == 404
    assert visitor.step("ui").headers["location"] == visitor.server.public + "ui/"


def test_pages_can_be_switched_off(begin: Begin) -> None:
    visitor = Visitor(begin({"limen": {"pages": {"enabled": False}}}))
    for path in ("", "ui", "ui/", "ui/login", "ui/static/limen.css", "ui/logout"):
        assert visitor.step(path).status_code == 404, path


@pytest.mark.parametrize("path", ["ui/nothing", "ui/login/", "ui/index.html", "ui/%3Cscript%3E"])
def test_an_unknown_page_is_a_page_or_nothing(visitor: Visitor, path: str) -> None:
    answer = visitor.step(path)
    assert answer.status_code == 404
    assert "<script>" not in answer.text


def test_behind_a_path_all_addresses_have_it(begin: Begin) -> None:
    prefix = "https://id.example.org/auth"
    live = begin({"serve": {"public": {"base_url": prefix + "/"}}})
    visitor = Visitor(live)
    page = visitor.open("ui/")
    found = [link["href"] for link in (*page.all("a"), *page.all("link"))] + [s["src"] for s in page.all("script")]
    assert found
    assert all(url.startswith(prefix + "/") for url in found)
    assert visitor.step("ui/login").headers["location"] == prefix + "/self-service/login/browser"
    assert "Path=/auth/ui;" in visitor.step("ui/?lang=de").headers["set-cookie"].partition(", csrf")[0]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "POST"])
def test_pages_are_only_read(visitor: Visitor, method: str) -> None:
    assert visitor.http.request(method, "ui/login").status_code == 405


def test_a_huge_query_is_no_trouble(visitor: Visitor) -> None:
    answer = visitor.step("ui/login?" + "&".join(f"a{n}=%zz&b={n}" for n in range(1500)))
    assert answer.status_code == 303
    assert visitor.http.get("ui/?" + "x" * 30_000, follow_redirects=False).status_code == 200


def test_who_signed_up_without_a_session_is_told_to_sign_in(begin: Begin) -> None:
    after = {"after": {"code": {"hooks": []}, "password": {"hooks": []}}}
    live = begin({"selfservice": {"flows": {"registration": {"style": "unified", **after}}}})
    visitor = Visitor(live)
    visitor.open("ui/registration")
    page = visitor.send(method="password", **{"traits.email": "ann@example.org", "password": "correct-horse-battery-1"})
    assert visitor.heading == "Your account is ready"
    visitor.open(page.one("a", _class="button main")["href"])
    assert visitor.heading == "Sign in"
