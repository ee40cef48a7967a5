"""Trusted browsers as people meet them: the box beside the second step, the list in the account."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, keep, sign_in, sign_up
from tests.browser.device import WITH_PIN, Device
from tests.browser.test_access import RULES
from tests.browser.test_keys import BASE, add_key, at_home, level, sign_out
from tests.support.keys import schema
from tests.support.server import LiveServer, merge, serve

ANN = "ann@example.org"
BOX = "Do not ask for this again in this browser, for 30 days"
TRUST = {
    "selfservice": {"methods": {"totp": {"enabled": True}, "lookup_secret": {"enabled": True}}},
    "limen": {"second_factor": {"trusted_devices": {"enabled": True}}},
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LiveServer]:
    dsn = f"sqlite://{tmp_path}/limen.sqlite"
    with serve(tmp_path, dsn, merge(BASE, TRUST), schema=schema(), name="localhost") as live:
        yield live


def add_app(page: Page, server: LiveServer) -> pyotp.TOTP:
    page.goto(server.public + "ui/settings")
    app = pyotp.TOTP(page.locator("#totp_secret_key").inner_text())
    page.get_by_label("Code the app shows").fill(app.at(server.clock()))
    page.get_by_role("region", name="Authenticator app").get_by_role("button", name="Save").click()
    expect(page.get_by_text("Your changes are saved.")).to_be_visible()
    return app


def no_barriers(page: Page) -> None:
    found = Axe().run(page, options=RULES)
    assert found.response["violations"] == [], found.generate_report()


@pytest.mark.parametrize("script", [True, False], ids=["with a script", "without"])
def test_a_browser_is_trusted_and_forgotten(server: LiveServer, window: Open, script: bool) -> None:
    page, base = window(java_script_enabled=script), server.public
    sign_up(page, base, ANN)
    app = add_app(page, server)
    sign_out(page, base)
    sign_in(page, base, ANN)
    server.clock.forward(seconds=30)
    page.get_by_label(BOX).check()
    if script:
        no_barriers(page)
        keep(page, "second-step-trust")
    page.get_by_label("Code from your authenticator app").fill(app.at(server.clock()))
    page.get_by_role("button", name="Use the authenticator app").click()
    at_home(page)
    sign_out(page, base)
    sign_in(page, base, ANN)
    at_home(page)
    assert level(page, base) == "aal1"
    mine = page.get_by_role("region", name="Browsers you trust")
    expect(mine.get_by_role("listitem")).to_contain_text("This browser")
    if script:
        no_barriers(page)
        keep(page, "account-trusted")
    mine.get_by_role("button").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("One more step")


def test_the_box_goes_with_every_way(server: LiveServer, page: Page) -> None:
    """Each way has a form of its own, and a box of its own: what is ticked beside a key is sent with the key."""
    base = server.public
    Device(page, WITH_PIN)
    sign_up(page, base, ANN)
    add_app(page, server)
    add_key(page, base, "Blue key")
    sign_out(page, base)
    sign_in(page, base, ANN)
    page.get_by_role("heading", name="One more step").wait_for()
    for folded in page.locator("main summary").all():
        folded.click()
    expect(page.get_by_label(BOX)).to_have_count(2)
    no_barriers(page)
    page.locator("form", has=page.get_by_role("button", name="Sign in with a security key")).get_by_label(BOX).check()
    page.get_by_role("button", name="Sign in with a security key").click()
    at_home(page)
    sign_out(page, base)
    sign_in(page, base, ANN)
    at_home(page)
