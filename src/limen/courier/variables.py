"""What templates see besides Kratos' variables: the application's name, the language, a moment in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from limen.core import catalogue, clock
from limen.courier.kinds import Kind
from limen.project.model import Project

MOMENTS: Final = ("changed_at", "added_at", "done_at")  # the names in JSON of when something happened


def own(project: Project, kind: Kind, channel: str, data: Mapping[str, Any], language: str) -> dict[str, Any]:
    """Our own variables with what they hold for a message."""
    found: dict[str, Any] = {"ApplicationName": project.config.limen.branding.name, "Language": language}
    if _has_moment(kind, channel):
        moment = next((data[name] for name in MOMENTS if data.get(name)), "")
        found["When"] = catalogue.moment(clock.parse(moment), language) if moment else ""
    if _lacks_identity(kind, channel):
        found["Identity"] = {"traits": data.get("traits")}
    return found


def _has_moment(kind: Kind, channel: str) -> bool:
    return not set(MOMENTS).isdisjoint(kind.fields(channel).values())


def _lacks_identity(kind: Kind, channel: str) -> bool:
    """Who is about to sign up is no identity yet, and has traits all the same."""
    return "Traits" in kind.fields(channel)
