"""Jsonnet, evaluated in processes of its own (`confined`), which read no files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from limen.core.confined import Exceeded, Pool

WORKERS = 4  # evaluations at a time; more wait
_REFUSED = "importer error: import_callback did not return a tuple"


class JsonnetError(Exception):
    """A snippet cannot be read or evaluated, or takes too much; the text says what and where."""

    is_static = False  # the snippet itself cannot be read, whatever it is given


class Cancelled(JsonnetError):
    """The snippet said `error "cancel"`: nothing is to be done this time."""


async def evaluate(
    snippet: str, *, ctx: object = None, ext: Mapping[str, object] | None = None, name: str = "snippet"
) -> str:
    """The result as JSON text.

    :param ctx: what the snippet is a function of
    :param ext: what `std.extVar` finds, by name
    :param name: what the snippet is called in error texts
    :raises Cancelled: it ended with `error "cancel"`
    :raises JsonnetError: it is wrong, or takes too much
    """
    asked = {
        "name": name,
        "snippet": snippet,
        "arguments": {} if ctx is None else {"ctx": _json(ctx)},
        "variables": {key: _json(value) for key, value in (ext or {}).items()},
    }
    try:
        return _result(await _POOL.answer(asked))
    except Exceeded as error:
        raise JsonnetError(str(error)) from error


def check(snippet: str, name: str) -> None:
    """Read a snippet without giving it anything. Not for the event loop: it waits.

    :raises JsonnetError: it cannot be read; the text begins with `name:line:column`
    """
    try:
        _result(_POOL.ask({"name": name, "snippet": snippet, "arguments": {}, "variables": {}}))
    except Exceeded:
        return  # it can be read
    except JsonnetError as error:
        if error.is_static:
            raise


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _result(answer: Mapping[str, Any]) -> str:
    if "text" in answer:
        return str(answer["text"])
    raise _error(answer["error"])


def _error(text: str) -> JsonnetError:
    """What was wrong and where; the stack below it is the engine's."""
    lines = [line.strip().partition("\t")[0] for line in text.removeprefix("RUNTIME ERROR: ").strip().splitlines()]
    # The engine does not end its own text about imports: a letter of something else may follow.
    told = " at ".join("files cannot be imported" if line.startswith(_REFUSED) else line for line in lines[:2] if line)
    error = Cancelled(told) if text.startswith("RUNTIME ERROR: cancel\n") else JsonnetError(told)
    error.is_static = not text.startswith("RUNTIME ERROR: ")
    return error


_POOL = Pool("limen.core.jsonnetworker", WORKERS)
