"""The hooks for changed addresses: a change waits until the new address is proved, and the former ones are told."""

from __future__ import annotations

from msgspec.structs import replace

from limen.context import Context
from limen.core import messages, ui
from limen.core.messages import Message
from limen.courier import service as courier
from limen.db.database import Commit
from limen.flow import held, proofs, store
from limen.flow.held import Held
from limen.flow.method import FreshSignInNeeded
from limen.flow.model import Flow
from limen.identity import service as identities
from limen.identity import store as people
from limen.identity.model import Identity, VerifiableAddress
from limen.selfservice import continue_with, engine
from limen.selfservice.effects import Effects, announcement, verification_flow
from limen.selfservice.reply import Leave
from limen.session import service as sessions
from limen.session import store as session_store
from limen.session.model import Session, Subject


class Overtaken(Exception):
    """The change can no more be made: the account changed meanwhile, or the session that asked for it ended."""


async def hold_back(effects: Effects, subject: Subject) -> None:
    """`verify_new_address`: a change of one address is put by until a message to it was answered.

    :raises FreshSignInNeeded: the sign-in is not fresh
    :raises Leave: the change waits, or cannot be made like this
    """
    ctx, wanted = effects.ctx, effects.identity
    had = {(a.via, a.value) for a in subject.identity.verifiable_addresses}
    new = [a for a in wanted.verifiable_addresses if (a.via, a.value) not in had]
    if not new:
        return
    if not sessions.is_privileged(ctx, subject.session):
        raise FreshSignInNeeded
    if len(new) > 1:
        raise await _refused(effects, subject, messages.SEVERAL_ADDRESSES_CHANGED(), 200)
    owner = await people.by_address(ctx.db, "verifiable", new[0].via, new[0].value)
    if owner is not None and owner.id != wanted.id:
        raise await _refused(effects, subject, messages.IDENTIFIER_TAKEN(), 400)
    flow = _verification(effects, subject, new[0])
    _show_wanted(effects)
    commit = ctx.db.begin()
    effects.flow.updated_at = ctx.stamp
    store.update(commit, effects.flow)
    for purpose in held.PURPOSES:  # who mistyped an address must be able to take it back
        proofs.drop_all_of(commit, purpose, wanted.id)
    store.insert(commit, flow)
    announcement(ctx).issue(commit, ctx, flow, effects.payload, wanted, new[0].via, new[0].value)
    await ctx.db.commit(commit)
    ctx.events.tell("address.held_back", wanted.id, via=new[0].via, flow=flow.id)
    page = engine.page(ctx, flow)
    item = continue_with.verification(flow.id, new[0].value, page if flow.is_browser else "")
    shown = engine.shown(
        ctx, effects.flow, json=_json(effects), identity=subject.identity, continue_with=[*effects.continue_with, item]
    )
    raise Leave(replace(shown, url=page))


def _verification(effects: Effects, subject: Subject, address: VerifiableAddress) -> Flow:
    """The verification of the new address, with its message sent and the change in its keeping."""
    flow = verification_flow(effects.ctx, effects.flow, effects.ctx.client.csrf if effects.flow.is_browser else "")
    announcement(effects.ctx).draw(flow, address.via, address.value)
    flow.state = "sent_email"
    change = Held(
        identity_id=subject.identity.id,
        session_id=subject.session.id,
        settings_id=effects.flow.id,
        via=address.via,
        address=address.value,
        traits=effects.identity.traits,
        traits_before=held.digest(subject.identity.traits),
    )
    held.put(flow, change)
    return flow


def _show_wanted(effects: Effects) -> None:
    """The form keeps what was typed, also where it says no or not yet."""
    form = effects.flow.ui = effects.flow.ui.copy()
    form.reset(*(node.id for node in form.nodes if node.id.startswith("traits.")))
    form.refill(effects.identity.traits, "traits")


def _json(effects: Effects) -> bool:
    return effects.ctx.client.is_json or not effects.flow.is_browser


async def _refused(effects: Effects, subject: Subject, message: Message, status: int) -> Leave:
    ctx, flow = effects.ctx, effects.flow
    _show_wanted(effects)
    flow.ui.messages = [message]
    await engine.keep(ctx, flow)
    return Leave(engine.shown(ctx, flow, json=_json(effects), status=status, identity=subject.identity))


async def applied(ctx: Context, change: Held, identity: Identity) -> tuple[Effects, Session]:
    """The person as the change wants them, with the address proved, in the settings and the session it was made in.

    :raises Overtaken: it can no more be made
    :raises FormError: its traits do not fit the schema any more
    """
    session = await session_store.by_id(ctx.db, change.session_id)
    if session is None or session.identity_id != identity.id or not session.is_active(ctx.stamp, identity):
        raise Overtaken
    if held.digest(identity.traits) != change.traits_before:
        raise Overtaken
    extracted = ctx.project.schema(identity.schema_id).extract(change.traits)
    after = identities.change(ctx, identity, extracted, verified=((change.via, change.address),))
    return Effects(ctx, await store.must(ctx.db, "settings", change.settings_id), after, {}), session


def gone(flow: Flow) -> None:
    """Say on the form that the change can no more be made."""
    flow.ui = ui.Ui(list(flow.ui.nodes), [messages.WRONG_VERIFICATION_CODE()], flow.ui.action, flow.ui.method)


def notify(effects: Effects, before: Identity, recipients: str) -> None:
    """`notify_previous_addresses`: tell those that were removed, or all that were there, when addresses changed."""
    ctx, after, payload = effects.ctx, effects.identity, effects.payload
    old = [(a.via, a.value) for a in before.verifiable_addresses]
    new = {(a.via, a.value) for a in after.verifiable_addresses}
    if set(old) == new:
        return
    told = [pair for pair in old if pair not in new]
    if recipients != "removed":
        told = [(a.via, a.value) for a in before.verifiable_addresses if a.verified or recipients == "all"]

    def then(commit: Commit) -> None:
        for via, address in told:
            courier.queue_notice(commit, ctx, payload, "verifiable_address_changed", via, address, ctx.stamp, after)

    effects.thens.append(then)
