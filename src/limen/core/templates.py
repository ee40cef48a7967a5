"""Go templates for messages (text/template and html/template with sprig), evaluated in a sandbox.

The functions are sprig's hermetic ones, as Kratos gives them to templates of one's own: nothing that reads the clock, the
environment, the network or random numbers. What differs from Go is in `templatefuncs`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, Literal, Protocol

from msgspec import Struct

Kind = Literal["text", "html"]

_FIELD: Final = re.compile(r"\.([A-Za-z]\w*)")


class TemplateError(Exception):
    """A template cannot be read, or not with this data; the text says where."""


class Mistake(Struct, frozen=True):
    """Something wrong with a template (see templatemistakes.py). `line` and `column` count from 1; 0: of all of it."""

    line: int
    column: int
    message: str


def place(source: str, position: int) -> tuple[int, int]:
    """The line and the column of a character, from 1."""
    before = source[:position]
    return before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1


class Record:
    """What a template is given: like a Go struct it has fixed fields, and asking for any other is a mistake."""

    __slots__ = ("_fields",)

    def __init__(self, **fields: Any) -> None:
        self._fields = fields

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def plain(self) -> dict[str, Any]:
        """The fields as JSON."""
        return {name: value.plain() if isinstance(value, Record) else value for name, value in self._fields.items()}

    def __gotemplate_lookup__(self, name: str) -> Any:
        if name not in self._fields:
            raise TemplateError(f"there is no field {name}; there are {', '.join(self._fields)}")
        return self._fields[name]

    def __repr__(self) -> str:
        return "{" + " ".join(self._fields) + "}"


def numbers(value: Any) -> Any:
    """JSON as Go has it in a map: every number is a float64."""
    if isinstance(value, dict):
        return {key: numbers(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [numbers(inner) for inner in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value


class Compiled(Protocol):
    def render(self, data: object) -> str: ...


def render(sources: Mapping[str, str], data: Record, kind: Kind = "text") -> str:
    """The first of the sources, which may use the others by name (`{{ template "email.body.de.gotmpl" . }}`).

    :raises TemplateError: one is wrong, or does not fit the data
    """
    import gotpl  # noqa: PLC0415 - 50 ms that a start need not wait for

    try:
        return str(_compiled(tuple(sources.items()), kind).render(data))
    except gotpl.TemplateError as error:
        raise TemplateError(str(error)) from error
    except RecursionError as error:
        raise TemplateError("it uses itself without end") from error


def check(sources: Mapping[str, str], kind: Kind = "text") -> None:
    """:raises TemplateError: one of the sources cannot be read"""
    import gotpl  # noqa: PLC0415 - see above

    try:
        _compiled(tuple(sources.items()), kind)
    except gotpl.TemplateError as error:
        raise TemplateError(str(error)) from error


@lru_cache(maxsize=256)
def _compiled(sources: tuple[tuple[str, str], ...], kind: Kind) -> Compiled:
    return compiled(sources, kind, {})


def compiled(sources: tuple[tuple[str, str], ...], kind: Kind, more: Mapping[str, Callable[..., object]]) -> Compiled:
    """:param more: functions besides those that there are"""
    import gotpl  # noqa: PLC0415 - see above

    from limen.core import templatefuncs  # noqa: PLC0415 - with it come all of sprig's

    functions = {**templatefuncs.functions(kind), **more}
    # What is nil has no fields, and asking it for one gives nil; the sandbox must know the name first. On anything but nil
    # it lets nothing through: the engine's own attributes are methods and properties, and those are not allowed.
    fields = {name for _, source in sources for name in _FIELD.findall(source)} if kind == "html" else set()
    made: Compiled = (gotpl.HTMLTemplate if kind == "html" else gotpl.Template).from_sources(
        dict(sources),
        functions=functions,
        missing_key="zero" if kind == "html" else "default",
        sandbox=gotpl.SandboxPolicy(allow_attributes=fields, allow_functions=functions, allow_custom_lookup=True),
    )
    return made
