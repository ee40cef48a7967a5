"""What a form carries: one flat map of texts, whatever it was sent as, and its reading into typed fields and traits.

HTML forms, query strings and JSON go through the same door, so that `traits.name.first=Ann` and
`{"traits": {"name": {"first": "Ann"}}}` mean the same (reference: Kratos' decoder, quirks included).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, get_type_hints

import msgspec
from msgspec import Raw, Struct

from limen.core import errors, messages, urls
from limen.core.errors import FormError, Told
from limen.core.schema import Path

# Each leaf of the traits becomes a field of the form, and nobody fills in more: past this it is not looked at.
MAX_LEAVES, MAX_DEPTH = 500, 64
_TRUE = {"1", "t", "T", "TRUE", "true", "True"}
_FALSE = {"0", "f", "F", "FALSE", "false", "False"}
_INTEGER = re.compile(r"[+-]?\d{1,15}")


class Form(Struct, frozen=True):
    """The submitted values. `unreadable` is the error of a body that could not be read at all."""

    values: Mapping[str, list[str]]
    unreadable: FormError | None = None
    is_json: bool = False

    def get(self, name: str) -> str:
        return self.values.get(name, [""])[0]

    @property
    def method(self) -> str:
        return self.get("method")


EMPTY = Form({})


def from_urlencoded(text: str, limit: int) -> Form:
    """An HTML form of at most `limit` fields; as in Go, a broken escape or a semicolon spoils all of it."""
    pairs = text.split("&")
    if len(pairs) > limit:
        return Form({}, errors.bad_body(f"A form may have at most {limit} fields."))
    if any(map(urls.is_broken, pairs)):
        return Form({}, errors.bad_body("The form is not encoded as a form has to be."))
    return Form(urls.parse_query(text))


def from_pairs(pairs: Iterable[tuple[str, str]]) -> Form:
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return Form(values)


def from_json(body: bytes) -> Form:
    """A JSON object; what is nested stays JSON text until a field wants it. As in Kratos, what follows it is not read."""
    try:
        document = _decode(body)
    except msgspec.ValidationError:
        return Form({}, errors.bad_body("The body has to be a JSON object."))
    except (ValueError, RecursionError) as error:
        return Form({}, errors.bad_body(f"The body is not JSON: {error}."))
    return Form({name: [_text(raw)] for name, raw in document.items()}, is_json=True)


def _decode(body: bytes) -> dict[str, Raw]:
    try:
        return msgspec.json.decode(body, type=dict[str, Raw])
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        text = body.decode().lstrip()
        _, end = json.JSONDecoder().raw_decode(text)
        return msgspec.json.decode(text[:end].encode(), type=dict[str, Raw])


def _text(raw: Raw) -> str:
    text = bytes(raw).decode("utf8", "replace")
    if text.startswith('"'):
        decoded: str = msgspec.json.decode(raw)
        return decoded
    return "" if text == "null" else text


def read(form: Form, shape: type[Struct], traits: Sequence[Path] = ()) -> tuple[Any, list[Told]]:
    """The form as a struct of this shape, all of whose fields have defaults, and what is wrong with its types.

    :param traits: the schema's paths, by which `traits` is read
    :raises FormError: the body is unreadable, or there are far too many traits
    :raises ApiError: code 500 in a 400, when an object field of a JSON body holds no JSON
    """
    if form.unreadable:
        raise form.unreadable
    try:
        document = _document(form.values, [*_fields(shape), *traits])
        if _is_too_large(document.get("traits")):
            raise errors.bad_body("There are too many traits, or they are nested too deeply.")
        told = [_not_an_object(document, path.name) for path in _fields(shape) if _is_mistyped(document, path)]
        return msgspec.convert(document, shape, strict=False), told
    except (msgspec.DecodeError, RecursionError) as error:
        reason = f"A field does not hold what belongs into it: {error}."
        raise (errors.untyped(reason) if form.is_json else errors.bad_body(reason)) from error


def _is_mistyped(document: Mapping[str, Any], path: Path) -> bool:
    return path.kind == "object" and path.name != "traits" and not isinstance(document.get(path.name, {}), dict)


def _not_an_object(document: dict[str, Any], name: str) -> Told:
    kind = _json_type(document.pop(name))
    return messages.WRONG_TYPE(allowed_types=["object"], actual_type=kind), name


def _is_too_large(traits: Any) -> bool:
    waiting, leaves = [(traits, 0)], 0
    while waiting:
        value, depth = waiting.pop()
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        leaves += len(inner)
        if leaves > MAX_LEAVES or depth > MAX_DEPTH:
            return True
        waiting.extend((one, depth + 1) for one in inner)
    return False


@lru_cache(maxsize=256)
def _fields(shape: type[Struct]) -> tuple[Path, ...]:
    """The top-level fields of a form as paths."""
    hints = get_type_hints(shape)
    kinds = {str: "string", bool: "boolean", int: "number", float: "number"}
    return tuple(
        Path(f.encode_name, kinds.get(hints[f.name], "object"), required=f.required)
        for f in msgspec.structs.fields(shape)
    )


def _document(values: Mapping[str, list[str]], paths: Sequence[Path]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for path in sorted(paths, key=lambda p: p.name.count(".")):
        if path.name in values:
            _put(document, path, values[path.name])
    for path in paths:
        if path.kind == "object" and _get(document, path.name) is _ABSENT:
            _set(document, path.name, {})
    return document


def _put(document: dict[str, Any], path: Path, texts: list[str]) -> None:
    match path.kind:
        case "strings" | "list":
            _set(document, path.name, list(texts))
        case "numbers":
            _set(document, path.name, [_number(text) for text in texts])
        case "booleans":
            _set(document, path.name, [_boolean(text) for text in texts])
        case "boolean":  # of a checkbox and the hidden field beside it, the last one counts
            if text := texts[-1] or ("false" if path.required else ""):
                _set(document, path.name, _boolean(text))
        case "number":
            if text := texts[0] or ("0" if path.required else ""):
                _set(document, path.name, _number(text))
        case "string":
            if texts[0]:
                _set(document, path.name, texts[0])
        case "object" if texts[0] or path.required:
            _set(document, path.name, msgspec.json.decode(texts[0]))


def is_pressed(text: str) -> bool:
    """Whether a button was sent: with any value that does not say no. Reading the field finds values that make no sense."""
    return bool(text) and text not in _FALSE


def is_true(text: str) -> bool:
    """Whether a query parameter says yes, in one of the ways Go's strconv.ParseBool takes."""
    return text in _TRUE


def _boolean(text: str) -> Any:
    """A text that is no boolean stays what it is: the schema then says so."""
    return True if text in _TRUE else False if text in _FALSE else text


def _number(text: str) -> Any:
    if _INTEGER.fullmatch(text):
        return int(text)
    try:
        number = float(text)
    except ValueError:
        return text
    if not math.isfinite(number) or "_" in text or text != text.strip():
        return text
    return int(number) if number.is_integer() and abs(number) < 1e15 else number


_ABSENT = object()


def _get(document: Any, name: str) -> Any:
    for step in name.split("."):
        if not isinstance(document, dict) or step not in document:
            return _ABSENT
        document = document[step]
    return document


def _set(document: dict[str, Any], name: str, value: Any) -> None:
    *parents, last = name.split(".")
    for step in parents:
        inner = document.setdefault(step, {})
        if isinstance(inner, list):
            return
        if not isinstance(inner, dict):  # a text where an object belongs makes room for it
            inner = document[step] = {}
        document = inner
    document[last] = value


def _json_type(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    names: dict[type, str] = {str: "string", int: "number", float: "number", list: "array", type(None): "null"}
    return names.get(type(value), "object")
