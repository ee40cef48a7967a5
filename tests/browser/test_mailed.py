"""What is proved by a message: addresses, accounts and sign-ins, by code and by link."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PASSWORD, Open
from tests.browser.walker import ANN, Look, Walker, looks
from tests.support import mail
from tests.support.callers import Caller
from tests.support.server import LiveServer, merge, serve

NEW_PASSWORD = "another-horse-battery-2"
FLOWS = {name: {"enabled": True} for name in ("recovery", "verification")}
CODES: dict[str, Any] = {
    "selfservice": {
        "flows": {**FLOWS, "registration": {"after": {"code": {"hooks": [{"hook": "session"}]}}}},
        "methods": {"code": {"enabled": True, "passwordless_enabled": True}},
    }
}
LINKS = merge(
    CODES,
    {
        "selfservice": {
            "flows": {name: {"use": "link"} for name in FLOWS},
            "methods": {"link": {"enabled": True}, "code": {"passwordless_enabled": False}},
        },
        "limen": {"methods": {"link": {"login_enabled": True}}},
    },
)


@pytest.fixture
def codes(tmp_path: Path) -> Iterator[LiveServer]:
    with serve(tmp_path, f"sqlite://{tmp_path}/limen.sqlite", CODES) as started:
        yield started


@pytest.fixture
def links(tmp_path: Path) -> Iterator[LiveServer]:
    with serve(tmp_path, f"sqlite://{tmp_path}/limen.sqlite", LINKS) as started:
        yield started


def is_verified(server: LiveServer, address: str = ANN) -> bool:
    found = httpx.get(f"{server.admin}admin/identities", params={"credentials_identifier": address}).json()
    return bool(found[0]["verifiable_addresses"][0]["verified"])


def recoveries(server: LiveServer) -> list[dict[str, Any]]:
    return [m for m in mail.messages(server, ANN) if m["template_type"] == "recovery_code_valid"]


# --- an address -------------------------------------------------------------------------------------------------------


@looks
def test_an_address_is_confirmed_by_a_code(codes: LiveServer, window: Open, look: Look) -> None:
    ann = Walker(codes, look, window).signed_up()
    ann.open("ui/verification")
    ann.at("verification-start").fill(email=ANN).press()
    ann.heading("Enter the code", "Code eingeben")
    ann.at("verification-sent").fill(code=mail.wrong(mail.code(codes, ANN))).press()
    expect(ann.alert()).to_be_visible()
    ann.at("verification-wrong").fill(code=mail.code(codes, ANN)).press()
    ann.heading("Address verified", "Adresse bestätigt")
    ann.at("verification-passed").press("a.main")
    ann.heading("Your account", "Ihr Konto")
    assert is_verified(codes)


@looks
def test_the_link_beside_the_code_fills_it_in(codes: LiveServer, window: Open, look: Look) -> None:
    ann = Walker(codes, look, window).signed_up()
    ann.open("ui/verification")
    ann.fill(email=ANN).press()
    phone = ann.elsewhere()
    phone.open(mail.link(codes, ANN))
    expect(phone.page.locator("#code")).to_have_value(mail.code(codes, ANN))
    phone.at("verification-filled-in").press()
    phone.heading("Address verified", "Adresse bestätigt")
    assert is_verified(codes)


@looks
def test_an_address_is_confirmed_by_a_link(links: LiveServer, window: Open, look: Look) -> None:
    ann = Walker(links, look, window).signed_up()
    ann.open("ui/verification")
    ann.fill(email=ANN).press()
    ann.heading("Look into your inbox", "Sehen Sie in Ihr Postfach")
    expect(ann.page.locator(".account")).to_contain_text(ANN)
    ann.at("verification-link-sent", buttons=0)
    phone = ann.elsewhere()
    phone.open(mail.link(links, ANN))
    phone.heading("Confirm your address", "Adresse bestätigen")
    assert not is_verified(links)
    phone.at("verification-link").press()
    phone.heading("Address verified", "Adresse bestätigt")
    assert is_verified(links)


@looks
def test_the_link_of_a_new_address_is_asked_for_again(links: LiveServer, window: Open, look: Look) -> None:
    """The form that follows a changed address: Kratos' has one button twice, and one that does nothing."""
    ann = Walker(links, look, window).signed_up()
    ann.open("ui/settings")
    ann.fill(traits__email="ann@example.com").press("button[value=profile]")
    flow = httpx.get(f"{links.admin}admin/courier/messages", params={"recipient": "ann@example.com"}).json()[0]
    assert "flow=" in flow["body"]
    id_ = flow["body"].partition("flow=")[2].partition("&")[0]
    ann.open(f"ui/verification?flow={id_}")
    expect(ann.page.locator(".account")).to_contain_text("ann@example.com")
    ann.at("verification-link-announced", buttons=0)
    links.clock.forward(minutes=1)
    ann.page.reload()
    ann.press("button.quiet")
    expect(ann.page.locator(".account")).to_contain_text("ann@example.com")
    assert len(mail.messages(links, "ann@example.com")) == 2


# --- an account -------------------------------------------------------------------------------------------------------


@looks
def test_an_account_is_recovered_by_a_code(codes: LiveServer, window: Open, look: Look) -> None:
    Caller(codes, "app").sign_up()
    ann = Walker(codes, look, window)
    ann.open("ui/recovery")
    ann.at("recovery-start").fill(email=ANN).press()
    ann.at("recovery-sent").fill(code=mail.code(codes, ANN)).press()
    ann.heading("Settings", "Einstellungen")
    expect(ann.page.locator("main input:visible").first).to_have_attribute("autocomplete", "new-password")
    ann.at("recovery-settings", buttons=2).fill(password=NEW_PASSWORD).press("button[value=password]")
    expect(ann.page.get_by_role("status").first).to_be_visible()
    ann.at("recovery-new-password", buttons=2)
    other = ann.elsewhere()
    other.sign_in(password=NEW_PASSWORD)
    other.heading("Your account", "Ihr Konto")


@looks
def test_an_account_is_recovered_by_a_link_in_another_browser(links: LiveServer, window: Open, look: Look) -> None:
    Caller(links, "app").sign_up()
    ann = Walker(links, look, window)
    ann.open("ui/recovery")
    ann.fill(email=ANN).press()
    ann.heading("Look into your inbox", "Sehen Sie in Ihr Postfach")
    ann.at("recovery-link-sent", buttons=0)
    phone = ann.elsewhere()
    phone.open(mail.link(links, ANN))
    phone.heading("Back into your account", "Zurück in Ihr Konto")
    phone.at("recovery-link").press()
    phone.heading("Settings", "Einstellungen")
    assert (phone.is_signed_in, ann.is_signed_in) == (True, False)
    late = ann.elsewhere()
    late.open(mail.link(links, ANN))
    late.press()
    expect(late.alert()).to_be_visible()
    late.at("recovery-link-used")
    assert not late.is_signed_in


# --- a sign-in --------------------------------------------------------------------------------------------------------


@looks
def test_signing_up_and_in_with_a_code(codes: LiveServer, window: Open, look: Look) -> None:
    ann = Walker(codes, look, window)
    ann.open("ui/registration")
    ann.at("code-sign-up").fill(traits__email=ANN).press()
    ann.at("code-sign-up-ways").press("button[value=code]")
    ann.heading("Enter the code", "Code eingeben")
    ann.at("code-sign-up-sent").fill(code=mail.code(codes, ANN)).press()
    ann.heading("Your account", "Ihr Konto")
    other = ann.elsewhere()
    other.open("ui/login")
    other.at("code-sign-in").fill(identifier=ANN).press("button[value=code]")
    other.heading("Enter the code", "Code eingeben")
    other.at("code-sign-in-sent").fill(code=mail.code(codes, ANN)).press()
    other.heading("Your account", "Ihr Konto")


@looks
def test_signing_in_with_a_link(links: LiveServer, window: Open, look: Look) -> None:
    Caller(links, "app").sign_up()
    ann = Walker(links, look, window)
    ann.open("ui/login")
    ann.at("link-sign-in").fill(identifier=ANN).press("button[value=link]")
    ann.heading("Look into your inbox", "Sehen Sie in Ihr Postfach")
    ann.at("link-sign-in-sent", buttons=0)
    phone = ann.elsewhere()
    phone.open(mail.link(links, ANN))
    phone.at("link-sign-in-link").press()
    phone.heading("Your account", "Ihr Konto")


@looks
def test_a_code_as_the_second_step(tmp_path: Path, window: Open, look: Look) -> None:
    second = {
        "selfservice": {
            "methods": {"code": {"passwordless_enabled": False, "mfa_enabled": True}},
            "flows": {"settings": {"required_aal": "highest_available"}},
        },
        "session": {"whoami": {"required_aal": "highest_available"}},
    }
    with serve(tmp_path, f"sqlite://{tmp_path}/limen.sqlite", merge(CODES, second)) as server:
        password = {"password": {"config": {"password": PASSWORD}}}
        ann = {"schema_id": "default", "traits": {"email": ANN}, "credentials": password}
        assert httpx.post(f"{server.admin}admin/identities", json=ann).status_code == 201
        walker = Walker(server, look, window)
        walker.sign_in()
        walker.heading("Enter the code", "Code eingeben")  # there is one address, so it was sent at once
        walker.at("second-code-sent").fill(code=mail.code(server, ANN)).press()
        walker.heading("Your account", "Ihr Konto")


# --- sending again ----------------------------------------------------------------------------------------------------


def test_sending_again_waits_and_says_how_long(codes: LiveServer, window: Open) -> None:
    Caller(codes, "app").sign_up()
    ann = Walker(codes, "script", window)
    ann.page.clock.install()
    ann.open("ui/recovery")
    ann.fill(email=ANN).press()
    again = ann.page.locator("button.quiet")
    expect(again).to_be_disabled()
    expect(again).to_have_text("Send a new code (in 30 s)")
    ann.page.clock.run_for(12_000)
    expect(again).to_have_text("Send a new code (in 18 s)")
    codes.clock.forward(seconds=20)
    ann.page.reload()  # the server knows how long it has been
    expect(again).to_have_text("Send a new code (in 10 s)")
    ann.page.clock.run_for(10_000)
    expect(again).to_have_text("Send a new code")
    first = mail.code(codes, ANN)
    again.click()
    expect(again).to_have_text("Send a new code (in 30 s)")
    assert len(recoveries(codes)) == 2
    ann.fill(code=mail.wrong(first)).press()
    expect(again).to_be_enabled()


def test_without_a_script_nothing_has_to_be_waited_for(codes: LiveServer, window: Open) -> None:
    Caller(codes, "app").sign_up()
    ann = Walker(codes, "no-script", window)
    ann.open("ui/recovery")
    ann.fill(email=ANN).press()
    ann.press("button.quiet")
    ann.heading("Enter the code", "")
    assert len(recoveries(codes)) == 2
