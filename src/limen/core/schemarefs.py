"""References inside an identity schema: where each leads, and those that lead nowhere or in a circle."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final
from urllib.parse import unquote

from limen.core.places import pointer
from limen.core.schemakeywords import IN_PLACE, Walk
from limen.core.schemanotes import Notes, Path, near, what

_ROOT: Final = ("", "#", "#/")
_COMPARED: Final = 2000  # places, when a right one is looked for


class Refs:
    """The references of one document. `targets` has those that stay inside it; with `external`, some leave it."""

    def __init__(self, notes: Notes, walk: Walk, data: object) -> None:
        self.notes, self.walk, self.data = notes, walk, data
        self.targets: dict[Path, Path] = {}
        self.external = False
        done: set[Path] = set()
        while todo := [at for at in walk.schemas if at not in done]:  # a reference may lead to what is no schema so far
            done.update(todo)
            named = {str(walk.schemas[at].get("$id", "")) for at in done}
            for at in todo:
                ref = walk.schemas[at].get("$ref")
                if isinstance(ref, str):
                    self._follow(ref, at, named)
        self._circles()

    def _follow(self, ref: str, at: Path, named: set[str]) -> None:
        if ref not in _ROOT and not ref.startswith("#/"):
            if not ref.startswith("#"):
                self.external = self.external or ref not in named
            elif not any(name.endswith(ref) for name in named):
                message = f"Nothing here has the `$id` `{ref}`."
                self.notes.wrong((*at, "$ref"), message, f"Write it as a path: #/definitions/{ref[1:]}", value=ref)
            return
        target = _resolved(self.data, ref)
        if isinstance(target, str):
            self.notes.wrong((*at, "$ref"), f"This leads nowhere: there is no `{target}`.", self._near(ref), value=ref)
            return
        value = _get(self.data, target)
        if not isinstance(value, (Mapping, bool)):
            self.notes.wrong((*at, "$ref"), f"This leads to {what(value)}, and no schema stands there.", value=ref)
            return
        self.targets[at] = target
        if target not in self.walk.schemas:
            self.walk.schema(value, target)

    def _near(self, ref: str) -> str:
        """A place that is spelled alike, or has the same name."""
        known = {at: f"#{pointer(*at)}" for at in islice(self.walk.schemas, 1, _COMPARED)}
        name = ref.rpartition("/")[2]
        match = near(ref, known.values(), 0.8) or next((there for at, there in known.items() if at[-1] == name), "")
        return f"Did you mean `{match}`?" if match else ""

    def _circles(self) -> None:
        """Schemas that contain themselves without going a level deeper: to check them would take forever."""
        below: dict[Path, list[Path]] = {at: [] for at in self.walk.schemas}
        for at, target in self.targets.items():
            below[at] = [target]  # beside a reference nothing counts
        for at, schema in self.walk.schemas.items():
            if "$ref" not in schema:
                below[at] = [inner for inner in _in_place(schema, at) if inner in below]
        done: set[Path] = set()
        for start, first in below.items():
            way = {} if start in done else {start: iter(first)}
            while way:
                last = next(reversed(way))
                following = next(way[last], None)
                if following is None:
                    done.add(last)
                    del way[last]
                elif following in way:
                    steps = list(way)
                    self._round(steps[steps.index(following) :])
                elif following not in done and following in below:
                    way[following] = iter(below[following])

    def _round(self, circle: list[Path]) -> None:
        refs = [at for at in circle if at in self.targets]
        names = " → ".join(f"#{pointer(*self.targets[at])}" for at in refs)
        hint = "Let it lead to a map with `type` or `properties`."
        self.notes.wrong((*refs[0], "$ref"), f"This leads back to itself: {names}", hint)


def _in_place(schema: Mapping[str, Any], at: Path) -> Iterator[Path]:
    for name in IN_PLACE:
        inner = schema.get(name)
        if isinstance(inner, list):
            yield from ((*at, name, index) for index in range(len(inner)))
        else:
            yield (*at, name)
    dependencies = schema.get("dependencies")
    yield from ((*at, "dependencies", name) for name in (dependencies if isinstance(dependencies, Mapping) else ()))


def _get(data: Any, at: Path) -> object:
    for step in at:
        data = data[step]
    return data


def _resolved(data: object, ref: str) -> Path | str:
    """The steps of a local reference, or the first name on the way that is not there."""
    at: Path = ()
    for part in ref.split("/")[1:] if ref not in _ROOT else ():
        name = unquote(part.replace("~1", "/").replace("~0", "~"))
        if isinstance(data, list) and name.isascii() and name.isdigit() and len(name) < 9 and int(name) < len(data):
            data, at = data[int(name)], (*at, int(name))
        elif isinstance(data, Mapping) and name in data:
            data, at = data[name], (*at, name)
        else:
            return name
    return at
