"""Our own words as a template to start from: it makes of a message what our own words make of it."""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from limen.core import catalogue, clock
from limen.courier import variables, words
from limen.courier.kinds import Kind, Part
from limen.courier.model import Message, Origin
from limen.project.model import Project

_MOMENT: Final = "1999-12-31T23:59:00.000000Z"
_MINUTES: Final = 9973
_FILLED_IN: Final = "\n\n@{{ .RequestURLDomain }} #"


def part(project: Project, kind: Kind, channel: str, part_: Part, language: str) -> str:
    """The source of a part, in a language."""
    data: dict[str, Any] = {name: f"{{{{ .{variable} }}}}" for variable, name in kind.fields(channel).items()}
    data |= dict.fromkeys(set(variables.MOMENTS) & data.keys(), _MOMENT)
    if "expires_in_minutes" in data:
        data["expires_in_minutes"] = _MINUTES
    message = Message(
        id="", status="", channel=channel, recipient="", template=kind.type, data=data, origin=Origin(language),
        send_count=0, created_at="", updated_at="",
    )  # fmt: skip
    made = words.part(_called(project, "{{ .ApplicationName }}"), message, part_)
    moment = catalogue.moment(clock.parse(_MOMENT), language)
    good_for = catalogue.text("mail.good_for_minutes", language, minutes=_MINUTES)
    made = made.replace(moment, "{{ .When }}")
    made = made.replace(good_for, good_for.replace(str(_MINUTES), "{{ .ExpiresInMinutes }}"))
    if _FILLED_IN in made:  # only for requests that came by way of a page
        text, _, code = made.partition(_FILLED_IN)
        made = f"{text}{{{{ if .RequestURLDomain }}}}{_FILLED_IN}{code.removesuffix(chr(10))}{{{{ end }}}}\n"
    return made


def _called(project: Project, name: str) -> Project:
    """The same project by another name."""
    config = project.config
    branding = replace(config.limen.branding, name=name)
    return replace(project, config=replace(config, limen=replace(config.limen, branding=branding)))
