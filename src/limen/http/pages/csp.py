"""The content security policy of the pages (W3C CSP 3): nothing inline, nothing from third parties but a logo."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec
from msgspec import Struct

from limen.core.urls import Url
from limen.project.model import Project

ANYWHERE = ("https:", "http:")
# A host-source of CSP: no IPv6 literals, at most one leading wildcard label.
_HOST = re.compile(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*(:[0-9]+)?")
_LEADS_ON = ("default_browser_return_url", "ui_url")


def policy(project: Project, logo_url: str) -> str:
    """The header of every page of this configuration."""
    own = " ".join(dict.fromkeys(("'self'", *sources([project.public_url]))))
    images = " ".join([own, "data:", *(sources([logo_url]) if logo_url else ())])
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src {own}",
            f"script-src {own}",
            f"img-src {images}",
            "font-src 'none'",
            "connect-src 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            f"form-action {' '.join(form_action(project))}",
        )
    )


def form_action(project: Project) -> tuple[str, ...]:
    """Where a form may lead. Chromium holds this against every redirect that follows a submit, too, so it names all
    places a finished flow can end at: the return addresses, and, with single sign-on, whatever provider there is.
    """
    config = project.config
    if config.selfservice.methods.oidc.config.providers or config.oauth2_provider.url:
        return ("'self'", *ANYWHERE)
    named = [str(url) for url in project.allowed_return_urls]
    return tuple(dict.fromkeys(("'self'", *sources([project.public_url, *named, *_led_to(config.selfservice)]))))


def _led_to(section: Struct) -> Iterator[str]:
    """Every address in the configuration that a browser is sent to in the end."""
    for field in msgspec.structs.fields(section):
        value = getattr(section, field.name)
        if isinstance(value, Struct):
            yield from _led_to(value)
        elif field.name in _LEADS_ON and isinstance(value, str):
            yield value


def sources(addresses: Iterable[str]) -> Iterator[str]:
    """The CSP sources that cover these addresses; relative ones are covered by 'self'."""
    for address in addresses:
        url = Url.parse(address)
        if url is None:
            yield from ANYWHERE
        elif url.scheme in ("http", "https"):
            if _HOST.fullmatch(url.host):
                yield f"{url.scheme}://{url.host}"
            else:
                yield f"{url.scheme}:"
        elif url.scheme:
            yield f"{url.scheme}:"
