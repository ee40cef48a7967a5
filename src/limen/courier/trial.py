"""Trying a template out: what is wrong with it, what it may not have been meant to do, and what it makes of the samples."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from limen.context import Context
from limen.core.templates import Mistake, place
from limen.courier import render, samples, variables, workshop
from limen.courier.kinds import Channel, Kind, Part
from limen.courier.model import Message, Origin, Rendered
from limen.courier.workshop import Checked, Given
from limen.project.model import Project

LARGEST: Final = 100_000  # characters of a part, and of what it makes
NAMES: Final[Mapping[Part, str]] = {
    "subject": "subject", "html": "body_html", "text": "body_text", "sms": "body_sms",
}  # fmt: skip
_TRAIT: Final = re.compile(r"\.Identity\.(traits(?:\.[A-Za-z_]\w*)+)")
_PROOFS: Final = ("verification_code", "recovery_code", "login_code", "registration_code")
_LINKS: Final = ("verification_url", "recovery_url", "login_url", "invitation_url")
_NO_VALUE: Final = "<no value>"


class Told(Struct, frozen=True):
    """Something about a part. `line` and `column` count from 1; they are 0 where it is about all of it."""

    template: str
    part: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        at = f", line {self.line}, column {self.column}" if self.line else ""
        return f"{self.template}, {self.part}{at}: {self.message}"


class Verdict(Struct):
    """`texts` is what the parts without mistakes make of a message that has everything. `exceeded`: a part took more than
    it may; those after it were not tried.
    """

    mistakes: list[Told]
    warnings: list[Told]
    texts: dict[Part, str]
    exceeded: bool = False


async def judge(project: Project, kind: Kind, parts: Mapping[Part, str], language: str) -> Verdict:
    """Render each part with all samples."""
    verdict = Verdict([], [], {})
    for channel, part in kind.parts:
        if (source := parts.get(part)) is None:
            continue
        given = _given(project, kind, channel, language)
        checked = await _checked(kind, channel, given, part, source)
        verdict.mistakes += [_told(kind, part, one) for one in checked.mistakes]
        if checked.exceeded:
            verdict.exceeded = True
            break
        if not checked.mistakes:
            verdict.texts[part] = checked.texts[0]
            doubts = _doubts(project, part, source, checked.texts, given)
            verdict.warnings += [_told(kind, part, one) for one in doubts]
    return verdict


async def shown(ctx: Context, kind: Kind, channel: Channel, language: str, texts: Mapping[Part, str]) -> Rendered:
    """A sample in the words that are in force, but for the parts in `texts`.

    :raises Undelivered: a template of the configuration is wrong
    """
    made = await render.render(ctx.project, ctx.db, ctx.outbound, sample(ctx.project, kind, channel, language))
    return Rendered(
        " ".join(texts.get("subject", made.subject).strip().splitlines()),
        texts.get("sms" if channel == "sms" else "text", made.text),
        texts.get("html", made.html),
    )


def sample(project: Project, kind: Kind, channel: Channel, language: str) -> Message:
    """A message of this kind that tells nobody anything."""
    data = samples.data(project, kind, channel)[0]
    return Message(
        id="", status="", channel=channel, recipient=data["to"], template=kind.type, data=data,
        origin=Origin(language), send_count=0, created_at="", updated_at="",
    )  # fmt: skip


def _given(project: Project, kind: Kind, channel: Channel, language: str) -> list[Given]:
    chosen = language or project.config.limen.pages.languages[0]
    found = samples.data(project, kind, channel)
    return [Given(data, variables.own(project, kind, channel, data, chosen)) for data in found]


async def _checked(kind: Kind, channel: Channel, given: Sequence[Given], part: Part, source: str) -> Checked:
    if len(source) > LARGEST:
        return Checked((Mistake(0, 0, f"it has more than {LARGEST} characters"),))
    if not source.strip():
        return Checked((Mistake(0, 0, "it is empty; leave it out, or null, for the default"),))
    if "\0" in source:
        return Checked((Mistake(*place(source, source.index("\0")), "the character U+0000 cannot be sent"),))
    checked = await workshop.check(kind, channel, given, part, source)
    if any(len(text) > LARGEST for text in checked.texts):
        return Checked((Mistake(0, 0, f"it makes more than {LARGEST} characters"),))
    if not checked.mistakes and not all(text.strip() for text in checked.texts):
        return Checked((Mistake(0, 0, "what it makes is empty"),))
    return checked


def _told(kind: Kind, part: Part, one: Mistake) -> Told:
    return Told(kind.type, NAMES[part], one.line, one.column, one.message)


# --- what works, but was hardly meant so --------------------------------------------------------------------------------


def _doubts(
    project: Project, part: Part, source: str, texts: Sequence[str], given: Sequence[Given]
) -> Iterator[Mistake]:
    known = samples.paths(project)
    used = [(place(source, one.start()), one.group(1)) for one in _TRAIT.finditer(source)]
    for where, path in used:
        if not _is_known(path, known):
            yield Mistake(*where, f"no identity schema has {path}")
    if any(_NO_VALUE in text for text in texts):
        where = next((where for where, path in used if not _has(given[-1].data, path)), (0, 0))
        yield Mistake(*where, f"where something is missing this reads {_NO_VALUE}: use `with` or `default`")
    full = given[0].data
    proofs = [str(full[name]) for name in (*_PROOFS, *_LINKS) if full.get(name)]
    if part != "subject" and proofs and not any(proof in html.unescape(texts[0]) for proof in proofs):
        yield Mistake(0, 0, "it has neither the code nor the link that the message is about")


def _has(data: Mapping[str, Any], path: str) -> bool:
    value: Any = data.get("identity")
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value is not None


def _is_known(path: str, known: frozenset[str]) -> bool:
    """Of objects whose inside no schema describes, everything is."""
    above = path.rpartition(".")[0]
    return path in known or (above in known and not any(one.startswith(above + ".") for one in known))
