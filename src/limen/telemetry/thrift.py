"""Thrift's compact protocol, as far as it is written here: numbers, texts, truths, structs and lists of them.

https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

_TRUE, _FALSE, _I32, _I64, _BINARY, _LIST, _STRUCT = 1, 2, 5, 6, 8, 9, 12
_SHORT: Final = 15  # lengths of lists below it, and distances of fields up to it, share a byte with the type
_CALL: Final = b"\x82\x81"  # the protocol, and in one byte its version 1 and a call that is not answered


class Field(NamedTuple):
    """A field of a struct, written but for its number."""

    number: int
    type: int
    content: bytes


def i32(number: int, value: int) -> Field:
    return Field(number, _I32, _varint(_zigzag(value)))


def i64(number: int, value: int) -> Field:
    return Field(number, _I64, _varint(_zigzag(value)))


def truth(number: int, value: bool) -> Field:
    return Field(number, _TRUE if value else _FALSE, b"")


def text(number: int, value: str) -> Field:
    return Field(number, _BINARY, _text(value))


def inner(number: int, written: bytes) -> Field:
    """A struct in a struct."""
    return Field(number, _STRUCT, written)


def many(number: int, structs: Sequence[bytes]) -> Field:
    """A list of structs."""
    size = len(structs)
    head = bytes([size << 4 | _STRUCT]) if size < _SHORT else bytes([0xF0 | _STRUCT]) + _varint(size)
    return Field(number, _LIST, head + b"".join(structs))


def struct(*fields: Field) -> bytes:
    """The fields stand in the order of their numbers, which are 1 and above."""
    parts, last = [], 0
    for field in fields:
        parts += [bytes([(field.number - last) << 4 | field.type]), field.content]
        last = field.number
    return b"".join(parts) + b"\0"


def one_way(name: str, arguments: bytes) -> bytes:
    """A call that nobody answers."""
    return _CALL + _varint(0) + _text(name) + arguments


def _text(value: str) -> bytes:
    raw = value.encode("utf8", "replace")
    return _varint(len(raw)) + raw


def _zigzag(value: int) -> int:
    return value << 1 if value >= 0 else (-value << 1) - 1


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)
