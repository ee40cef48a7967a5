"""Jsonnet, written evenly: indentation, spaces, quotes and comments as Jsonnet's own formatter writes them.

Line breaks stay where they are, and so does what a line that goes on is indented beyond its first one. The meaning is
never touched: text blocks and strings are copied, and who calls this compares what both texts mean to the reader.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

_TOKEN: Final = re.compile(
    r"""
      (?P<block>\|\|\|-?[ \t]*\n(?:.|\n)*?\n[ \t]*\|\|\|)
    | (?P<comment>//[^\n]*|\#[^\n]*|/\*(?:.|\n)*?\*/)
    | (?P<verbatim>@"(?:[^"]|"")*"|@'(?:[^']|'')*')
    | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<newline>\n)
    | (?P<space>[ \t\r]+)
    | (?P<word>[A-Za-z_0-9.]+)
    | (?P<open>[{\[(])
    | (?P<close>[}\])])
    | (?P<mark>:::|::|:|,|;)
    | (?P<sign>[^\sA-Za-z_0-9{}\[\](),:;"'\#@]+?(?=//|/\*|\s|[A-Za-z_0-9{}\[\](),:;"'\#@]|$)|.)
    """,
    re.VERBOSE,
)
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")
_RESERVED: Final = frozenset((
    "assert", "else", "error", "false", "for", "function", "if", "import", "importstr", "importbin", "in", "local", "null",
    "tailstrict", "then", "self", "super", "true",
))  # fmt: skip
_STEP: Final = 2


class Token(NamedTuple):
    """A piece of the text. `spaced`: how much white space stood before it on its line."""

    kind: str
    text: str
    spaced: int = 0


class _Line(NamedTuple):
    """`indent`: how far it was indented; a tab counts as one step."""

    indent: int
    tokens: list[Token]


def formatted(source: str) -> str:
    """The same program, evenly written."""
    lines = _with_commas(list(_lines(_tokens(source.replace("\r\n", "\n")))))
    out: list[str] = []
    inside: list[int] = []  # the indentation of the line in which each open bracket stands
    base = original = 0
    goes_on, ends_in = False, ""
    for line in lines:
        if not line.tokens:
            if out and out[-1]:
                out.append("")
            continue
        closers = _leading_closers(line.tokens)
        level = inside[-1] + _STEP if inside else 0
        if closers:
            level = inside[-min(closers, len(inside))] if inside else 0
        if goes_on and not closers:
            least = _STEP if ends_in in ("=", ":", "::", ":::") else 0
            indent = max(level, base + max(least, line.indent - original))
        else:
            indent, base, original = level, level, line.indent
        out.append(" " * indent + _written(line.tokens, inside, indent))
        last = [token for token in line.tokens if token.kind != "comment"]
        if last:
            ends_in = last[-1].text
            goes_on = not (last[-1].kind == "open" or ends_in in (",", ";"))
    return "\n".join(out).strip("\n") + "\n" if out else ""


def _tokens(source: str) -> Iterator[Token]:
    space = ""
    for found in _TOKEN.finditer(source):
        kind = str(found.lastgroup)
        if kind == "space":
            space = found[0]
            continue
        yield Token(kind, found[0], len(space.replace("\t", "  ")))
        space = ""


def _lines(tokens: Iterator[Token]) -> Iterator[_Line]:
    line: list[Token] = []
    for token in tokens:
        if token.kind == "newline":
            yield _Line(line[0].spaced if line else 0, line)
            line = []
        else:
            line.append(token)
    yield _Line(line[0].spaced if line else 0, line)


def _with_commas(lines: list[_Line]) -> list[_Line]:
    """The lines with a comma after the last entry of every list and map that ends on a line of its own."""
    found = [_Line(line.indent, list(line.tokens)) for line in lines]
    brackets: list[list[str]] = []  # the open ones, each with the words directly inside it
    last: tuple[list[Token], int] | None = None
    for line in found:
        for index, token in enumerate(list(line.tokens)):
            if token.kind == "comment":
                continue
            if token.kind == "close" and brackets:
                opened, *words = brackets.pop()
                if index == 0 and last and opened in "{[" and "for" not in words:
                    tokens, at = last
                    if tokens[at].kind != "open" and tokens[at].text not in (",", ";"):
                        tokens.insert(at + 1, Token("mark", ","))
            elif token.kind == "open":
                brackets.append([token.text])
            elif token.kind == "word" and brackets:
                brackets[-1].append(token.text)
            last = line.tokens, index
    return found


def _leading_closers(tokens: list[Token]) -> int:
    count = 0
    for token in tokens:
        if token.kind != "close":
            break
        count += 1
    return count


def _written(tokens: list[Token], inside: list[int], indent: int) -> str:
    """One line, with its brackets noted in `inside`."""
    text = ""
    kinds: list[str] = []  # of the brackets opened in this line
    for index, token in enumerate(tokens):
        before = tokens[index - 1] if index else None
        piece = _piece(token, before, tokens[index + 1] if index + 1 < len(tokens) else None)
        gap = "  " if token.kind == "comment" and not piece.startswith("/*") else " "
        text += (gap if before and _apart(before, token, kinds) else "") + piece
        if token.kind == "open":
            inside.append(indent)
            kinds.append(token.text)
        elif token.kind == "close":
            if inside:
                inside.pop()
            if kinds:
                kinds.pop()
    return text


def _apart(before: Token, token: Token, kinds: list[str]) -> bool:
    """Whether a space stands between two tokens of a line."""
    if token.kind == "comment":
        return True
    if before.text == "{" or token.text == "}":
        return not (before.text == "{" and token.text == "}")
    if before.text in ("[", "(") or token.text in ("]", ")", ",", ";"):
        return False
    if before.text in (",", ";"):
        return True
    in_slice = bool(kinds) and kinds[-1] == "["
    if before.text in (":", "::", ":::"):
        return bool(token.spaced) if in_slice else True
    if token.text in (":", "::", ":::"):
        return bool(token.spaced) and in_slice
    return bool(token.spaced)


def _piece(token: Token, before: Token | None, after: Token | None) -> str:
    if token.kind == "comment" and token.text.startswith("#") and not token.text.startswith("#!"):
        return "//" + token.text[1:]
    if token.kind != "text":
        return token.text
    bare = token.text[1:-1]
    is_field = after is not None and after.text in (":", "::", ":::") and (before is None or before.text in ("{", ","))
    if is_field and _NAME.fullmatch(bare) and bare not in _RESERVED:
        return bare
    if token.text.startswith('"') and not re.search(r"['\\]", bare):
        return f"'{bare}'"
    return token.text
