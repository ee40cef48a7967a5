"""What all formats of hashes are read with: their parts, numbers and base64, and the limits they share."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable

Check = Callable[[bytes], bool]

MAX_TEXT = 2048  # characters of a whole hash; real ones have a tenth of it
MAX_PASSWORD = 1024  # bytes; a longer password fits no imported hash, as some formats cost rounds × length


class HashError(Exception):
    """A hash that cannot be used; the text completes the sentence "The hash cannot be used: …"."""


class UnknownFormat(HashError):
    pass


class Malformed(HashError):
    pass


class TooDear(HashError):
    pass


def parts(text: str, *counts: int) -> list[str]:
    """What stands between the dollar signs, after the name.

    :raises Malformed: it has none of these numbers of parts
    """
    found = text.split("$")[2:]
    if len(found) not in counts:
        expected = " or ".join(map(str, counts))
        raise Malformed(f"it has {len(found)} parts after its name, not {expected}")
    return found


def numbers(text: str, *names: str) -> list[int]:
    """`m=64,t=2,p=1` as numbers; anything after a further comma is passed over, as in PHC strings.

    :raises Malformed: it does not begin with these names and their numbers
    """
    match = re.match(",".join(rf"{name}=(\d{{1,10}})" for name in names) + r"(?:,|$)", text, re.ASCII)
    if match is None:
        raise Malformed(f"its parameters are {text!r} instead of {','.join(f'{name}=…' for name in names)}")
    return [int(number) for number in match.groups()]


def padded(text: str, name: str) -> bytes:
    """Standard base64 with its padding and no spare bits (RFC 4648 §3.5).

    :raises Malformed: it is something else
    """
    return _decoded(text, text, name)


def unpadded(text: str, name: str) -> bytes:
    """Standard base64 without padding, as PHC strings have it.

    :raises Malformed: it is something else
    """
    return _decoded(text, text + "=" * (-len(text) % 4), name)


def _decoded(text: str, complete: str, name: str) -> bytes:
    try:
        raw = base64.b64decode(complete.encode(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed(f"its {name} is not base64: {error}") from error
    if base64.b64encode(raw).decode() != complete or ("=" in text and text != complete):
        raise Malformed(f"its {name} is not canonical base64")
    return raw


def within(name: str, value: int, least: int, most: int) -> None:
    """:raises TooDear: the parameter is outside its bounds"""
    if not least <= value <= most:
        raise TooDear(f"{name} is {value}, and {least} to {most} is allowed")


def limited(check: Check) -> Check:
    """The same check for passwords of a length that people have."""
    return lambda password: len(password) <= MAX_PASSWORD and check(password)
