"""How mistakes are told: as blocks for a terminal, as one paragraph for a log, and never with a secret in them."""

import re
from collections.abc import Sequence
from functools import cache
from typing import Final, Literal

from limen.core.configkeys import ROOT, Key, keys
from limen.core.configtypes import Section
from limen.core.places import Problem

Kind = Literal["mistake", "warning"]
_COLOURS: Final = {"mistake": "31", "warning": "33"}
_WIDEST: Final = 160  # a longer line is a file on one line, and shows nobody anything

_KEY: Final = re.compile(r"""(\s*(?:- +|\[+)?["']?([\w.-]+)["']?\s*(?:[:=]|\]+))(?:\s+(\S.*))?\s*""")
_INNER: Final = re.compile(r"""([^\s"'{}\[\],:=]+)["']?\s*[:=](?=[\s"'{\[])""")
_LOOSE: Final = re.compile(r"""([A-Za-z_][\w.-]*)[^\s\w:=]*\s*[:=](?!//)""")
_WHOLLY: Final = frozenset(
    {"secrets", "headers", "auth", "client_secret", "apple_private_key", "authorization_header", "base64"}
)


def render(problems: Sequence[Problem], *, colour: bool = False, kind: Kind = "mistake") -> str:
    """A heading and a block for each problem: where, which key, the line, what is wrong, and what to do."""

    def paint(code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if colour and text else text

    hue = _COLOURS[kind]
    count = len(problems)
    noun = kind if count == 1 else f"{kind}s"
    blocks = [paint(f"1;{hue}", f"The configuration has {count} {noun}.")]
    for problem in problems:
        lines = [f"{paint('36', place(problem))}  {paint('1', problem.path)}".rstrip()]
        if problem.source:
            gutter = f"{problem.line:>5} │ "
            lines.append(paint("2", gutter) + problem.source)
            if 0 < problem.column <= len(problem.source):
                lines.append(paint("2", "      │ ") + " " * (problem.column - 1) + paint(hue, "^"))
        lines.append(f"  {paint(hue, problem.message)}")
        lines += [f"  found:   {problem.found}"] if problem.found and not problem.source else []
        lines += [f"  allowed: {problem.expected}"] if problem.expected else []
        lines += [f"  {paint('32', '→ ' + problem.hint)}"] if problem.hint else []
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def plain(problems: Sequence[Problem]) -> str:
    """All of it in one line, for a log."""
    return " ".join(
        f"[{number}] {place(problem)}: "
        + " ".join(part for part in (problem.path and f"{problem.path}:", problem.message, problem.hint) if part)
        for number, problem in enumerate(problems, 1)
    )


def place(problem: Problem) -> str:
    """`kratos.yml:12:5`, or the name of the variable or flag."""
    return f"{problem.file}:{problem.line}:{problem.column}" if problem.line else problem.file


def covered(lines: Sequence[str], number: int) -> str:
    """Line `number` of a file for people's eyes: only what cannot be a secret, also where the file cannot be parsed.

    A value is shown when its key is known, is not for secrets, and stands under none that is.
    """
    line = lines[number - 1].rstrip().replace("\t", " ") if 0 < number <= len(lines) else ""
    if len(line) > _WIDEST or not line:
        return ""
    parents = [_KEY.match(parent) for parent in _above(lines, number)]
    above = [name for parent in parents if parent for name in parent[2].split(".")]
    names, lists, secrets = _names()
    key = _KEY.fullmatch(line)
    if key is None:  # an entry of a list, or more of a text
        start, value = len(line) - len(line.lstrip(" -")), line
        safe = bool(parents and parents[0] and parents[0][2] in lists)
    else:
        start, value = key.end(1), key[3] or ""
        safe = all(name in names for name in key[2].split("."))
    safe = safe and not _WHOLLY.intersection(above)
    safe = safe and all(name in names for name in (_LOOSE if "{" in value else _INNER).findall(value))
    safe = safe and ("@" not in value or (key is not None and key[2] == "from_address"))
    if key and key[2] not in names and secrets.intersection(above):  # a secret that a stray colon made a key of
        return f"{line[: len(line) - len(line.lstrip(' -'))]}***"
    return line if safe or not value else f"{line[:start]} ***" if key else f"{line[:start]}***"


@cache
def _names() -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """The names of keys that are for no secret, wherever they stand; those of them that list texts; and those for secrets."""
    seen: set[type[Section]] = set()
    harmless, lists, others, secret = set[str](), set[str](), set[str](), set[str]()

    def walk(key: Key) -> None:
        harmless.add(key.tag)
        for below in (key.item, *(variant for _, variant in key.variants)):
            if below:
                walk(below)
        if key.section not in seen:
            seen.add(key.section)
            for name, below in keys(key.section).items():
                (secret if below.secret or (below.item and below.item.secret) else harmless).add(name)
                (lists if below.item and below.item.kind in ("text", "link", "origin", "uri") else others).add(name)
                walk(below)

    walk(ROOT)
    return frozenset(harmless - secret), frozenset(lists - others - secret), frozenset(secret)


def _above(lines: Sequence[str], number: int) -> list[str]:
    """The lines that this one is indented under, nearest first; in TOML also the table it is in."""
    above: list[str] = []
    line = lines[number - 1]
    indent, item = len(line) - len(line.lstrip()), line.lstrip().startswith("- ")
    for other in reversed(lines[: number - 1]):
        text = other.strip()
        if not text or text.startswith("#"):
            continue
        if re.fullmatch(r"\[+[\w. \"'-]+\]+", text):
            return [*above, text]
        width, other_item = len(other) - len(other.lstrip()), text.startswith("- ")
        if width < indent or (item and width == indent and not other_item):
            above.append(other)
            indent, item = width, other_item
    return above
