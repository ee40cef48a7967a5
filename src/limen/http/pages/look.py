"""How the pages of a project look: name, logo, and an accent colour that can be read on every ground.

Worked out once for each version of the configuration.
"""

from __future__ import annotations

from html import escape

import structlog
from msgspec import Struct

from limen.core import colour, sources
from limen.http.pages import csp
from limen.project.model import Project

# The grounds that text stands on, as in limen.css: card, page, note.
LIGHT = ("#ffffff", "#f5f6f8", "#f1f4f9")
DARK = ("#181b21", "#101216", "#1f242c")
_SIGNATURES = (
    (b"\x89PNG", "image/png"),
    (b"\xff\xd8", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"RIFF", "image/webp"),
    (b"\x00\x00\x01\x00", "image/x-icon"),
)
_log = structlog.get_logger("limen.pages")


class Look(Struct, frozen=True):
    """`logo` is the operator's picture when we serve it ourselves; `logo_url` names one that stands elsewhere."""

    name: str
    secured_by: bool
    style: str
    icon: str
    policy: str
    logo: bytes = b""
    logo_type: str = ""
    logo_url: str = ""

    @property
    def has_logo(self) -> bool:
        return bool(self.logo or self.logo_url)


_known: dict[str, tuple[Project, Look]] = {}


def look(project: Project) -> Look:
    known = _known.get(project.id)
    if known is None or known[0] is not project:
        known = _known[project.id] = (project, _make(project))
    return known[1]


def _make(project: Project) -> Look:
    branding = project.config.limen.branding
    source = branding.logo_url or ""
    remote = source if sources.is_remote(source) else ""
    logo = b"" if remote or not source else _read(source)
    return Look(
        name=branding.name,
        secured_by=branding.show_secured_by,
        style=style(branding.accent),
        icon=_icon(branding.name, branding.accent),
        policy=csp.policy(project, remote),
        logo=logo,
        logo_type=_type(logo),
        logo_url=remote,
    )


def _read(source: str) -> bytes:
    """The picture; without it the name is shown, and the log says why."""
    try:
        return sources.read(source)
    except sources.SourceError as error:
        _log.warning("logo", error=str(error))
        return b""


def _type(data: bytes) -> str:
    return next((type_ for start, type_ in _SIGNATURES if data.startswith(start)), "image/svg+xml")


def style(accent: str) -> str:
    """The stylesheet of an accent: as it is where it fills a button, corrected where it is text or a line."""
    light, dark = _scheme(accent, LIGHT, "#000000"), _scheme(accent, DARK, "#ffffff")
    return f":root{{{light}}}@media(prefers-color-scheme:dark){{:root{{{dark}}}}}"


def _scheme(accent: str, grounds: tuple[str, ...], towards: str) -> str:
    ink = colour.ink_on(accent)
    values = {
        "accent": colour.readable(accent, grounds, towards),
        "fill": accent,
        "fill-ink": ink,
        # Away from the ink, so that the text on it only gains.
        "fill-hover": colour.mix(accent, "#000000" if ink == "#ffffff" else "#ffffff", 0.14),
        "fill-edge": colour.readable(accent, grounds, towards, colour.GRAPHIC),
    }
    return "".join(f"--{name}:{value};" for name, value in values.items())


def _icon(name: str, accent: str) -> str:
    """The first letter on the accent, for the browser's tab."""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
        f'<rect width="32" height="32" rx="8" fill="{accent}"/>'
        f'<text x="16" y="22.5" text-anchor="middle" font-family="system-ui,sans-serif" font-size="19" font-weight="600" '
        f'fill="{colour.ink_on(accent)}">{escape(name[:1].upper())}</text></svg>'
    )
