"""Every page for everybody: axe-core, small and enlarged windows, the dark, forced colours. And a picture of each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Open, keep, sign_in, sign_up
from tests.pages.gallery import GALLERY, Shown, settings, store
from tests.support.server import LiveServer, serve

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
SIMPLE = {
    "welcome": "ui/", "login": "ui/login", "registration": "ui/registration", "recovery": "ui/recovery",
    "verification": "ui/verification", "error": "ui/error?id=stub:500", "not-found": "ui/nothing", "signed-out": "ui/logout",
}  # fmt: skip
OWN = {"account": "ui/", "settings": "ui/settings", "sign-out": "ui/logout"}  # of who is signed in
MADE = {
    "settings-everything": Shown(kind="settings", nodes=settings(), more={"state": "success"}),
    "settings-mistakes": Shown(kind="settings", nodes=settings(mistaken=True)),
}
NAMES = [*SIMPLE, *OWN, *GALLERY, *MADE]
WINDOWS = {"light": {"color_scheme": "light"}, "dark-german": {"color_scheme": "dark", "locale": "de-DE"}}
FLOWS = {"recovery": {"enabled": True}, "verification": {"enabled": True}}


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    folder: Path = tmp_path_factory.mktemp("gallery")
    with serve(folder, f"sqlite://{folder}/limen.sqlite", {"selfservice": {"flows": FLOWS}}) as live:
        yield live


@pytest.fixture(scope="module")
def signed_in(gallery: LiveServer, browser: Browser) -> Any:
    """The cookies of somebody who is signed in here and in two other browsers."""
    here, *others = (browser.new_context(locale="en-GB") for _ in range(3))
    sign_up(here.new_page(), gallery.public, "ann@example.org")
    for other in others:
        page = other.new_page()
        sign_in(page, gallery.public, "ann@example.org")
        page.get_by_role("heading", name="Your account").wait_for()
        other.close()
    state = here.storage_state()
    here.close()
    return state


def show(page: Page, live: LiveServer, name: str) -> None:
    """Open the page of this name in a window that is signed in where the page needs it."""
    if place := SIMPLE.get(name) or OWN.get(name):
        page.goto(live.public + place)
        return
    page.goto(live.public + "ui/")
    secret = next(c["value"] for c in page.context.cookies() if c["name"] == live.app.site.project.csrf_cookie)
    shown = GALLERY.get(name) or MADE[name]
    if shown.kind == "settings":
        session = page.request.get(live.public + "sessions/whoami").json()
        own = {"identity_id": session["identity"]["id"], "session_id": session["id"]}
        shown = Shown(kind=shown.kind, nodes=shown.nodes, told=shown.told, more=shown.more | own)
    page.goto(store(live, secret, shown))


def options(name: str, signed_in: Any, window: dict[str, Any]) -> dict[str, Any]:
    return {**window, **({"storage_state": signed_in} if name in OWN or name in MADE else {})}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", WINDOWS)
def test_axe_finds_nothing(gallery: LiveServer, signed_in: Any, window: Open, size: str, name: str) -> None:
    page = window(**options(name, signed_in, WINDOWS[size]))
    show(page, gallery, name)
    keep(page, f"{name}-{size}")
    for folded in page.locator("summary").all():
        folded.click()
    found = Axe().run(page, options=RULES)
    assert found.response["violations"] == [], found.generate_report()


@pytest.mark.parametrize("name", NAMES)
def test_nothing_has_to_be_moved_sideways(gallery: LiveServer, signed_in: Any, window: Open, name: str) -> None:
    page = window(**options(name, signed_in, {"viewport": {"width": 390, "height": 844}, "locale": "de-DE"}))
    show(page, gallery, name)
    keep(page, f"{name}-phone")
    for folded in page.locator("summary").all():
        folded.click()
    for width in (640, 320):  # a window of 1280 at 200 % and at 400 %
        page.set_viewport_size({"width": width, "height": 512})
        _fits(page, width)


def _fits(page: Page, width: int) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for button in page.locator("main button:visible, main a.button:visible").all():
        box = button.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["height"] >= 24  # WCAG 2.5.8


@pytest.mark.parametrize("name", ["login-everything", "registration-mistakes", "account", "settings-everything"])
def test_forced_colours_keep_the_edges(gallery: LiveServer, signed_in: Any, window: Open, name: str) -> None:
    page = window(**options(name, signed_in, {"forced_colors": "active"}))
    show(page, gallery, name)
    keep(page, f"{name}-forced-colours")
    for field in page.locator(
        "input:visible:not([type=checkbox]), .main:visible, .plain:visible, .danger:visible"
    ).all():
        width, style = field.evaluate("e => [getComputedStyle(e).borderTopWidth, getComputedStyle(e).borderTopStyle]")
        assert (width, style) == ("1px", "solid")


def test_reduced_motion_stands_still(gallery: LiveServer, window: Open) -> None:
    page = window(reduced_motion="reduce")
    page.goto(gallery.public + "ui/login")
    moving = (
        "Array.from(document.querySelectorAll('*')).filter(e => getComputedStyle(e).transitionDuration !== '0s').length"
    )
    assert page.evaluate(moving) == 0


def test_a_page_reads_from_the_right_where_the_language_does(gallery: LiveServer, signed_in: Any, window: Open) -> None:
    page = window(**options("settings-everything", signed_in, {"viewport": {"width": 390, "height": 844}}))
    show(page, gallery, "settings-everything")
    page.evaluate("document.documentElement.dir = 'rtl'")
    keep(page, "settings-everything-right-to-left")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    reveal, field = page.locator(".reveal").bounding_box(), page.locator("#password").bounding_box()
    assert reveal is not None
    assert field is not None
    assert reveal["x"] == field["x"]  # at the end of the line, which is on the left


# --- scripts --------------------------------------------------------------------------------------------------------


def test_a_passkey_button_calls_its_function(gallery: LiveServer, window: Open) -> None:
    page = window()
    page.add_init_script("window.called = []; window.oryPasskeyLogin = (...given) => window.called.push(given)")
    show(page, gallery, "login-everything")
    page.get_by_role("button", name="Sign in with a passkey").click()
    assert page.evaluate("window.called") == [[]]


def test_a_security_key_button_hands_on_its_options(gallery: LiveServer, window: Open) -> None:
    page = window()
    page.add_init_script("window.called = []; window.oryWebAuthnLogin = (...given) => window.called.push(given)")
    show(page, gallery, "login-second")
    page.get_by_role("button", name="Sign in with a security key").click()
    assert page.evaluate("window.called") == [['{"publicKey":{}}']]


def test_a_function_that_arrives_late_is_still_called(gallery: LiveServer, window: Open) -> None:
    page = window()
    show(page, gallery, "login-everything")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.evaluate(
        """() => {
          window.called = 0;
          window.oryPasskeyLogin = () => { window.called += 1; };
          window.__oryWebAuthnInitialized = true;
          dispatchEvent(new Event("oryWebAuthnInitialized"));
        }"""
    )
    assert page.evaluate("window.called") == 1


def test_without_a_script_a_passkey_button_says_what_it_needs(gallery: LiveServer, window: Open) -> None:
    page = window(java_script_enabled=False)
    show(page, gallery, "login-everything")
    expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_hidden()
    expect(page.get_by_text("Security keys and passkeys need JavaScript.")).to_be_visible()


def test_a_browser_without_passkeys_says_so(gallery: LiveServer, window: Open) -> None:
    page = window()
    page.add_init_script("delete window.PublicKeyCredential")
    show(page, gallery, "login-everything")
    expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_hidden()
    expect(page.get_by_text("This browser cannot use security keys and passkeys.")).to_be_visible()


def test_backup_codes_are_copied(gallery: LiveServer, signed_in: Any, window: Open) -> None:
    page = window(storage_state=signed_in, permissions=["clipboard-read", "clipboard-write"])
    show(page, gallery, "settings-everything")
    section = page.get_by_role("region", name="Backup codes")
    section.get_by_role("button", name="Copy").click()
    expect(section.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.split("\n") == [f"k{n}x9abcd" for n in range(11)]


def test_a_time_is_sent_with_its_zone(gallery: LiveServer, window: Open) -> None:
    page = window(timezone_id="Europe/Berlin")
    show(page, gallery, "registration-traits")
    field = page.locator("#traits-seen")
    expect(field).to_have_attribute("type", "datetime-local")
    field.fill("2026-07-01T14:30")
    sent = page.evaluate("new FormData(document.querySelector('#traits-seen').form).get('traits.seen')")
    assert sent == "2026-07-01T12:30:00.000Z"


def test_a_form_is_sent_once(gallery: LiveServer, window: Open) -> None:
    page = window()
    page.goto(gallery.public + "ui/recovery")
    page.get_by_label("E-mail address").fill("once@example.org")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.get_by_role("button", name="Continue").dblclick()
    expect(page.get_by_role("heading", level=1)).to_have_text("Enter the code")
    assert len(sent) == 1
