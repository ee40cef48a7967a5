"""Draws the pictures of the documents anew: `python3 bootstrap.py run python -m tests.docs.pictures`."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, sync_playwright

from tests.browser.conftest import chromium
from tests.docs.markdown import ROOT
from tests.support.server import serve

ASSETS = ROOT / "docs/assets"
OVER = {
    "selfservice": {"flows": {"recovery": {"enabled": True}}},
    "limen": {"branding": {"name": "Acme"}, "pages": {"languages": ["en"]}},
}


def main() -> None:
    folder = Path(tempfile.mkdtemp())
    with serve(folder, f"sqlite://{folder}/limen.sqlite", OVER) as live, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        draw(browser, live.public + "ui/login", "light")
        draw(browser, live.public + "ui/login", "dark")
        browser.close()


def draw(browser: Browser, url: str, scheme: Literal["light", "dark"]) -> None:
    page = browser.new_page(viewport={"width": 640, "height": 540}, device_scale_factor=1.5, color_scheme=scheme)
    page.goto(url)
    page.get_by_label("E-mail").fill("ann@example.org")
    page.get_by_label("Password", exact=True).focus()
    ASSETS.mkdir(exist_ok=True)
    page.screenshot(path=ASSETS / f"sign-in-{scheme}.png", animations="disabled")
    page.close()


if __name__ == "__main__":
    main()
