"""The keywords of JSON Schema draft 7 and what each takes: what Kratos asks of a schema before it starts."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from limen.core.configvalues import Wrong, nearest
from limen.core.formats import FORMATS, uri, uri_reference
from limen.core.schemanotes import Notes, Path, what, written
from limen.core.schemapattern import wrong as wrong_pattern

TYPES: Final = ("string", "number", "integer", "boolean", "object", "array", "null")
KNOWN_FORMATS: Final = frozenset(
    {*FORMATS, "regex", "json-pointer", "relative-json-pointer", "uri-template", "idn-email", "idn-hostname"}
)
FORMAT_ALIASES: Final = {
    "phone": "tel", "telephone": "tel", "phone-number": "tel", "phonenumber": "tel", "mobile": "tel", "sms": "tel",
    "mail": "email", "e-mail": "email", "url": "uri", "link": "uri", "datetime": "date-time", "timestamp": "date-time",
    "ip": "ipv4", "host": "hostname", "domain": "hostname", "noformat": "no-validate", "none": "no-validate",
}  # fmt: skip
_TYPE_ALIASES: Final = {
    "str": "string", "text": "string", "int": "integer", "float": "number", "double": "number", "decimal": "number",
    "bool": "boolean", "map": "object", "dict": "object", "struct": "object", "list": "array", "none": "null",
}  # fmt: skip

# What each keyword takes. Kratos does not look at `writeOnly`, but what compiles our schemas does.
KEYWORDS: Final[Mapping[str, str]] = {
    name: kind
    for kind, names in {
        "text": "$comment title description contentMediaType contentEncoding format",
        "reference": "$id $ref",
        "uri": "$schema",
        "flag": "readOnly writeOnly uniqueItems",
        "count": "minLength maxLength minItems maxItems minProperties maxProperties",
        "number": "minimum maximum exclusiveMinimum exclusiveMaximum",
        "factor": "multipleOf",
        "pattern": "pattern",
        "names": "required",
        "values": "enum",
        "list": "examples",
        "type": "type",
        "schema": "additionalItems contains additionalProperties propertyNames if then else not",
        "schemas": "allOf anyOf oneOf",
        "map": "properties patternProperties definitions",
        "dependencies": "dependencies",
        "items": "items",
        "any": "default const",
    }.items()
    for name in names.split()
}
IN_PLACE: Final = frozenset({"allOf", "anyOf", "oneOf", "not", "if", "then", "else"})  # they look at the same value


class Walk:
    """One pass over everything that is a schema.

    `schemas` has what was found, by its place; `owners` says for each which one looks at the same value and is not
    part of an `allOf` and the like.
    """

    def __init__(self, notes: Notes) -> None:
        self.notes = notes
        self.schemas: dict[Path, Mapping[str, Any]] = {}
        self.owners: dict[Path, Path] = {}
        self._checks: Mapping[str, Callable[[Any, Path], None]] = {
            "type": self._type,
            "names": self._names,
            "values": self._values,
            "map": self._map,
            "items": self._items,
        }

    def schema(self, value: object, at: Path, owner: Path | None = None) -> None:
        """Note what is wrong with one schema, and with all inside it."""
        if isinstance(value, bool):
            return
        if not isinstance(value, Mapping):
            hint = ""
            if isinstance(value, str) and value in TYPES:
                hint = f'Write `{{"type": "{value}"}}`'
            elif value in ("true", "false"):
                hint = f"Write {value} without quotes."
            self.notes.wrong(at, f"A map belongs here, not {what(value)}.", hint, value=value)
            return
        owner = at if owner is None else owner
        self.schemas[at], self.owners[at] = value, owner
        for name, inner in value.items():
            kind = KEYWORDS.get(name, "any")
            below = (*at, name)
            if kind == "schema":
                self.schema(inner, below, owner if name in IN_PLACE else None)
            elif kind == "schemas":
                self._schemas(inner, below, owner)
            elif kind == "dependencies":
                self._map(inner, below, owner)
            elif check := self._checks.get(kind):
                check(inner, below)
            elif wrong := plain(name, kind, inner, value):
                self.notes.wrong(below, wrong.message, wrong.hint, value=inner)

    def _schemas(self, value: object, at: Path, owner: Path | None = None) -> None:
        if not isinstance(value, list):
            hint = "Put `[` and `]` around it." if isinstance(value, Mapping) else ""
            self.notes.wrong(at, f"A list belongs here, not {what(value)}.", hint, value=value)
        elif not value:
            self.notes.wrong(at, "At least one entry is needed.", "Remove it, or write `[{…}]`.", value=value)
        else:
            for index, inner in enumerate(value):
                self.schema(inner, (*at, index), owner)

    def _items(self, value: object, at: Path) -> None:
        if isinstance(value, list):
            self._schemas(value, at)
        else:
            self.schema(value, at)

    def _map(self, value: object, at: Path, owner: Path | None = None) -> None:
        if not isinstance(value, Mapping):
            self.notes.wrong(at, f"Keys belong here, not {what(value)}.", 'Write `{"name": {…}}`.', value=value)
            return
        for name, inner in value.items():
            below = (*at, name)
            if at[-1] == "patternProperties" and (wrong := wrong_pattern(name)):
                self.notes.wrong(below, wrong.message, wrong.hint, key=True)
            if at[-1] == "dependencies" and isinstance(inner, list):
                self._names(inner, below)
            else:
                self.schema(inner, below, owner)

    def _names(self, value: object, at: Path) -> None:
        if not isinstance(value, list):
            hint = ""
            if isinstance(value, str):
                hint = f"Write `[{written(value)}]`"
            elif isinstance(value, bool):
                hint = "Remove it: what no `required` lists may be missing."
                if value and at[-3:-2] == ("properties",):
                    hint = f'Move it one level up, beside `properties`: `"required": ["{at[-2]}"]`'
            message = f"A list of names belongs here, not {what(value)}."
            self.notes.wrong(at, message, hint, value=value)
            return
        for index, name in enumerate(value):
            if not isinstance(name, str):
                self.notes.wrong((*at, index), f"The name of a property belongs here, not {what(name)}.", value=name)
        self._twice(value, at)

    def _values(self, value: object, at: Path) -> None:
        if not isinstance(value, list):
            hint = f"Write `[{written(value)}]`" if not isinstance(value, Mapping) else ""
            self.notes.wrong(at, f"A list of values belongs here, not {what(value)}.", hint, value=value)
        elif not value:
            self.notes.wrong(at, "The list is empty, so nothing would ever fit.", "Add a value, or remove `enum`.")
        else:
            self._twice(value, at)

    def _type(self, value: object, at: Path) -> None:
        if isinstance(value, list):
            if not value:
                self.notes.wrong(at, "At least one type is needed.", allowed=", ".join(TYPES))
            for index, name in enumerate(value):
                self._one_type(name, (*at, index))
            self._twice(value, at)
        else:
            self._one_type(value, at)

    def _one_type(self, name: object, at: Path) -> None:
        if name is None:
            self.notes.wrong(at, "This must be text.", 'Put it in quotes: "null"', value=name)
        elif not isinstance(name, str):
            self.notes.wrong(at, f"The name of a type belongs here, not {what(name)}.", allowed=", ".join(TYPES))
        elif name not in TYPES:
            plainly = name.strip().lower()
            format_ = plainly if plainly in KNOWN_FORMATS else FORMAT_ALIASES.get(plainly)
            match = _TYPE_ALIASES.get(plainly) or ("" if format_ else nearest(name, list(TYPES), 0.6))
            hint = f"Did you mean `{match}`?" if match else ""
            if not match and format_:
                hint = f'Write `"type": "string", "format": "{format_}"`'
            elif plainly == "any":
                hint = "Remove it: without `type`, everything fits."
            self.notes.wrong(at, f"There is no type `{name}`.", hint, value=name, allowed=", ".join(TYPES))

    def _twice(self, values: list[Any], at: Path) -> None:
        first: dict[object, int] = {}
        for index, value in enumerate(values):
            known = first.setdefault(_same(value), index)
            if known != index:
                message = f"This is in the list twice: entry {index + 1} is the same as entry {known + 1}."
                self.notes.wrong((*at, index), message, "Remove one.", value=value)


def plain(name: str, kind: str, value: object, beside: Mapping[str, Any]) -> Wrong | None:
    """What is wrong with the value of a keyword that takes no schema. `beside` is the map it stands in."""
    if kind in ("text", "reference", "uri", "pattern"):
        return _text(kind, value)
    if kind == "flag" and not isinstance(value, bool):
        return Wrong("This must be true or false.", _unquoted(value, value in ("true", "false")))
    if kind == "list" and not isinstance(value, list):
        return Wrong(f"A list belongs here, not {what(value)}.", f"Write `[{written(value)}]`")
    if kind not in ("count", "number", "factor"):
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        message = "This must be a whole number." if kind == "count" else "This must be a number."
        hint = _unquoted(value, isinstance(value, str) and value.isascii() and value.isdigit())
        if isinstance(value, bool) and name.startswith("exclusive"):
            limit = name.removeprefix("exclusive").lower()
            number = written(beside[limit]) if isinstance(beside.get(limit), (int, float)) else "…"
            hint = f'Write `"{name}": {number}` instead of `"{limit}"`.' if value else "Remove it."
        return Wrong(message, hint)
    if kind == "count" and not isinstance(value, int):
        return Wrong("This must be a whole number.", f"Write {int(value)}" if abs(value) < 1e15 else "")
    if kind == "count" and value < 0:
        return Wrong("This must be 0 or more.", "Remove it when there is no limit.")
    if kind == "factor" and value <= 0:
        return Wrong("This must be more than 0.")
    return None


def _text(kind: str, value: object) -> Wrong | None:
    if not isinstance(value, str):
        simple = isinstance(value, (bool, int, float))
        return Wrong("This must be text.", f'Put it in quotes: "{written(value)}"' if simple else "")
    if kind == "pattern":
        return wrong_pattern(value)
    if kind == "reference" and not uri_reference(value):
        return Wrong("This is no address.", "Write a `%` as `%25`." if "%" in value else "")
    if kind == "uri" and not uri(value):
        return Wrong("This is no address.", "Write http://json-schema.org/draft-07/schema#")
    return None


def _unquoted(value: object, right: bool) -> str:
    return f"Write {value} without quotes." if right else ""


def _same(value: object) -> object:
    """Something that is equal for what JSON Schema takes for equal: 1 and 1.0, but not 1 and true."""
    if isinstance(value, Mapping):
        return "map", frozenset((name, _same(inner)) for name, inner in value.items())
    if isinstance(value, list):
        return "list", tuple(map(_same, value))
    return what(value), value
