"""What each key of the configuration takes, read from the structs: for checks, variables and the reference page."""

from collections.abc import Iterator, Mapping
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from msgspec import NODEFAULT, Meta, Struct
from msgspec.structs import fields

from limen.core.config import Config
from limen.core.configtypes import Section

Path = tuple[str | int, ...]
UNSET: Final = object()  # the default of a key that has none
_SCALARS: Final[Mapping[object, str]] = {str: "text", int: "whole", float: "number", bool: "flag", Any: "any"}
_FACTS: Final = {
    "description": "about",
    "ge": "least",
    "gt": "above",
    "le": "most",
    "min_length": "shortest",
    "max_length": "longest",
    "pattern": "pattern",
}
_WORDS: Final = {
    "text": "text",
    "whole": "a whole number",
    "number": "a number",
    "flag": "true or false",
    "flagtext": "true or false",
    "any": "anything",
    "duration": "a duration, as `1h30m` or `500ms`",
    "size": "a size, as `128MB`",
    "uri": "a URL with its scheme",
    "link": "a URL, or a path beginning with `/`",
    "http": "a URL beginning with `https://` or `http://`",
    "source": "`file://…`, `https://…`, `http://…` or `base64://…`",
    "source_or_path": "`file://…`, `https://…`, `http://…` or `base64://…`",
    "origin": "an origin, as `https://app.example.com`",
    "smtp": "`smtp://…` or `smtps://…`",
    "dsn": "`memory`, `sqlite://…` or `postgres://…`",
    "email": "a mail address",
    "hostport": "host and port, as `collector:4318`",
    "network": "a network, as `10.0.0.0/8`",
    "hostname": "a host name",
}


class Key(Struct, frozen=True, kw_only=True):
    """What a key takes. `kind` is map, table (a map with free names), list, choice (by tag), or a kind of value."""

    name: str = ""
    attribute: str = ""
    kind: str
    about: str = ""
    example: str = ""
    default: object = UNSET
    nullable: bool = False
    section: type[Section] = Section  # of a map
    item: "Key | None" = None  # of a list or table
    names: str = ""  # pattern for the names of a table
    allowed: tuple[object, ...] = ()  # when only some values are
    tag: str = ""  # of a choice: the key that tells which variant it is
    variants: tuple[tuple[str, "Key"], ...] = ()
    least: float | None = None
    above: float | None = None
    most: float | None = None
    shortest: int = 0
    longest: int | None = None
    pattern: str = ""
    pending: str = ""  # the feature that is not built yet
    deprecated: str = ""  # what to write instead
    secret: bool = False
    unique: bool = False

    @property
    def required(self) -> bool:
        return self.default is UNSET

    @property
    def open(self) -> bool:
        """Whether Kratos takes names here that it does not know."""
        return not self.section.__struct_config__.forbid_unknown_fields

    def expects(self) -> str:
        """What may be written here, in words."""
        if self.allowed:
            return "one of " + ", ".join(f"`{value}`" for value in self.allowed if value != "")
        if self.kind == "map":
            names = list(keys(self.section))
            return f"a map with {', '.join(names[:12])}{', …' if len(names) > 12 else ''}"
        if self.kind in ("list", "table") and self.item:
            return f"{'a list' if self.kind == 'list' else 'a map by name'}; each entry {self.item.expects()}"
        if self.kind == "choice":
            return f"a map with `{self.tag}`, one of " + ", ".join(f"`{name}`" for name, _ in self.variants)
        if self.shortest == 1 and not self.longest:
            return "text that is not empty"
        if self.shortest:
            exact = self.shortest == self.longest
            return f"text of {self.shortest} characters" if exact else f"text of at least {self.shortest} characters"
        least, most = self.least, self.most
        span = (
            f" from {least:g} to {most:g}"
            if most is not None
            else f" of {least:g} or more"
            if least is not None
            else ""
        )
        return _WORDS[self.kind] + span


@cache
def keys(section: type[Section]) -> Mapping[str, Key]:
    """The keys of a map by their names in the file, in the order of the struct."""
    found = {}
    for field in fields(section):
        default: object = UNSET if field.required else {} if field.default is NODEFAULT else field.default
        found[field.encode_name] = _key(field.type, name=field.encode_name, attribute=field.name, default=default)
    return found


ROOT: Final = Key(kind="map", section=Config)


def everything() -> Iterator[tuple[tuple[str, ...], Key]]:
    """Every key with the names that lead to it; `[]` stands for an item and `<name>` for a free name.

    What a choice may hold is left out: a web hook has the same keys at each of its forty places.
    """

    def walk(key: Key, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Key]]:
        if key.kind == "map":
            for name, below in keys(key.section).items():
                yield (*path, name), below
                yield from walk(below, (*path, name))
        elif key.item:
            yield from walk(key.item, (*path, "[]" if key.kind == "list" else "<name>"))

    return walk(ROOT, ())


def dotted(path: Path) -> str:
    """How a path is told to people: `selfservice.flows.login.lifespan`."""
    return ".".join(map(str, path)).replace(".[]", "[]")


def reach(data: object, path: Path) -> Any:
    """What plain data holds at this path; None when there is nothing, or something that cannot be walked."""
    for step in path:
        if isinstance(data, Mapping):
            data = data.get(str(step))
        elif isinstance(data, list) and isinstance(step, int) and step < len(data):
            data = data[step]
        else:
            return None
    return data


def variable(path: Path) -> str:
    """The environment variable that sets the key at this path."""
    return "_".join("0" if step == "[]" else str(step).replace("-", "_").upper() for step in path)


def _key(type_: Any, **facts: Any) -> Key:
    metas: list[Meta] = []
    while (origin := get_origin(type_)) is Annotated or (origin in (Union, UnionType) and NoneType in get_args(type_)):
        if origin is Annotated:
            metas = [*type_.__metadata__, *metas]  # the inner ones first, so that what is said at the key wins
            type_ = type_.__origin__
        else:
            facts["nullable"] = True
            type_ = Union[tuple(part for part in get_args(type_) if part is not NoneType)]  # noqa: UP007 – computed
    facts |= _shape(type_)
    for meta in metas:
        facts |= {fact: value for name, fact in _FACTS.items() if (value := getattr(meta, name)) is not None}
        facts |= meta.extra or {}
        facts["example"] = meta.examples[0] if meta.examples else facts.get("example", "")
    return Key(**facts)


def _shape(type_: Any) -> dict[str, Any]:
    origin, parts = get_origin(type_), get_args(type_)
    if origin is tuple:
        return {"kind": "list", "item": _key(parts[0])}
    if origin is dict:
        name, item = _key(parts[0]), _key(parts[1])
        return {"kind": "table", "names": name.pattern, "item": item}
    if origin is Literal:
        return {"kind": "text", "allowed": parts}
    if origin in (Union, UnionType):
        variants = [_key(part) for part in parts]
        tags = [(str(variant.section.__struct_config__.tag), variant) for variant in variants]
        return {"kind": "choice", "tag": variants[0].section.__struct_config__.tag_field, "variants": tuple(tags)}
    if isinstance(type_, type) and issubclass(type_, Section):
        return {"kind": "map", "section": type_, "about": type_.__doc__}
    return {"kind": _SCALARS[type_]}
