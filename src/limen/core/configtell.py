"""One key of a configuration, told to people: what it is, what it holds, and where that is from. Secrets stay covered."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any, Final

from limen.core.configkeys import ROOT, Key, Path, keys, reach
from limen.core.configload import Loaded
from limen.core.configvalues import mask
from limen.core.places import Place, pointer, read

COVERED: Final = "***"


def steps(text: str) -> Path:
    """`a.b[].c`, `a.b.0.c` and `a.b[0].c` as the steps that lead there."""
    parts = text.replace("[", ".").replace("]", "").split(".")
    return tuple(int(part) if part.isdecimal() else part for part in parts if part or text.endswith("[]"))


def find(path: Path) -> Key | None:
    """The key at the end of this path; None when there is none. A number, or nothing, stands for an item of a list."""
    key = ROOT
    for step in path:
        below = next((found for found in _below(key, step)), None)
        if below is None:
            return None
        key = below
    return key


def _below(key: Key, step: str | int) -> Iterator[Key]:
    if key.kind == "map" and step in keys(key.section):
        yield keys(key.section)[str(step)]
    elif (key.kind == "list" and key.item and (isinstance(step, int) or step == "")) or (
        key.kind == "table" and key.item
    ):
        yield key.item
    elif key.kind == "choice":
        if step == key.tag:
            yield Key(kind="text", allowed=tuple(name for name, _ in key.variants))
        for _, variant in key.variants:
            yield from _below(variant, step)


def value(loaded: Loaded, path: Path) -> str:
    """What a configuration holds there, as it was written; empty when nothing is written there."""
    held = reach(loaded.data, path)
    if held is None:
        return ""
    covered = _covered(find(path), held, secret=_is_below_secret(path))
    return covered if isinstance(covered, str) else json.dumps(covered, ensure_ascii=False)


def origin(loaded: Loaded, path: Path) -> Place | None:
    """Where that stands: a file with its line, a variable, or a flag; None for a default."""
    if reach(loaded.data, path) is None:
        return None
    at = pointer(*path)
    return loaded.places.keys.get(at) or loaded.places.value(at)


def overridden(loaded: Loaded, path: Path) -> Sequence[Place]:
    """Where else it is set in the files, to no effect, as something stronger sets it too."""
    at, winner = pointer(*path), origin(loaded, path)
    found = []
    for file in loaded.sources:
        places = read(FilePath(file)).places
        place = places.keys.get(at) or places.values.get(at)
        if place and place != winner:
            found.append(place)
    return found


def _is_below_secret(path: Path) -> bool:
    found = [find(path[:depth]) for depth in range(1, len(path) + 1)]
    return any(key is None or key.secret for key in found)


def _covered(key: Key | None, held: Any, *, secret: bool) -> Any:
    if secret or key is None or key.secret:
        return COVERED
    if isinstance(held, Mapping):
        return {name: _covered(next(_below(key, str(name)), None), part, secret=False) for name, part in held.items()}
    if isinstance(held, list):
        return [_covered(key.item, part, secret=False) for part in held]
    return mask(held) if isinstance(held, str) else held
