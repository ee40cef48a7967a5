"""What browsers are told about the pages: where they may lead, what may run in them, what may be kept."""

from __future__ import annotations

from typing import Any

import pytest

from limen.http.pages import csp
from tests.pages.conftest import Begin
from tests.pages.visitor import Visitor
from tests.support.server import LiveServer

PAGES = [
    "ui/",
    "ui/login",
    "ui/registration",
    "ui/recovery",
    "ui/verification",
    "ui/error?id=stub:500",
    "ui/logout",
    "ui/x",
]


def directives(policy: str) -> dict[str, list[str]]:
    return {name: values for name, *values in (part.split() for part in policy.split(";"))}


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_locked_down(visitor: Visitor, path: str) -> None:
    visitor.open(path)
    headers, origin = visitor.answer.headers, visitor.server.public.rstrip("/")
    assert directives(headers["content-security-policy"]) == {
        "default-src": ["'none'"],
        "style-src": ["'self'", origin],
        "script-src": ["'self'", origin],
        "img-src": ["'self'", origin, "data:"],
        "font-src": ["'none'"],
        "connect-src": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        "form-action": ["'self'", origin, "https://app.example.org", visitor.server.console.rstrip("/")],
    }
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["permissions-policy"] == "publickey-credentials-get=(self), publickey-credentials-create=(self)"
    assert headers.get_list("cache-control") == ["private, no-cache, no-store, must-revalidate"]
    assert headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize("path", PAGES)
def test_nothing_is_inline_and_nothing_comes_from_elsewhere(visitor: Visitor, path: str) -> None:
    page = visitor.open(path)
    assert not page.has("style")
    assert all("src" in script.attributes and not script.text for script in page.all("script"))
    loaded = [s["src"] for s in page.all("script")] + [link["href"] for link in page.all("link")]
    assert all(url.startswith(visitor.server.public + "ui/static/") for url in loaded)
    for element in page.all():
        assert "style" not in element.attributes
        assert not [name for name in element.attributes if name.startswith("on")]


def test_no_other_origin_may_read_a_page(begin: Begin) -> None:
    cors = {"enabled": True, "allowed_origins": ["https://app.example.org"]}
    visitor = Visitor(begin({"serve": {"public": {"cors": cors}}}), origin="https://app.example.org")
    visitor.open("ui/")
    assert "access-control-allow-origin" not in visitor.answer.headers
    assert "access-control-allow-origin" in visitor.step("schemas").headers


def test_a_new_browser_gets_the_cookie_that_protects_forms_with_the_first_page(visitor: Visitor) -> None:
    answer = visitor.step("ui/")
    assert answer.headers["set-cookie"].startswith(visitor.server.app.site.project.csrf_cookie)
    assert "HttpOnly" in answer.headers["set-cookie"]


# --- where forms may lead -------------------------------------------------------------------------------------------


def form_action(live: LiveServer) -> list[str]:
    return list(csp.form_action(live.app.site.project))


def test_a_form_may_lead_to_every_place_a_flow_ends_at(begin: Begin) -> None:
    live = begin(
        {
            "selfservice": {
                "allowed_return_urls": ["https://*.example.org/app", "https://shop.example.com:8443/x", "myapp://back"],
                "default_browser_return_url": "https://default.example.org/start",
                "flows": {
                    "login": {"ui_url": "https://login.example.net/", "after": {
                        "default_browser_return_url": "https://after.example.net",
                        "password": {"default_browser_return_url": "https://password.example.net/a"},
                    }},
                    "logout": {"after": {"default_browser_return_url": "/relative"}},
                },
            }
        }
    )  # fmt: skip
    assert form_action(live) == [
        "'self'", live.public.rstrip("/"), "https://*.example.org", "https://shop.example.com:8443", "myapp:",
        live.console.rstrip("/"), "https://default.example.org", "https://login.example.net", "https://after.example.net",
        "https://password.example.net",
    ]  # fmt: skip


def test_with_single_sign_on_a_form_may_lead_anywhere(begin: Begin) -> None:
    provider = {
        "id": "acme", "provider": "generic", "client_id": "a", "client_secret": "b", "issuer_url": "https://acme.example.org",
        "mapper_url": "base64://e30=",
    }  # fmt: skip
    live = begin({"selfservice": {"methods": {"oidc": {"enabled": True, "config": {"providers": [provider]}}}}})
    assert form_action(live) == ["'self'", "https:", "http:"]


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("https://app.example.org/a?b#c", ["https://app.example.org"]),
        ("http://[::1]:3000/", ["http:"]),  # no host-source of CSP
        ("https://bücher.example/", ["https:"]),
        ("https://a.example.org;script-src 'unsafe-inline'", ["https:", "http:"]),
        ("https://a.example.org,b", ["https:"]),
        ("com.example.app://x", ["com.example.app:"]),
        ("/ui/", []),
    ],
)
def test_an_address_becomes_a_source(address: str, found: list[str]) -> None:
    assert list(csp.sources([address])) == found


# --- files ----------------------------------------------------------------------------------------------------------


def files(visitor: Visitor) -> list[str]:
    page = visitor.open("ui/")
    return [s["src"] for s in page.all("script")] + [link["href"] for link in page.all("link")]


def test_files_are_kept_for_ever_under_an_address_that_changes_with_them(visitor: Visitor) -> None:
    found = files(visitor)
    assert sorted(url.partition("?")[0].rpartition("/")[2] for url in found) == [
        "brand.css", "icon.svg", "limen.css", "limen.js",
    ]  # fmt: skip
    for url in found:
        answer = visitor.step(url)
        assert answer.status_code == 200
        assert answer.headers.get_list("cache-control") == ["public, max-age=31536000, immutable"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "set-cookie" not in answer.headers
        assert "vary" not in answer.headers
        assert visitor.step(url.partition("?")[0] + "?v=000000000000").headers["cache-control"] == "no-cache"


def test_script_and_styles_stay_small(visitor: Visitor) -> None:
    total = sum(len(visitor.step(url).content) for url in files(visitor) if not url.endswith("svg"))
    assert total < 30_000


@pytest.mark.parametrize("name", ["nothing.css", "..%2flook.py", "logo", "limen.css%00", "__init__.py"])
def test_no_other_file_is_served(visitor: Visitor, name: str) -> None:
    assert visitor.http.get(f"ui/static/{name}").status_code == 404


def test_the_accent_is_a_stylesheet_of_its_own(begin: Begin) -> None:
    branding: dict[str, Any] = {"name": "Acme & Söhne", "accent": "#ffcc00", "show_secured_by": True}
    visitor = Visitor(begin({"limen": {"branding": branding}}))
    page = visitor.open("ui/login")
    style = next(visitor.step(link["href"]).text for link in page.all("link") if "brand.css" in link["href"])
    assert "--fill:#ffcc00;--fill-ink:#000000;" in style
    assert page.one("header").text == "Acme & Söhne"
    assert "Secured by Limen" in page.one("footer").text
    assert page.one("title").text == "Sign in · Acme & Söhne"


SVG = "base64://PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciLz4="


def test_a_logo_of_the_configuration_is_served_by_us(begin: Begin) -> None:
    visitor = Visitor(begin({"limen": {"branding": {"name": "Acme", "logo_url": SVG}}}))
    image = visitor.open("ui/").one("img", alt="Acme")
    assert image["src"].startswith(visitor.server.public + "ui/static/logo?v=")
    answer = visitor.step(image["src"])
    assert answer.headers["content-type"] == "image/svg+xml"
    assert "sandbox" in answer.headers["content-security-policy"]  # a script in it never runs as ours
    assert answer.content.startswith(b"<svg")


def test_a_logo_elsewhere_is_the_one_thing_from_elsewhere(begin: Begin) -> None:
    url = "https://cdn.example.org/logo.png?x=1&y=2"
    visitor = Visitor(begin({"limen": {"branding": {"logo_url": url}}}))
    assert visitor.open("ui/").one("header").one("img")["src"] == url
    assert "https://cdn.example.org" in directives(visitor.answer.headers["content-security-policy"])["img-src"]


def test_a_logo_that_cannot_be_read_is_replaced_by_the_name(begin: Begin) -> None:
    visitor = Visitor(begin({"limen": {"branding": {"name": "Acme", "logo_url": "file:///nowhere/logo.svg"}}}))
    assert visitor.open("ui/").one("header").text == "Acme"
