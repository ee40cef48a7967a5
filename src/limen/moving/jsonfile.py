"""Big JSON files, read one entry at a time: an array, an object with an array in it, or one value on each line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from limen.moving.model import FileError

_CHUNK = 1 << 20
_MOST = 64 << 20  # characters one entry may have
_BLANK = " \t\r\n\ufeff"


def entries(file: Path, name: str = "") -> Iterator[tuple[int, Any]]:
    """The entries with the lines they begin on; `name` is the key of the array, where an object holds it.

    :raises FileError: it is no JSON, or has no such array
    """
    try:
        with file.open(encoding="utf-8") as opened:
            yield from _Reader(opened, file).entries(name)
    except OSError as error:
        raise FileError(f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise FileError(f"{file} is not UTF-8 text.") from error


class _Reader:
    """A window on the text. It grows until a whole value is in it, and moves on."""

    def __init__(self, opened: IO[str], file: Path) -> None:
        self._opened, self._file = opened, file
        self._text, self._at, self._line, self._ended = "", 0, 1, False
        self._decode = json.JSONDecoder().raw_decode

    def entries(self, name: str) -> Iterator[tuple[int, Any]]:
        first = self._peek()
        if first == "[":
            yield from self._array()
        elif first == "{" and name:
            yield from self._member(name)
        else:
            while self._peek():
                yield self._line, self._value()

    def _member(self, name: str) -> Iterator[tuple[int, Any]]:
        self._skip("{")
        while self._peek() not in ("}", ""):
            key = self._value()
            self._skip(":")
            if key == name and self._peek() == "[":
                yield from self._array()
                return
            self._value()
            if self._peek() == ",":
                self._skip(",")
        raise FileError(f"{self._file} has no list called {name!r}.")

    def _array(self) -> Iterator[tuple[int, Any]]:
        self._skip("[")
        while (following := self._peek()) != "]":
            if following == "":
                raise FileError(f"{self._file} ends in the middle, at line {self._line}.")
            yield self._line, self._value()
            if self._peek() == ",":
                self._skip(",")
        self._skip("]")

    def _peek(self) -> str:
        """The next character that is no blank; "" at the end."""
        while True:
            while self._at < len(self._text):
                if self._text[self._at] not in _BLANK:
                    return self._text[self._at]
                self._move(self._at + 1)
            if not self._grow():
                return ""

    def _value(self) -> Any:
        self._peek()
        while True:
            try:
                value, end = self._decode(self._text, self._at)
            except ValueError as error:
                if len(self._text) - self._at < _MOST and self._grow():
                    continue
                raise FileError(f"{self._file}:{self._line}: this is no JSON: {error}.") from error
            except RecursionError as error:
                raise FileError(f"{self._file}:{self._line}: this is nested too deeply.") from error
            if end == len(self._text) and self._grow():  # a number may go on
                continue
            self._move(end)
            return value

    def _skip(self, character: str) -> None:
        if self._peek() != character:
            raise FileError(f"{self._file}:{self._line}: {character!r} belongs here.")
        self._move(self._at + 1)

    def _move(self, to: int) -> None:
        self._line += self._text.count("\n", self._at, to)
        self._at = to

    def _grow(self) -> bool:
        more = self._opened.read(max(_CHUNK, len(self._text) - self._at))
        if not more:
            return False
        self._text, self._at = self._text[self._at :] + more, 0
        return True
