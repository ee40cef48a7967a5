"""The small cookies of the pages: what somebody prefers. They never leave the pages, and say nothing about who it is."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from limen.core import urls
from limen.project.model import Project

_VALUE = re.compile(r"[!#-+\--:<-\[\]-~]*")  # cookie-octets (RFC 6265, §4.1.1)


def can_be(value: str) -> bool:
    """Whether a cookie may have this value as it is."""
    return bool(_VALUE.fullmatch(value))


def header(project: Project, name: str, value: str, max_age: int) -> tuple[str, str]:
    """The header that keeps a value for so many seconds."""
    path = urlsplit(urls.join(project.public_url, "/ui")).path
    parts = [f"{name}={value}", f"Path={path}", f"Max-Age={max_age}", "HttpOnly", "SameSite=Lax"]
    if project.public_url.startswith("https:"):
        parts.append("Secure")
    return "set-cookie", "; ".join(parts)
