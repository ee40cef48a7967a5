"""What a page says, and in which language: the visitor's choice, else what the browser asks for."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct

from limen.core import catalogue, clock, urls
from limen.core.messages import Message
from limen.http.kit import Call
from limen.http.pages import cookie

COOKIE = "limen_language"
COOKIE_MAX_AGE = 365 * 24 * 3600
_RIGHT_TO_LEFT = ("ar", "fa", "he", "ur")
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


class Words(Struct, frozen=True):
    """The words of one language. Called with a key of the catalogue's pages, it gives the sentence."""

    language: str

    def __call__(self, key: str, **values: Any) -> str:
        return catalogue.text(key, self.language, **values)

    def maybe(self, key: str) -> str:
        """The sentence of this key; empty when there is none."""
        return self(key) if key in catalogue.catalogue(self.language).pages else ""

    def message(self, message: Message) -> str:
        return catalogue.translate(message, self.language)

    def reason(self, sentence: str) -> str:
        return catalogue.reason(sentence, self.language)

    @property
    def direction(self) -> str:
        return "rtl" if self.language.partition("-")[0] in _RIGHT_TO_LEFT else "ltr"

    def moment(self, stamp: str) -> str:
        return catalogue.moment(clock.parse(stamp), self.language)

    def ago(self, stamp: str, now: datetime) -> str:
        """How long ago that was; after a month, the day itself."""
        seconds = int((now - clock.parse(stamp)).total_seconds())
        if seconds < _MINUTE:
            return self("time.now")
        if seconds < _HOUR:
            return self("time.minutes_ago", minutes=seconds // _MINUTE)
        if seconds < _DAY:
            return self("time.hours_ago", hours=seconds // _HOUR)
        if seconds < 30 * _DAY:
            return self("time.days_ago", days=seconds // _DAY)
        return self.moment(stamp)


def pick(call: Call) -> Words:
    """The language of this request: `?lang=`, then the cookie, then Accept-Language."""
    offered = call.site.project.config.limen.pages.languages
    for chosen in (call.first("lang"), call.cookies.get(COOKIE, "")):
        if chosen in offered:
            return Words(chosen)
    return Words(catalogue.pick_language(call.headers.get("accept-language"), offered))


def chosen_cookie(call: Call) -> list[tuple[str, str]]:
    """The header that remembers a language chosen with `?lang=`. The cookie never leaves the pages."""
    project = call.site.project
    chosen = call.first("lang")
    if chosen not in project.config.limen.pages.languages:
        return []
    return [cookie.header(project, COOKIE, chosen, COOKIE_MAX_AGE)]


def choices(call: Call) -> list[tuple[str, str, str]]:
    """Tag, name and address of every language offered. What came by POST is not repeated: those lead home."""
    project = call.site.project
    here = urls.join(project.public_url, call.path if call.method in ("GET", "HEAD") else "/ui/")
    query = {name: values[0] for name, values in urls.parse_query(call.query).items()} if call.method == "GET" else {}
    return [
        (tag, catalogue.text(f"language.{tag}", tag), urls.with_query(here, {**query, "lang": tag}))
        for tag in project.config.limen.pages.languages
    ]
