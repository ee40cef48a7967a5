"""The identity schemas of a configuration: read, checked and compiled, with every mistake in all of them at once."""

import codecs
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any, Final
from urllib.parse import unquote, urljoin

import msgspec
from msgspec import Struct

from limen.core import sources
from limen.core.config import Config
from limen.core.config import IdentitySchema as Entry
from limen.core.configcheck import in_order
from limen.core.configkeys import dotted
from limen.core.configreport import covered
from limen.core.configvalues import mask, nearest
from limen.core.places import Place, Places, Problem, parse, pointer
from limen.core.schema import IdentitySchema
from limen.core.schemacheck import check
from limen.core.schemanotes import Notes, Path

_SHOWN: Final = 60  # characters of an address; one with base64 in it is a whole schema


class Schemas(Struct, frozen=True):
    """The compiled schemas by their ids, and what is doubtful about them."""

    by_id: dict[str, IdentitySchema]
    warnings: tuple[Problem, ...]


class SchemaMistakes(Exception):
    """A schema cannot be used: `problems` has every mistake in all of them, `warnings` what else was noticed."""

    def __init__(self, problems: Sequence[Problem], warnings: Sequence[Problem] = ()) -> None:
        super().__init__("; ".join(f"{problem.file}:{problem.line}: {problem.message}" for problem in problems))
        self.problems, self.warnings = in_order(list(problems)), in_order(list(warnings))


def load(config: Config, places: Places | None = None, lines: Mapping[str, Sequence[str]] | None = None) -> Schemas:
    """Read, check and compile all schemas. `places` and `lines` of the configuration tell where an address stands.

    Raises `SchemaMistakes` with all mistakes at once.
    """
    problems: list[Problem] = []
    warnings: list[Problem] = []
    by_id: dict[str, IdentitySchema] = {}
    told: set[str] = set()
    for index, entry in enumerate(config.identity.schemas):
        try:
            raw = _bytes(entry.url)
        except sources.SourceError as error:
            place = (places or Places(Place("configuration"))).value(pointer("identity", "schemas", index, "url"))
            problems.append(_unreadable(entry.url, error, place, index, (lines or {}).get(place.file, ())))
            continue
        name = name_of(entry.id, entry.url)
        checked = check(raw, name)
        if entry.url not in told:  # several ids may stand for one schema
            problems += checked.problems
            warnings += checked.warnings
        told.add(entry.url)
        compiled = [] if checked.problems else _compiled(entry, raw, name)
        if isinstance(compiled, IdentitySchema):
            by_id[entry.id] = compiled
        else:
            problems += compiled
    if problems:
        raise SchemaMistakes(problems, warnings)
    return Schemas(by_id, in_order(warnings))


def name_of(id_: str, url: str) -> str:
    """What a schema is called where its mistakes are told: its file, or its id and where it came from."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme == "file":
        return unquote(rest) if separator else url
    return f'identity schema "{id_}" ({_short(url) if sources.is_remote(url) else scheme})'


def _bytes(url: str) -> bytes:
    return sources.read(url).removeprefix(codecs.BOM_UTF8)


def _short(url: str) -> str:
    plain = mask(url)
    return plain if len(plain) <= _SHOWN else plain[: _SHOWN - 1] + "…"


def _unreadable(url: str, error: sources.SourceError, place: Place, index: int, lines: Sequence[str]) -> Problem:
    scheme = url.partition("://")[0]
    why = getattr(error.__cause__, "strerror", None) or mask(str(error))
    hint = ""
    if scheme not in ("base64", "http", "https"):
        file = FilePath(name_of("", url))
        folder = file.parent if file.parent.is_dir() else FilePath()
        match = nearest(file.name, [known.name for known in folder.iterdir() if known.is_file()], 0.6)
        hint = f"Did you mean {'file://' if scheme == 'file' else ''}{folder / match}?" if match else ""
        if not match and file.is_absolute():
            hint = f"Put it at {file}; in a container, mount it there."
        hint += "" if file.is_absolute() else f" Relative names start from here: {FilePath.cwd()}"
    return Problem(
        file=place.file,
        line=place.line,
        column=place.column,
        path=dotted(("identity", "schemas", index, "url")),
        found=f'"{_short(url)}"',
        message=f"The schema cannot be read: {why}.",
        hint=hint.strip(),
        source=covered(lines, place.line),
    )


class _Elsewhere:
    """The documents that one schema refers to, each read once."""

    def __init__(self, entry: Entry) -> None:
        self._entry = entry
        self._raw: dict[str, bytes] = {}

    def fetch(self, url: str) -> Any:
        url = urljoin(self._entry.url, url)
        if url not in self._raw:
            self._raw[url] = _bytes(url)
        return msgspec.json.decode(self._raw[url])

    def problems(self) -> Iterator[Problem]:
        for url, raw in self._raw.items():
            yield from check(raw, name_of(self._entry.id, url), part=True).problems


def _compiled(entry: Entry, raw: bytes, name: str) -> IdentitySchema | list[Problem]:
    """The schema, or what only compiling finds: documents elsewhere, and what the library cannot do."""
    elsewhere = _Elsewhere(entry)
    try:
        return IdentitySchema(
            entry.id, raw, url=entry.url, selectable=entry.selfservice_selectable, fetch=elsewhere.fetch
        )
    except (ValueError, sources.SourceError, msgspec.DecodeError) as error:
        return list(elsewhere.problems()) or [_unusable(error, raw, name)]
    except (AttributeError, KeyError, TypeError):  # a document elsewhere may hold anything, this one was checked
        if found := list(elsewhere.problems()):
            return found
        raise


def _unusable(error: Exception, raw: bytes, name: str) -> Problem:
    document = parse(raw.decode(), name, "json")
    notes = Notes(document)
    said = str(error).partition("\n")[0]
    at: Path = tuple(getattr(error, "instance_path", ()))
    hint = ""
    if outside := re.match(r"Resource '(.+?)' is not .* retrieving it failed: (?:SourceError: )?(.*)", said):
        at = _reference(document.data, lambda ref: outside[1].endswith(ref.partition("#")[0].rpartition("/")[2]))
        said = f"This leads to {mask(outside[1])}, which cannot be had: {mask(outside[2])}"
    elif inside := re.match(r"Pointer '(.+?)' does not exist", said):
        at = _reference(document.data, lambda ref: ref.endswith(f"#{inside[1]}"))
        said = f"This leads nowhere: there is no `{inside[1].rpartition('/')[2]}`"
        hint = "It is looked for below the next `$id` above it: remove that `$id`." if at else ""
    else:
        said = f"This cannot be used: {said}"
    notes.wrong(at, f"{said}.", hint)
    return notes.problems[0]


def _reference(data: object, meant: Callable[[str], bool], at: Path = ()) -> Path:
    """Where the first `$ref` stands that is meant; without one, the whole document."""
    inner: Mapping[Any, object] = {}
    if isinstance(data, (Mapping, list)):
        inner = data if isinstance(data, Mapping) else dict(enumerate(data))
    ref = inner.get("$ref")
    if isinstance(ref, str) and meant(ref):
        return (*at, "$ref")
    return next((found for step, below in inner.items() if (found := _reference(below, meant, (*at, step)))), ())
