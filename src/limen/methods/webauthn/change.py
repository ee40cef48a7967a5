"""Adding and removing security keys."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from msgspec import Struct

from limen.context import Context
from limen.core import errors, messages, ui
from limen.core.errors import form_error
from limen.core.form import Form
from limen.flow import ceremony
from limen.flow.method import Changed, Outcome, Part
from limen.flow.model import Flow, Submission
from limen.identity import factors, keys
from limen.identity.keys import Key, Keys
from limen.identity.model import Identity
from limen.methods.webauthn.common import ID, passwordless, put_registration
from limen.session.model import Proof, Subject


class Change(Struct):
    webauthn_register: str = ""
    webauthn_register_displayname: str = ""
    webauthn_remove: str = ""
    csrf_token: str = ""
    method: str = ""
    transient_payload: dict[str, Any] = {}


async def _draw(ctx: Context, flow: Flow, subject: Subject | None) -> None:
    if subject is None:
        raise errors.no_session()
    if not flow.is_browser:
        return
    identity = subject.identity
    found = keys.of(identity, ID)
    is_last = factors.first(ctx.project.config, identity) < 2
    for key in found.credentials:
        flow.ui.append(_removal(key, disabled=key.is_passwordless and is_last))
    options = ceremony.ask_to_create(
        flow, ID, ceremony.security_keys(ctx), _handle(identity, found), exclude=keys.ids(found.credentials)
    )
    put_registration(ctx, flow, ceremony.encode(options), messages.ADD_SECURITY_KEY())


def _removal(key: Key, *, disabled: bool) -> ui.Node:
    label = messages.remove_security_key(key.display_name or "unnamed", keys.added(key))
    return ui.submit("webauthn_remove", key.hex, ID, label, disabled=disabled)


def _handle(identity: Identity, found: Keys) -> bytes:
    """All keys of a person have one owner, so that an authenticator replaces what it holds instead of adding to it."""
    return found.user_handle or UUID(identity.id).bytes


def _claims(flow: Flow, form: Form) -> bool:
    return flow.is_browser and bool(form.get("webauthn_register") or form.get("webauthn_remove"))


def _also_required(form: Change) -> tuple[str, ...]:
    return ("webauthn_register_displayname",) if form.webauthn_register else ()


async def _change(ctx: Context, flow: Flow, form: Change, about: Submission, subject: Subject | None) -> Outcome:
    if subject is None:
        raise errors.no_session()
    return _add(ctx, flow, form, subject.identity) if form.webauthn_register else _remove(ctx, form, subject.identity)


def _add(ctx: Context, flow: Flow, form: Change, identity: Identity) -> Outcome:
    found = keys.of(identity, ID)
    new, handle = ceremony.created(ctx, flow, ID, ceremony.security_keys(ctx), form.webauthn_register)
    if found.find(new.id):
        raise form_error(messages.GENERIC(reason="This key is registered already."), "webauthn_register")
    credential = identity.credentials.get(ID)
    if credential is None or not any(credential.identifiers):
        raise form_error(messages.NO_IDENTIFIER())
    alone = passwordless(ctx)
    name = form.webauthn_register_displayname
    after = keys.add(found, new, handle=handle, name=name, added_at=keys.now(ctx), passwordless=alone)
    proof = Proof(ID, "aal1" if alone else "aal2", ctx.stamp)
    return Changed(identity.traits, {ID: keys.config(after)}, proof=proof)


def _remove(ctx: Context, form: Change, identity: Identity) -> Outcome:
    found = keys.of(identity, ID)
    removed = [key for key in found.credentials if key.hex == form.webauthn_remove]
    if not removed:
        raise form_error(messages.GENERIC(reason="There is no such security key on this account."))
    if removed[0].is_passwordless and factors.first(ctx.project.config, identity) < 2:
        reason = "This is the only way left to sign in to this account. Add another one first."
        raise form_error(messages.GENERIC(reason=reason), "webauthn_remove")
    after = keys.without(found, form.webauthn_remove)
    if not after.credentials:
        return Changed(identity.traits, removed=(ID,))
    return Changed(identity.traits, {ID: keys.config(after)})


PART = Part(
    form=Change,
    reads_first=True,
    claims=_claims,
    draw=_draw,
    submit=_change,
    also_required=_also_required,
    privileged=lambda _: True,
    guards_factors=True,
)
