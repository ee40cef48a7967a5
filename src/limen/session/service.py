"""Sessions as the rest uses them: who asks, issuing, refreshing, and whether a session is strong enough."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace

from limen.context import Client, Context
from limen.core import clock, crypto, errors
from limen.core.errors import ApiError
from limen.core.ids import new_id
from limen.identity.model import Identity
from limen.project.model import Project
from limen.session import model, store
from limen.session.model import Device, Proof, Session, Subject

MAX_TEXT = 512  # bytes of a user agent or a location that are kept


async def current(ctx: Context) -> Subject | None:
    """The session the request carries, if it is active."""
    if not ctx.client.token:
        return None
    subject = await store.subject(ctx.db, digest(ctx.client.token))
    if subject is None or not subject.session.is_active(ctx.stamp, subject.identity):
        return None
    if subject.session.impersonated_by and not await store.is_impersonation_good(ctx.db, subject.session.id, ctx.stamp):
        return None
    return subject


def digest(token: str) -> str:
    """What a token is stored and looked up as."""
    return crypto.digest(token)


async def must(ctx: Context, error: ApiError | None = None) -> Subject:
    """:raises ApiError: 401, there is no active session (or the error given)"""
    subject = await current(ctx)
    if subject is None:
        raise error or errors.no_session()
    return subject


def issue(
    ctx: Context, identity: Identity, *proofs: Proof, impersonated_by: str = "", lifespan: float = 0
) -> tuple[Session, str]:
    """A new session and its token; nothing is stored yet. `lifespan` is in seconds, and by default the configured one."""
    session = Session(
        id=new_id(),
        identity_id=identity.id,
        active=True,
        created_at=ctx.stamp,
        expires_at=ctx.after(lifespan) if lifespan else _expiry(ctx),
        authenticated_at=ctx.stamp,
        issued_at=ctx.stamp,
        proofs=proofs,
        devices=(device(ctx.client),),
        impersonated_by=impersonated_by,
    )
    return session, crypto.session_token()


def proved(ctx: Context, session: Session, proof: Proof) -> Session:
    """The same session after something was proved inside it, as by setting up a factor: fresh, but no longer lived."""
    return replace(session, authenticated_at=ctx.stamp, proofs=(*session.proofs, proof))


def renew(ctx: Context, session: Session, proof: Proof) -> Session:
    """The same session after one more sign-in: its clock starts again, and a device not seen before is noted."""
    seen = device(ctx.client)
    if any((d.ip_address, d.user_agent) == (seen.ip_address, seen.user_agent) for d in session.devices):
        seen = replace(seen, id=model.NOT_STORED)
    return replace(
        proved(ctx, session, proof),
        expires_at=_expiry(ctx),
        issued_at=ctx.stamp,
        devices=(*session.devices, seen),
    )


def _expiry(ctx: Context) -> str:
    return ctx.after(ctx.project.config.session.lifespan)


def device(client: Client) -> Device:
    return Device(new_id(), client.ip, _cut(client.user_agent), _cut(client.location))


def _cut(text: str) -> str:
    return text.encode()[:MAX_TEXT].decode("utf8", "ignore")


def satisfies(session: Session, identity: Identity, required: str) -> bool:
    """Whether a session is as strong as `required` (aal1 or highest_available) asks."""
    return required == "aal1" or session.aal == "aal2" or identity.available_aal != "aal2"


def ended() -> Exception:
    """The session was revoked while its request ran."""
    return errors.session_inactive()


def is_privileged(ctx: Context, session: Session) -> bool:
    """Whether the sign-in is fresh enough to change what protects an account; an age of 0 asks for none."""
    max_age = ctx.project.config.selfservice.flows.settings.privileged_session_max_age
    return max_age <= 0 or clock.after(clock.parse(session.authenticated_at), max_age) > ctx.stamp


def identity_body(project: Project, identity: Identity, *, admin: bool = False) -> dict[str, Any]:
    """An identity as it is sent. Credentials and private metadata are the admin API's business."""
    body: dict[str, Any] = msgspec.to_builtins(identity.public())
    body["schema_url"] = project.schema_url(identity.schema_id)
    if admin:
        body["metadata_admin"] = identity.metadata_admin
    return body


def listed(body_: dict[str, Any]) -> dict[str, Any]:
    """A session as lists show it: Kratos leaves the identity's addresses out there, and its schema's address empty."""
    return {**body_, "identity": {**without_addresses(body_["identity"]), "schema_url": ""}}


def without_addresses(identity: dict[str, Any]) -> dict[str, Any]:
    """An identity as it is sent, without its verifiable and recovery addresses."""
    return {k: v for k, v in identity.items() if k not in ("verifiable_addresses", "recovery_addresses")}


def body(
    ctx: Context, session: Session, identity: Identity | None, *, admin: bool = False, devices: bool = True
) -> dict[str, Any]:
    """A session as it is sent, with its identity when that is given."""
    inner = identity_body(ctx.project, identity, admin=admin) if identity else None
    active = session.is_active(ctx.stamp, identity)
    return model.body(session, inner, active=active, devices=devices)
