"""Where operators' templates are rendered: in processes of their own, under limits, as a template may loop or grow.

Templates that are checked have other processes than messages that are sent: who tries something out holds up no mail.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from limen.core.confined import Exceeded, Pool
from limen.core.templates import Mistake
from limen.courier.kinds import Kind, Part

_SENDING: Final = Pool("limen.courier.templateworker", 2)
_TRYING: Final = Pool("limen.courier.templateworker", 1)


class Given(Struct, frozen=True):
    """What a template is rendered with: the data of a message, and our own variables."""

    data: Mapping[str, Any]
    own: Mapping[str, Any]


class Made(Struct, frozen=True):
    """What became of a part: its text, or what went wrong (which can tell what is in the message), and in which line."""

    text: str = ""
    error: str = ""
    line: int = 0


class Checked(Struct, frozen=True):
    """What is wrong with a part, and what it makes of each of the samples. `exceeded`: it took more than it may."""

    mistakes: tuple[Mistake, ...]
    texts: tuple[str, ...] = ()
    exceeded: bool = False


async def render(kind: Kind, channel: str, given: Given, parts: Mapping[Part, Mapping[str, str]]) -> dict[Part, Made]:
    """:param parts: for each part the sources by name; the first is rendered, and may use the others"""
    if not parts:
        return {}
    asked = {"check": False, **_question(kind, channel, [given]), "parts": parts}
    try:
        answer = await _SENDING.answer(asked)
    except Exceeded as error:
        return {part: Made(error=str(error)) for part in parts}
    return msgspec.convert(answer["parts"], dict[Part, Made])


async def check(kind: Kind, channel: str, given: Sequence[Given], part: Part, source: str) -> Checked:
    """Try a part with each of the samples."""
    asked = {"check": True, **_question(kind, channel, given), "parts": {part: {"template": source}}}
    try:
        return msgspec.convert(await _TRYING.answer(asked), Checked)
    except Exceeded as error:
        return Checked((Mistake(0, 0, str(error)),), exceeded=True)


def _question(kind: Kind, channel: str, given: Sequence[Given]) -> dict[str, Any]:
    return {"kind": kind.path, "channel": channel, "records": given}
