"""Somebody who walks through the pages in one of three looks, and has each page checked on the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import PASSWORD, keep
from tests.support.callers import Caller
from tests.support.server import LiveServer

Look = Literal["script", "no-script", "german-phone"]
LOOKS: dict[Look, dict[str, Any]] = {
    "script": {"viewport": {"width": 1280, "height": 800}},
    "no-script": {"java_script_enabled": False},
    "german-phone": {"viewport": {"width": 390, "height": 844}, "locale": "de-DE", "color_scheme": "dark"},
}
looks = pytest.mark.parametrize("look", LOOKS)
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
ANN = "ann@example.org"


class Walker:
    """`opened` opens a window; forms are filled in by the names of their fields, as their words change with the look."""

    def __init__(self, server: LiveServer, look: Look, opened: Callable[..., Page]) -> None:
        self.server, self.look = server, look
        self._opened = opened
        self.page = opened(**LOOKS[look])

    @property
    def scripts(self) -> bool:
        return self.look != "no-script"

    def elsewhere(self) -> Walker:
        """The same person in front of another browser."""
        return Walker(self.server, self.look, self._opened)

    def said(self, english: str, german: str) -> str:
        return german if self.look == "german-phone" else english

    # --- what people do ---------------------------------------------------------------------------------------------

    def open(self, path: str) -> None:
        self.page.goto(path if path.startswith("http") else self.server.public + path)

    def fill(self, **values: str) -> Walker:
        for name, value in values.items():
            self.page.locator(f"[name='{name.replace('__', '.')}']:visible").fill(value)
        return self

    def press(self, button: str = "button.main") -> None:
        """Press the one button that fits: a selector."""
        self.page.locator(f"main {button}:visible").click()

    def signed_up(self, email: str = ANN, **traits: str) -> Walker:
        """Signed up a moment ago, and signed in here."""
        caller = Caller(self.server, "page")
        caller.sign_up(email, **traits)
        return self.take_over(caller)

    def take_over(self, caller: Caller) -> Walker:
        """Go on with the cookies of somebody else's client."""
        self.page.context.add_cookies(
            [{"name": c.name, "value": c.value or "", "url": self.server.public} for c in caller.http.cookies.jar]
        )
        return self

    def sign_in(self, email: str = ANN, password: str = PASSWORD) -> None:
        self.open("ui/login")
        self.fill(identifier=email, password=password).press()

    @property
    def is_signed_in(self) -> bool:
        return self.page.request.get(self.server.public + "sessions/whoami").status == 200

    # --- what a page has to be --------------------------------------------------------------------------------------

    def heading(self, english: str, german: str) -> None:
        expect(self.page.get_by_role("heading", level=1)).to_have_text(self.said(english, german))

    def alert(self) -> Locator:
        return self.page.get_by_role("alert")

    def at(self, stop: str, *, buttons: int = 1) -> Walker:
        """Keep a picture of this page and check it.

        :param buttons: how many main buttons it has
        """
        page = self.page
        page.wait_for_load_state()
        keep(page, f"{stop}-{self.look}")
        expect(page.locator("html")).to_have_attribute("lang", self.said("en", "de"))
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it has to be moved sideways"
        expect(page.locator("main button.main:visible, main a.main:visible")).to_have_count(buttons)
        for form in page.locator("main form").all():
            labels = form.locator("button:visible").all_inner_texts()
            assert len(labels) == len(set(labels)), f"buttons that stand twice: {labels}"
        if self.scripts:
            found = Axe().run(page, options=RULES)
            assert found.response["violations"] == [], found.generate_report()
        return self
