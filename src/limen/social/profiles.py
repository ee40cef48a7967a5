"""Reading the profile of somebody who comes from a provider that does not speak OpenID Connect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from limen.core.outbound import OutboundError
from limen.social import claims
from limen.social.claims import ClaimError, Claims
from limen.social.kinds import Visit

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


async def mapped(visit: Visit) -> Claims:
    """One request, and the table in `Kind.told`.

    :raises OutboundError: the provider does not answer, or not with a profile
    :raises ClaimError: the profile has something of a wrong type
    """
    return as_told(visit, await fetch_object(visit, visit.kind.profile))


def as_told(visit: Visit, raw: dict[str, Any], **more: Any) -> Claims:
    """Claims by the table, then `more`; what is null or missing is left out."""
    kind = visit.kind
    found = {name: look(raw, path) for name, path in kind.told.items()}
    found.update({"iss": issuer(visit) if kind.speaks_as == "{issuer}" else kind.speaks_as, **more})
    if kind.vouches:
        found["email_verified"] = bool(found.get("email"))
    return claims.read({k: v for k, v in found.items() if v is not None}, raw=raw)


async def standard(visit: Visit) -> Claims:
    """A userinfo endpoint with the standard names (GitLab, Auth0, Salesforce). Who issued it is who was asked."""
    raw = await fetch_object(visit, visit.kind.profile)
    return claims.read({**raw, "iss": raw.get("iss") or issuer(visit)}, raw=raw)


def issuer(visit: Visit) -> str:
    return (visit.config.issuer_url or visit.kind.issuer).rstrip("/")


async def fetch(visit: Visit, url: str, *, form: bytes = b"", headers: Mapping[str, str] | None = None) -> Any:
    """The JSON at an address of the provider, asked for as its kind says.

    :raises OutboundError: no answer, another status than 200, or no JSON; the text has no token in it
    """
    kind = visit.kind
    shown = kind.headers or {"Authorization": "Bearer {token}"}
    own = {name: value.replace("{token}", visit.token.access) for name, value in shown.items()}
    body = form or kind.body.encode()
    sent = {"Accept": JSON, "User-Agent": "limen", **own, **(headers or {})}
    if body:
        sent["Content-Type"] = FORM if form else JSON
    whole = url.replace("{issuer}", issuer(visit))
    answer = await visit.outbound.request("POST" if body else "GET", whole, headers=sent, body=body, seconds=10)
    plain = whole.partition("?")[0]
    if answer.status != 200:
        raise OutboundError(f"{plain} answered {answer.status}")
    try:
        found = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise OutboundError(f"{plain} answered no JSON") from error
    if kind.refusal and (said := look(found, kind.refusal)):
        raise OutboundError(f"{plain} answered: {str(said)[:60]}")
    return found


async def fetch_object(visit: Visit, url: str, **more: Any) -> dict[str, Any]:
    found = await fetch(visit, url, **more)
    if not isinstance(found, dict):
        raise OutboundError(f"{url.partition('?')[0]} answered no object")
    return found


async def fetch_list(visit: Visit, url: str) -> list[dict[str, Any]]:
    """The objects of a list; an answer that is none counts as empty."""
    return objects(await fetch(visit, url))


def objects(value: object) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def look(value: Any, path: str) -> Any:
    """What stands at a place of a JSON document, as in `images.0.url`; None when there is nothing."""
    for step in path.split("."):
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def text(value: Any, path: str) -> str:
    """The text at a place; empty when there is none."""
    found = look(value, path)
    return found if isinstance(found, str) else ""


def number(raw: Mapping[str, Any], name: str) -> str:
    """An id that is a number, as text.

    :raises ClaimError: it is none, or zero: nobody may be known by that
    """
    value = raw.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise ClaimError(f"{name} is no id")
    return str(value)
