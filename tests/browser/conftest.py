"""A real server process, as `limen serve` starts it, and a real Chromium in front of it."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from tests.support.process import free_port
from tests.support.server import PATIENCE, LiveServer, serve

SCREENSHOTS = Path(__file__).parent / "screenshots"
PASSWORD = "correct-horse-battery-1"
_NAMES = ("chromium", "chromium-browser", "google-chrome")
# What Chromium says of an answer that is meant to be an error page.
_EXPECTED = "Failed to load resource: the server responded with a status of"


PATIENT = PATIENCE * 1000  # milliseconds, as Playwright counts
expect.set_options(timeout=PATIENT)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)


def chromium() -> str:
    found = os.environ.get("LIMEN_CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    assert found, "No Chromium: install one, or name it in LIMEN_CHROMIUM."
    return found


@pytest.fixture(scope="session")
def limen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that was started with no configuration at all, but for its ports."""
    public, admin = free_port(), free_port()
    base = f"http://localhost:{public}/"
    folder = tmp_path_factory.mktemp("limen")
    own = {
        "SERVE_PUBLIC_PORT": str(public),
        "SERVE_PUBLIC_BASE_URL": base,
        "SERVE_ADMIN_PORT": str(admin),
        "SERVE_ADMIN_BASE_URL": f"http://127.0.0.1:{admin}/",
        "SELFSERVICE_DEFAULT_BROWSER_RETURN_URL": base + "ui/",
        "SELFSERVICE_FLOWS_LOGOUT_AFTER_DEFAULT_BROWSER_RETURN_URL": base + "ui/login?signed_out=true",
        "SELFSERVICE_FLOWS_RECOVERY_ENABLED": "true",
        "SELFSERVICE_FLOWS_VERIFICATION_ENABLED": "true",
        "SELFSERVICE_METHODS_PASSWORD_CONFIG_HAVEIBEENPWNED_ENABLED": "false",
    }
    with (folder / "log").open("wb") as log:
        command = [sys.executable, "-m", "limen.cli", "serve"]
        process = subprocess.Popen(command, cwd=folder, env={**os.environ, **own}, stdout=log, stderr=log)
        try:
            _wait(base, process, folder / "log")
            yield base
        finally:
            process.terminate()
            process.wait(PATIENCE)


def _wait(base: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(base + "health/ready").status_code == 200:
                return
        time.sleep(0.05)
    raise AssertionError(log.read_text())


@pytest.fixture
def live(tmp_path: Path) -> Iterator[LiveServer]:
    """A server in this process, whose clock can be moved."""
    with serve(tmp_path, f"sqlite://{tmp_path}/limen.sqlite") as started:
        yield started


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One for all tests of this folder. It has an event loop in this thread, so it must not outlive them."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"], timeout=PATIENT)
        yield started
        started.close()


Open = Callable[..., Page]


@pytest.fixture
def window(browser: Browser) -> Iterator[Open]:
    """Open a window with cookies of its own. Whatever the browser complains about fails the test: the policy of a page
    that was broken, a script that stopped, a file that is missing.
    """
    complaints: list[str] = []
    contexts: list[BrowserContext] = []

    def told(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(_EXPECTED):
            complaints.append(message.text)

    def opened(**options: Any) -> Page:
        options.setdefault("locale", "en-GB")
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENT)
        page.on("console", told)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def page(window: Open) -> Page:
    return window()


def sign_up(page: Page, base: str, email: str) -> None:
    """Both steps, by what a person reads."""
    page.goto(base + "ui/registration")
    page.get_by_label("E-mail").fill(email)
    page.get_by_role("button", name="Sign up", exact=True).click()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign up", exact=True).click()
    page.get_by_role("heading", name="Your account").wait_for()


def sign_in(page: Page, base: str, email: str, password: str = PASSWORD) -> None:
    page.goto(base + "ui/login")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in with your password").click()


def keep(page: Page, name: str) -> None:
    """A picture for people to look at."""
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)
