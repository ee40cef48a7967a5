"""People in a file of our own forms: what the operator's API takes and gives out, as CSV, JSON, or a JSON object on each line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from limen.identity import tables
from limen.identity.incoming import User
from limen.identity.tables import BadRow, TableError
from limen.moving import jsonfile
from limen.moving.model import FileError
from limen.project.model import Project

Form = Literal["csv", "json", "jsonl"]
_ENDINGS: dict[str, Form] = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}


def form_of(file: Path) -> Form:
    """What a file is by the end of its name; JSON where that says nothing."""
    return _ENDINGS.get(file.suffix.lower(), "json")


def people(file: Path, form: Form, project: Project) -> Iterator[tuple[int, User | BadRow]]:
    """Everybody in the file with a line of theirs, one at a time.

    :raises FileError: the file cannot be read any further
    """
    if form == "csv":
        return _table(file, project)
    entries = jsonfile.entries(file, "users" if form == "json" else "")
    return ((line, _user(value)) for line, value in entries)


def _user(value: Any) -> User | BadRow:
    try:
        msgspec.json.encode(value)  # JSON can spell half a character, which no database takes
        return msgspec.convert(value, User)
    except msgspec.ValidationError as error:
        return BadRow(f"{error}.")
    except UnicodeEncodeError:
        return BadRow("A text has half of a surrogate pair.")


def _table(file: Path, project: Project) -> Iterator[tuple[int, User | BadRow]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            yield from tables.read(lines, project)
    except OSError as error:
        raise FileError(f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise FileError(f"{file} is not UTF-8 text.") from error
    except TableError as error:
        raise FileError(f"{file} is no CSV. {error}") from error
