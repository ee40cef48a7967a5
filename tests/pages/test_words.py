"""In which language a page speaks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from limen.http.pages.words import Words
from tests.pages.conftest import Begin
from tests.pages.visitor import Visitor
from tests.support.server import LiveServer


def test_a_page_speaks_as_the_browser_asks(server: LiveServer) -> None:
    visitor = Visitor(server, **{"accept-language": "fr, de-CH;q=0.9, en;q=0.5"})
    page = visitor.open("ui/registration")
    assert visitor.heading == "Konto anlegen"
    assert (page.one("html")["lang"], page.one("html")["dir"]) == ("de", "ltr")
    assert page.one("title").text == "Konto anlegen · Limen"


def test_a_choice_is_remembered_and_wins(server: LiveServer) -> None:
    visitor = Visitor(server, **{"accept-language": "en"})
    page = visitor.open("ui/login", return_to="https://app.example.org/x")
    visitor.open(page.one("a", hreflang="de")["href"])
    assert (visitor.heading, visitor.answer.status_code) == ("Anmelden", 200)
    assert "return_to" in str(visitor.answer.url) or "flow" in str(visitor.answer.url)
    page = visitor.sign_in("nobody@example.org", "wrong")
    assert page.one("p", role="alert").text == (
        "Diese Anmeldedaten passen nicht zusammen. Prüfen Sie sie und versuchen Sie es noch einmal."
    )
    assert visitor.open("ui/recovery").one("a", hreflang="de")["aria-current"] == "true"


def test_the_choice_is_a_cookie_of_the_pages_alone(visitor: Visitor) -> None:
    cookies = visitor.step("ui/?lang=de").headers.get_list("set-cookie")
    assert "limen_language=de; Path=/ui; Max-Age=31536000; HttpOnly; SameSite=Lax" in cookies


@pytest.mark.parametrize("lang", ["fr", "", "../../etc/passwd", "DE", "de; Path=/", "de\r\nx: y", "%00", "x" * 9000])
def test_an_unknown_language_is_passed_over(server: LiveServer, lang: str) -> None:
    visitor = Visitor(server, **{"accept-language": "de"})
    visitor.open("ui/", lang=lang)
    assert (visitor.answer.status_code, visitor.heading) == (200, "Willkommen")
    assert "limen_language" not in visitor.http.cookies
    visitor.http.cookies.set("limen_language", "nonsense")
    visitor.open("ui/")
    assert visitor.heading == "Willkommen"


def test_only_the_languages_offered_are_spoken(begin: Begin) -> None:
    visitor = Visitor(begin({"limen": {"pages": {"languages": ["de"]}}}), **{"accept-language": "en"})
    page = visitor.open("ui/?lang=en")
    assert visitor.heading == "Willkommen"
    assert not page.has("nav")  # nothing to choose


def test_a_page_that_came_by_post_offers_languages_of_the_start_page(visitor: Visitor) -> None:
    answer = visitor.http.post("ui/logout", data={})
    assert f'{visitor.server.public}ui/?lang=de"' in answer.text


NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("before", "english", "german"),
    [
        (timedelta(seconds=5), "just now", "gerade eben"),
        (timedelta(seconds=-5), "just now", "gerade eben"),
        (timedelta(minutes=1), "1 minute ago", "vor 1 Minute"),
        (timedelta(minutes=59), "59 minutes ago", "vor 59 Minuten"),
        (timedelta(hours=23), "23 hours ago", "vor 23 Stunden"),
        (timedelta(days=1), "yesterday", "gestern"),
        (timedelta(days=29), "29 days ago", "vor 29 Tagen"),
        (timedelta(days=30), "30 January 2026, 12:00 UTC", "30. Januar 2026, 12:00 Uhr (UTC)"),
    ],
)
def test_a_time_is_told_as_people_do(before: timedelta, english: str, german: str) -> None:
    stamp = (NOON - before).isoformat()
    assert (Words("en").ago(stamp, NOON), Words("de").ago(stamp, NOON)) == (english, german)


def test_a_language_written_from_the_right_says_so() -> None:
    assert [Words(tag).direction for tag in ("en", "ar", "he-IL", "de-AT")] == ["ltr", "rtl", "rtl", "ltr"]
