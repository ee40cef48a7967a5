"""JSON bodies of the admin API, read as Kratos' clients expect: the first value counts, names in any case, null as absent."""

from __future__ import annotations

import json as text
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct

from limen.core import errors
from limen.core.errors import ApiError
from limen.http.kit import Call

T = TypeVar("T", bound=Struct)


class BodyError(ValueError):
    """A body that cannot be read; the text says where and why."""


async def raw(call: Call) -> bytes:
    """The body of a request, of whatever type it says it is.

    :raises ApiError: 400, it is too large: the decoder's complaint in Kratos, whence no 413
    """
    try:
        return await call.body()
    except ApiError as error:
        raise ApiError(400, error.reason) from error


async def json(call: Call) -> bytes:
    """The body of a request that has to be JSON by its header too.

    :raises ApiError: 400, there is none, or it is of another type
    """
    data = await raw(call)
    if not data:
        raise errors.bad_request("The body is empty: the header Content-Length is zero.")
    kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise errors.bad_request(f"The header Content-Type has to be application/json, not {kind or 'missing'}.")
    return data


def read(data: bytes, shape: type[T], *, strict: bool) -> T:
    """The body as a struct.

    :param strict: whether a name that the struct has not is a mistake; otherwise it is passed over
    :raises BodyError: it is no JSON, or does not fit
    """
    return fit(first_value(data), shape, strict=strict)


def first_value(data: bytes) -> Any:
    """:raises BodyError: it does not begin with JSON"""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        try:  # what follows the first value is passed over
            _, end = text.JSONDecoder().raw_decode(data.decode().lstrip())
            return msgspec.json.decode(data.decode().lstrip()[:end])
        except (ValueError, RecursionError):
            raise BodyError(f"The body cannot be read: {error}") from error


def fit(value: Any, shape: type[T], *, strict: bool) -> T:
    """A decoded value as a struct.

    :raises BodyError: it does not fit
    """
    try:
        return msgspec.convert(_named(value, shape, strict), shape)
    except msgspec.ValidationError as error:
        raise BodyError(f"The body cannot be read: {error}") from error


def _named(value: Any, shape: type[Struct], strict: bool) -> Any:
    if value is None:
        return {}
    if not isinstance(value, dict):
        return value
    fields = _fields(shape)
    found: dict[str, Any] = {}
    for given, inner in value.items():
        field = fields.get(given) or fields.get(given.lower())
        if field is None:
            if strict:
                raise BodyError(f"The body has a field that is not known here: {given!r}")
            continue
        name, below, is_list, is_free = field
        if is_free:
            found[name] = inner
        elif inner is None:
            continue
        elif below is None:
            found[name] = inner
        elif is_list:
            found[name] = [_item(one, below, strict) for one in inner] if isinstance(inner, list) else inner
        else:
            found[name] = _named(inner, below, strict)
    return found


def _item(value: Any, shape: type[Struct], strict: bool) -> Any:
    return _named(value, shape, strict) if value is not None else {}


_Field = tuple[str, type[Struct] | None, bool, bool]


@cache
def _fields(shape: type[Struct]) -> dict[str, _Field]:
    """By name: the name in the struct, the struct below it, whether it is a list of them, whether anything may stand there."""
    hints = get_type_hints(shape)
    found: dict[str, _Field] = {}
    for field in msgspec.structs.fields(shape):
        type_ = hints[field.name]
        if get_origin(type_) in (Union, type(int | None)):
            type_ = next(part for part in get_args(type_) if part is not type(None))
        is_list = get_origin(type_) is tuple
        inner = get_args(type_)[0] if is_list else type_
        below = inner if isinstance(inner, type) and issubclass(inner, Struct) else None
        found[field.encode_name] = (field.encode_name, below, is_list, type_ is Any)
    return found
