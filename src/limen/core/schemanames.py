"""The names of properties in an identity schema: those that are required and not there, and those that are shut out."""

from collections.abc import Collection, Iterator, Mapping

from limen.core.schemakeywords import Walk
from limen.core.schemanotes import Notes, Path, near
from limen.core.schemarefs import Refs


def check(notes: Notes, walk: Walk, refs: Refs) -> None:
    """Note names in `required` that no property has, and properties that `additionalProperties: false` refuses."""
    groups = _Groups(walk, refs)
    traits = groups.names(("properties", "traits"))
    for at, schema in walk.schemas.items():
        required = schema.get("required")
        if isinstance(required, list) and "not" not in at and "$ref" not in schema:
            known = {"traits"} if walk.owners[at] == () else groups.names(at)
            for index, name in enumerate(required):
                if isinstance(name, str) and known is not None and name not in known:
                    _required(notes, name, (*at, "required", index), known, traits if walk.owners[at] == () else None)
        if schema.get("additionalProperties") is False and "$ref" not in schema:
            _shut_out(notes, groups, at)


def _required(notes: Notes, name: str, at: Path, known: Collection[str], traits: Collection[str] | None) -> None:
    message = f"`{name}` is required, and there is no such property."
    match = near(name, known, 0.6)
    hint = f"Did you mean `{match}`?" if match else ""
    if traits and name in traits:
        hint = "Move it into the `required` of `traits`."
    notes.doubt(at, message, hint)


def _shut_out(notes: Notes, groups: "_Groups", at: Path) -> None:
    schema = groups.walk.schemas[at]
    if schema.get("patternProperties"):
        return
    own = schema.get("properties")
    for name, place in _in_branches(groups, at):
        if isinstance(own, Mapping) and name not in own:
            message = (
                f"`{name}` is refused by `additionalProperties: false`, which sees only the `properties` beside it."
            )
            notes.doubt(place, message, f'Add `"{name}": {{}}` to those `properties`.', key=True)


def _in_branches(groups: "_Groups", top: Path) -> Iterator[tuple[str, Path]]:
    """The names of properties in the `allOf`, `then` and so on of a schema, and where they stand."""
    schemas, targets = groups.walk.schemas, groups.refs.targets
    for at in groups.members[groups.walk.owners[top]]:
        if at == top or at[: len(top)] != top or not {"not", "if"}.isdisjoint(at[len(top) :]):
            continue
        target = schemas.get(targets[at]) if at in targets else None
        names = (schemas[at] if target is None else target).get("properties")
        for name in names if isinstance(names, Mapping) else ():
            yield name, (*at, "properties", name) if target is None else (*at, "$ref")


class _Groups:
    """Schemas that look at the same value, with the properties that any of them names."""

    def __init__(self, walk: Walk, refs: Refs) -> None:
        self.walk, self.refs = walk, refs
        self.members: dict[Path, list[Path]] = {}  # by what they are a part of
        self._parents: dict[Path, Path] = {}
        for at, target in refs.targets.items():
            if target in walk.owners:
                self._parents[self._top(walk.owners[at])] = self._top(walk.owners[target])
        self._names: dict[Path, dict[str, None]] = {}
        self._open: set[Path] = set()
        for at, schema in walk.schemas.items():
            owner = walk.owners[at]
            self.members.setdefault(owner, []).append(at)
            properties, others = schema.get("properties"), schema.get("additionalProperties", False)
            if isinstance(properties, Mapping):
                self._names.setdefault(self._top(owner), {}).update(dict.fromkeys(properties))
            if ("$ref" in schema and at not in refs.targets) or schema.get("patternProperties") or others is not False:
                self._open.add(self._top(owner))

    def names(self, at: Path) -> Collection[str] | None:
        """The names, or nothing when none is named, or when there may be others."""
        group = self._top(self.walk.owners.get(at, at))
        return None if group in self._open else self._names.get(group)

    def _top(self, at: Path) -> Path:
        while (parent := self._parents.get(at, at)) != at:
            self._parents[at] = self._parents.get(parent, parent)  # a shorter way for the next who asks
            at = parent
        return at
