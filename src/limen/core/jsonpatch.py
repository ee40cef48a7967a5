"""JSON Patch (RFC 6902), the part of it that Kratos takes: add, remove, replace; nothing under the denied paths."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

MAX_MADE = 1000  # items of a list that a patch makes by naming a later one
_NUMBER = re.compile(r"-?\d{1,9}", re.ASCII)


class PatchError(Exception):
    """The patch cannot be applied; the text says which operation and why."""


class Operation(Struct, frozen=True):
    op: str
    path: str
    value: Any | UnsetType = UNSET


def parse(raw: bytes) -> list[Operation]:
    """:raises PatchError: this is no list of operations"""
    try:
        return msgspec.json.decode(raw, type=list[Operation] | None) or []
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PatchError(f"the body is no JSON Patch: {error}") from error


def apply(document: Any, operations: Sequence[Operation], denied: Sequence[str] = ()) -> Any:
    """A changed copy of the document.

    `replace` of what is not there adds it, but for items of lists, and missing parents are made, as Kratos does.
    :raises PatchError: an operation is denied, unknown, or has no place to go
    """
    document = msgspec.json.decode(msgspec.json.encode(document))
    for operation in operations:
        # What stands before the first slash is nothing, and is taken for nothing when it is something.
        parts = [part.replace("~1", "/").replace("~0", "~") for part in operation.path.split("/")[1:]]
        path = "/" + "/".join(parts)
        if any(fnmatch.fnmatchcase(path.lower(), pattern.lower()) for pattern in denied):
            raise PatchError(f"patch includes denied path: {operation.path}")
        if operation.op not in ("add", "remove", "replace"):
            raise PatchError(f"unsupported operation: {operation.op}")
        if not parts:
            raise PatchError(f"a path starts with a slash: {operation.path!r}")
        if operation.op != "remove" and operation.value is UNSET:
            raise PatchError(f"the operation on {operation.path} needs a value")
        _apply(document, parts, operation)
    return document


def _apply(document: Any, parts: Sequence[str], operation: Operation) -> None:
    last = parts[-1]
    adds = operation.op == "add" or (operation.op == "replace" and not _is_item(last))
    target = document
    for step, following in pairwise(parts):
        target = _step(target, step, following, operation, makes=adds)
    if isinstance(target, list):
        _apply_to_list(target, last, operation)
    elif not isinstance(target, dict):
        raise PatchError(f"there is no place for {operation.path}")
    elif not adds and last not in target:
        raise PatchError(f"there is nothing at {operation.path}")
    elif operation.op == "remove":
        del target[last]
    else:
        target[last] = operation.value


def _step(target: Any, step: str, following: str, operation: Operation, *, makes: bool) -> Any:
    """What is one step further down; made when it is missing: a list, when an item of one follows."""
    if isinstance(target, list):
        if makes and _is_item(step) and (step == "-" or int(step) >= len(target)):
            target += [None] * (_room(step, operation) - len(target))
            target.append(_new(following, operation))
            return target[-1]
        return target[_index(target, step, operation, len(target) - 1)]
    if not isinstance(target, dict):
        raise PatchError(f"there is no place for {operation.path}")
    if target.get(step) is None:
        if not makes:
            raise PatchError(f"there is nothing at {operation.path}")
        target[step] = _new(following, operation)
    return target[step]


def _is_item(step: str) -> bool:
    """Whether this names an item of a list: by its number, or `-`, the place behind the last one."""
    return step == "-" or _NUMBER.fullmatch(step) is not None


def _new(following: str, operation: Operation) -> Any:
    """A new place for what follows: a list whose items before it are null, or an object."""
    return [None] * _room(following, operation) if _is_item(following) else {}


def _room(item: str, operation: Operation) -> int:
    """How many items come before this one."""
    before = 0 if item in ("-", "-1") else int(item)
    if not 0 <= before <= MAX_MADE:
        raise PatchError(f"there is no item {item!r} for {operation.path}")
    return before


def _apply_to_list(target: list[Any], last: str, operation: Operation) -> None:
    if operation.op == "add":
        target.insert(len(target) if last == "-" else _index(target, last, operation, len(target)), operation.value)
        return
    index = _index(target, last, operation, len(target) - 1)
    if operation.op == "remove":
        del target[index]
    else:
        target[index] = operation.value


def _index(target: list[Any], text: str, operation: Operation, most: int) -> int:
    """A place in a list; negative ones count from the end."""
    if not _NUMBER.fullmatch(text) or not -most - 1 <= int(text) <= most:
        raise PatchError(f"there is no item {text!r} for {operation.path}")
    return int(text) % (most + 1)
