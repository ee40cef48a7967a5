"""The configuration checked against its structs: every mistake collected, then the struct built."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from limen.core.config import Config
from limen.core.configkeys import ROOT, Key, Path, dotted, everything, keys, reach, variable
from limen.core.configlost import listed, where
from limen.core.configrules import ask, insecure_origins, unsafe_wildcard
from limen.core.configvalues import PLACEHOLDER, Wrong, mask, nearest, read
from limen.core.places import Place, Places, Problem, pointer

_BAD: Final = object()  # a value with a mistake: told already, so that nothing more is said about it
_SHOWN: Final = 60  # characters of a value
_ADDRESSES: Final = ("http", "uri", "source", "link")


class Pending(Struct, frozen=True):
    """A key that is set although the feature it is for is not built yet."""

    path: str
    feature: str
    place: Place


class Checked(Struct, frozen=True):
    """What a check found. `config` is there when there are no `problems`."""

    config: Config | None
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    pending: tuple[Pending, ...]


def check(data: Mapping[str, object], places: Places) -> Checked:
    """Check plain data and build the struct. Nothing is raised: all mistakes come back at once, in reading order."""
    walk = _Walk(places)
    config = walk.value(ROOT, data, (), secret=False)
    built = _without_unsafe(config, data) if isinstance(config, Config) and not walk.problems else None
    outer = [
        pending
        for pending in walk.pending
        if not any(pending.path.startswith(f"{other.path}.") for other in walk.pending)
    ]
    return Checked(built, in_order(walk.problems), in_order(walk.warnings), tuple(outer))


def in_order(problems: list[Problem]) -> tuple[Problem, ...]:
    """As one reads: file by file from top to bottom, then variables and flags."""
    return tuple(sorted(problems, key=lambda problem: (not problem.line, problem.file, problem.line, problem.column)))


def _without_unsafe(config: Config, data: Mapping[str, object]) -> Config:
    """The configuration without the wildcards that were warned about."""
    service, cors = config.selfservice, config.serve.public.cors
    urls = tuple(url for url in service.allowed_return_urls if not unsafe_wildcard(url))
    origins = tuple(
        origin
        for origin in cors.allowed_origins
        if origin == "*" or insecure_origins(data) or not unsafe_wildcard(origin)
    )
    if (urls, origins) == (service.allowed_return_urls, cors.allowed_origins):
        return config
    public = replace(config.serve.public, cors=replace(cors, allowed_origins=origins))
    return replace(
        config,
        selfservice=replace(service, allowed_return_urls=urls),
        serve=replace(config.serve, public=public),
    )


@cache
def _hook_places() -> Mapping[str, tuple[tuple[str, ...], ...]]:
    """The name of a hook → every list it may stand in."""
    places: dict[str, tuple[tuple[str, ...], ...]] = {}
    for path, key in everything():
        for name, _ in key.item.variants if key.item and key.item.tag == "hook" else ():
            places[name] = (*places.get(name, ()), path)
    return places


class _Walk:
    """One pass over the data, noting what is wrong, and building structs on the way back."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.pending: list[Pending] = []

    def note(
        self,
        path: Path,
        message: str,
        hint: str = "",
        *,
        found: str = "",
        expected: str = "",
        at_key: bool = False,
        warning: bool = False,
    ) -> object:
        at = pointer(*path)
        place = self.places.key(at) if at_key else self.places.value(at)
        problem = Problem(
            file=place.file,
            line=place.line,
            column=place.column,
            path=dotted(tuple(step.partition(":")[0] if isinstance(step, str) else step for step in path)),
            found=found,
            expected=expected,
            message=message,
            hint=hint,
        )
        (self.warnings if warning else self.problems).append(problem)
        return _BAD

    def value(self, key: Key, value: object, path: Path, *, secret: bool) -> object:
        """The value as its struct holds it, or `_BAD`."""
        secret = secret or key.secret or bool(key.item and key.item.secret)
        if key.kind == "map":
            built = self.section(key, value, path, secret) if isinstance(value, Mapping) else _BAD
        elif key.kind == "table":
            built = self.table(key, value, path, secret) if isinstance(value, Mapping) else _BAD
        elif key.kind == "list":
            built = self.items(key, value, path, secret) if isinstance(value, (list, tuple)) else _BAD
        elif key.kind == "choice":
            return self.choice(key, value, path, secret)
        else:
            return self.plain(key, value, path, secret)
        if built is _BAD and not isinstance(value, (list, tuple) if key.kind == "list" else Mapping):
            secret = secret or any(
                below.secret or (below.item and below.item.secret) for below in keys(key.section).values()
            )
            message, hint = _misshapen(key, value, secret)
            return self.note(path, message, hint, found=_shown(value, secret), expected=key.expects())
        return built

    def section(self, key: Key, data: Mapping[str, Any], path: Path, secret: bool, tag: str = "") -> object:
        known = keys(key.section)
        values: dict[str, object] = {}
        for name, value in data.items():
            if name == tag:
                continue
            below, at = known.get(name), (*path, name)
            if below is None:
                self.unknown(key, at, value)
            elif value is not None and not (value == "" and below.kind in _ADDRESSES and _optional(below)):
                values[below.attribute] = self.value(below, value, at, secret=secret)
                self.remark(below, values[below.attribute], at)
        for name, below in known.items():
            if below.required and below.attribute not in values:
                values[below.attribute] = self.missing(below, (*path, name))
        for trouble in ask(key.section, data):
            at = (*path, *trouble.path)
            found = _shown(reach(data, trouble.path), secret or _is_secret(key, trouble.path))
            self.note(at, trouble.message, trouble.hint, found=found, warning=trouble.warning)
        return _BAD if any(value is _BAD for value in values.values()) else key.section(**values)

    def remark(self, key: Key, value: object, path: Path) -> None:
        """What is to be said about a key for being set at all."""
        place = self.places.key(pointer(*path))
        if key.pending and value is not _BAD and value != key.default and getattr(value, "enabled", True):
            self.pending.append(Pending(dotted(path), key.pending, place))
        if key.deprecated and value is not _BAD and value != key.default:
            message = f"`{path[-1]}` is outdated."
            self.note(path, message, key.deprecated, found=f"`{path[-1]}`", at_key=True, warning=True)

    def missing(self, key: Key, path: Path) -> object:
        if key.kind == "map" and any(below.required for below in keys(key.section).values()) and not key.example:
            return self.section(key, {}, path, secret=False)
        hint = f"Add `{key.example}`" if key.example else ""
        if len(path) < 3:
            hint += f", or set the environment variable {variable(path)}." if hint else ""
        about = key.about if key.about[1:2].isupper() else key.about[:1].lower() + key.about[1:]
        return self.note(path, f"`{path[-1]}` is missing: {about}", hint, expected=key.expects(), at_key=True)

    def unknown(self, parent: Key, path: Path, value: object) -> None:
        name, colon, _ = str(path[-1]).partition(":")  # what follows may be a password, as in {password:hunter2}
        path, names = (*path[:-1], name), list(keys(parent.section))
        message = f"There is no key `{name}` here" + ("; it has no effect." if parent.open else ".")
        self.note(
            path,
            f"A space is missing after `{name}:`." if colon else message,
            "" if colon else where(path, parent, value),
            found=f"`{name}`",
            expected=", ".join(names[:14]) + (", …" if len(names) > 14 else ""),
            at_key=True,
            warning=parent.open,  # Kratos takes it and does nothing with it
        )

    def table(self, key: Key, data: Mapping[str, Any], path: Path, secret: bool) -> object:
        values = {}
        for name, value in data.items():
            if key.item is None or (value is None and key.item.nullable):
                values[name] = value
            else:
                values[name] = self.value(key.item, value, (*path, name), secret=secret)
        return _BAD if any(value is _BAD for value in values.values()) else values

    def items(self, key: Key, data: list[Any] | tuple[Any, ...], path: Path, secret: bool) -> object:
        if len(data) < key.shortest:
            return self.note(path, "At least one entry is needed.", found="an empty list", expected=key.expects())
        item = key.item or ROOT
        values = tuple(self.value(item, value, (*path, index), secret=secret) for index, value in enumerate(data))
        for index, value in enumerate(data):
            first = data.index(value)  # of equal ones, as JSON sees them
            if key.unique and first < index and type(data[first]) is type(value):
                message = f"This is in the list twice: entry {index + 1} is the same as entry {first + 1}."
                values = (_BAD, self.note((*path, index), message, "Remove one.", found=_shown(value, secret)))
        return _BAD if any(value is _BAD for value in values) else values

    def choice(self, key: Key, value: object, path: Path, secret: bool) -> object:
        names = [name for name, _ in key.variants]
        if not isinstance(value, Mapping):
            hint = f"Write `- {key.tag}: {value}`" if isinstance(value, str) and value in names else ""
            message = f"A map with `{key.tag}` belongs here, not {_what(value)}."
            return self.note(path, message, hint, found=_shown(value, secret), expected=key.expects())
        name = value.get(key.tag)
        if name is None:
            other = next((known for known, word in value.items() if isinstance(word, str) and word in names), "")
            hint = f"Write `{key.tag}:` instead of `{other}:`." if other else f"Add `{key.tag}: …`"
            expected = ", ".join(names)
            return self.note(path, f"`{key.tag}` is missing, which says what it is.", hint, expected=expected)
        variant = dict(key.variants).get(name) if isinstance(name, str) else None
        if variant is None:
            return self.no_variant(key, name, (*path, key.tag), names)
        built = self.section(variant, value, path, secret, key.tag)
        self.remark(variant, built, path)
        return built

    def no_variant(self, key: Key, name: object, path: Path, names: list[str]) -> object:
        text, expected, hint = str(name), ", ".join(names), ""
        message = f"There is no {key.tag} `{text}`."
        allowed = _hook_places() if key.tag == "hook" else {}
        if text in allowed:
            message = f"The hook `{text}` cannot stand here."
            same_flow = [place for place in allowed[text] if place[:3] == path[:3]]
            hint = f"It may stand in {listed(same_flow or allowed[text])}."
        elif match := nearest(text, [*names, *allowed], 0.6):
            hint = f"Did you mean `{match}`?"
        return self.note(path, message, hint, found=_shown(name, secret=False), expected=expected)

    def plain(self, key: Key, value: object, path: Path, secret: bool) -> object:
        def show(part: object) -> str:
            return "…" if secret else _written(part)

        free = key.kind in ("text", "any") and not key.allowed
        if isinstance(value, str) and (found := PLACEHOLDER.search(value)) and (found[0] == value or not free):
            name = variable(path)
            hint = f"Set the environment variable {name} instead: it wins over the file."
            if self.places.value(pointer(*path)).file.endswith(name):
                hint = "Give the variable the value itself."
            # Kratos takes such text as it stands. That is odd in a sender's name; as a secret everybody would know it.
            is_odd = free and path[0] != "secrets"
            message, found_ = "Placeholders are not filled in, as in Kratos.", _shown(value, secret)
            bad = self.note(path, message, hint, found=found_, warning=is_odd)
            return value if is_odd else bad
        if value is None:
            wrong: object = Wrong("Nothing stands here.", "Write a value, or remove the entry.")
        else:
            wrong = read(key, value, show)
        if isinstance(wrong, Wrong):
            shown = _shown(value, secret)
            return self.note(path, wrong.message, wrong.hint, found=shown, expected=key.expects())
        if free and isinstance(value, str) and len(value) > 1 and value[0] in "\"'<“" and value[-1] in "\"'>”":
            message = "The quotes are part of the value." if value[0] != "<" else "This looks like a placeholder."
            self.note(path, message, found=_shown(value, secret), warning=True)
        return wrong


def _optional(key: Key) -> bool:
    return key.nullable or key.kind == "link"


def _misshapen(key: Key, value: object, secret: bool) -> tuple[str, str]:
    """A map or list was wanted, and something else is there: what to say, and how to write it."""
    name, below = key.name or "-", keys(key.section)
    if key.kind == "list":
        one = "…" if secret or isinstance(value, Mapping) else _written(value)
        hint = "Put `- ` before its first key, and indent the others alike." if isinstance(value, Mapping) else ""
        return f"A list belongs here, not {_what(value)}.", hint or f"Write `{name}: [{one}]`"
    message = f"Keys belong here, not {_what(value)}."
    if key.kind == "table":
        return message, "Write `name: value`, one on each line." if isinstance(value, list) else ""
    if isinstance(value, bool) and "enabled" in below:
        return message, f"Write `enabled: {_written(value)}` below `{name}:`."
    if isinstance(value, list) and "hooks" in below:
        return message, f"Put `hooks:` between `{name}:` and the list."
    if isinstance(value, list):
        lists = [known for known, inner in below.items() if inner.kind == "list"]
        return message, f"Put `{lists[0]}:` before the list." if len(lists) == 1 else "Remove the `- `."
    if isinstance(value, str):
        takes = next((known for known, inner in below.items() if inner.kind in ("link", "http", "smtp")), "")
        return message, f"Did you mean `{name}: {{{takes}: …}}`?" if key.name and takes and "/" in value else ""
    return message, ""


def _is_secret(key: Key, path: Path) -> bool:
    for step in path:
        below = keys(key.section).get(str(step)) if key.kind == "map" else key.item
        if below is None:
            return False
        key = below
        if key.secret or (key.item and key.item.secret):
            return True
    return False


def _what(value: object) -> str:
    if isinstance(value, Mapping):
        return "a map"
    if isinstance(value, (list, tuple)):
        return "a list"
    return {str: "text", bool: "true or false", type(None): "nothing"}.get(type(value), "a number")


def _written(value: object) -> str:
    """A value as it would be written, without the credentials of a URL."""
    text = mask(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _shown(value: object, secret: bool) -> str:
    """What was found, as people may see it."""
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return "a map" if secret or not value else f"a map with {', '.join(map(str, list(value)[:4]))}"
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}"
    if secret:
        return f"text of {len(value)} characters" if isinstance(value, str) else _what(value)
    return f'"{_written(value)}"' if isinstance(value, str) else _written(value)
