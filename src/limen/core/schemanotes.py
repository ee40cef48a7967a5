"""What is noticed about an identity schema, each thing with its place and the line it stands in."""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Final

from limen.core.configvalues import nearest
from limen.core.places import Document, Problem, pointer

Path = tuple[str | int, ...]  # the steps of a JSON pointer
_NONE: Final = object()
_SHOWN: Final = 60  # characters of a value
_COMPARED: Final = 100  # names, when a right one is looked for
_WIDEST: Final = 160  # a longer line is a schema on one line, and shows nobody anything


class Notes:
    """Collects mistakes and warnings. Where there is a mistake, no warning is added: it would be about the same thing."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self._wrong: set[Path] = set()

    def wrong(
        self, at: Path, message: str, hint: str = "", *, value: object = _NONE, allowed: str = "", key: bool = False
    ) -> None:
        """A mistake: the server does not start. `key` puts it at the name instead of the value."""
        self._wrong.add(at)
        self.problems.append(self._problem(at, message, hint, value, allowed, key))

    def doubt(
        self, at: Path, message: str, hint: str = "", *, value: object = _NONE, allowed: str = "", key: bool = False
    ) -> None:
        """A warning: Kratos takes it too, and it does not do what was meant."""
        if at not in self._wrong:
            self.warnings.append(self._problem(at, message, hint, value, allowed, key))

    def _problem(self, at: Path, message: str, hint: str, value: object, allowed: str, key: bool) -> Problem:
        path = pointer(*at)
        place = self.document.places.key(path) if key else self.document.places.value(path)
        return Problem(
            file=place.file,
            line=place.line,
            column=place.column,
            path=path,
            found=f"`{at[-1]}`" if key and at else "" if value is _NONE else shown(value),
            expected=allowed,
            message=message,
            hint=hint,
            source=source(self.document.lines, place.line),
        )


def near(name: str, names: Iterable[str], least: float) -> str:
    """The name that is spelled most alike, or nothing. A schema may have thousands: only some are compared."""
    alike = (known for known in names if abs(len(known) - len(name)) <= 2 + len(name) // 4)
    return nearest(name, list(islice(alike, _COMPARED)), least)


def source(lines: Sequence[str], number: int) -> str:
    """A line for people's eyes. Nothing is covered: everybody may read an identity schema at `/schemas`."""
    line = lines[number - 1].rstrip().replace("\t", " ") if 0 < number <= len(lines) else ""
    return line if len(line) <= _WIDEST else ""


def what(value: object) -> str:
    """What kind of thing this is, as people say it."""
    if isinstance(value, Mapping):
        return "a map"
    if isinstance(value, list):
        return "a list"
    return {str: "text", bool: "true or false", type(None): "null"}.get(type(value), "a number")


def written(value: object) -> str:
    """The value as JSON, cut when it is long."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def shown(value: object) -> str:
    """What was found, in a few words."""
    if isinstance(value, Mapping):
        return f"a map with {', '.join(list(value)[:4])}" if value else "an empty map"
    if isinstance(value, list):
        return f"a list of {len(value)}" if value else "an empty list"
    return written(value)
