"""What a check-up finds (`limen doctor`): how things stand, and what to do about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final, Literal

import msgspec
from msgspec import Struct

Grade = Literal["good", "notice", "trouble"]
_SIGNS: Final[dict[Grade, tuple[str, str]]] = {"good": ("✓", "32"), "notice": ("!", "33"), "trouble": ("✗", "31")}

_COUNTED: Final[tuple[tuple[Grade, str], ...]] = (
    ("trouble", "in the way of people"), ("notice", "worth a look"), ("good", "good"),
)  # fmt: skip


class Finding(Struct, frozen=True):
    """`grade`: good, worth a look, or in the way of people."""

    grade: Grade
    told: str
    advice: str = ""


def good(told: str) -> Finding:
    return Finding("good", told)


def notice(told: str, advice: str = "") -> Finding:
    return Finding("notice", told, advice)


def trouble(told: str, advice: str = "") -> Finding:
    return Finding("trouble", told, advice)


def as_json(findings: Sequence[Finding]) -> str:
    """A list for programs: `grade`, `told` and `advice` of each."""
    return msgspec.json.format(msgspec.json.encode(findings), indent=2).decode()


def render(findings: Sequence[Finding], *, colour: bool = False) -> str:
    """A line for each, and one below it that says what to do; in the end, how many are how."""

    def paint(code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if colour else text

    lines: list[str] = []
    for finding in findings:
        sign, hue = _SIGNS[finding.grade]
        lines.append(f"{paint(hue, sign)} {finding.told}")
        lines += [f"  {paint('32', '→ ' + finding.advice)}"] if finding.advice else []
    counts = Counter(finding.grade for finding in findings)
    told = [f"{count} {word}" for grade, word in _COUNTED if (count := counts[grade])]
    return "\n".join([*lines, "", f"{', '.join(told)}."])
