"""The words by which people are found: of a person, and of what somebody looks for. Pure; the rows are in directory.py."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from limen.identity.identifiers import FEDERATED
from limen.identity.model import Identity

MOST_WORDS, MOST_LETTERS = 48, 64  # of one person, of one word
LONGEST_TEXT = 100  # a trait that is longer is a text, and not a name
MOST_ASKED = 8  # words of one search
_NAMELESS = ("totp", "lookup_secret", "passkey", "deviceauthn")  # their identifiers are ids that nobody types
_INNER = re.compile(r"[\W_]+")
_EDGES = re.compile(r"^[\W_]+|[\W_]+$")


def of_identity(identity: Identity) -> list[str]:
    """What this person is found by: identifiers, addresses, the external id, and the short texts among the traits.

    A word is found by its beginning. So `ann.lee@mail.example.org` is four: itself, `lee`, `mail.example.org`, `example.org`.
    """
    found: dict[str, None] = {}
    for text in dict.fromkeys(_texts(identity)):
        for word in _words(text):
            found[word[:MOST_LETTERS]] = None
        if len(found) >= MOST_WORDS:
            break
    return list(found)[:MOST_WORDS]


def asked(text: str) -> tuple[str, ...]:
    """The words of a search, each at least the beginning of one of the person's."""
    found = (_EDGES.sub("", piece)[:MOST_LETTERS] for piece in fold(text).split())
    return tuple(dict.fromkeys(word for word in found if word))[:MOST_ASKED]


def fold(text: str) -> str:
    """Without case, accents, width and invisible characters: `Müller` and `MULLER` are one."""
    if text.isascii():
        return (
            text.lower() if text.isprintable() else "".join(c for c in text.lower() if c.isprintable() or c.isspace())
        )
    parts = unicodedata.normalize("NFKD", text).casefold()
    kept = (c for c in parts if not unicodedata.combining(c) and (c.isspace() or unicodedata.category(c)[0] != "C"))
    return unicodedata.normalize("NFKC", "".join(kept))


def _texts(identity: Identity) -> Iterator[str]:
    for type_, credential in identity.credentials.items():
        if type_ in _NAMELESS:
            continue
        for identifier in credential.identifiers:
            yield identifier
            if type_ in FEDERATED:
                yield identifier.partition(":")[2]
    yield from (address.value for address in identity.verifiable_addresses)
    yield from (address.value for address in identity.recovery_addresses)
    if identity.external_id:
        yield identity.external_id
    yield from _names(identity.traits)


def _names(traits: Any) -> Iterator[str]:
    """The short texts in the traits, at any depth; addresses of pages are none that people go by."""
    waiting = [traits]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            if len(value) <= LONGEST_TEXT and "://" not in value:
                yield value
        elif isinstance(value, dict):
            waiting.extend(reversed(value.values()))
        elif isinstance(value, list):
            waiting.extend(reversed(value))


def _words(text: str) -> Iterator[str]:
    for piece in fold(text).split():
        whole = piece if piece[0].isalnum() and piece[-1].isalnum() else _EDGES.sub("", piece)
        if not whole:
            continue
        yield whole
        if whole.isalnum():
            continue
        name, at, domain = whole.rpartition("@")
        inner = name if at else whole
        if not inner.isalnum():
            yield from (part for part in _INNER.split(inner)[1:] if len(part) > 1)
        while at and "." in domain:
            yield domain
            domain = domain.partition(".")[2]
