"""Recovery by an address of one's choice: name any, choose where the code goes, prove to know that address, enter the code.

Nothing is shown of an address but a mask, and nothing is sent to one that was not typed in full.
"""

from __future__ import annotations

import base64
import hashlib

from msgspec.structs import replace

from limen.context import Context
from limen.core import crypto, messages, normalize, ui
from limen.core.errors import form_error
from limen.flow.method import Outcome, Shown, StartAgain
from limen.flow.model import Flow, Submission
from limen.identity import store as people
from limen.methods.code.common import CONTINUE, HIDDEN, ID
from limen.methods.code.recover import FIELD, FIRST, Recover, draw_first, send, use

CHOICE, CONFIRM, CODE = "recovery_awaiting_address_choice", "recovery_confirming_address", "recovery_awaiting_code"
_BACK = ui.submit("screen", "previous", ID, messages.RECOVERY_BACK())


async def submit(ctx: Context, flow: Flow, form: Recover, about: Submission) -> Outcome:
    if form.screen == "previous":
        return await _back(ctx, flow, form, about)
    match flow.state:
        case _ if flow.state == FIRST:
            return await _named(ctx, flow, form, about)
        case _ if flow.state == CHOICE:
            return await _chosen(ctx, flow, form, about)
        case _ if flow.state == CONFIRM or not form.code:
            return await _confirmed(ctx, flow, form, about)
        case _ if flow.state == CODE:
            return replace(await use(ctx, flow, form.code), echoes=False)
    raise StartAgain(messages.RECOVERY_FAILED())


async def _known(ctx: Context, typed: str) -> list[str]:
    """All recovery addresses of who has this one."""
    via = normalize.channel(typed)
    address = normalize.address(typed, via)
    identity = await people.by_address(ctx.db, "recovery", via, address) if address else None
    return sorted(a.value for a in identity.recovery_addresses) if identity else []


def _normal(typed: str) -> str:
    return normalize.address(typed, normalize.channel(typed)) or typed


async def _named(ctx: Context, flow: Flow, form: Recover, about: Submission) -> Outcome:
    if not form.recovery_address:
        raise form_error(messages.PROPERTY_MISSING(property="recovery_address"), "recovery_address")
    known = await _known(ctx, form.recovery_address)
    if not known or known == [_normal(form.recovery_address)]:
        # A stranger and somebody with a single address see the same: that a code is on its way.
        return await _sent(ctx, flow, form, form.recovery_address, about)
    flow.state = CHOICE
    choices = [ui.submit("recovery_select_address", _hash(a), ID, messages.raw_label(_mask(a))) for a in known]
    nodes = [ui.CSRF_NODE, *choices, HIDDEN, _carried(form)]
    flow.ui = ui.Ui(nodes, [messages.CHOOSE_ADDRESS()])
    return Shown(flow, status=200)


async def _chosen(ctx: Context, flow: Flow, form: Recover, about: Submission) -> Outcome:
    for name in ("recovery_select_address", "recovery_address"):
        if not getattr(form, name):
            raise form_error(messages.PROPERTY_MISSING(property=name), name)
    if crypto.same(_hash(form.recovery_address), form.recovery_select_address):
        return await _sent(ctx, flow, form, form.recovery_address, about)
    known = await _known(ctx, form.recovery_address)
    chosen = next((a for a in known if crypto.same(_hash(a), form.recovery_select_address)), None)
    if chosen is None:
        raise form_error(messages.GENERIC(reason="This address cannot be chosen. Start again."))
    if chosen == _normal(form.recovery_address):
        return await _sent(ctx, flow, form, form.recovery_address, about)
    flow.state = CONFIRM
    if "@" in chosen:
        ask = ui.field("recovery_confirm_address", "email", ID, label=messages.EMAIL(), required=True, value="")
    else:
        ask = ui.field("recovery_confirm_address", "tel", ID, label=messages.PHONE_NUMBER(), required=True, value="")
    flow.ui = ui.Ui([ui.CSRF_NODE, ask, _carried(form), CONTINUE, HIDDEN, _BACK], [messages.GIVE_FULL_ADDRESS()])
    return Shown(flow, status=200)


async def _confirmed(ctx: Context, flow: Flow, form: Recover, about: Submission) -> Outcome:
    if not form.recovery_confirm_address:
        raise form_error(messages.PROPERTY_MISSING(property="recovery_confirm_address"), "recovery_confirm_address")
    return await _sent(ctx, flow, form, form.recovery_confirm_address, about)


async def _sent(ctx: Context, flow: Flow, form: Recover, address: str, about: Submission) -> Outcome:
    then = await send(ctx, flow, normalize.channel(address), address, about)
    flow.state = CODE
    resend = ui.submit("recovery_confirm_address", address, ID, messages.RESEND_CODE())
    nodes = [ui.CSRF_NODE, FIELD, CONTINUE, HIDDEN, resend, _carried(form), _BACK]
    flow.ui = ui.Ui(nodes, [messages.RECOVERY_CODE_SENT_MASKED(masked_address=_mask(address))])
    return Shown(flow, status=200, even=True, then=then)


async def _back(ctx: Context, flow: Flow, form: Recover, about: Submission) -> Outcome:
    """To the choice, or to the very beginning when there was none."""
    if len(await _known(ctx, form.recovery_address)) > 1 and flow.state in (CODE, CONFIRM):
        return await _named(ctx, flow, form, about)
    draw_first(flow)
    return Shown(flow, status=200)


def _carried(form: Recover) -> ui.Node:
    return ui.hidden("recovery_address", form.recovery_address, ID)


def _hash(address: str) -> str:
    """What stands for an address on the page. It hides nothing from who knows the address, which is the point."""
    return base64.b64encode(hashlib.sha256(address.encode()).digest()).decode()


def _mask(address: str) -> str:
    if "@" in address:
        local, _, domain = address.partition("@")
        return address if len(local) < 2 else f"{local[:2]}****@{domain}"
    return address if len(address) < 6 else f"{address[:3]}****{address[-2:]}"
