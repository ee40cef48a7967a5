"""All that is wrong with a Go template, with its places: what cannot be read, what is not there, and what fails with samples."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import gotpl

from limen.core import templates
from limen.core.templates import Compiled, Kind, Mistake, Record, TemplateError, place

MOST: Final = 20  # mistakes that are told
_QUOTES: Final = r'"(?:\\.|[^"\\\n])*"|`[^`]*`|/\*.*?\*/'
_QUOTED: Final = re.compile(_QUOTES, re.DOTALL)
# What is quoted is passed over whole (`(?>…)`): it may hold what would end the action.
_ACTION: Final = re.compile(rf"\{{\{{-?\s*((?>{_QUOTES}|.)*?)-?\}}\}}", re.DOTALL)
_VARIABLE: Final = re.compile(r"(?<![\w.)\]])(\$?)\.([A-Za-z]\w*)")  # not `.b` in `.a.b`
_NO_FUNCTION: Final = re.compile(r"function '(\w+)' not defined")
# What the engine says, and what it means.
_PLAINLY: Final = (
    (_NO_FUNCTION, r"there is no function \1"),
    (re.compile("unexpected EOF"), "an {{ if }}, {{ with }}, {{ range }} or {{ define }} lacks its {{ end }}"),
    (re.compile("unexpected (end|else)"), r"this {{ \1 }} belongs to nothing"),
    (re.compile("unclosed action"), "this lacks its }}"),
    (re.compile("missing value for command"), "something is missing here"),
    (re.compile("template ends in a non-text context"), "a tag, an attribute, a script or a style lacks its end"),
    (re.compile("branches end in different HTML contexts"), "the branches end in different places of the HTML"),
    (re.compile("attribute '(.*)' is not allowed"), r"this has no field \1, or may be missing: use `with`"),
    (re.compile("(iteration|function-call|template-depth) budget exceeded.*"), "it takes too long"),
    (re.compile("output character budget exceeded.*"), "it makes too much"),
)


def find(source: str, data: Sequence[Record], kind: Kind) -> tuple[list[Mistake], list[str]]:
    """What is wrong, all that can be told at once; else what the template makes of each of `data`."""
    found = [mistake for record in data for mistake in _unknown(source, record)]
    compiled = _read(source, kind, found)
    made: list[str] = []
    for record in data if compiled else ():
        found += _tried(compiled, _Noting(record), source, found, made)
    return sorted(set(found), key=lambda one: (one.line, one.column, one.message))[:MOST], made


# --- variables that are not there ---------------------------------------------------------------------------------------


def _unknown(source: str, record: Record) -> Iterator[Mistake]:
    """Those that can be seen without running the template, also in branches that no sample takes."""
    known = frozenset(record)
    for position, name in _variables(source):
        if name not in known:
            yield Mistake(*place(source, position), _no_variable(name, record))


def _variables(source: str) -> Iterator[tuple[int, str]]:
    """Where a field of what the template is given is used. Within `with` and `range` the dot is something else."""
    is_root, is_main = [True], [True]  # for each block that is open
    for action in _ACTION.finditer(source):
        text = _QUOTED.sub(lambda quoted: " " * len(quoted.group()), action.group(1))
        word, _, rest = text.strip().partition(" ")
        if word == "end":
            del is_root[max(1, len(is_root) - 1) :], is_main[max(1, len(is_main) - 1) :]
            continue
        if word == "else" and len(is_root) > 1:
            is_root[-1] = is_root[-2]
            word = rest.strip().partition(" ")[0]
            if word in ("with", "range"):
                yield from _used(action.start(1), text, is_root[-1], is_main[-1])
                is_root[-1] = False
                continue
        yield from _used(action.start(1), text, is_root[-1], is_main[-1])
        if word in ("if", "with", "range", "define", "block"):
            is_root.append(is_root[-1] and word == "if")
            is_main.append(is_main[-1] and word not in ("define", "block"))


def _used(start: int, text: str, is_root: bool, is_main: bool) -> Iterator[tuple[int, str]]:
    for used in _VARIABLE.finditer(text):
        if is_main if used.group(1) else is_root:
            yield start + used.start(), used.group(2)


def _no_variable(name: str, record: Record) -> str:
    known = sorted(record)
    if close := difflib.get_close_matches(name, known, 1, 0.8):
        return f"there is no .{name} here; is it .{close[0]}?"
    return f"there is no .{name} here; there are {', '.join(f'.{one}' for one in known)}"


# --- reading and running ------------------------------------------------------------------------------------------------


def _read(source: str, kind: Kind, found: list[Mistake]) -> Compiled | None:
    """The template, as far as it can be read: functions that do not exist are replaced by one that does nothing."""
    stand_ins: dict[str, Callable[..., object]] = {}
    while len(stand_ins) < MOST:
        try:
            return templates.compiled((("template", source),), kind, stand_ins)
        except gotpl.TemplateError as error:
            found.append(_mistake(error))
            unknown = _NO_FUNCTION.search(str(error))
            if not unknown or unknown[1] in stand_ins:
                return None
            stand_ins[unknown[1]] = lambda *_: ""
    return None


def _tried(
    compiled: Compiled | None, record: _Noting, source: str, found: Sequence[Mistake], made: list[str]
) -> Iterator[Mistake]:
    try:
        made.append(compiled.render(record) if compiled else "")
    except (gotpl.TemplateError, TemplateError) as error:
        mistake = _mistake(error)
        # What goes wrong on the line of something that is not there goes wrong because of it.
        if mistake.line not in {one.line for one in found}:
            yield mistake
    except RecursionError:
        yield Mistake(0, 0, "it uses itself without end")
    for name in dict.fromkeys(record.unknown):
        message = _no_variable(name, record.record)
        if message not in {one.message for one in found}:
            yield Mistake(*_first(source, name), message)


def _first(source: str, name: str) -> tuple[int, int]:
    used = re.search(rf"\.{re.escape(name)}\b", source)
    return place(source, used.start()) if used else (0, 0)


def _mistake(error: Exception) -> Mistake:
    line, column = getattr(error, "line", None) or 0, getattr(error, "column", None) or 0
    text = getattr(error, "message", "") or str(error).removeprefix(f"template:{line}:{column}: ")
    for engine, plain in _PLAINLY:
        text = engine.sub(plain, text)
    return Mistake(line, column, text)


class _Noting:
    """A record that writes down what is asked for in vain, and gives something that can be asked on."""

    def __init__(self, record: Record) -> None:
        self.record, self._known = record, frozenset(record)
        self.unknown: list[str] = []

    def __gotemplate_lookup__(self, name: str) -> Any:
        if name in self._known:
            return self.record.__gotemplate_lookup__(name)
        self.unknown.append(name)
        return _Nothing()


class _Nothing:
    def __gotemplate_lookup__(self, name: str) -> Any:
        return self
