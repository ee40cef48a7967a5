"""Security keys and passkeys on our pages, in a real browser with an authenticator that is simulated."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, keep, sign_in, sign_up
from tests.browser.device import BUILT_IN, KEYS, WITH_PIN, Device
from tests.support.keys import schema
from tests.support.server import LiveServer, merge, serve

ANN = "ann@example.org"
RP = {"id": "localhost", "display_name": "Example"}
SESSION = {"hooks": [{"hook": "session"}]}
BASE: dict[str, Any] = {
    "selfservice": {
        "methods": {"webauthn": {"enabled": True, "config": {"passwordless": False, "rp": RP}}},
        "flows": {"registration": {"after": {"passkey": SESSION, "webauthn": SESSION}}},
    },
    "session": {"whoami": {"required_aal": "highest_available"}},
}
PASSKEYS = {"selfservice": {"methods": {"passkey": {"enabled": True, "config": {"rp": RP}}}}}
ALONE = {"selfservice": {"methods": {"webauthn": {"config": {"passwordless": True}}}}}

Begin = Callable[..., LiveServer]


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Start a server that browsers know as localhost: a key belongs to a name, never to an address."""
    with ExitStack() as stack:

        def started(over: dict[str, Any] | None = None) -> LiveServer:
            dsn = f"sqlite://{tmp_path}/limen.sqlite"
            whole = merge(BASE, over or {})
            return stack.enter_context(serve(tmp_path, dsn, whole, schema=schema(), name="localhost"))

        yield started


def sign_out(page: Page, base: str) -> None:
    page.goto(base + "ui/logout")
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("heading", level=1).wait_for()


def add_key(page: Page, base: str, name: str) -> None:
    page.goto(base + "ui/settings")
    section = page.get_by_role("region", name="Security keys")
    section.get_by_label("Name of the security key").fill(name)
    section.get_by_role("button", name="Add a security key").click()
    expect(page.get_by_text("Your changes are saved.")).to_be_visible()


def add_passkey(page: Page, base: str) -> None:
    page.goto(base + "ui/settings")
    page.get_by_role("region", name="Passkeys").get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_text("Your changes are saved.")).to_be_visible()


def level(page: Page, base: str) -> Any:
    return page.request.get(base + "sessions/whoami").json()["authenticator_assurance_level"]


def at_home(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text("Your account")


# --- a second factor --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KEYS)
def test_a_key_is_added_asked_for_and_removed(begin: Begin, page: Page, kind: str) -> None:
    base = begin().public
    key = Device(page, KEYS[kind])
    sign_up(page, base, ANN)
    add_key(page, base, "Blue key")
    assert len(key.credentials()) == 1
    expect(page.locator(".device")).to_have_text("Blue key")
    keep(page, f"settings-key-{kind.replace(' ', '-')}".lower())
    sign_out(page, base)
    sign_in(page, base, ANN)
    expect(page.get_by_role("heading", level=1)).to_have_text("One more step")
    keep(page, "second-step-key")
    page.get_by_role("button", name="Sign in with a security key").click()
    at_home(page)
    assert level(page, base) == "aal2"
    page.goto(base + "ui/settings")
    remove(page, "Blue key")
    expect(page.get_by_text("Your changes are saved.")).to_be_visible()
    sign_out(page, base)
    sign_in(page, base, ANN)
    at_home(page)


def remove(page: Page, name: str) -> None:
    """Say that one wants to, read what that means, and do it."""
    entry = page.get_by_role("listitem").filter(has_text=name)
    entry.locator("summary").click()
    entry.get_by_role("button", name=re.compile("^Remove")).click()


def test_a_step_up_asks_for_the_key(begin: Begin, page: Page) -> None:
    base = begin({"session": {"whoami": {"required_aal": "aal1"}}}).public
    Device(page, WITH_PIN)
    sign_up(page, base, ANN)
    add_key(page, base, "Blue key")
    sign_out(page, base)
    sign_in(page, base, ANN)
    at_home(page)
    assert level(page, base) == "aal1"
    page.goto(f"{base}self-service/login/browser?aal=aal2&return_to={base}ui/")
    page.get_by_role("button", name="Sign in with a security key").click()
    at_home(page)
    assert level(page, base) == "aal2"


def test_the_key_of_somebody_else_is_refused(begin: Begin, window: Open) -> None:
    base = begin().public
    ann, eve = window(), window()
    Device(ann, WITH_PIN)
    Device(eve, WITH_PIN)
    sign_up(ann, base, ANN)
    add_key(ann, base, "Blue key")
    sign_in(eve, base, ANN)  # Eve knows the password
    eve.get_by_role("button", name="Sign in with a security key").click()
    expect(eve.get_by_role("alert")).to_contain_text("key")
    expect(eve.get_by_role("heading", level=1)).to_have_text("One more step")


def test_a_copied_key_leaves_a_mark(begin: Begin, page: Page) -> None:
    """The counter falls back: the sign-in goes on, as with Kratos, and an operator can see it."""
    server = begin()
    base = server.public
    key = Device(page, WITH_PIN)
    sign_up(page, base, ANN)
    add_key(page, base, "Blue key")
    id_ = page.request.get(base + "sessions/whoami").json()["identity"]["id"]
    for copied in (False, True):
        if copied:
            key.turn_back(2)
        sign_out(page, base)
        sign_in(page, base, ANN)
        page.get_by_role("button", name="Sign in with a security key").click()
        at_home(page)
        stored = page.request.get(f"{server.admin}admin/identities/{id_}?include_credential=webauthn").json()
        [one] = stored["credentials"]["webauthn"]["config"]["credentials"]
        assert one["authenticator"]["clone_warning"] is copied


def test_a_key_without_a_name_is_not_made(begin: Begin, page: Page) -> None:
    base = begin().public
    key = Device(page, WITH_PIN)
    sign_up(page, base, ANN)
    page.goto(base + "ui/settings")
    section = page.get_by_role("region", name="Security keys")
    section.get_by_role("button", name="Add a security key").click()
    expect(section.get_by_label("Name of the security key")).to_be_focused()
    expect(section.get_by_label("Name of the security key")).to_have_accessible_description(
        "Error: Fill in this field."
    )
    assert key.credentials() == []


def test_a_key_is_added_once(begin: Begin, page: Page) -> None:
    base = begin().public
    Device(page, WITH_PIN)
    sign_up(page, base, ANN)
    add_key(page, base, "Blue key")
    section = page.get_by_role("region", name="Security keys")
    section.get_by_label("Name of the security key").fill("The same again")
    section.get_by_role("button", name="Add a security key").click()
    expect(section.get_by_role("alert")).to_contain_text("registered already")


# --- without a password -----------------------------------------------------------------------------------------------


def test_an_account_is_made_with_a_key_alone(begin: Begin, page: Page) -> None:
    base = begin(ALONE).public
    Device(page, WITH_PIN)
    page.goto(base + "ui/registration")
    page.get_by_label("E-mail").fill(ANN)
    page.get_by_role("button", name="Sign up", exact=True).click()
    page.get_by_text("Security keys", exact=True).click()
    page.get_by_label("Name of the security key").fill("Blue key")
    page.get_by_role("button", name="Sign up with a security key").click()
    at_home(page)
    sign_out(page, base)
    page.goto(base + "ui/login")
    page.get_by_label("E-mail").fill(ANN)
    page.get_by_role("button", name="Sign in with a security key").click()
    page.get_by_role("button", name="Continue").click()
    at_home(page)


def test_an_account_is_made_with_a_passkey(begin: Begin, page: Page) -> None:
    base = begin(PASSKEYS).public
    device = Device(page, BUILT_IN)
    page.goto(base + "ui/registration")
    page.get_by_label("E-mail").fill(ANN)
    page.get_by_role("button", name="Sign up", exact=True).click()
    page.get_by_role("button", name="Sign up with a passkey").click()
    at_home(page)
    [credential] = device.credentials()
    assert credential["isResidentCredential"]
    assert credential["rpId"] == "localhost"


def test_a_passkey_signs_in_from_its_button(begin: Begin, page: Page) -> None:
    base = begin(PASSKEYS).public
    device = Device(page, BUILT_IN)
    sign_up(page, base, ANN)
    add_passkey(page, base)
    keep(page, "settings-passkey")
    sign_out(page, base)
    device.touch(willing=False)  # the list in the field is not chosen from
    page.goto(base + "ui/login")
    page.get_by_role("button", name="Sign in with a passkey").wait_for()
    device.touch(willing=True)
    page.get_by_role("button", name="Sign in with a passkey").click()
    at_home(page)


@pytest.mark.parametrize("style", ["unified", "identifier_first"])
def test_a_passkey_is_offered_in_the_field(begin: Begin, page: Page, style: str) -> None:
    """Conditional mediation (W3C WebAuthn 3, §5.1.4): chosen from the list of the browser, without a button."""
    base = begin(merge(PASSKEYS, {"selfservice": {"flows": {"login": {"style": style}}}})).public
    Device(page, BUILT_IN)
    sign_up(page, base, ANN)
    add_passkey(page, base)
    sign_out(page, base)
    page.goto(base + "ui/login")  # the simulated owner chooses at once
    at_home(page)


def test_a_passkey_is_removed(begin: Begin, page: Page) -> None:
    base = begin(PASSKEYS).public
    device = Device(page, BUILT_IN)
    sign_up(page, base, ANN)
    add_passkey(page, base)
    remove(page, "Without a name")
    expect(page.get_by_text("Your changes are saved.")).to_be_visible()
    sign_out(page, base)
    device.touch(willing=False)
    page.goto(base + "ui/login")
    page.get_by_role("button", name="Sign in with a passkey").wait_for()
    device.touch(willing=True)
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("not known here")


# --- what goes wrong --------------------------------------------------------------------------------------------------


def test_an_answer_made_for_another_page_is_refused(begin: Begin, window: Open) -> None:
    """A page of another origin, which the browser lets use the key, has Ann answer our question there."""
    server = begin()
    base = server.public
    page = window()
    Device(page, WITH_PIN)
    sign_up(page, base, ANN)
    add_key(page, base, "Blue key")
    sign_out(page, base)
    sign_in(page, base, ANN)
    asked = page.locator("[name=webauthn_login_trigger]").get_attribute("value")
    here = page.url
    page.goto(server.admin.replace("127.0.0.1", "localhost") + "health/alive")  # the same name, another port
    answer = page.evaluate(ANSWER, asked)
    page.goto(here)
    page.evaluate(
        """(answer) => {
          const field = document.querySelector("[name=webauthn_login]");
          field.value = answer;
          HTMLFormElement.prototype.submit.call(field.form);
        }""",
        answer,
    )
    expect(page.get_by_role("alert")).to_contain_text("key")
    assert page.request.get(base + "sessions/whoami").status == 403


ANSWER = """async (asked) => {
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\\+/g, "-").replace(/\\//g, "_").replace(/=+$/, "");
  const { publicKey } = JSON.parse(asked);
  publicKey.challenge = bytes(publicKey.challenge);
  publicKey.allowCredentials = publicKey.allowCredentials.map((key) => ({ ...key, id: bytes(key.id) }));
  const found = await navigator.credentials.get({ publicKey });
  const { clientDataJSON, authenticatorData, signature } = found.response;
  return JSON.stringify({
    id: found.id, rawId: text(found.rawId), type: found.type,
    response: {
      clientDataJSON: text(clientDataJSON), authenticatorData: text(authenticatorData), signature: text(signature),
    },
  });
}"""


@pytest.mark.parametrize("locale", ["en-GB", "de-DE"])
def test_a_key_that_is_not_used_is_told_on_the_page(begin: Begin, window: Open, locale: str) -> None:
    words = {"en-GB": "The key was not used.", "de-DE": "Der Schlüssel wurde nicht verwendet."}
    names = {"en-GB": "Sign in with a security key", "de-DE": "Mit Sicherheitsschlüssel anmelden"}
    base = begin().public
    page = window()
    key = Device(page, WITH_PIN)
    sign_up(page, base, ANN)
    add_key(page, base, "Blue key")
    sign_out(page, base)
    sign_in(page, base, ANN)
    page.get_by_role("heading", name="One more step").wait_for()
    page.goto(page.url + f"&lang={locale[:2]}")
    key.unplug()
    Device(page, WITH_PIN)  # a key that is not known here
    page.get_by_role("button", name=names[locale]).click()
    expect(page.get_by_role("alert")).to_contain_text(words[locale])
    keep(page, f"key-not-used-{locale[:2]}")


def test_a_passkey_that_must_know_its_owner(begin: Begin, page: Page) -> None:
    """`user_verification: required`: a device that does not recognise who holds it is of no use."""
    wanted = {"authenticator_selection": {"user_verification": "required"}}
    base = begin(merge(PASSKEYS, {"selfservice": {"methods": {"passkey": {"config": wanted}}}})).public
    device = Device(page, BUILT_IN)
    sign_up(page, base, ANN)
    device.verify(known=False)
    page.goto(base + "ui/settings")
    section = page.get_by_role("region", name="Passkeys")
    section.get_by_role("button", name="Add a passkey").click()
    expect(section.get_by_role("alert")).to_contain_text("The key was not used.")
    assert device.credentials() == []
    device.verify(known=True)
    section.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_text("Your changes are saved.")).to_be_visible()
