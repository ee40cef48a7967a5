"""From files, flags and environment to one checked configuration; later sources win, and every key knows its origin."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from limen.core.config import Config
from limen.core.configcheck import Pending, check, in_order
from limen.core.configkeys import ROOT, Key, Path, dotted, keys, reach, variable
from limen.core.configreport import covered
from limen.core.configrules import KNOWN_YEAR
from limen.core.configvalues import TRUTH, nearest
from limen.core.places import DocumentError, Place, Places, Problem, pointer, read

_NEAR: Final = 2  # levels of the configuration a variable must name before a misspelled rest is worth a word
_NUMBER: Final = re.compile(r"([0-9]+)")
# What deployments of the operator's API have these keys under.
_OTHER_NAMES = {
    "TRUSS_AUTH_REQUIRED": "LIMEN_CONSOLE_AUTH_REQUIRED",
    "TRUSS_INVITE_ONLY": "LIMEN_REGISTRATION_INVITE_ONLY",
    "KRATOS_IDENTITY_SCHEMA_ID": "IDENTITY_DEFAULT_SCHEMA_ID",
    "KRATOS_OIDC_PROVIDERS": "LIMEN_SOCIAL_ENABLED_PROVIDERS",
}


class Loaded(Struct, frozen=True):
    """A configuration that was read, and all that was noticed."""

    config: Config
    data: Mapping[str, Any]  # as it was written, merged; defaults are in `config` only
    places: Places
    warnings: tuple[Problem, ...]
    pending: tuple[Pending, ...]
    sources: tuple[FilePath, ...]
    lines: Mapping[str, Sequence[str]]  # of each file


class ConfigMistakes(Exception):
    """The configuration cannot be used: `problems` has every mistake, `warnings` what else was noticed."""

    def __init__(self, problems: Sequence[Problem], warnings: Sequence[Problem] = ()) -> None:
        super().__init__("; ".join(f"{problem.path or problem.file}: {problem.message}" for problem in problems))
        self.problems, self.warnings = list(problems), list(warnings)


def load(
    paths: Sequence[FilePath],
    *,
    env: Mapping[str, str],
    flags: Mapping[str, object],
    base: Mapping[str, object] | None = None,
) -> Loaded:
    """Merge all sources and check the whole. From weakest to strongest: defaults, `base`, files, flags, environment.

    Maps are merged key by key, lists are replaced whole. `flags` names keys by dotted path; None is a flag not given.
    Without files, `base` must supply what is required. Identity schemas are not opened: `schemaload` does that.
    Raises `ConfigMistakes` with all mistakes at once.
    """
    merged = _Merged(Place(", ".join(map(str, paths)) or "configuration"))
    merged.overlay(base or {}, Place("built-in value"))
    for path in paths:
        merged.file(path)
    if merged.problems:  # what a broken file would have said is not known: nothing else can be told for sure
        raise ConfigMistakes(merged.with_lines(merged.problems))
    for name, value in flags.items():
        if value is not None:
            merged.put(tuple(name.split(".")), value, Place(f"flag --{name}"))
    for name in sorted(env, key=_numbered):
        if env[name]:
            merged.variable(name, env[name])
    checked = check(merged.data, merged.places)
    problems = [*merged.problems, *checked.problems]
    warnings = merged.with_lines(in_order([*checked.warnings, *merged.warnings, *(_version(merged) if paths else ())]))
    if problems or checked.config is None:
        raise ConfigMistakes(merged.with_lines(in_order(problems)), warnings)
    return Loaded(
        checked.config, merged.data, merged.places, tuple(warnings), checked.pending, tuple(paths), merged.lines
    )


class _Merged:
    """What the sources said so far. Data is replaced, never changed: YAML aliases share it."""

    def __init__(self, whole: Place) -> None:
        self.data: dict[str, Any] = {}
        self.places = Places(whole)
        self.lines: dict[str, Sequence[str]] = {}
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []

    def file(self, path: FilePath) -> None:
        try:
            document = read(path)
        except DocumentError as error:
            self.lines[str(path)] = error.lines
            self.problems += error.problems
            return
        self.lines[str(path)] = document.lines
        if document.data is None:
            return
        if not isinstance(document.data, dict):
            what = "a list" if isinstance(document.data, list) else "a single value"
            message = f"A configuration is made of keys; this file holds {what}."
            self.problems.append(Problem(file=str(path), line=1, column=1, message=message))
            return
        self.data = self._over(self.data, document.data, "")
        self.places.keys |= document.places.keys
        self.places.values |= document.places.values

    def overlay(self, data: Mapping[str, Any], place: Place) -> None:
        """Lay plain data over what there is; all of it comes from one place."""
        self.data = self._over(self.data, data, "")

        def mark(value: object, at: str) -> None:
            for name, below in value.items() if isinstance(value, Mapping) else ():
                self.places.keys[at + pointer(name)] = place
                mark(below, at + pointer(name))

        mark(data, "")

    def put(self, path: Path, value: object, place: Place) -> None:
        """Set one value, making the maps and the list item on the way."""
        self.data = self._set(self.data, path, value)
        at = pointer(*path)
        self.places.forget(at)
        self.places.keys[at] = self.places.values[at] = place

    def variable(self, name: str, text: str) -> None:
        """Obey an environment variable, if its name is that of a key."""
        place = Place(f"environment variable {name}")
        found = next(_named(ROOT, _OTHER_NAMES.get(name, name), (), self.data), None)
        if found is None:
            self.misspelled(name, place)
            return
        path, key = found
        for depth, step in enumerate(path):
            before = reach(self.data, path[:depth])
            count = len(before) if isinstance(before, list) else 0
            if isinstance(step, int) and step > count:
                have = f"There are {count} entries" if count != 1 else "There is 1 entry"
                message = f"{have} in `{dotted(path[:depth])}`, so the next one has the number {count}, not {step}."
                self.problems.append(Problem(file=place.file, path=dotted(path), message=message))
                return
        value = _cast(key, text)
        if isinstance(value, str) and key.kind in ("list", "map", "table", "choice"):
            problem = Problem(file=place.file, path=dotted(path), message="This must be JSON.", expected=key.expects())
            if text.lstrip()[:1] in ("[", "{"):
                self.problems.append(problem)
            else:  # LOG, SESSION, DATABASE: others use such names too, and mean something else
                self.warnings.append(replace(problem, message="Only JSON can set a whole map, so this is ignored."))
            return
        self.put(path, value, place)

    def misspelled(self, name: str, place: Place) -> None:
        """Say a word about a variable that almost names a key. One that only shares its first word is not ours."""
        key, rest, path = ROOT, name, Path()
        while step := next((known for known in keys(key.section) if rest.startswith(variable((known,)) + "_")), None):
            key, rest, path = keys(key.section)[step], rest[len(step) + 1 :], (*path, step)
        match = nearest(rest, [variable((known,)) for known in keys(key.section)], 0.8)
        if len(path) >= _NEAR and match:
            message = f"No key is set by {name}."
            hint = f"Did you mean {variable(path)}_{match}?"
            self.warnings.append(Problem(file=place.file, message=message, hint=hint))

    def with_lines(self, problems: Sequence[Problem]) -> list[Problem]:
        """The problems with the lines they stand in."""
        return [
            replace(problem, source=covered(self.lines.get(problem.file, ()), problem.line)) for problem in problems
        ]

    def _over(self, old: Mapping[str, Any], new: Mapping[str, Any], at: str) -> dict[str, Any]:
        merged = dict(old)
        for name, value in new.items():
            below, known = at + pointer(name), merged.get(name)
            if isinstance(value, Mapping) and isinstance(known, Mapping):
                merged[name] = self._over(known, value, below)
            elif value is not None or name not in merged:  # `key:` with nothing after it says nothing
                if isinstance(known, (Mapping, list)):
                    self.places.forget(below)
                merged[name] = value
        return merged

    def _set(self, old: object, path: Path, value: object) -> Any:
        if not path:
            return value
        step, rest = path[0], path[1:]
        if isinstance(step, int):
            items = list(old) if isinstance(old, list) else []
            items[step : step + 1] = [self._set(items[step] if step < len(items) else None, rest, value)]
            return items
        known = dict(old) if isinstance(old, Mapping) else {}
        return {**known, step: self._set(known.get(step), rest, value)}


def _numbered(name: str) -> list[tuple[int, str]]:
    """Sorts …_10 after …_9, so that it finds its list long enough."""
    return [(int(part[:9]), "") if part[:1].isdigit() else (0, part) for part in _NUMBER.split(name)]


def _named(key: Key, name: str, path: Path, data: object) -> Iterator[tuple[Path, Key]]:
    """The keys below `key` that a variable's name, or what is left of it, stands for."""
    if key.kind == "list" and key.item:
        if found := re.fullmatch(r"(\d{1,4})(?:_(.+))?", name):
            index = int(found[1])
            item = data[index] if isinstance(data, list) and index < len(data) else None
            if not found[2]:
                yield (*path, index), key.item
            else:
                yield from _named(key.item, found[2], (*path, index), item)
        return
    for known, below in _below(key, data):
        word, inside = variable((known,)), data.get(known) if isinstance(data, Mapping) else None
        if name == word:
            yield (*path, known), below
        elif name.startswith(word + "_"):
            yield from _named(below, name[len(word) + 1 :], (*path, known), inside)


def _below(key: Key, data: object) -> Iterator[tuple[str, Key]]:
    if key.kind == "map":
        yield from keys(key.section).items()
    elif key.kind == "table" and key.item and isinstance(data, Mapping):  # free names: those that are there already
        yield from ((str(name), key.item) for name in data)
    elif key.kind == "choice":
        yield key.tag, Key(kind="text")
        for _, variant in key.variants:
            yield from keys(variant.section).items()


def _cast(key: Key, text: str) -> object:
    """The text of a variable as its key wants it; left as text otherwise, so that the check can say what is wrong."""
    if key.kind in ("list", "map", "table", "choice", "any") and text.lstrip()[:1] in ("[", "{"):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text
    if key.kind == "list" and key.item:
        return [_cast(key.item, part.strip()) for part in text.split(",")]
    if key.kind == "flag":
        return TRUTH.get(text.strip().lower(), text)
    if key.kind == "whole" and re.fullmatch(r"\s*[+-]?\d{1,18}\s*", text):
        return int(text)
    if key.kind == "number" and re.fullmatch(r"\s*[+-]?\d{1,18}(\.\d{1,18})?\s*", text):
        return float(text)
    return text


def _version(merged: _Merged) -> Iterator[Problem]:
    """What there is to say about the version the file was written for; never a mistake."""
    text = merged.data.get("version")
    place = merged.places.value("/version")
    found = re.match(r"v(\d+)\.", text) if isinstance(text, str) else None
    if not text:
        message, hint = "`version` is missing.", "Write the Kratos version the file was made for, as `version: v1.3.0`."
    elif found is None:
        message, hint = "This is no version of Kratos.", "Write it like v1.3.0"
    elif int(found[1]) > KNOWN_YEAR:
        message, hint = (
            "This version of Kratos is newer than what is known here.",
            "Keys may have changed their meaning.",
        )
    elif found[1] == "0":
        message, hint = "This version of Kratos is old.", "Some keys changed their meaning: compare with the reference."
    else:
        return
    shown = f'"{text}"' if text else ""
    yield Problem(
        file=place.file, line=place.line, column=place.column, path="version", found=shown, message=message, hint=hint
    )
