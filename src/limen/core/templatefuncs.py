"""The functions of message templates: sprig's, with nil as Go treats it, and with limits on how much one call may make."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import cache, wraps
from typing import Any, Final, Literal

from gotpl import TemplateExecutionError
from gotpl.funcs import sprig
from gotpl.runtime.sync_vm import _builtin_functions
from gotpl.runtime.values import INVALID, UNTYPED_NIL

MOST: Final = 10_000  # repetitions, columns or elements one call may ask for
LONGEST: Final = 200_000  # characters and elements one call may work on
_SIZED: Final = ("until", "untilStep", "seq", "repeat", "indent", "nindent", "wrap", "wrapWith", "randBytes")
_WIDTH: Final = re.compile(r"%[^%a-zA-Z]*?(\d{5,}|\*)")
_ESCAPED: Final = {"&": "\\u0026", "<": "\\u003c", ">": "\\u003e", "\u2028": "\\u2028", "\u2029": "\\u2029"}


@cache
def functions(kind: Literal["text", "html"]) -> Mapping[str, Callable[..., object]]:
    """All functions by name, Go's built-in ones among them."""
    found: dict[str, Callable[..., object]] = {**_builtin_functions("go"), **sprig.hermetic_text_func_map()}
    found |= {"eq": _eq, "ne": _ne}
    found |= dict.fromkeys(("toJson", "mustToJson"), _to_json)
    found |= dict.fromkeys(("toPrettyJson", "mustToPrettyJson"), _to_pretty_json)
    found |= dict.fromkeys(("toRawJson", "mustToRawJson"), _to_raw_json)
    found |= {"index": _index} if kind == "html" else {}
    del found["call"]
    return {name: _limited(name, function) for name, function in found.items()}


def _is_nil(value: object) -> bool:
    return value is None or value is INVALID or value is UNTYPED_NIL


def _limited(name: str, function: Callable[..., object]) -> Callable[..., object]:
    """The engine counts what a template does, not what a single call makes: one that doubles a text fills the memory."""

    @wraps(function)
    def limited(*arguments: object) -> object:
        if name in _SIZED and any(isinstance(a, (int, float)) and abs(a) > MOST for a in arguments):
            raise TemplateExecutionError(f"no more than {MOST} at a time")
        if name == "printf" and _WIDTH.search(str(arguments[0])):
            raise TemplateExecutionError(f"a width of more than {MOST} is not possible in printf")
        if sum(len(a) for a in arguments if isinstance(a, (str, list))) > LONGEST:
            raise TemplateExecutionError(f"no text longer than {LONGEST} characters")
        return function(*arguments)

    return limited


def _kind(value: object) -> str:
    for type_, name in ((bool, "bool"), (int, "int"), (float, "float"), (str, "string")):
        if isinstance(value, type_):
            return name
    return type(value).__name__


def _eq(first: object, *others: object) -> bool:
    """Nil, and a key that is not there, equal only each other; other values must be of one kind."""
    if not others:
        raise TemplateExecutionError("missing argument for comparison")
    return any(_equal(first, other) for other in others)


def _ne(first: object, second: object) -> bool:
    return not _equal(first, second)


def _equal(a: object, b: object) -> bool:
    if _is_nil(a) or _is_nil(b):
        return _is_nil(a) and _is_nil(b)
    if _kind(a) != _kind(b):
        raise TemplateExecutionError(f"incompatible types for comparison: {_kind(a)} and {_kind(b)}")
    if isinstance(a, (dict, list)):
        raise TemplateExecutionError("non-comparable type")
    return bool(a == b)


def _index(value: object, *indexes: object) -> object:
    """Nothing, where a map has no such key: the engine's own is at a loss with it in HTML."""
    for index in indexes:
        if isinstance(value, Mapping):
            value = value.get(index)
        elif isinstance(value, (list, str)) and isinstance(index, int) and 0 <= index < len(value):
            value = value[index] if isinstance(value, list) else value.encode()[index]
        else:
            raise TemplateExecutionError("index out of range, or of something that has none")
    return value


def _plain(value: Any) -> Any:
    """Go writes whole floats without a point."""
    if _is_nil(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return int(value)
    return value


def _to_raw_json(value: object) -> str:
    return json.dumps(_plain(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _escaped(text: str) -> str:
    return "".join(_ESCAPED.get(character, character) for character in text)


def _to_json(value: object) -> str:
    return _escaped(_to_raw_json(value))


def _to_pretty_json(value: object) -> str:
    return _escaped(json.dumps(_plain(value), ensure_ascii=False, sort_keys=True, indent=2))
