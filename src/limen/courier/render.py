"""From a message to its words: the template that was saved for it, the one of the configuration or the folder, else our own.

Each part of a message is looked for by itself, so that a subject of one's own goes with our text.
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final

import structlog

from limen.core.ids import parse_id
from limen.core.outbound import Outbound
from limen.courier import documents, saved, variables, words, workshop
from limen.courier.kinds import PARTS, Kind, Part
from limen.courier.model import Message, Rendered, Undelivered
from limen.courier.workshop import Given
from limen.db.database import ProjectDatabase
from limen.project.model import Project

_log = structlog.get_logger("limen.courier")
# What Kratos calls the file of each part, and which files beside it a template may use.
FILES: Final[dict[Part, tuple[str, str]]] = {
    "subject": ("email.subject.gotmpl", "email.subject*"),
    "html": ("email.body.gotmpl", "email.body*"),
    "text": ("email.body.plaintext.gotmpl", "email.body.plaintext*"),
    "sms": ("sms.body.gotmpl", "sms.body*"),
}


async def render(project: Project, db: ProjectDatabase, outbound: Outbound, message: Message) -> Rendered:
    """:raises Undelivered: a template of the configuration is missing, wrong, or does not fit"""
    if message.origin.rendered:
        return message.origin.rendered
    parts = PARTS["sms" if message.channel == "sms" else "email"]
    made = await _from_saved(project, db, message, parts)
    made |= await _from_configured(project, outbound, message, [part for part in parts if part not in made])
    made |= {part: words.part(project, message, part) for part in parts if part not in made}
    if message.channel == "sms":
        return Rendered("", made["sms"], "")
    return Rendered(" ".join(made["subject"].strip().splitlines()), made["text"], made["html"])


async def _from_saved(
    project: Project, db: ProjectDatabase, message: Message, parts: Sequence[Part]
) -> dict[Part, str]:
    """The parts an operator saved. One that fails is passed over: somebody waits for the message, and the default says it."""
    found = await saved.in_force(db, message.kind.type, words.language_of(project, message))
    found = await saved.for_recipient(db, found, _recipient(message))
    own = {part: {"template": source} for part in parts if (source := found.part(part)) is not None}
    made: dict[Part, str] = {}
    for part, one in (await workshop.render(message.kind, message.channel, _given(project, message), own)).items():
        if one.error:
            # Without the error: it can name a code.
            _log.warning("template", message=message.id, template=message.template, part=part, line=one.line)
        else:
            made[part] = one.text
    return made


async def _from_configured(
    project: Project, outbound: Outbound, message: Message, parts: Sequence[Part]
) -> dict[Part, str]:
    """:raises Undelivered: the subject or the text cannot be made; the HTML is left out then, as the text says the same"""
    kind, own, failed = message.kind, dict[Part, dict[str, str]](), dict[Part, Undelivered]()
    for part in parts:
        try:
            if sources := await sources_of(project, outbound, kind, part):
                own[part] = sources
        except Undelivered as error:
            failed[part] = error
    made: dict[Part, str] = {}
    for part, one in (await workshop.render(kind, message.channel, _given(project, message), own)).items():
        if one.error:
            failed[part] = Undelivered(f"{kind.path}/{next(iter(own[part]))}: {one.error}", "a template is wrong")
        else:
            made[part] = one.text
    for part, failure in failed.items():
        if part != "html":
            raise failure
        _log.warning("html", message=message.id, error=str(failure))
        made["html"] = ""
    return made


def _recipient(message: Message) -> str | None:
    """The id of the person a message goes to, where it is somebody's."""
    about = message.data.get("identity")
    id_ = about.get("id") if isinstance(about, dict) else None
    return parse_id(id_) if isinstance(id_, str) else None


def _given(project: Project, message: Message) -> Given:
    language = words.language_of(project, message)
    return Given(message.data, variables.own(project, message.kind, message.channel, message.data, language))


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
