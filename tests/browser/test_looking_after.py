"""Looking after an account: settings, devices, data, the end of it; the mailbox; what password managers need."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PASSWORD, Open
from tests.browser.walker import ANN, Look, Walker, looks
from tests.support import mail
from tests.support.callers import Caller
from tests.support.server import LiveServer, serve

NEW_PASSWORD = "another-horse-battery-2"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
WANTED = {
    "selfservice": {"flows": {name: {"enabled": True} for name in ("recovery", "verification")}},
    "limen": {
        "selfservice": {"account_deletion": {"enabled": True}},
        "notices": {"password_changed": True, "address_changed": True, "new_device": True},
    },
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LiveServer]:
    with serve(tmp_path, f"sqlite://{tmp_path}/limen.sqlite", WANTED) as started:
        yield started


# --- settings ---------------------------------------------------------------------------------------------------------


@looks
def test_the_profile_is_changed(server: LiveServer, window: Open, look: Look) -> None:
    ann = Walker(server, look, window).signed_up()
    ann.open("ui/settings")
    ann.at("own-settings", buttons=2).fill(traits__name="Ann Example").press("button[value=profile]")
    expect(ann.page.get_by_role("status").filter(has_text=ann.said("saved", "gespeichert"))).to_be_visible()
    expect(ann.page.locator("[name='traits.name']")).to_have_value("Ann Example")
    ann.at("own-settings-saved", buttons=2).fill(traits__email="nonsense").press("button[value=profile]")
    field = ann.page.locator("[name='traits.email']")
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    ann.at("own-settings-mistake", buttons=2)


@looks
def test_after_a_while_a_new_password_takes_a_fresh_sign_in(server: LiveServer, window: Open, look: Look) -> None:
    ann = Walker(server, look, window).signed_up()
    ann.open("ui/settings")
    server.clock.forward(minutes=59)
    ann.open("ui/settings")
    server.clock.forward(minutes=5)
    ann.fill(password=NEW_PASSWORD).press("button[value=password]")
    ann.heading("Confirm that it is you", "Bestätigen, dass Sie es sind")
    ann.at("privileged").fill(password=PASSWORD).press()
    ann.heading("Settings", "Einstellungen")
    expect(ann.page.get_by_role("status").filter(has_text=ann.said("saved", "gespeichert"))).to_be_visible()
    ann.at("privileged-saved", buttons=2)
    other = ann.elsewhere()
    other.sign_in(password=NEW_PASSWORD)
    other.heading("Your account", "Ihr Konto")
    assert mail.messages(server, ANN)[0]["subject"] == ann.said(
        "Your password was changed", "Ihr Passwort wurde geändert"
    )


@looks
def test_a_password_manager_finds_the_place_to_change_a_password(server: LiveServer, window: Open, look: Look) -> None:
    """https://www.w3.org/TR/change-password-url/"""
    Caller(server, "app").sign_up()
    ann = Walker(server, look, window)
    ann.open(".well-known/change-password")
    ann.heading("Sign in", "Anmelden")
    ann.fill(identifier=ANN, password=PASSWORD).press()
    ann.heading("Settings", "Einstellungen")
    expect(ann.page.locator("[name=password]")).to_have_attribute("autocomplete", "new-password")
    expect(ann.page.locator("form:has([name=password]) [autocomplete=username]")).to_have_value(ANN)
    ann.open(".well-known/change-password")
    ann.heading("Settings", "Einstellungen")


AUTOFILL = {
    "ui/login": {"identifier": "username", "password": "current-password"},
    "ui/registration": {"traits.email": "email", "traits.name": "name"},
    "ui/recovery": {"email": "email"},
    "ui/verification": {"email": "email"},
}


@pytest.mark.parametrize("path", AUTOFILL)
def test_fields_say_what_belongs_into_them(server: LiveServer, window: Open, path: str) -> None:
    page = window()
    page.goto(server.public + path)
    found = {
        field.get_attribute("name"): field.get_attribute("autocomplete")
        for field in page.locator("main input:visible").all()
    }
    assert found == AUTOFILL[path]


@pytest.mark.parametrize("kind", ["recovery", "verification"])
def test_a_code_is_offered_by_the_keyboard_of_a_phone(server: LiveServer, window: Open, kind: str) -> None:
    """A text message, and the mail program of a phone, hand the code to the field that asks for it."""
    ann = Walker(server, "german-phone", window)
    if kind == "verification":
        ann.signed_up()
    ann.open(f"ui/{kind}")
    ann.fill(email=ANN).press()
    code = ann.page.locator("#code")
    expect(code).to_have_attribute("autocomplete", "one-time-code")
    expect(code).to_have_attribute("inputmode", "numeric")
    expect(code).to_be_focused()


# --- the account ------------------------------------------------------------------------------------------------------


@looks
def test_data_are_taken_along_and_the_account_is_deleted(server: LiveServer, window: Open, look: Look) -> None:
    ann = Walker(server, look, window).signed_up(name="Ann Example")
    ann.open("ui/")
    ann.at("own-account", buttons=0)
    with ann.page.expect_download() as download:
        ann.page.locator("a[href$='account/data']").click()
    assert download.value.suggested_filename == "account.json"
    assert json.loads(download.value.path().read_text())["identity"]["traits"]["name"] == "Ann Example"
    server.clock.forward(hours=2)
    ann.press("a[href$='account/delete']")
    ann.heading("Confirm that it is you", "Bestätigen, dass Sie es sind")
    ann.fill(password=PASSWORD).press()
    ann.heading("Delete your account", "Konto löschen")
    ann.at("account-delete", buttons=0).press("button.danger")
    ann.heading("Your account is deleted", "Ihr Konto ist gelöscht")
    ann.at("account-deleted")
    assert not ann.is_signed_in
    assert mail.messages(server, ANN)[0]["subject"] == ann.said("Your account was deleted", "Ihr Konto wurde gelöscht")


@looks
def test_a_new_device_is_told_in_a_mail_that_can_be_read(server: LiveServer, window: Open, look: Look) -> None:
    caller = Caller(server, "script")
    caller.sign_up()
    firefox = Caller(server, "script")
    language = {"german-phone": "de-DE"}.get(look, "en-GB")
    firefox.http.headers.update({"user-agent": FIREFOX, "accept-language": language})
    firefox.sign_in()
    ann = Walker(server, look, window)
    ann.open("ui/mailbox")
    ann.at("mailbox", buttons=0).press(".places li:first-child a")
    ann.heading("A new sign-in to your account", "Eine neue Anmeldung in Ihrem Konto")
    frame = ann.page.frame_locator("iframe.mail")
    expect(frame.get_by_text("Firefox, Linux")).to_be_visible()
    ann.at("mailbox-new-device", buttons=0)


@looks
def test_an_empty_mailbox_says_so(server: LiveServer, window: Open, look: Look) -> None:
    ann = Walker(server, look, window)
    ann.open("ui/mailbox")
    ann.heading("Mailbox", "Postfach")
    ann.at("mailbox-empty", buttons=0)


# --- the identifier first ---------------------------------------------------------------------------------------------


@looks
def test_the_identifier_comes_first(tmp_path: Path, window: Open, look: Look) -> None:
    first = {"selfservice": {"flows": {"login": {"style": "identifier_first"}, "recovery": {"enabled": True}}}}
    with serve(tmp_path, f"sqlite://{tmp_path}/limen.sqlite", first) as server:
        Caller(server, "app").sign_up()
        ann = Walker(server, look, window)
        ann.open("ui/login")
        ann.at("identifier-first").fill(identifier="nobody@example.org").press()
        expect(ann.page.locator("#identifier")).to_have_attribute("aria-invalid", "true")
        ann.at("identifier-first-unknown").fill(identifier=ANN).press()
        expect(ann.page.locator(".account")).to_contain_text(ANN)
        expect(ann.page.locator("#password")).to_have_attribute("autocomplete", "current-password")
        expect(ann.page.locator("form [autocomplete=username]")).to_have_value(ANN)
        ann.at("identifier-first-known").fill(password="wrong").press()
        expect(ann.alert()).to_be_visible()
        ann.at("identifier-first-wrong").fill(password=PASSWORD).press()
        ann.heading("Your account", "Ihr Konto")
