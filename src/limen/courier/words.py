"""Our own messages: short, in the reader's language, and in the operator's colour. The sentences are in `locales/`."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from limen.core import catalogue, clock, colour, sources, urls
from limen.courier.model import Message
from limen.project.model import Project

if TYPE_CHECKING:
    from jinja2 import Environment

# What the sentences of a kind go by; a kind that is missing here goes by its first folder.
_WORDS: Final = {
    "recovery/invalid": "recovery_unknown",
    "recovery_code/invalid": "recovery_unknown",
    "verification/invalid": "verification_unknown",
    "verification_code/invalid": "verification_unknown",
}
_CODES: Final = ("login_code", "registration_code", "verification_code", "recovery_code")
_LINKS: Final = ("verification_url", "recovery_url", "login_url", "invitation_url")
# Where somebody goes who reads of what they did not do: the settings, or the way back into the account.
_SETTINGS: Final = ("new_device", "ways_removed", "provider_linked", "provider_unlinked")
_RECOVERY: Final = ("password_changed", "address_removed")
_FONT: Final = "-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
_LIGHT, _DARK = ("#ffffff", "#f5f6f8"), ("#181b21", "#101216")  # card and ground, as in layout/mail.html


def part(project: Project, message: Message, which: str) -> str:
    """The subject, html, text or sms of a message."""
    said = _Said(project, message)
    match which:
        case "subject":
            return said("subject", code=said.code, **said.about())
        case "sms":
            return said.sms()
        case "html":
            return _layouts().get_template("mail.html").render(said.values(), look=_look(project), font=_FONT)
    return _layouts().get_template("mail.txt").render(said.values())


def language_of(project: Project, message: Message) -> str:
    """The language a message is written in."""
    return message.origin.language or project.config.limen.pages.languages[0]


class _Said:
    """What a message says. Nothing that a stranger can choose is among it: no name, no text, only our own link."""

    def __init__(self, project: Project, message: Message) -> None:
        self.language = language_of(project, message)
        self.site = project.config.limen.branding.name
        self.data = message.data
        path = message.kind.path
        self.kind = _WORDS.get(path, path.partition("/")[0])
        self.code = next((str(self.data[key]) for key in _CODES if self.data.get(key)), "")
        self.link = next((str(self.data[key]) for key in _LINKS if self.data.get(key)), "")
        self.place = self.link or _place(project, self.kind)

    def __call__(self, key: str, **values: Any) -> str:
        return self._text(f"{self.kind}.{key}", **values)

    def _text(self, key: str, **values: Any) -> str:
        return catalogue.text(f"mail.{key}", self.language, **values)

    def values(self) -> dict[str, Any]:
        notes = " ".join((self._good_for(), self._text("ignore"))) if self.code or self.link else ""
        return {
            "language": self.language,
            "site": self.site,
            "title": self("title"),
            "text": self("text", **self.about()),
            "preview": notes or self("title"),
            "code": self.code,
            "link": self.place,
            "button": self("button") if self.place else "",
            "alternative": self._text("button_alternative"),
            "open_instead": self._text("open_instead"),
            "notes": notes,
        }

    def sms(self) -> str:
        """The last line lets a phone fill the code in on our own page, and nowhere else (origin-bound one-time codes)."""
        text = self("sms", code=self.code, **self.about())
        domain = self.data.get("request_url_domain")
        return f"{text}\n\n@{domain} #{self.code}\n" if domain and self.code else f"{text}\n"

    def _good_for(self) -> str:
        minutes = int(self.data.get("expires_in_minutes") or 0)
        if minutes and minutes % 60 == 0:
            return self._text("good_for_hours", hours=minutes // 60)
        return self._text("good_for_minutes", minutes=minutes)

    def about(self) -> dict[str, Any]:
        moment = self.data.get("changed_at") or self.data.get("added_at") or self.data.get("done_at")
        about = {key: self.data[key] for key in ("device", "provider") if self.data.get(key)}
        return {"when": clock.parse(moment), **about} if moment else {}


def _place(project: Project, kind: str) -> str:
    """The page a notice leads to; empty for the others."""
    if kind in _SETTINGS:
        return urls.join(project.public_url, "/self-service/settings/browser")
    if kind in _RECOVERY and project.config.selfservice.flows.recovery.enabled:
        return urls.join(project.public_url, "/self-service/recovery/browser")
    return ""


class _Look(Struct, frozen=True):
    fill: str
    ink: str
    edge: str
    link: str
    dark_link: str
    logo: str


@cache
def _layouts() -> Environment:
    from jinja2 import (  # noqa: PLC0415 - 40 ms that a start need not wait for
        Environment,
        PackageLoader,
        StrictUndefined,
        select_autoescape,
    )

    return Environment(
        loader=PackageLoader("limen.courier", "layout"),
        autoescape=select_autoescape(),  # in the HTML, not in the text
        auto_reload=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _look(project: Project) -> _Look:
    return _made(project.config.limen.branding.accent, project.config.limen.branding.logo_url or "")


@lru_cache(maxsize=64)
def _made(accent: str, logo: str) -> _Look:
    return _Look(
        fill=accent,
        ink=colour.ink_on(accent),
        edge=colour.readable(accent, _LIGHT, "#000000", colour.GRAPHIC),
        link=colour.readable(accent, _LIGHT, "#000000"),
        dark_link=colour.readable(accent, _DARK, "#ffffff"),
        logo=logo if sources.is_remote(logo) else "",  # a mail can show only what is fetched from elsewhere
    )
