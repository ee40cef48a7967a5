"""Identity schemas checked before they are used: every mistake with its place, as in the configuration.

A mistake is what Kratos refuses when it starts, or for every person; where we do what was meant all the same, and for
what is merely useless, there is a warning.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from limen.core import schemadoubts, schemamarks, schemanames
from limen.core.configcheck import in_order
from limen.core.configvalues import nearest
from limen.core.places import Document, DocumentError, Problem, parse
from limen.core.schema import EXTENSION
from limen.core.schemakeywords import KEYWORDS, TYPES, Walk
from limen.core.schemanotes import Notes, Path, source, what
from limen.core.schemarefs import Refs
from limen.core.sources import LIMIT

_TRAITS: Final = ("properties", "traits")
_VERIFIED: Final = ["email", "tel", "date", "time", "date-time", "no-validate"]
_CAUSES: Final = (  # what stands where JSON ends, and what it usually means
    (re.compile(r"//|/\*|#"), "JSON has no comments."),
    (re.compile(r"(True|False|None)\b"), "Write true, false or null."),
    (re.compile(r"[A-Za-z_$]"), "Names and text stand in double quotes."),
    (re.compile(r",\s*[}\]]"), "Remove the comma."),
)


class Checked(Struct, frozen=True):
    """What a check found, in reading order. Without `problems` the schema can be used."""

    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


def check(raw: bytes, name: str, *, part: bool = False) -> Checked:
    """Check one schema; places will name it `name`. Nothing is raised: all mistakes come back at once.

    A `part` is a document that an identity schema refers to: it describes no person.
    """
    try:
        document = _read(raw, name)
    except DocumentError as error:
        found = [replace(problem, source=source(error.lines, problem.line)) for problem in error.problems]
        return Checked(in_order(found), ())
    notes = Notes(document)
    data = document.data
    if not isinstance(data, Mapping):
        notes.wrong((), f"An identity schema is a map, not {what(data)}.", 'It begins with `{"type": "object", …`.')
        return Checked(tuple(notes.problems), ())
    walk = Walk(notes)
    walk.schema(data, ())
    refs = Refs(notes, walk, data)
    _draft(notes, data.get("$schema"))
    if not part:
        _traits(notes, data)
    for at, schema in walk.schemas.items():
        schemamarks.check(notes, schema, at)
        schemadoubts.check(notes, schema, at)
    schemamarks.stray(notes, data, (), walk.schemas)
    schemanames.check(notes, walk, refs)
    if part:
        return Checked(in_order(notes.problems), in_order(notes.warnings))
    schemadoubts.root(notes, data)
    if not refs.external and not any(map(schemamarks.signs_in, walk.schemas.values())):
        message = "No trait is an identifier: nobody can sign in with a password, a code or a passkey."
        mark = f'"{EXTENSION}": {{"credentials": {{"password": {{"identifier": true}}}}}}'
        notes.doubt(_TRAITS, message, f"Add `{mark}` to the trait people sign in with.", key=True)
    return Checked(in_order(notes.problems), in_order(notes.warnings))


def _read(raw: bytes, name: str) -> Document:
    if len(raw) > LIMIT:
        raise DocumentError([Problem(file=name, message=f"The schema is larger than {LIMIT:,} bytes.")])
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        problem = Problem(file=name, line=line, column=1, message="This is not UTF-8.", hint="Save the file as UTF-8.")
        raise DocumentError([problem]) from None
    if not text.strip():
        raise DocumentError([Problem(file=name, message="The schema is empty.")])
    try:
        return parse(text, name, "json")
    except DocumentError as error:
        raise DocumentError([_explained(problem, error.lines) for problem in error.problems], error.lines) from None


def _explained(problem: Problem, lines: Sequence[str]) -> Problem:
    """Mistakes people make because other languages are written so."""
    if not problem.message.startswith("This is no JSON:") or problem.line > len(lines):
        return problem
    rest = "\n".join(lines[problem.line - 1 : problem.line + 1])[problem.column - 1 :]
    hint = next((hint for form, hint in _CAUSES if form.match(rest)), problem.hint)
    if re.match(r"[\w$-]+:\s", lines[0]):
        hint = "This looks like YAML: identity schemas are JSON."
    if "Extra data" in problem.message:
        hint = "One map is the whole schema: remove what follows it."
    if "control character" in problem.message:
        hint = r"Text cannot go on in the next line, nor hold a tab: write `\n` or `\t`."
    return replace(problem, message=problem.message.replace(" at.", "."), hint=hint)


def _draft(notes: Notes, draft: object) -> None:
    if schemadoubts.other_draft(draft):
        message = "Schemas of this draft cannot be read."
        notes.wrong(("$schema",), message, "Write http://json-schema.org/draft-07/schema#", value=draft)


def _traits(notes: Notes, data: Mapping[str, Any]) -> None:
    """What Kratos wants of an identity schema besides being a schema. What is no map at all was told already."""
    properties = data.get("properties")
    if "properties" not in data:
        _missing(notes, "properties", data, (), "an identity schema describes `traits` below it.")
    if not isinstance(properties, Mapping):
        return
    traits = properties.get("traits")
    if "traits" not in properties:
        _missing(notes, "traits", properties, ("properties",), "what describes a person stands below it.")
    elif isinstance(traits, bool):
        notes.wrong(_TRAITS, "A map belongs here, not true or false.", 'Write `{"type": "object", "properties": {…}}`')
    if not isinstance(traits, Mapping):
        return
    kind = traits.get("type", "object")
    if kind != "object" and (kind in TYPES or (isinstance(kind, list) and set(map(str, kind)) <= set(TYPES))):
        notes.wrong(
            (*_TRAITS, "type"), "`traits` must be of the type `object`.", 'Write `"type": "object"`', value=kind
        )
    if "properties" not in traits:
        about = "it names the traits, at least one, and must stand here itself."
        _missing(notes, "properties", traits, _TRAITS, about)
    names = traits.get("properties")
    if isinstance(names, Mapping) and not names:
        notes.wrong((*_TRAITS, "properties"), "At least one trait is needed.", 'Write `"email": {"type": "string"}`')
    for name, trait in names.items() if isinstance(names, Mapping) else ():
        _trait(notes, trait, (*_TRAITS, "properties", name))


def _trait(notes: Notes, trait: object, at: Path) -> None:
    if isinstance(trait, bool):
        notes.wrong(at, "A map belongs here, not true or false.", "Write `{}` for a trait that may be anything.")
    if not isinstance(trait, Mapping) or not isinstance(trait.get(EXTENSION), Mapping):
        return
    format_ = trait.get("format", "email")
    if "verification" in trait[EXTENSION] and isinstance(format_, str) and format_ not in _VERIFIED:
        match = nearest(format_, _VERIFIED, 0.6)
        hint = f"Did you mean `{match}`?" if match else "Write `no-validate` to have any value verified."
        message = f"What is verified cannot have the format `{format_}`."
        notes.wrong((*at, "format"), message, hint, value=format_, allowed=", ".join(_VERIFIED))


def _missing(notes: Notes, name: str, beside: Mapping[str, Any], at: Path, about: str) -> None:
    """A key that must be there; when one is spelled almost like it, that one is shown."""
    others = [other for other in beside if other not in KEYWORDS or at == ("properties",)]
    if match := nearest(name, others, 0.75):
        notes.wrong((*at, match), f"There is no key `{match}` here.", f"Did you mean `{name}`?", key=True)
        return
    hint = f'Add `"{name}": {{…}}`.'
    if name == "traits" and beside:
        hint = 'Move what is here into `"traits": {"type": "object", "properties": {…}}`.'
    notes.wrong(at, f"`{name}` is missing: {about}", hint, key=True)
