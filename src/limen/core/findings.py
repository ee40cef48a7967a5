"""What a check-up finds (`limen doctor`): how things stand, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from msgspec import Struct

Grade = Literal["good", "notice", "trouble"]
_SIGNS: Final[dict[Grade, tuple[str, str]]] = {"good": ("✓", "32"), "notice": ("!", "33"), "trouble": ("✗", "31")}


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


def render(findings: Sequence[Finding], *, colour: bool = False) -> str:
    """A line for each, and one below it that says what to do."""

    def paint(code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if colour else text

    lines: list[str] = []
    for finding in findings:
        sign, hue = _SIGNS[finding.grade]
        lines.append(f"{paint(hue, sign)} {finding.told}")
        lines += [f"  {paint('32', '→ ' + finding.advice)}"] if finding.advice else []
    return "\n".join(lines)
