"""What people do on the hosted pages, in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PASSWORD, Open, keep, sign_in, sign_up
from tests.support.server import LiveServer

# Each journey has to work with a script and without one.
SCRIPTS = pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])


@SCRIPTS
def test_the_whole_way(limen: str, window: Open, script: bool) -> None:
    email = f"whole-way-{script}@example.org".lower()
    page = window(java_script_enabled=script)
    page.goto(limen)
    page.get_by_role("link", name="Create an account").click()
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Name").fill("Ann Example")
    page.get_by_role("button", name="Sign up", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Choose how to sign in")
    page.get_by_role("button", name="Back").click()
    expect(page.get_by_label("Name")).to_have_value("Ann Example")
    page.get_by_role("button", name="Sign up", exact=True).click()
    page.get_by_label("Password", exact=True).fill("short")
    page.get_by_role("button", name="Sign up", exact=True).click()
    expect(page.get_by_text("Use at least 8 characters: this password has 5.")).to_be_visible()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign up", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your account")
    expect(page.locator(".who")).to_contain_text("Ann Example")
    expect(page.locator(".who")).to_contain_text(email)

    page.get_by_role("link", name="Settings").click()
    section = page.get_by_role("region", name="Password")
    section.get_by_label("Password", exact=True).fill("another-horse-battery-2")
    section.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").filter(has_text="Your changes are saved.")).to_be_visible()
    page.get_by_role("link", name="Your account").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()

    sign_in(page, limen, email, "another-horse-battery-2")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your account")


@SCRIPTS
def test_a_wrong_password(limen: str, window: Open, script: bool) -> None:
    page = window(java_script_enabled=script)
    sign_in(page, limen, "nobody@example.org", "wrong")
    alert = page.get_by_role("alert")
    expect(alert).to_have_text("These sign-in details do not match. Check them and try again.")
    expect(page.get_by_label("E-mail")).to_have_value("nobody@example.org")
    password = page.get_by_label("Password", exact=True)
    expect(password).to_be_focused()
    expect(password).to_have_accessible_description("These sign-in details do not match. Check them and try again.")
    expect(page).to_have_title("Error: Sign in · Limen")


@SCRIPTS
def test_fields_left_empty(limen: str, window: Open, script: bool) -> None:
    page = window(java_script_enabled=script)
    page.goto(limen + "ui/login")
    page.get_by_label("Password", exact=True).fill("kept")
    page.get_by_role("button", name="Sign in with your password").click()
    field = page.get_by_label("E-mail")
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description("Error: Fill in this field.")
    if script:  # told before anything was sent, so nothing is lost
        expect(page.get_by_label("Password", exact=True)).to_have_value("kept")
        field.press_sequentially("a")
        expect(field).not_to_have_attribute("aria-invalid", "true")
        expect(field).to_have_accessible_description("")


@SCRIPTS
def test_several_mistakes(limen: str, window: Open, script: bool) -> None:
    page = window(java_script_enabled=script)
    page.goto(limen + "ui/login")
    button = page.get_by_role("button", name="Sign in with your password")
    if script:
        page.locator("[data-checks]").evaluate("button => button.removeAttribute('data-checks')")
    button.click()
    summary = page.get_by_role("alert", name="There is a problem")
    expect(summary.get_by_role("link")).to_have_text(["E-mail: Fill in this field.", "Password: Fill in this field."])
    summary.get_by_role("link", name="Password").click()
    expect(page.get_by_label("Password", exact=True)).to_be_focused()


@SCRIPTS
def test_signing_out_elsewhere(limen: str, window: Open, script: bool) -> None:
    email = f"elsewhere-{script}@example.org".lower()
    here = window(java_script_enabled=script)
    phone = window(user_agent="Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1")
    tablet = window()
    sign_up(here, limen, email)
    for other in (phone, tablet):
        sign_in(other, limen, email)
        expect(other.get_by_role("heading", level=1)).to_have_text("Your account")
    here.goto(limen + "ui/")
    here.get_by_role("button", name="Sign out Safari, iPhone").click()
    expect(here.get_by_role("status").filter(has_text="That device is signed out.")).to_be_visible()
    phone.reload()
    expect(phone.get_by_role("heading", level=1)).to_have_text("Welcome")
    sign_in(phone, limen, email)
    here.reload()
    here.get_by_role("button", name="Sign out everywhere else").click()
    expect(here.get_by_text("You are not signed in anywhere else.")).to_be_visible()
    for other in (phone, tablet):
        other.reload()
        expect(other.get_by_role("heading", level=1)).to_have_text("Welcome")


def test_a_language_is_chosen(limen: str, page: Page) -> None:
    page.goto(limen + "ui/login")
    page.get_by_role("link", name="Deutsch").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Anmelden")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    page.goto(limen + "ui/registration")
    expect(page.get_by_role("heading", level=1)).to_have_text("Konto anlegen")
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Create an account")


def test_the_browser_says_the_language(limen: str, window: Open) -> None:
    page = window(locale="de-CH")
    page.goto(limen + "ui/recovery")
    expect(page.get_by_role("heading", level=1)).to_have_text("Konto wiederherstellen")


def test_a_recovery(limen: str, page: Page) -> None:
    page.goto(limen + "ui/login")
    page.get_by_role("link", name="Forgot password?").click()
    page.get_by_label("E-mail address").fill("somebody@example.org")
    page.get_by_role("button", name="Continue").click()
    code = page.get_by_label("Recovery code")
    expect(code).to_be_focused()
    page.get_by_text("Nothing arrived?").click()
    expect(page.get_by_text("Look into the spam folder.")).to_be_visible()
    code.fill("123456")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert")).to_contain_text("This code does not match")
    page.get_by_role("button", name="Send a new code").click()
    expect(page.get_by_text("a code is on its way to it")).to_be_visible()


# --- states ---------------------------------------------------------------------------------------------------------


def test_a_form_that_was_open_for_too_long(live: LiveServer, page: Page) -> None:
    page.goto(live.public + "ui/login")
    live.clock.forward(hours=2)
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("This page was open for a while")
    page.get_by_role("link", name="Continue").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_a_form_opened_in_another_browser(limen: str, window: Open) -> None:
    first, second = window(), window()
    first.goto(limen + "ui/login")
    second.goto(first.url)
    expect(second.get_by_role("heading", level=1)).to_have_text("Started in another browser")
    second.get_by_role("link", name="Start again here").click()
    expect(second.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_cookies_lost_on_the_way(limen: str, page: Page) -> None:
    page.goto(limen + "ui/login")
    page.context.clear_cookies()
    page.get_by_label("E-mail").fill("ann@example.org")
    page.get_by_label("Password", exact=True).fill("x")
    page.get_by_role("button", name="Sign in with your password").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("This browser blocks cookies")


def test_an_error_that_belongs_to_no_form(limen: str, page: Page) -> None:
    page.goto(limen + "ui/login?return_to=https://evil.example/")
    expect(page.get_by_role("heading", level=1)).to_have_text("That did not work")
    expect(page.get_by_text("Technical id")).to_be_visible()
    page.get_by_role("link", name="Start again").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_a_form_may_lead_to_another_site(live: LiveServer, page: Page) -> None:
    """Chromium holds form-action against the redirects after a submit; the window would fail the test."""
    page.route("https://app.example.org/**", lambda route: route.fulfill(body="here", content_type="text/html"))
    sign_up(page, live.public, "leads@example.org")
    page.context.clear_cookies()
    page.goto(live.public + "ui/login?return_to=https://app.example.org/x")
    page.get_by_label("E-mail").fill("leads@example.org")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in with your password").click()
    page.wait_for_url("https://app.example.org/x")


# --- by keyboard, and other ways to use a page ----------------------------------------------------------------------


def test_signing_in_by_keyboard(limen: str, window: Open) -> None:
    sign_up(window(), limen, "keyboard@example.org")
    page = window()
    page.goto(limen + "ui/login")
    expect(page.get_by_label("E-mail")).to_be_focused()
    page.keyboard.type("keyboard@example.org")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Password", exact=True)).to_be_focused()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Tab")
    show = page.get_by_role("button", name="Show password")
    expect(show).to_be_focused()
    page.keyboard.press("Space")
    expect(page.locator("#password")).to_have_attribute("type", "text")
    expect(page.get_by_role("button", name="Hide password")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Sign in with your password")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your account")


def test_enter_in_a_field_presses_the_main_button(limen: str, window: Open) -> None:
    sign_up(window(), limen, "enter@example.org")
    page = window()
    page.goto(limen + "ui/login")
    page.get_by_label("E-mail").fill("enter@example.org")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your account")


def test_a_code_is_pasted_anywhere(limen: str, page: Page) -> None:
    page.goto(limen + "ui/recovery")
    page.get_by_label("E-mail address").fill("paste@example.org")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("heading", level=1).click()
    page.evaluate(
        """() => {
          const data = new DataTransfer();
          data.setData("text", "Your code is 482913. It works for an hour.");
          document.body.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true}));
        }"""
    )
    expect(page.get_by_label("Recovery code")).to_have_value("482913")


def test_the_account_in_the_dark(limen: str, window: Open) -> None:
    page = window(color_scheme="dark")
    sign_up(page, limen, "dark@example.org")
    keep(page, "account-dark-after-sign-up")
    ground = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert ground == "rgb(16, 18, 22)"
