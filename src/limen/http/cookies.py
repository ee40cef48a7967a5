"""The cookies this server sets: the session, and the secret that protects forms."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import formatdate
from functools import lru_cache
from typing import NamedTuple

import msgspec

from limen.core import clock
from limen.core.crypto import Keys
from limen.http import kratoscookies
from limen.project.model import Project
from limen.session.model import Session

_PURPOSE = "session cookie"
CSRF_MAX_AGE = 365 * 24 * 3600
LONGEST = 4096  # characters; browsers keep no longer one (RFC 6265bis §5.7)
PAUSED = "ory_kratos_continuity"
PAUSED_MAX_AGE = 3600  # longer than anything is kept
TRUSTED = "limen_trusted"


def parse(header: str) -> dict[str, str]:
    """The cookies of a request; of two with one name, the first counts (it has the longer path)."""
    found: dict[str, str] = {}
    for pair in header.split(";"):
        name, separator, value = pair.strip().partition("=")
        if separator and name not in found:
            found[name] = value.strip('"')
    return found


def _build(name: str, value: str, *attributes: str) -> str:
    return "; ".join([f"{name}={value}", *(a for a in attributes if a)])


def _attributes(project: Project, path: str, domain: str, same_site: str, *, secure: bool) -> tuple[str, ...]:
    return (
        f"Path={path}",
        f"Domain={domain}" if domain else "",
        "HttpOnly",
        "Secure" if secure else "",
        f"SameSite={same_site}",
    )


def csrf(project: Project, secret: str) -> str:
    """The `Set-Cookie` of the secret. Without Secure a browser would refuse SameSite=None, so it is Lax then."""
    own = project.config.cookies
    secure = own.secure if own.secure is not None else not project.dev
    same_site = own.same_site if secure else "Lax"
    return _build(
        project.csrf_cookie,
        secret,
        *_attributes(project, own.path, own.domain or "", same_site, secure=secure),
        f"Max-Age={CSRF_MAX_AGE}",
    )


def session(project: Project, session_: Session, token: str, now: float) -> str:
    """The `Set-Cookie` of a session: its token and expiry, sealed. Each one differs, also for the same session."""
    return _session(project, token, session_.expires_at, now)


def _session(project: Project, token: str, expires_at: str, now: float) -> str:
    ends = clock.parse(expires_at).timestamp()
    sealed = project.cookie_keys.seal(_PURPOSE, msgspec.json.encode([token, expires_at]))
    lifetime = max(0, round(ends - now))
    persistent = project.config.session.cookie.persistent
    expires = (f"Max-Age={lifetime}", f"Expires={formatdate(ends, usegmt=True)}") if persistent else ()
    return _build(project.config.session.cookie.name, sealed, *_session_attributes(project), *expires)


def paused(project: Project, ids: Mapping[str, str], now: float) -> str:
    """The `Set-Cookie` of the ids of paused submits."""
    return _keeping(project, PAUSED, ids, PAUSED_MAX_AGE, now)


def open_paused(project: Project, value: str) -> dict[str, str]:
    """The ids of paused submits in the cookie; none when we did not make it."""
    return _kept_in(project, PAUSED, value)


def trusted(project: Project, secrets: Mapping[str, str], now: float) -> str:
    """The `Set-Cookie` of a trusted browser: a secret for each person who trusts it."""
    lifespan = project.config.limen.second_factor.trusted_devices.lifespan
    return _keeping(project, TRUSTED, secrets, round(lifespan), now)


def _keeping(project: Project, name: str, values: Mapping[str, str], seconds: int, now: float) -> str:
    own = project.config.cookies
    secure = own.secure if own.secure is not None else not project.dev
    return _build(
        name,
        project.cookie_keys.seal(name, msgspec.json.encode(values)),
        *_attributes(project, own.path, own.domain or "", "Lax", secure=secure),
        f"Max-Age={seconds}",
        f"Expires={formatdate(now + seconds, usegmt=True)}",
    )


def open_trusted(project: Project, value: str) -> dict[str, str]:
    """The secrets of a trusted browser, by person; none when we did not make the cookie."""
    return _kept_in(project, TRUSTED, value)


def _kept_in(project: Project, name: str, value: str) -> dict[str, str]:
    raw = project.cookie_keys.open(name, value) if value else None
    values: dict[str, str] = msgspec.json.decode(raw) if raw else {}
    return values


def end_session(project: Project) -> str:
    """The `Set-Cookie` that takes the session out of the browser."""
    expired = ("Max-Age=0", "Expires=Thu, 01 Jan 1970 00:00:01 GMT")
    return _build(project.config.session.cookie.name, "-", *_session_attributes(project), *expired)


def _session_attributes(project: Project) -> tuple[str, ...]:
    own, shared = project.config.session.cookie, project.config.cookies
    secure = own.secure if own.secure is not None else not project.dev
    return _attributes(
        project,
        own.path or shared.path,
        own.domain or shared.domain or "",
        own.same_site or shared.same_site,
        secure=secure,
    )


class Opened(NamedTuple):
    token: str
    expires_at: str
    is_ours: bool = True  # False: Kratos made it, with a secret that was carried over


def session_of(project: Project, header: str) -> Opened | None:
    """What is in the session cookie of a request: in the first of its name that can be read.

    A browser sends two where the path or the domain of the cookie was changed.
    """
    name = project.config.session.cookie.name
    for pair in header.split(";"):
        given, _, value = pair.strip().partition("=")
        if given == name and value and (opened := open_session(project, value.strip('"'))):
            return opened
    return None


def open_session(project: Project, value: str) -> Opened | None:
    """What is in a session cookie; None when neither we nor Kratos made it with a secret of this project."""
    if len(value) > LONGEST:
        return None
    secrets = project.config.secrets
    return _opened(project.cookie_keys, project.config.session.cookie.name, secrets.cookie or secrets.default, value)


@lru_cache(maxsize=8192)
def _opened(keys: Keys, name: str, secrets: tuple[str, ...], value: str) -> Opened | None:
    """Opening costs 15 µs, and a browser sends the same cookie again and again. What it says is checked each time."""
    raw = keys.open(_PURPOSE, value)
    if raw is not None:
        return Opened(*msgspec.json.decode(raw))
    made_by_kratos = kratoscookies.read(name, value, secrets)
    return Opened(*made_by_kratos, is_ours=False) if made_by_kratos else None


def replaced(project: Project, cookies: Mapping[str, str], now: float) -> str | None:
    """The `Set-Cookie` that puts ours in the place of a session cookie that Kratos made; None when there is none."""
    value = cookies.get(project.config.session.cookie.name, "")
    opened = open_session(project, value) if value else None
    return _session(project, opened.token, opened.expires_at, now) if opened and not opened.is_ours else None
