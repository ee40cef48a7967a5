"""Sessions as signed tokens: what `whoami?tokenize_as=…` answers with, for those who check tokens without asking us."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import Raw, Struct

from limen.core import clock, errors, jsonnet
from limen.core.errors import ApiError
from limen.core.jsonnet import JsonnetError
from limen.core.signing import KeyProblem
from limen.project.model import Project
from limen.project.templates import Template


class Facts(Struct, frozen=True):
    """What a token is made of. `document` is the session as it is sent."""

    session_id: str
    identity_id: str
    external_id: str
    document: bytes


class _Mapped(Struct, frozen=True):
    claims: dict[str, Any]


async def make(project: Project, name: str, facts: Facts, now: datetime) -> str:
    """The token of a session by this template (RFC 7519).

    :raises ApiError: 400, there is no such template, or it does not fit this person; 500, its mapper makes no claims
    """
    template = project.token_templates.get(name)
    if template is None:
        raise errors.bad_request(f"There is no token template {name!r}.")
    if template.problem or template.key is None:
        raise template.problem or errors.misconfigured(f"The token template {name!r} has no key.")
    subject = _subject(template, facts)
    claims: dict[str, Any] = {
        "exp": clock.unix(now + timedelta(seconds=template.ttl)),
        "iat": clock.unix(now),
        "iss": project.public_url,
        "jti": str(uuid.uuid4()),
        "nbf": clock.unix(now),
        "sid": facts.session_id,
        "sub": subject,
    }
    if template.mapper:
        claims |= await _mapped(name, template, facts, claims)
    try:
        return template.key.sign({**claims, "sub": subject})  # of all claims, the subject is not the mapper's
    except KeyProblem as error:
        raise errors.bad_request(f"The token cannot be signed: {error}.") from error


def _subject(template: Template, facts: Facts) -> str:
    if not template.by_external_id:
        return facts.identity_id
    if not facts.external_id:
        raise errors.bad_request("The token's subject is the external id, and this person has none.")
    return facts.external_id


async def _mapped(name: str, template: Template, facts: Facts, claims: dict[str, Any]) -> dict[str, Any]:
    try:
        given = {"session": Raw(facts.document), "claims": claims}
        text = await jsonnet.evaluate(template.mapper, ext=given, name=f"claims mapper {name}")
    except JsonnetError as error:
        raise errors.bad_request(f"The claims mapper failed: {error}.") from error
    try:
        return msgspec.json.decode(text, type=_Mapped).claims
    except msgspec.MsgspecError as error:
        raise ApiError(500, reason=f"The claims mapper has to make an object with claims: {error}.") from error
