"""From a message to its words: the operator's template, from the configuration or the folder; else our own words.

Each part of a message is looked for by itself, so that a subject of one's own goes with our text.
"""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final, Literal

import structlog
from msgspec import Struct

from limen.core import templates
from limen.core.outbound import Outbound
from limen.core.templates import TemplateError
from limen.courier import documents, words
from limen.courier.kinds import Kind
from limen.courier.model import Message, Undelivered
from limen.project.model import Project

_log = structlog.get_logger("limen.courier")
Part = Literal["subject", "html", "text", "sms"]
# What Kratos calls the file of each part, and which files beside it a template may use.
FILES: Final[dict[Part, tuple[str, str]]] = {
    "subject": ("email.subject.gotmpl", "email.subject*"),
    "html": ("email.body.gotmpl", "email.body*"),
    "text": ("email.body.plaintext.gotmpl", "email.body.plaintext*"),
    "sms": ("sms.body.gotmpl", "sms.body*"),
}


class Rendered(Struct, frozen=True):
    """The words of a message. A text message has neither subject nor HTML."""

    subject: str
    text: str
    html: str


async def render(project: Project, outbound: Outbound, message: Message) -> Rendered:
    """:raises Undelivered: a template is missing, wrong, or does not fit"""
    if message.channel == "sms":
        return Rendered("", await _part(project, outbound, message, "sms"), "")
    subject = await _part(project, outbound, message, "subject")
    text = await _part(project, outbound, message, "text")
    try:
        html = await _part(project, outbound, message, "html")
    except Undelivered as error:  # the text says the same, and somebody waits for it
        _log.warning("html", message=message.id, error=str(error))
        html = ""
    return Rendered(" ".join(subject.strip().splitlines()), text, html)


async def _part(project: Project, outbound: Outbound, message: Message, part: Part) -> str:
    kind = message.kind
    own = await sources_of(project, outbound, kind, part)
    if own is None:
        return words.part(project, message, part)
    record = kind.record(message.channel, message.data)
    try:
        return templates.render(own, record, "html" if part == "html" else "text")
    except TemplateError as error:
        raise Undelivered(f"{kind.path}/{next(iter(own))}: {error}", "a template is wrong") from error


async def sources_of(project: Project, outbound: Outbound, kind: Kind, part: Part) -> dict[str, str] | None:
    """The operator's template for a part, first, and the ones it may use; None when there is none.

    :raises Undelivered: one cannot be read
    """
    if configured := _configured(project, kind, part):
        return {configured: await documents.read(outbound, configured)}
    root = project.config.courier.template_override_path
    if not root:
        return None
    name, pattern = FILES[part]
    folder = Path(root) / kind.path
    try:
        found = sorted(file for file in folder.iterdir() if fnmatch(file.name, pattern))
    except OSError:
        return None
    main = next((file for file in found if file.name == name), None)
    if main is None:
        return None
    return {
        file.name: await documents.read(outbound, file.absolute().as_uri())
        for file in (main, *(f for f in found if f != main))
    }


def _configured(project: Project, kind: Kind, part: Part) -> str | None:
    section: Any = project.config.courier.templates
    for step in kind.path.split("/"):
        section = getattr(section, step, None)
    if section is None:
        return None
    if part == "sms":
        sms = getattr(section, "sms", None)
        return sms.body.plaintext if sms else None
    found: str | None = {
        "subject": section.email.subject,
        "text": section.email.body.plaintext,
        "html": section.email.body.html,
    }[part]
    return found
