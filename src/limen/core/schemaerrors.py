"""What a validator finds wrong with traits, as the messages of form fields, in the order in which Kratos tells them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import jsonschema_rs
import msgspec
from msgspec import Struct

from limen.core import messages
from limen.core.errors import Told
from limen.core.messages import Message

# The order in which Kratos checks one value; a node's messages come in it.
_RANK = {keyword: rank for rank, keyword in enumerate((
    "type", "const", "enum", "format", "not", "allOf", "anyOf", "oneOf", "if", "minProperties", "maxProperties", "required",
    "propertyNames", "additionalProperties", "dependencies", "minLength", "maxLength", "pattern", "minItems", "maxItems",
    "uniqueItems", "contains", "minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf",
))}  # fmt: skip


class Found(Struct, frozen=True):
    """One mistake: the message, the name of the node it belongs to, and the schema that was not met, as a path in it."""

    message: Message
    place: str
    schema: tuple[str | int, ...]
    rank: int

    @property
    def is_mistyped(self) -> bool:
        return self.rank == 0


def told(errors: Iterable[jsonschema_rs.ValidationError], document: Mapping[str, Any]) -> list[Told]:
    """All messages, by node. A schema whose type does not fit says nothing else about the same value."""
    found = [one for error in errors for one in _explain(error, document)]
    mistyped = {(one.place, one.schema) for one in found if one.is_mistyped}
    kept = [one for one in found if one.is_mistyped or (one.place, one.schema) not in mistyped]
    kept.sort(key=lambda one: (one.place, one.rank))
    return [(one.message, one.place) for one in kept]


def _explain(error: jsonschema_rs.ValidationError, document: Mapping[str, Any]) -> Iterator[Found]:
    kind: Any = error.kind
    keyword: str = kind.name
    *schema, _ = error.schema_path or [""]
    rank = _RANK.get(keyword, len(_RANK))
    steps = [str(step) for step in error.instance_path]
    place = ".".join(steps)
    match keyword:
        case "anyOf" | "oneOf" if any(getattr(kind, "context", ())):
            for inner in (inner for branch in kind.context for inner in branch):
                for one in _explain(inner, document):
                    yield Found(one.message, one.place, tuple(schema), rank)
        case "propertyNames":
            named = ".".join((*steps, str(kind.error.instance)))
            for one in _explain(kind.error, document):
                yield Found(one.message, named, tuple(schema), rank)
        case "required" if schema and error.schema_path[-1] == "dependencies":
            reason = f"{kind.property} is needed as well."
            yield Found(messages.GENERIC(reason=reason), place, tuple(schema), _RANK["dependencies"])
        case "required":
            missing = messages.PROPERTY_MISSING(property=kind.property)
            yield Found(missing, ".".join((*steps, kind.property)), tuple(schema), rank)
        case "type":
            types = _written_types(error, document)
            wrong = messages.WRONG_TYPE(allowed_types=types, actual_type=_json_type(error.instance))
            yield Found(wrong, place, tuple(schema), rank)
        case (
            "pattern"
        ):  # a match that was given up, as it took too many attempts, does not say which pattern it was for
            pattern = getattr(kind, "pattern", None) or str(_at(document, error.schema_path) or "")
            yield Found(messages.PATTERN_MISMATCH(pattern=pattern), place, tuple(schema), rank)
        case _:
            yield Found(_message(keyword, kind, error.instance, error.message), place, tuple(schema), rank)


def _written_types(error: jsonschema_rs.ValidationError, document: Mapping[str, Any]) -> list[str]:
    """The types in the schema's own order, as far as it can be found: behind a reference it cannot."""
    kind: Any = error.kind
    written = _at(document, error.schema_path)
    return written if isinstance(written, list) else list(kind.types)


def _at(document: Any, path: Sequence[str | int]) -> Any:
    for step in path:
        if isinstance(document, list) and isinstance(step, int) and step < len(document):
            document = document[step]
        elif isinstance(document, Mapping):
            document = document.get(step)
        else:
            return None
    return document


def _message(keyword: str, kind: Any, value: Any, fallback: str) -> Message:
    match keyword:
        case "minLength":
            return messages.TOO_SHORT(min_length=kind.limit, actual_length=len(value))
        case "maxLength":
            return messages.TOO_LONG(max_length=kind.limit, actual_length=len(value))
        case "minimum":
            return messages.BELOW_MINIMUM(minimum=_number(kind.limit), actual=_number(value))
        case "exclusiveMinimum":
            return messages.BELOW_EXCLUSIVE_MINIMUM(minimum=_number(kind.limit), actual=_number(value))
        case "maximum":
            return messages.ABOVE_MAXIMUM(maximum=_number(kind.limit), actual=_number(value))
        case "exclusiveMaximum":
            return messages.ABOVE_EXCLUSIVE_MAXIMUM(maximum=_number(kind.limit), actual=_number(value))
        case "multipleOf":
            return messages.NOT_MULTIPLE(base=_number(kind.multiple_of), actual=_number(value))
        case "maxItems":
            return messages.TOO_MANY_ITEMS(max_items=kind.limit, actual_items=len(value))
        case "minItems":
            return messages.TOO_FEW_ITEMS(min_items=kind.limit, actual_items=len(value))
        case "uniqueItems":
            first, second = _twins(value)
            return messages.DUPLICATE_ITEMS(index_a=first, index_b=second)
        case "const":
            return messages.NOT_THE_CONSTANT(expected=msgspec.json.encode(kind.expected_value).decode())
        case "format" if kind.format in ("email", "email_loose") and value:
            return messages.NOT_AN_EMAIL(value=value)
        case "format" if kind.format == "tel" and value:
            return messages.NOT_A_PHONE(value=value)
    return messages.GENERIC(reason=_reason(keyword, kind, value, fallback))


def _reason(keyword: str, kind: Any, value: Any, fallback: str) -> str:
    match keyword:
        case "format":
            return f"This is not a valid {kind.format}."
        case "enum":
            return "Choose one of: " + ", ".join(str(option) for option in kind.options) + "."
        case "additionalProperties":
            return "There is no field called " + ", ".join(kind.unexpected) + "."
    return fallback


def _number(value: Any) -> Any:
    """13.0 is told as 13, as JSON written by Go has it."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _twins(items: list[Any]) -> tuple[int, int]:
    for second in range(1, len(items)):
        for first in range(second):
            if items[first] == items[second] and type(items[first]) is type(items[second]):
                return first, second
    return -1, -1


def _json_type(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
    return "object"
