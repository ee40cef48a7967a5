"""The project's documents as tests see them: blocks of code, headings, links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"(?P<indent> *)(?P<marks>```+|~~~+)(?P<info>.*)")
_LINK = re.compile(
    r"!?\[(?:[^\]\[]|\[[^\]]*\])*\]\(<?([^()\s>]+)>?(?:\s+\"[^\"]*\")?\)|(?:href|src|srcset)=\"([^\"]+)\""
)


@dataclass(frozen=True)
class Block:
    """A fenced block. The first word of its info string is the language, the others say what a test does with it."""

    language: str
    words: tuple[str, ...]
    text: str
    line: int


@dataclass(frozen=True)
class Document:
    path: Path
    blocks: tuple[Block, ...]
    prose: str

    @property
    def name(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    def links(self) -> Iterator[str]:
        for inline, attribute in _LINK.findall(re.sub(r"`[^`\n]*`", "", self.prose)):
            yield inline or attribute

    def anchors(self) -> set[str]:
        """The ids GitHub gives to headings."""
        headings = re.findall(r"^#+ +(.*?) *#*$", self.prose, re.MULTILINE)
        return {re.sub(r"[^\w\- ]", "", re.sub(r"[`*]", "", heading.lower())).replace(" ", "-") for heading in headings}


@cache
def read(path: Path) -> Document:
    blocks: list[Block] = []
    prose: list[str] = []
    inside: re.Match[str] | None = None
    lines: list[str] = []
    start = 0
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        fence = _FENCE.fullmatch(line)
        if inside is None and fence:
            inside, lines, start = fence, [], number
        elif inside is None:
            prose.append(line)
        elif fence and fence["marks"].startswith(inside["marks"]) and not fence["info"].strip():
            language, *words = inside["info"].split() or [""]
            blocks.append(Block(language, tuple(words), "\n".join(lines) + "\n", start))
            inside = None
        else:
            lines.append(line.removeprefix(inside["indent"]))
    assert inside is None, f"{path}:{start}: this block has no end"
    return Document(path, tuple(blocks), "\n".join(prose))


def documents() -> list[Document]:
    """Every document of the project."""
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "bench").glob("*.md")]
    return [read(path) for path in sorted(found)]


def with_examples() -> list[Document]:
    """The documents whose blocks are examples: they are run."""
    return [d for d in documents() if d.blocks and (d.name == "README.md" or d.name.startswith("docs/guide/"))]
