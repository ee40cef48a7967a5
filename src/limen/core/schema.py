"""Identity schemas, compiled once: check traits, find identifiers and addresses in them, and draw them as form fields.

JSON Schema draft 7 with the keyword `ory.sh/kratos`. Mistakes in the document itself are told by schemacheck.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jsonschema_rs
import msgspec
from msgspec import Struct

from limen.core import messages, normalize, schemaerrors, ui
from limen.core.errors import FormError, Told, form_error
from limen.core.formats import FORMATS, email
from limen.core.messages import Message
from limen.core.ui import Input, Node, Option

EXTENSION = "ory.sh/kratos"
MAX_OPTIONS = 500  # Kratos' cap, so that an odd schema cannot inflate every answer
MAX_RECURSION = 5  # how often a schema that contains itself is unrolled into form fields


class Path(Struct, frozen=True):
    """A place in the traits. `kind` is string, number, boolean, object, or for lists strings, numbers, booleans, list."""

    name: str
    kind: str
    required: bool = False
    format: str = ""
    title: str = ""
    pattern: str = ""
    enum: tuple[Any, ...] = ()
    disabled: bool = False
    extension: Mapping[str, Any] = {}


class Extracted(Struct, frozen=True):
    """What the `ory.sh/kratos` keywords found. `traits` has its phone numbers in E.164 form."""

    traits: dict[str, Any]
    identifiers: dict[str, list[str]]  # by credential type
    code_addresses: list[tuple[str, str]]  # (channel, address), sorted by address
    verifiable: list[tuple[str, str]]  # (via, value), in schema order
    recovery: list[tuple[str, str]]
    totp_account: str = ""
    passkey_name: str = ""


class IdentitySchema:
    """One compiled schema. Everything here is immutable after construction."""

    def __init__(
        self,
        id: str,  # noqa: A002 - the wire's name
        raw: bytes,
        *,
        url: str = "",
        selectable: bool = False,
        fetch: Callable[[str], Any] | None = None,
    ) -> None:
        self.id = id
        self.url = url
        self.raw = raw
        self.selectable = selectable
        self.document: dict[str, Any] = msgspec.json.decode(raw)
        self.encoded_id = base64.urlsafe_b64encode(id.encode()).rstrip(b"=").decode()
        options: dict[str, Any] = {"retriever": fetch} if fetch else {}
        self._validator = jsonschema_rs.Draft7Validator(
            {k: v for k, v in self.document.items() if k != "$id"},
            validate_formats=True,
            formats=dict(FORMATS),
            base_uri=url if url.startswith(("http://", "https://", "file://")) else "json-schema:///",
            **options,
        )
        self.paths = tuple(_paths(self.document, fetch))
        self.trait_paths = tuple(p for p in self.paths if p.name.startswith("traits"))
        self.keys = tuple(_keys_in_order(self.document))
        self._order = {key: i for i, key in enumerate(self.keys)}
        self._nodes: dict[str, tuple[Node, ...]] = {}
        self._plain = _plain(self.document)
        self._label = self._identifier_label()

    def nodes(self, group: str) -> tuple[Node, ...]:
        """The form fields of the traits, by name; `ui.sort_nodes` puts them into the schema's order."""
        if group not in self._nodes:
            drawn = (p for p in self.trait_paths if p.kind not in ("object", "list"))
            self._nodes[group] = tuple(_node(path, group) for path in drawn)
        return self._nodes[group]

    def identifier_label(self) -> Message:
        """What the identifier field of the sign-in form is called: the trait's title when only one trait can be it."""
        return self._label

    def _identifier_label(self) -> Message:
        marked = [p for p in self.trait_paths if _is_label(p.extension)]
        if len(marked) == 1 and marked[0].title:
            return messages.TRAIT_TITLE(title=marked[0].title, name=marked[0].name)
        return messages.IDENTIFIER_LABEL()

    def check(self, traits: Any) -> list[Told]:
        """What is wrong with these traits, in the order in which Kratos would say it. Empty: nothing."""
        instance = {"traits": traits}
        try:
            if self._validator.is_valid(instance):
                return []
            return schemaerrors.told(self._validator.iter_errors(instance), self.document)
        except ValueError:  # the validator's own recursion limit
            return [(messages.GENERIC(reason="These values are nested too deeply."), "")]

    def extract(self, traits: dict[str, Any]) -> Extracted:
        """Identifiers and addresses of valid traits.

        :raises FormError: when the traits do not fit the schema, or an address cannot be one
        """
        if told := self.check(traits):
            raise FormError(*(one for pair in told for one in (pair, *self._unusable(*pair))))
        traits = msgspec.json.decode(msgspec.json.encode(traits))
        found = Extracted(traits, {}, [], [], [])
        names: dict[str, str] = {}
        for location, extension, format_ in self._marked({"traits": traits}):
            value = _get({"traits": traits}, location)
            _set({"traits": traits}, location, _read(extension, value, format_, location, found, names))
        found.code_addresses.sort(key=lambda a: (a[1], a[0]))
        if found.code_addresses:
            found.identifiers["code"] = list(dict.fromkeys(address for _, address in found.code_addresses))
        return msgspec.structs.replace(found, totp_account=names.get("totp", ""), passkey_name=names.get("passkey", ""))

    def _marked(self, instance: dict[str, Any]) -> list[_Marked]:
        """The values that an `ory.sh/kratos` keyword applies to: where, the keyword's value, and the format beside it."""
        if self._plain is not None:
            return [mark for mark in self._plain if _is_there(instance, mark[0])]
        annotations: list[Any] = self._validator.evaluate(instance).annotations()
        formats = {
            a["schemaLocation"]: a["annotations"] for a in annotations if a["schemaLocation"].endswith("/format")
        }
        marked = [a for a in annotations if isinstance(a["annotations"], dict) and EXTENSION in a["annotations"]]
        marked.sort(key=lambda a: self._position(a["instanceLocation"]))
        return [
            (
                tuple(a["instanceLocation"].split("/")[1:]),
                a["annotations"][EXTENSION],
                formats.get(a["schemaLocation"] + "/format", ""),
            )
            for a in marked
        ]

    def _unusable(self, message: Message, place: str) -> list[Told]:
        """What Kratos says beside of an address that is none: it cannot be used for what the schema wants it for."""
        if message.id not in (messages.NOT_AN_EMAIL.id, messages.NOT_A_PHONE.id):
            return []
        extension = next((p.extension for p in self.trait_paths if p.name == place), {})
        if _get(extension, ("credentials", "code")) or _get(extension, ("verification",)):
            return [(messages.GENERIC(reason="No message can be sent there."), place)]
        return [(message, place)] if _get(extension, ("recovery",)) else []

    def _position(self, location: str) -> int:
        steps = location.strip("/").split("/")
        name = ".".join(s.replace("~1", "/").replace("~0", "~").replace(".", "\\.") for s in steps)
        return next(
            (i for key, i in self._order.items() if name == key or name.startswith(key + ".")), len(self._order)
        )

    def extension_paths(self, *where: str) -> list[Path]:
        """The paths whose `ory.sh/kratos` has something at `where`, for example ("verification", "via")."""
        return [p for p in self.trait_paths if _get(p.extension, where)]


_Marked = tuple[tuple[str, ...], Mapping[str, Any], str]
# With nothing but these, which keywords apply follows from the schema alone, and need not be asked for each person anew.
_PLAIN = frozenset(
    {"$id", "$schema", "$comment", "title", "description", "default", "examples", "type", "properties", "required", "enum",
     "additionalProperties", "format", "minLength", "maxLength", "pattern", "minimum", "maximum", "const", EXTENSION}
)  # fmt: skip


def _plain(document: Mapping[str, Any]) -> list[_Marked] | None:
    """The marked places of a schema that is a tree of objects, in its order; None for one that chooses or refers."""
    found: list[_Marked] = []
    waiting: list[tuple[tuple[str, ...], Any]] = [((), document)]
    while waiting:
        place, part = waiting.pop(0)
        if not isinstance(part, Mapping) or isinstance(part.get("additionalProperties"), Mapping):
            return None
        if any(key not in _PLAIN for key in part):
            return None
        if isinstance(part.get(EXTENSION), Mapping):
            found.append((place, part[EXTENSION], part.get("format", "")))
        inner = part.get("properties", {})
        waiting[:0] = [((*place, name.replace("~", "~0").replace("/", "~1")), below) for name, below in inner.items()]
    return found


def _is_there(document: Any, location: Sequence[str]) -> bool:
    for step in location:
        name = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(document, Mapping) or name not in document:
            return False
        document = document[name]
    return True


def _is_label(extension: Mapping[str, Any]) -> bool:
    credentials = extension.get("credentials", {})
    marks = (
        ("password", "identifier"),
        ("webauthn", "identifier"),
        ("passkey", "display_name"),
        ("totp", "account_name"),
        ("code", "identifier"),
    )
    return any(credentials.get(kind, {}).get(key) for kind, key in marks)


def _read(
    extension: Mapping[str, Any],
    value: Any,
    format_: str,
    location: Sequence[str],
    found: Extracted,
    names: dict[str, str],
) -> Any:
    """Add what one marked trait stands for to `found`; returns the value as it is stored."""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    place = ".".join(location)
    credentials = extension.get("credentials", {})
    for kind in ("password", "webauthn"):
        if credentials.get(kind, {}).get("identifier"):
            _add(found.identifiers.setdefault(kind, []), normalize.identifier(text))
    stored = value
    code = credentials.get("code", {})
    if code.get("identifier"):
        via = code.get("via", "")
        if via == "sms":
            address = _phone(text, place)
            stored = address
        else:
            address = normalize.identifier(text) if format_ not in ("", "email") else _email(text, place, strict=False)
        _add(found.code_addresses, (via, address))
    verification = extension.get("verification", {}).get("via")
    if verification:
        if format_ in ("", "email", "tel"):
            address = _phone(text, place) if verification == "sms" else _email(text, place, strict=not format_)
        else:
            address = text.strip()
        stored = address if verification == "sms" else stored
        _add(found.verifiable, (verification, address))
    recovery = extension.get("recovery", {}).get("via")
    if recovery == "sms":
        stored = _phone(text, place)
        _add(found.recovery, (recovery, stored))
    elif recovery:
        _add(found.recovery, (recovery, _email(text, place, strict=format_ in ("", "email"))))
    if credentials.get("totp", {}).get("account_name"):
        names["totp"] = text
    if credentials.get("passkey", {}).get("display_name"):
        names["passkey"] = text
    return stored


def _add(items: list[Any], item: Any) -> None:
    if item not in items:
        items.append(item)


def _phone(text: str, place: str) -> str:
    number = normalize.phone(text)
    if number is None:
        raise form_error(messages.NOT_A_PHONE(value=text), place)
    return number


def _email(text: str, place: str, *, strict: bool) -> str:
    if strict and not email(text):
        raise form_error(messages.NOT_AN_EMAIL(value=text), place)
    return normalize.canonical(text)


def _get(document: Any, location: Sequence[str]) -> Any:
    for step in location:
        if isinstance(document, list):
            document = document[int(step)]
        elif isinstance(document, Mapping):
            document = document.get(step.replace("~1", "/").replace("~0", "~"))
        else:
            return None
    return document


def _set(document: Any, location: Sequence[str], value: Any) -> None:
    parent = _get(document, location[:-1])
    if isinstance(parent, list):
        parent[int(location[-1])] = value
    else:
        parent[location[-1].replace("~1", "/").replace("~0", "~")] = value


# --- fields ---------------------------------------------------------------------------------------------------------


_TYPES = {"number": "number", "boolean": "checkbox"}
# Format to input type and autocomplete.
_FORMATS = {
    "email": ("email", "email"),
    "tel": ("tel", "tel"),
    "uri": ("url", "url"),
    "date": ("date", ""),
    "date-time": ("datetime-local", ""),
}


def _node(path: Path, group: str) -> Node:
    kind, autocomplete = _FORMATS.get(path.format, (_TYPES.get(path.kind, "text"), ""))
    attributes = Input(
        name=path.name,
        type=kind,
        disabled=path.disabled,
        required=path.required,
        autocomplete=autocomplete,
        pattern=path.pattern,
        options=tuple(Option(value) for value in path.enum[:MAX_OPTIONS]),
    )
    label = messages.TRAIT_TITLE(title=path.title, name=path.name) if path.title else None
    return Node("input", group, attributes, (), ui.Meta(label))


def _keys_in_order(document: Mapping[str, Any], parents: tuple[str, ...] = ()) -> Iterator[str]:
    if document.get("type") == "object":
        for name, inner in document.get("properties", {}).items():
            if isinstance(inner, Mapping):
                yield from _keys_in_order(inner, (*parents, name.replace(".", "\\.")))
    else:
        yield ".".join(parents)


_LISTS = {"string": "strings", "number": "numbers", "integer": "numbers", "boolean": "booleans"}
_KINDS = {"string": "string", "number": "number", "integer": "number", "boolean": "boolean", "object": "object"}
_BRANCHES = ("not", "if", "then", "else")
_COMBINED = ("allOf", "anyOf", "oneOf")


def _paths(document: Mapping[str, Any], fetch: Callable[[str], Any] | None) -> list[Path]:
    """Every named place of the schema, sorted by name; of two with one name, the later one counts."""
    found: dict[str, Path] = {}
    for path in _walk(document, document, None, (), {}, fetch):
        found[path.name] = path
    return sorted(found.values(), key=lambda p: p.name)


def _walk(
    schema: Any,
    root: Any,
    parent: Mapping[str, Any] | None,
    parents: tuple[str, ...],
    seen: dict[int, int],
    fetch: Callable[[str], Any] | None,
) -> Iterator[Path]:
    if not isinstance(schema, Mapping) or seen.get(id(schema), 0) > MAX_RECURSION:
        return
    seen = {**seen, id(schema): seen.get(id(schema), 0) + 1}
    kind = _kind(schema, root)
    if kind and parents:
        yield _path(schema, parent, parents, kind)
    if "$ref" in schema:
        target, target_root = _resolve(schema["$ref"], root, fetch)
        yield from _walk(target, target_root, schema, parents, seen, fetch)
        return  # draft 7: what stands beside a $ref is ignored
    for keyword in _BRANCHES:
        yield from _walk(schema.get(keyword), root, schema, parents, seen, fetch)
    for keyword in _COMBINED:
        for inner in schema.get(keyword, ()):
            yield from _walk(inner, root, schema, parents, seen, fetch)
    for name, inner in schema.get("properties", {}).items():
        yield from _walk(inner, root, schema, (*parents, name), seen, fetch)


def _path(schema: Mapping[str, Any], parent: Mapping[str, Any] | None, parents: tuple[str, ...], kind: str) -> Path:
    return Path(
        name=".".join(parents),
        kind=kind,
        required=parents[-1] in (parent or {}).get("required", ()),
        format=schema.get("format", ""),
        title=schema.get("title", ""),
        pattern=schema.get("pattern", ""),
        enum=tuple(schema.get("enum", ())),
        disabled=schema.get("disableFormField") is True,
        extension=schema.get(EXTENSION, {}),
    )


def _kind(schema: Mapping[str, Any], root: Any) -> str:
    if "const" in schema:
        value = schema["const"]
        return (
            "boolean"
            if isinstance(value, bool)
            else "number"
            if isinstance(value, int | float)
            else "string"
            if isinstance(value, str)
            else "object"
        )
    types = schema.get("type")
    types = types if isinstance(types, list) else [types]
    if len(types) != 1:
        return ""
    if types[0] != "array":
        return _KINDS.get(types[0], "")
    items = schema.get("items")
    inner = {t for item in (items if isinstance(items, list) else [items]) for t in _item_types(item, root)}
    return _LISTS.get(inner.pop(), "list") if len(inner) == 1 else "strings"


def _item_types(item: Any, root: Any) -> list[str]:
    if isinstance(item, Mapping) and str(item.get("$ref", "")).startswith("#"):
        item, _ = _resolve(item["$ref"], root, None)
    types = item.get("type", []) if isinstance(item, Mapping) else []
    return types if isinstance(types, list) else [types]


def _resolve(ref: str, root: Any, fetch: Callable[[str], Any] | None) -> tuple[Any, Any]:
    """The schema a `$ref` names, and the document it stands in. Nothing found: an empty schema."""
    url, _, fragment = ref.partition("#")
    if url:
        if fetch is None:
            return {}, {}
        root = fetch(url)
    target = _get(root, fragment.split("/")[1:]) if fragment else root
    return (target if target is not None else {}), root
