"""JSON Schemas from short lines, for the description of the API.

`obj("id*: uuid, name, tags: string[]")` is an object with a required id. A type is one of the words below, the name of a
component, or built of those: `T[]` (list), `{T}` (map of texts to T), `T?` (or null), `'a|b'` (one of these texts).
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

_WORDS: dict[str, Schema] = {
    "any": {},
    "string": {"type": "string"},
    "integer": {"type": "integer", "format": "int64"},
    "boolean": {"type": "boolean"},
    "object": {"type": "object"},
    "uuid": {"type": "string", "format": "uuid"},
    "time": {"type": "string", "format": "date-time"},
}


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def of(text: str) -> Schema:
    """The schema of a type, as it is written in a line."""
    text = text.strip()
    if text.endswith("[]"):
        return {"type": "array", "items": of(text[:-2])}
    if text.endswith("?"):
        return nullable(of(text[:-1]))
    if text.startswith("{"):
        return {"type": "object", "additionalProperties": of(text[1:-1])}
    if text.startswith("'"):
        return {"type": "string", "enum": text[1:-1].split("|")}
    return dict(_WORDS[text]) if text in _WORDS else ref(text)


def nullable(schema: Schema) -> Schema:
    """The same, or null."""
    if isinstance(schema.get("type"), str):
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def obj(*lines: str) -> Schema:
    """An object with these properties: `name: type`, comma-separated; `name*` is required, a bare name is a text."""
    properties: Schema = {}
    required = []
    for part in ",".join(lines).split(","):
        if not part.strip():
            continue
        name, _, kind = part.strip().partition(":")
        if name.endswith("*"):
            name = name[:-1]
            required.append(name)
        properties[name] = of(kind) if kind else of("string")
    return {"type": "object", "properties": properties, **({"required": required} if required else {})}


def one_of(texts: tuple[str, ...]) -> Schema:
    """One of these texts."""
    return {"type": "string", "enum": list(texts)}


def choice(names: dict[str, str], by: str) -> Schema:
    """One of several components, told apart by the value of a property: value → component."""
    return {
        "oneOf": [ref(name) for name in dict.fromkeys(names.values())],
        "discriminator": {
            "propertyName": by,
            "mapping": {value: ref(name)["$ref"] for value, name in names.items()},
        },
    }
