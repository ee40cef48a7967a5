"""Whether a session is strong enough to be used, and where the browser goes when it is not. Pure.

Two things may be missing: the second step of somebody who has a second factor, and the second factor of somebody who
needs one (`limen.second_factor.required`). Both are decided anew on every request, from what is stored.
"""

from __future__ import annotations

from typing import Literal

from limen.core import clock, urls
from limen.identity.model import Identity
from limen.project.model import Project
from limen.session.model import Session

Lack = Literal["", "step", "factor"]


def lack(project: Project, session: Session, identity: Identity, now: str) -> Lack:
    """What keeps this session from being used: nothing, the second step, or a second factor to be set up."""
    return lacking(
        project,
        aal=session.aal,
        available=identity.available_aal,
        schema=identity.schema_id,
        made=identity.created_at,
        now=now,
        trusted=bool(session.trusted_device),
    )


def lacking(
    project: Project, *, aal: str, available: str, schema: str, made: str, now: str, trusted: bool = False
) -> Lack:
    """The same from single values: the session's level, the person's, their schema and when the account was made.

    A trusted browser is spared the question, but adds nothing to the level.
    """
    if aal == "aal2":
        return ""
    if available == "aal2":
        spared = trusted and project.config.limen.second_factor.trusted_devices.enabled
        return "" if spared or project.config.session.whoami.required_aal == "aal1" else "step"
    by = needed_by(project, schema, made)
    return "factor" if by is not None and by <= now else ""


def needed_by(project: Project, schema: str, made: str) -> str | None:
    """By when a person of this schema, whose account was made then, needs a second factor; None: never."""
    wanted = project.config.limen.second_factor
    if not wanted.required or (wanted.schemas and schema not in wanted.schemas):
        return None
    return clock.after(clock.parse(made), wanted.after)


def way(project: Project, missing: Lack, return_to: str = "", login_challenge: str = "") -> str:
    """Where what is missing can be made good; empty when nothing is."""
    match missing:
        case "step":
            return aal2_url(project, return_to, login_challenge)
        case "factor":
            if login_challenge:  # an OAuth 2.0 server waits: back to its login request in the end
                login = urls.join(project.public_url, "/self-service/login/browser")
                return_to = urls.with_query(login, {"login_challenge": login_challenge})
            settings = urls.join(project.public_url, "/self-service/settings/browser")
            return urls.with_query(settings, {"return_to": return_to}) if return_to else settings
    return ""


def aal2_url(project: Project, return_to: str = "", login_challenge: str = "", *, again: bool = False) -> str:
    """Where a second factor is asked for; `again`: although it was given before."""
    more = {"refresh": "true" if again else "", "return_to": return_to, "login_challenge": login_challenge}
    query = {"aal": "aal2", **{name: value for name, value in more.items() if value}}
    return urls.with_query(urls.join(project.public_url, "/self-service/login/browser"), query)
