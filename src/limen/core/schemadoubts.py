"""What Kratos takes in an identity schema, and what then does nothing, or not what was meant: warnings only."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeGuard

from limen.core.configvalues import nearest
from limen.core.formats import uri
from limen.core.schema import EXTENSION, MAX_OPTIONS
from limen.core.schemakeywords import FORMAT_ALIASES, KEYWORDS, KNOWN_FORMATS, TYPES
from limen.core.schemanotes import Notes, Path

_DRAFT_7: Final = ("http://json-schema.org/draft-07/schema#", "http://json-schema.org/schema#")
_OTHERWISE: Final = {  # keywords of later drafts and of OpenAPI, and how draft 7 says it
    "nullable": 'Write `"type": ["string", "null"]`, with the type it has.',
    "dependentRequired": "Write `dependencies`.",
    "dependentSchemas": "Write `dependencies`.",
    "prefixItems": "Write `items`, with a list.",
    "unevaluatedProperties": "Write `additionalProperties`.",
    "unevaluatedItems": "Write `additionalItems`.",
    "minContains": "Remove it.",
    "maxContains": "Remove it.",
    "$anchor": "Write `$id`, with a `#` before the name.",
    "$dynamicRef": "Write `$ref`.",
    "$recursiveRef": "Write `$ref`.",
    "divisibleBy": "Write `multipleOf`.",
}
_FREE: Final = frozenset({"$defs", "id", "example", "deprecated", "disableFormField", "note"})  # they mean no keyword
_FITTING: Final[Mapping[str, tuple[type, ...]]] = {  # what a misspelt keyword must hold to be taken for one
    "text": (str,), "reference": (str,), "uri": (str,), "pattern": (str,), "flag": (bool,), "count": (int, str),
    "number": (int, float, str), "factor": (int, float), "names": (list, bool), "values": (list,), "list": (list,),
    "type": (str, list), "schema": (dict, bool), "schemas": (list,), "map": (dict, list), "dependencies": (dict,),
    "items": (dict, list), "any": (object,),
}  # fmt: skip
_BESIDE_REF: Final = frozenset(
    {"$ref", "$id", "$schema", "$comment", "description", "default", "examples", "definitions"}
)
_FOR: Final[Mapping[str, tuple[str, ...]]] = {  # the types that a keyword says something about
    **dict.fromkeys(("minLength", "maxLength", "pattern"), ("string",)),
    **dict.fromkeys(
        ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"), ("number", "integer")
    ),
    **dict.fromkeys(("items", "additionalItems", "minItems", "maxItems", "uniqueItems", "contains"), ("array",)),
    **dict.fromkeys(
        ("properties", "patternProperties", "additionalProperties", "required", "minProperties", "maxProperties",
         "propertyNames", "dependencies"),
        ("object",),
    ),
}  # fmt: skip
_LIMITS: Final = ("Length", "Items", "Properties", "imum")


def check(notes: Notes, schema: Mapping[str, Any], at: Path) -> None:
    """Note what is doubtful about one schema, looking at nothing else."""
    beside = [name for name in schema if name not in _BESIDE_REF and (name in KEYWORDS or name == EXTENSION)]
    if isinstance(schema.get("$ref"), str) and beside:
        names = ", ".join(f"`{name}`" for name in beside)
        hint = f"Move {'it' if len(beside) == 1 else 'them'} into the map that `$ref` leads to."
        notes.doubt((*at, beside[0]), f"Beside `$ref` nothing else counts: {names} here.", hint, key=True)
        return
    for name in schema:
        if name not in KEYWORDS:
            _unknown(notes, name, schema, at)
    _format(notes, schema.get("format"), (*at, "format"))
    _useless(notes, schema, at)
    for limit in _LIMITS:
        least, most = schema.get(f"min{limit}"), schema.get(f"max{limit}")
        if _is_number(least) and _is_number(most) and least > most:
            message = f"Nothing fits: at least {least} is wanted, and at most {most}."
            notes.doubt((*at, f"min{limit}"), message)
    options = schema.get("enum")
    if isinstance(options, list) and len(options) > MAX_OPTIONS:
        message = f"Forms offer only the first {MAX_OPTIONS} of these {len(options)} values."
        notes.doubt((*at, "enum"), message, key=True)


def root(notes: Notes, data: Mapping[str, Any]) -> None:
    """Note what is doubtful about the whole: which draft it is written for, and types that are left out."""
    draft = data.get("$schema")
    if isinstance(draft, str) and draft not in _DRAFT_7 and _drafted(draft):
        number = _drafted(draft)
        message = "Kratos does not know this spelling, and refuses every person."
        if number in ("04", "06"):
            message = f"This is written for draft {int(number)}, and read as draft 7."
        notes.doubt(("$schema",), message, f"Write {_DRAFT_7[0]}", value=draft)
    traits = ("properties", "traits")
    inner = data.get("properties")
    for at, schema in (((), data), (traits, inner.get("traits") if isinstance(inner, Mapping) else None)):
        if isinstance(schema, Mapping) and "type" not in schema:
            message = "`type` is missing, so the fields of forms are in no order."
            notes.doubt(at, message, 'Add `"type": "object"`.')


def other_draft(schema: object) -> bool:
    """Whether this `$schema` names a draft that Kratos refuses for every person, and that we would misread."""
    return isinstance(schema, str) and uri(schema) and schema not in _DRAFT_7 and not _drafted(schema)


def _drafted(schema: str) -> str:
    """`04`, `06` or `07` when that draft is meant, however it is spelled."""
    bare = schema.rstrip("#").removeprefix("http://").removeprefix("https://")
    return next((number for number in ("04", "06", "07") if bare == f"json-schema.org/draft-{number}/schema"), "")


def _unknown(notes: Notes, name: str, schema: Mapping[str, Any], at: Path) -> None:
    if name in _OTHERWISE:
        notes.doubt((*at, name), f"`{name}` is unknown in draft 7, so it has no effect.", _OTHERWISE[name], key=True)
        return
    if name in _FREE or len(name) > 40:
        return
    fitting = [
        known for known, kind in KEYWORDS.items() if known not in schema and isinstance(schema[name], _FITTING[kind])
    ]
    match = nearest(name, fitting, 0.75)
    if match:
        message = f"There is no keyword `{name}`, so it has no effect."
        notes.doubt((*at, name), message, f"Did you mean `{match}`?", key=True)


def _format(notes: Notes, name: object, at: Path) -> None:
    if not isinstance(name, str) or name in KNOWN_FORMATS or not name:
        return
    match = FORMAT_ALIASES.get(name.lower()) or nearest(name, sorted(KNOWN_FORMATS), 0.6)
    hint = f"Did you mean `{match}`?" if match else "Remove it, or check the value with `pattern`."
    allowed = ", ".join(sorted(KNOWN_FORMATS))
    notes.doubt(at, f"There is no format `{name}`, so nothing is checked.", hint, value=name, allowed=allowed)


def _useless(notes: Notes, schema: Mapping[str, Any], at: Path) -> None:
    types = schema.get("type")
    names: list[Any] = types if isinstance(types, list) else [types]
    if names and all(name in TYPES for name in names):
        for keyword in schema:
            wanted = _FOR.get(keyword)
            if wanted and not any(name in wanted for name in names):
                message = f"`{keyword}` says nothing about the type `{'/'.join(names)}`."
                hint = "Move it one level up, beside `properties`." if keyword == "required" else ""
                notes.doubt((*at, keyword), message, hint, key=True)
    for branch, need in _branches(schema):
        notes.doubt((*at, branch), f"`{branch}` has no effect without {need}.", key=True)


def _branches(schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if "if" in schema:
        if "then" not in schema and "else" not in schema:
            yield "if", "`then` or `else`"
        return
    yield from ((name, "`if`") for name in ("then", "else") if name in schema)


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
