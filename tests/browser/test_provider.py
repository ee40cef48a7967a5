"""Signing in with a certified OpenID provider, in a browser: sign up, sign in, link, unlink, and change one's mind."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from limen.social.catalogue import kinds
from tests.browser.conftest import PASSWORD, Open, keep, sign_in, sign_up
from tests.browser.test_access import RULES, WINDOWS
from tests.support import javascript
from tests.support.openid import MAPPER
from tests.support.process import free_port
from tests.support.server import LiveServer, serve

PROGRAM = Path(__file__).parent / "provider/provider.mjs"
CLIENT, SECRET = "limen", "a client secret"
ACCOUNT = "Your account"


def entry(id_: str, provider: str, **more: Any) -> dict[str, Any]:
    mapper = "base64://" + base64.b64encode(MAPPER.encode()).decode()
    own = {"client_id": CLIENT, "mapper_url": mapper, **({} if provider == "apple" else {"client_secret": SECRET})}
    needs = {name: f"https://{id_}.example.org" if name == "issuer_url" else "x" for name in kinds()[provider].needs}
    return {"id": id_, "provider": provider, **own, **needs, **more}


def configured(*providers: dict[str, Any]) -> dict[str, Any]:
    methods = {"oidc": {"enabled": True, "config": {"providers": list(providers)}}}
    session = {"hooks": [{"hook": "session"}]}
    return {"selfservice": {"methods": methods, "flows": {"registration": {"after": {"oidc": session}}}}}


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """Limen, and the provider, which has to know the way back. What it tells is at its userinfo endpoint."""
    port = free_port()
    folder = tmp_path_factory.mktemp("provider")
    acme = entry("acme", "generic", issuer_url=f"http://127.0.0.1:{port}", label="Acme", scope=["email", "profile"],
                 claims_source="userinfo")  # fmt: skip
    with serve(folder, f"sqlite://{folder}/limen.sqlite", configured(acme)) as started:
        back = f"{started.public}self-service/methods/oidc/callback/acme"
        env = {"PORT": str(port), "CLIENT_ID": CLIENT, "CLIENT_SECRET": SECRET, "REDIRECT_URIS": json.dumps([back])}
        with javascript.running(PROGRAM, env):
            yield started


def at_acme(page: Page, who: str) -> None:
    page.get_by_role("heading", name="Acme", exact=True).wait_for()
    page.get_by_label("Who are you?").fill(who)
    page.get_by_role("button", name="Go on").click()


def sign_out(page: Page, base: str) -> None:
    page.goto(base + "ui/logout")
    page.get_by_role("button", name="Sign out").click()


@pytest.mark.parametrize("scripted", [True, False])
def test_somebody_signs_up_and_signs_in_again(live: LiveServer, window: Open, scripted: bool) -> None:
    who = "ann" if scripted else "una"
    page = window(java_script_enabled=scripted)
    page.goto(live.public + "ui/registration")
    page.get_by_role("button", name="Sign up with Acme").click()
    at_acme(page, who)
    page.get_by_role("heading", name=ACCOUNT).wait_for()
    expect(page.get_by_text(f"{who}@example.org")).to_be_visible()
    sign_out(page, live.public)
    page.goto(live.public + "ui/login")
    button = page.get_by_role("button", name="Sign in with Acme")
    expect(button).to_contain_text("Last used")
    button.click()
    page.get_by_role("heading", name=ACCOUNT).wait_for()  # Acme still knows who it is, and does not ask
    other = window(java_script_enabled=scripted)
    other.goto(live.public + "ui/login")
    expect(other.get_by_role("button", name="Sign in with Acme")).not_to_contain_text("Last used")
    other.get_by_role("button", name="Sign in with Acme").click()
    at_acme(other, who)
    other.get_by_role("heading", name=ACCOUNT).wait_for()
    expect(other.get_by_text(f"{who}@example.org")).to_be_visible()


def test_a_provider_is_unlinked_and_linked_in_the_settings(live: LiveServer, page: Page) -> None:
    sign_up(page, live.public, "ben@example.com")
    page.goto(live.public + "ui/settings")
    page.get_by_role("button", name="Link Acme").click()
    at_acme(page, "ben")
    expect(page.get_by_text("Your changes are saved.")).to_be_visible()
    keep(page, "settings-provider-linked")
    page.get_by_text("Unlink Acme").click()
    keep(page, "settings-provider-unlink")
    page.get_by_role("button", name="Yes, remove").click()
    expect(page.get_by_text("Your changes are saved.")).to_be_visible()
    expect(page.get_by_role("button", name="Link Acme")).to_be_visible()
    page.get_by_role("button", name="Link Acme").click()
    expect(page.get_by_text("Unlink Acme")).to_be_visible()
    sign_out(page, live.public)
    page.goto(live.public + "ui/login")
    page.get_by_role("button", name="Sign in with Acme").click()
    page.get_by_role("heading", name=ACCOUNT).wait_for()
    expect(page.get_by_text("ben@example.com")).to_be_visible()


def test_the_last_way_in_cannot_be_unlinked(live: LiveServer, page: Page) -> None:
    page.goto(live.public + "ui/registration")
    page.get_by_role("button", name="Sign up with Acme").click()
    at_acme(page, "lea")
    page.get_by_role("heading", name=ACCOUNT).wait_for()
    page.goto(live.public + "ui/settings")
    page.get_by_role("heading", name="Settings").wait_for()
    expect(page.get_by_text("Unlink Acme")).to_have_count(0)


def test_the_owner_of_an_address_signs_in_first_and_the_provider_is_linked(live: LiveServer, window: Open) -> None:
    sign_up(window(), live.public, "cat@example.org")
    page = window()
    page.goto(live.public + "ui/login")
    page.get_by_role("button", name="Sign in with Acme").click()
    at_acme(page, "cat")
    expect(page.get_by_text("from then on Acme opens it too")).to_be_visible()
    expect(page.get_by_text("cat@example.org", exact=True)).to_be_visible()
    keep(page, "sign-in-to-link")
    assert Axe().run(page, options=RULES).response["violations"] == []
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in with your password").click()
    page.get_by_role("heading", name=ACCOUNT).wait_for()
    again = window()
    again.goto(live.public + "ui/login")
    again.get_by_role("button", name="Sign in with Acme").click()
    at_acme(again, "cat")
    again.get_by_role("heading", name=ACCOUNT).wait_for()
    expect(again.get_by_text("cat@example.org")).to_be_visible()


def test_a_session_is_confirmed_at_the_provider_which_asks_once_more(live: LiveServer, page: Page) -> None:
    page.goto(live.public + "ui/login")
    page.get_by_role("button", name="Sign in with Acme").click()
    at_acme(page, "dan")
    page.get_by_role("heading", name=ACCOUNT).wait_for()
    page.goto(live.public + "ui/login?refresh=true")
    page.get_by_role("button", name="Sign in with Acme").click()
    at_acme(page, "dan")
    page.get_by_role("heading", name=ACCOUNT).wait_for()


def test_who_changes_their_mind_is_told_and_can_sign_in_another_way(live: LiveServer, window: Open) -> None:
    sign_up(window(), live.public, "eve@example.org")
    page = window(locale="de-DE")
    page.goto(live.public + "ui/login")
    page.get_by_role("button", name="Mit Acme anmelden").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("alert")).to_contain_text(
        "Acme teilt mit, dass Sie der Anmeldung hier nicht zugestimmt haben."
    )
    keep(page, "provider-refused-german")
    english = window()
    sign_in(english, live.public, "eve@example.org")
    english.get_by_role("heading", name=ACCOUNT).wait_for()


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """Every provider there is, each with its button."""
    folder = tmp_path_factory.mktemp("everything")
    providers = [entry(id_, id_, **({"label": "Acme"} if id_ == "generic" else {})) for id_ in kinds()]
    with serve(folder, f"sqlite://{folder}/limen.sqlite", configured(*providers)) as started:
        yield started


@pytest.mark.parametrize("size", WINDOWS)
@pytest.mark.parametrize("place", ["login", "registration"])
def test_all_the_buttons_are_good_to_look_at_for_everybody(
    everything: LiveServer, window: Open, size: str, place: str
) -> None:
    page = window(**WINDOWS[size])
    page.context.add_cookies([{"name": "limen_provider", "value": "slack", "url": everything.public + "ui"}])
    page.goto(f"{everything.public}ui/{place}")
    keep(page, f"providers-{place}-{size}")
    expect(page.locator("button[name=provider]").first).to_have_attribute("value", "slack")
    assert page.locator("button[name=provider] svg.mark").count() == len(kinds())
    found = Axe().run(page, options=RULES)
    assert found.response["violations"] == [], found.generate_report()
