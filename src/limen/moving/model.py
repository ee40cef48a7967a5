"""A person as another system's file tells of them, before anybody asks whether they fit here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct


class Brought(Struct, frozen=True, kw_only=True):
    """`fields` are what may become traits, by names every file uses: email, phone, username, name, given_name, family_name,
    and the file's own. `providers` are pairs of a provider's name there and the subject. `hashed` is a password's hash in one
    of our formats. `doubts` are what was left behind.
    """

    line: int
    id: str
    external_id: str = ""  # theirs, where programs know people by it
    fields: Mapping[str, Any] = {}
    verified: Sequence[str] = ()  # which of email and phone were proved
    hashed: str = ""
    password: str = ""
    providers: Sequence[tuple[str, str]] = ()
    totp_url: str = ""
    active: bool = True
    created_at: str = ""
    last_login_at: str = ""
    metadata_public: Any = None
    metadata_admin: Any = None
    doubts: Sequence[str] = ()


class Unreadable(Struct, frozen=True):
    """An entry of which nothing can be made."""

    line: int
    reason: str


class FileError(Exception):
    """The file is not what it should be; the text says what it should be."""
