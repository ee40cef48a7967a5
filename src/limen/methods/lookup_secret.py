"""Backup codes: a second factor on paper, each code good once."""

from __future__ import annotations

import secrets
import string
from datetime import datetime
from typing import Any

from msgspec import Struct

from limen.context import Context
from limen.core import clock, errors, messages, ui
from limen.core.errors import FormError, form_error
from limen.core.form import Form, is_pressed
from limen.core.ui import Node
from limen.flow.guesses import Guess
from limen.flow.method import Changed, Method, Outcome, Part, Passed, Shown
from limen.flow.model import Flow, Submission
from limen.identity import service as identities
from limen.identity.model import Identity
from limen.session.model import Proof, Subject

ID = "lookup_secret"
COUNT, LENGTH = 12, 8
_ALPHABET = string.ascii_lowercase + string.digits
_FIELD = ui.text("lookup_secret", ID, messages.BACKUP_CODE(), value="", required=True)
_SIGN_IN = ui.submit("method", ID, ID, messages.USE_BACKUP_CODE())
_REVEAL = ui.submit("lookup_secret_reveal", "true", ID, messages.REVEAL_BACKUP_CODES())
_REGENERATE = ui.submit("lookup_secret_regenerate", "true", ID, messages.REGENERATE_BACKUP_CODES())
_DISABLE = ui.submit("lookup_secret_disable", "true", ID, messages.DISABLE_BACKUP_CODES())
_CONFIRM = ui.submit("lookup_secret_confirm", "true", ID, messages.CONFIRM_BACKUP_CODES())
_BUTTONS = ("lookup_secret_reveal", "lookup_secret_regenerate", "lookup_secret_disable", "lookup_secret_confirm")
_PENDING = "lookup_secret_codes"  # codes that a settings flow shows, until they are confirmed


def _codes(identity: Identity) -> list[dict[str, Any]]:
    credential = identity.credentials.get(ID)
    return list(credential.config.get("recovery_codes") or ()) if credential else []


# --- sign-in --------------------------------------------------------------------------------------------------------


class SignIn(Struct):
    lookup_secret: str = ""
    csrf_token: str = ""
    method: str = ""
    transient_payload: dict[str, object] = {}


async def _draw_sign_in(ctx: Context, flow: Flow, subject: Subject | None) -> None:
    if flow.situation in ("second", "second_refresh") and subject and _codes(subject.identity):
        flow.ui.put(_FIELD)
        flow.ui.append(_SIGN_IN)


def _claims_sign_in(flow: Flow, form: Form) -> bool:
    return form.method == ID and flow.requested_aal == "aal2"


async def _sign_in(ctx: Context, flow: Flow, form: SignIn, about: Submission, subject: Subject | None) -> Outcome:
    if subject is None:
        raise errors.no_session()
    identity = subject.identity
    if not (codes := _codes(identity)):
        raise form_error(messages.NO_BACKUP_CODES())
    guess = Guess(ctx, "second", identity.id)
    await guess.start(ctx)
    matching = [i for i, code in enumerate(codes) if secrets.compare_digest(_plain(code), form.lookup_secret.encode())]
    if not matching:
        raise form_error(messages.WRONG_BACKUP_CODE())
    if codes[matching[0]].get("used_at"):
        raise _used()
    codes[matching[0]] = {**codes[matching[0]], "used_at": clock.text(ctx.now.replace(microsecond=0))}
    after = identities.with_credential(ctx, identity, ID, {"recovery_codes": codes})
    return Passed(after, Proof(ID, "aal2", ctx.stamp), before=identity, overtaken=_used, then=guess.was_right)


def _plain(code: dict[str, Any]) -> bytes:
    return str(code.get("code", "")).encode()


def _used() -> FormError:
    return form_error(messages.BACKUP_CODE_USED())


# --- settings -------------------------------------------------------------------------------------------------------


class Change(Struct):
    lookup_secret_reveal: bool = False
    lookup_secret_regenerate: bool = False
    lookup_secret_confirm: bool = False
    lookup_secret_disable: bool = False
    csrf_token: str = ""
    method: str = ""
    transient_payload: dict[str, object] = {}


async def _draw_settings(ctx: Context, flow: Flow, subject: Subject | None) -> None:
    if subject is None:
        raise errors.no_session()
    for node in (_REVEAL, _DISABLE) if _codes(subject.identity) else (_REGENERATE,):
        flow.ui.put(node)


def _claims_settings(flow: Flow, form: Form) -> bool:
    return any(is_pressed(form.get(button)) for button in _BUTTONS)


async def _change(ctx: Context, flow: Flow, form: Change, about: Submission, subject: Subject | None) -> Outcome:
    if subject is None:
        raise errors.no_session()
    identity = subject.identity
    if form.lookup_secret_confirm:
        return _confirm(ctx, flow, identity)
    if form.lookup_secret_reveal:
        if not (codes := _codes(identity)):
            raise _nothing("There are no backup codes to show: make some first.")
        return _show(flow, _list(codes), _DISABLE, _REGENERATE)
    if form.lookup_secret_disable:
        return Changed(identity.traits, removed=(ID,))
    fresh = [{"code": "".join(secrets.choice(_ALPHABET) for _ in range(LENGTH))} for _ in range(COUNT)]
    flow.private[_PENDING] = fresh
    return _show(flow, _list(fresh), _CONFIRM)


def _confirm(ctx: Context, flow: Flow, identity: Identity) -> Outcome:
    codes = flow.private.get(_PENDING)
    if not codes:
        raise _nothing("There are no new backup codes to save: make some first.")
    return Changed(identity.traits, {ID: {"recovery_codes": codes}}, proof=Proof(ID, "aal2", ctx.stamp))


def _nothing(reason: str) -> FormError:
    return form_error(messages.GENERIC(reason=reason))


def _show(flow: Flow, *nodes: Node) -> Outcome:
    flow.ui.remove("lookup_secret_codes", *_BUTTONS)
    for node in nodes:
        flow.ui.put(node)
    flow.ui.clear_messages()
    return Shown(flow, status=200)


def _list(codes: list[dict[str, Any]]) -> Node:
    shown = [
        messages.backup_code_used(_moment(code["used_at"]))
        if code.get("used_at")
        else messages.ONE_BACKUP_CODE(secret=code["code"])
        for code in codes
    ]
    return ui.note("lookup_secret_codes", messages.backup_codes(shown), ID, messages.BACKUP_CODES_LABEL())


def _moment(stamp: str) -> datetime:
    return clock.parse(stamp)


METHOD = Method(
    id=ID,
    login=Part(
        form=SignIn,
        required=("lookup_secret",),
        claims=_claims_sign_in,
        steady=True,
        draw=_draw_sign_in,
        submit=_sign_in,
        refused=lambda flow, _: flow.ui.reset("lookup_secret"),
    ),
    settings=Part(
        form=Change,
        claims=_claims_settings,
        draw=_draw_settings,
        submit=_change,
        privileged=lambda _: True,
        guards_factors=True,
    ),
)
