"""People as the admin API shows them, one by one and in lists."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from limen.core import errors
from limen.http.kit import JSON, Answer, Call
from limen.identity import showing
from limen.identity.identifiers import TYPES
from limen.identity.listing import Listed
from limen.identity.model import Identity
from limen.project.model import Project
from limen.session import service as sessions

_LAST_LOGIN = "last_login_at"


def included(call: Call) -> list[str]:
    """The types of credentials whose configs are asked for.

    :raises ApiError: 400, one of them is no type
    """
    asked = call.all("include_credential")
    for type_ in asked:
        if type_ not in TYPES:
            raise errors.bad_request(f"{type_!r} is no credential type that can be included.")
    return asked


def with_last_login(call: Call) -> bool:
    """Whether the last sign-in is asked for: Kratos' answers do not have it.

    :raises ApiError: 400, something else is asked for
    """
    asked = call.all("include")
    for name in asked:
        if name != _LAST_LOGIN:
            raise errors.bad_request(f"{name!r} cannot be included: {_LAST_LOGIN} can.")
    return bool(asked)


def body_of(
    call: Call, identity: Identity, *, credentials: bool = True, include: Sequence[str] = (), new: bool = False
) -> dict[str, Any]:
    """An identity as the admin API shows it: with private metadata and credentials, without their configs unless asked."""
    body = sessions.identity_body(call.site.project, identity)
    if not new or identity.metadata_admin is not None:
        body["metadata_admin"] = identity.metadata_admin
    if credentials and identity.credentials:
        body["credentials"] = {
            t: showing.credential(call.site.project, identity, c, with_config=t in include, new=new)
            for t, c in sorted(identity.credentials.items())
        }
    return body


def answer(
    call: Call,
    people: Iterable[Listed],
    headers: list[tuple[str, str]],
    *,
    last_login: bool,
    include: Sequence[str],
    credentials: bool = False,
) -> Answer:
    """A list of people, sent as they are stored; they are read only where configs of credentials are asked for."""
    project = call.site.project
    if include:
        shown = [_detailed(call, one, include, last_login) for one in people]
    else:
        shown = [_plain(project, one, last_login=last_login, credentials=credentials) for one in people]
    return Answer(200, b"[" + b",".join(shown) + b"]\n", [("content-type", JSON), *headers])


def single(call: Call, one: Listed) -> Answer:
    """One person with the metadata of their credentials, otherwise as they are stored."""
    return Answer(200, _plain(call.site.project, one, credentials=True) + b"\n", [("content-type", JSON)])


def _plain(project: Project, one: Listed, *, last_login: bool = False, credentials: bool = False) -> bytes:
    login = f'"{_LAST_LOGIN}":{_time(one.last_login_at)},' if last_login else ""
    found = one.metadata_of_credentials() if credentials else {}
    held = f'"credentials":{msgspec.json.encode(found).decode()},' if found else ""
    return (
        f'{{"schema_url":"{project.schema_url(one.schema_id)}",{login}{held}"metadata_admin":{one.metadata_admin or "null"},'
        f"{one.public[1:]}"
    ).encode()


def _time(stamp: str | None) -> str:
    return f'"{stamp}"' if stamp else "null"


def _detailed(call: Call, one: Listed, include: Sequence[str], last_login: bool) -> bytes:
    body = body_of(call, one.identity(), include=include)
    return msgspec.json.encode(body | {_LAST_LOGIN: one.last_login_at or None} if last_login else body)
