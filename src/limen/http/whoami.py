"""The session check: one query, one splice. It stands in front of everything else, because it is most of the traffic."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from limen.core import clock, crypto, errors
from limen.core.errors import ApiError
from limen.core.urls import parse_query
from limen.db.database import DatabaseError, Row
from limen.http import cookies
from limen.http.kit import ERROR_JSON, JSON, NO_STORE, Scope, Send, Site, unreachable
from limen.project.model import Project
from limen.session import store, strength, tokens

PATH = "/sessions/whoami"
Headers = list[tuple[bytes, bytes]]
_VARY, _VARY_ORIGIN = (b"vary", b"Cookie"), (b"vary", b"Origin")
_NO_STORE = (NO_STORE[0].encode(), NO_STORE[1].encode())
_JSON = (b"content-type", JSON.encode())


class _Made(Struct):
    created_at: str


_NO_SESSION = msgspec.json.encode(errors.no_session().body()) + b"\n"
_IMPERSONATED = '"impersonated_by"'  # in the text of a session, where people cannot write


def serves(scope: Scope) -> bool:
    """Whether this is the question itself: no preflight, and with an escaped slash it is another path."""
    return b"%" not in scope["raw_path"] and (scope["method"] != "OPTIONS" or not _is_preflight(scope))


def _is_preflight(scope: Scope) -> bool:
    return any(name == b"access-control-request-method" for name, _ in scope["headers"])


async def answer(site: Site, scope: Scope, send: Send) -> tuple[int, int]:
    """`GET /sessions/whoami`, and every other method, as in Kratos; returns status and size."""
    token, cookie_expiry, headers = _read(site, scope)
    project = site.project
    now = clock.text(site.now())
    try:
        row = await store.check(site.database(), crypto.digest(token)) if token else None
    except DatabaseError as gone:
        return await _refuse(send, scope, down := unreachable(gone), msgspec.json.encode(down.body()) + b"\n", headers)
    if row is None or not row[0] or row[1] <= now or row[5] != "active":
        if project.config.feature_flags.cacheable_sessions and not token:
            headers.append((b"ory-session-cache-for", b"60"))
        return await _refuse(send, scope, errors.no_session(), _NO_SESSION, headers)
    if _IMPERSONATED in row[3] and not await store.is_impersonation_good(site.database(), _id_of(row[3]), now):
        return await _refuse(send, scope, errors.no_session(), _NO_SESSION, headers)
    _, expires_at, aal, session, identity_id, _, available, schema_id, identity, trusted = row
    made, required = "", project.config.limen.second_factor.required
    if required and available != "aal2":  # a rare question, and the answer is not worth a column
        made = msgspec.json.decode(identity, type=_Made).created_at
    level = {"aal": aal, "available": available, "schema": schema_id, "made": made, "trusted": bool(trusted)}
    if missing := strength.lacking(project, now=now, **level):
        error = errors.too_weak(missing, strength.way(project, missing))
        return await _refuse(send, scope, error, msgspec.json.encode(error.body()) + b"\n", headers)
    told = _second_factor(project, schema_id, made, spared=bool(trusted) and aal != "aal2" == available)
    # What is stored is what is sent; only the expiry and what depends on the configuration are put in here.
    body = (
        f'{{"active":true,"expires_at":"{expires_at}",{session[1:-1]},'
        f'"identity":{{"schema_url":"{project.schema_url(schema_id)}",{identity[1:]}' + told + "}\n"
    ).encode()
    wanted = (
        parse_query(scope["query_string"].decode("latin1")).get("tokenize_as", [""])[0] if scope["query_string"] else ""
    )
    if wanted:
        try:
            body = await _tokenized(site, wanted, row, body)
        except ApiError as error:
            return await _refuse(send, scope, error, msgspec.json.encode(error.body()) + b"\n", headers)
    headers.append(_JSON)
    headers.append((b"x-kratos-authenticated-identity-id", identity_id.encode()))
    if project.config.feature_flags.cacheable_sessions and not wanted:
        headers.append((b"ory-session-cache-for", _cache_for(site, expires_at)))
    if cookie_expiry and cookie_expiry < expires_at:  # it was extended since the cookie was made
        found = await store.subject(site.database(), crypto.digest(token))
        if found:
            value = cookies.session(project, found.session, token, site.now().timestamp())
            headers.append((b"set-cookie", value.encode()))
    headers.append((b"content-length", str(len(body)).encode()))
    return await _send(send, scope, 200, body, headers)


class _WithId(Struct):
    id: str


def _id_of(session: str) -> str:
    return msgspec.json.decode(session, type=_WithId).id


def _second_factor(project: Project, schema: str, made: str, *, spared: bool) -> str:
    """What Kratos does not tell: that a trusted browser was spared the second step, or by when a factor is needed."""
    if spared and project.config.limen.second_factor.trusted_devices.enabled:
        return ',"second_factor":{"trusted_device":true}'
    by = strength.needed_by(project, schema, made) if made else None
    return f',"second_factor":{{"needed_by":"{by}"}}' if by else ""


class _Named(Struct):
    id: str
    external_id: str = ""


async def _tokenized(site: Site, template: str, row: Row, body: bytes) -> bytes:
    """The session with its token.

    :raises ApiError: there is no such token for this session
    """
    session, identity = (msgspec.json.decode(text, type=_Named) for text in (row[3], row[8]))
    facts = tokens.Facts(session.id, identity.id, identity.external_id, body)
    token = await tokens.make(site.project, template, facts, site.now())
    site.events.tell("session.tokenized", identity.id, session=session.id, template=template)
    return f'{{"tokenized":"{token}",'.encode() + body[1:]


def _read(site: Site, scope: Scope) -> tuple[str, str, Headers]:
    """The session token (header, cookie, bearer), the expiry its cookie names, and the first headers of the answer."""
    by_header = by_cookie = by_bearer = expiry = ""
    origin = b""
    for key, value in scope["headers"]:
        if key == b"x-session-token":
            by_header = by_header or value.decode("latin1")
        elif key == b"cookie":
            if opened := cookies.session_of(site.project, value.decode("latin1")):
                by_cookie, expiry = opened[:2]
        elif key == b"authorization":
            if value[:7].lower() == b"bearer " and b" " not in value[7:]:
                by_bearer = value[7:].decode("latin1")
        elif key == b"origin":
            origin = value
    headers: Headers = [_VARY, _NO_STORE] if scope["method"] == "GET" else [_VARY]
    if site.cors.enabled:
        headers.append(_VARY_ORIGIN)
        if origin:
            found = site.cors.actual({"origin": origin.decode("latin1")}, scope["method"])
            headers.extend((k.encode(), v.encode("latin1")) for k, v in found)
    return by_header or by_cookie or by_bearer, "" if by_header else expiry, headers


def _cache_for(site: Site, expires_at: str) -> bytes:
    """Seconds for which the answer may be kept: until the session ends, and no longer than configured."""
    left = int((clock.parse(expires_at) - site.now()).total_seconds())
    most = site.project.config.feature_flags.cacheable_sessions_max_age
    return str(min(left, int(most)) if most else left).encode()


async def _refuse(send: Send, scope: Scope, error: ApiError, body: bytes, headers: Headers) -> tuple[int, int]:
    headers += [
        (b"content-type", ERROR_JSON.encode()),
        (b"ory-error-id", error.id.encode()),
        (b"content-length", str(len(body)).encode()),
        *((name.lower().encode(), value.encode()) for name, value in error.headers.items()),
    ]
    return await _send(send, scope, error.status, body, headers)


async def _send(send: Send, scope: Scope, status: int, body: bytes, headers: Headers) -> tuple[int, int]:
    sent = b"" if scope["method"] == "HEAD" else body
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": sent})
    return status, len(sent)
