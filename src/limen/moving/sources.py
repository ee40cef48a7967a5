"""Which reader a kind of file has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from limen.moving import auth0, firebase, keycloak, supabase, table
from limen.moving.command import FileJob
from limen.moving.model import Brought, Unreadable

Reader = Callable[[Path], Iterator[Brought | Unreadable]]
_PLAIN: Mapping[str, Reader] = {"keycloak": keycloak.people, "supabase": supabase.people, "csv": table.people}


def job(kind: str, file: Path, own: Mapping[str, Path | None], common: Mapping[str, Any]) -> FileJob:
    """What is to be done with a file; `own` are the options that only this kind has."""

    def open_() -> Iterator[Brought | Unreadable]:
        if kind == "auth0":
            return auth0.people(file, own.get("passwords"))
        if kind == "firebase":
            hashing = own.get("hash_config")
            return firebase.people(file, firebase.hash_config(hashing) if hashing else None)
        return _PLAIN[kind](file)

    return FileJob(kind=kind, file=file, open_=open_, **common)
