"""Somebody came from a provider, and the address they have there belongs to an account here: they sign in to that one,
and the provider is linked to it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from msgspec.structs import replace

from limen.audit import record as audit
from limen.context import Context
from limen.core import messages, ui
from limen.core.errors import form_error
from limen.db.database import Commit
from limen.flow import pauses
from limen.flow.method import Arrived
from limen.flow.model import Flow
from limen.identity import service as identities
from limen.identity import store as people
from limen.identity import unproved
from limen.identity.identifiers import federated
from limen.identity.model import Identity
from limen.methods.oidc import credential
from limen.methods.oidc.common import ID
from limen.selfservice import loginforms
from limen.session import service as sessions
from limen.session import store as session_store
from limen.session import strength, trusted
from limen.session.model import Proof, Session, Subject

_KEY = "linking"
SECONDS = 3600  # an app may take until its second step
_BY_TRAIT = ("password", "webauthn", "code")  # credentials that are there, if empty, as long as a trait names them


class Owner:
    """Whose identifier or address somebody else brought, and which one it is."""

    __slots__ = ("identifier", "identity", "type")

    def __init__(self, identity: Identity, identifier: str, type_: str) -> None:
        self.identity, self.identifier, self.type = identity, identifier, type_


async def owner(ctx: Context, new: Identity) -> Owner | None:
    """Who has what this person would need for themselves: identifiers first, then addresses."""
    for type_ in sorted(new.credentials):
        for identifier in new.credentials[type_].identifiers:
            if found := await people.by_identifier(ctx.db, type_, identifier):
                return Owner(found, identifier, type_)
    listed = [("verifiable", a.via, a.value) for a in new.verifiable_addresses]
    listed += [("recovery", a.via, a.value) for a in new.recovery_addresses]
    for kind, via, value in listed:
        if found := await people.by_address(ctx.db, kind, via, value):
            return Owner(found, value, via)
    return None


def remember(flow: Flow, arrived: Arrived, identifier: str, identity_id: str = "") -> None:
    """Let whoever signs in with this identifier in this flow, or this very person, have the provider linked."""
    config = arrived.provider.config
    new = credential.entry(config.id, arrived.claims.sub, config.organization_id, arrived.tokens)
    flow.private[_KEY] = {"identifier": identifier, "entry": new, "identity": identity_id}


def is_waiting(flow: Flow) -> bool:
    return _KEY in flow.private


def waiting_for(flow: Flow) -> str:
    """The id of the provider that is to be linked; empty when none is."""
    return str(flow.private[_KEY]["entry"]["provider"]) if _KEY in flow.private else ""


async def second_step(ctx: Context, flow: Flow, subject: Subject, csrf: str) -> Flow | None:
    """The flow that asks a browser for the second factor where one is needed, and then links; not stored yet.

    :param csrf: the browser's secret, which may be new
    """
    missing = strength.lack(ctx.project, subject.session, subject.identity, ctx.stamp)
    if missing != "step" or not flow.is_browser:
        return None
    url = strength.way(ctx.project, missing, flow.return_to, flow.oauth2_login_challenge)
    following = await loginforms.second_step(ctx, url, subject, csrf)
    following.oauth2_login_challenge = flow.oauth2_login_challenge
    following.organization_id = flow.organization_id
    following.private[_KEY] = flow.private.pop(_KEY)
    return following


def leave_with(commit: Commit, ctx: Context, flow: Flow, subject: Subject) -> None:
    """An app begins its second step itself, with the session: what is to be linked waits for that one."""
    missing = strength.lack(ctx.project, subject.session, subject.identity, ctx.stamp)
    if flow.is_browser or missing != "step" or not is_waiting(flow):
        return
    kept, whom = flow.private.pop(_KEY), subject.identity.id
    pauses.pause(commit, ctx, _KEY, flow.id, kept, seconds=SECONDS, identity_id=whom, id_=_left_with(subject.session))


async def take_up(ctx: Context, flow: Flow, session: Session) -> None:
    """Let an app's second step know what is to be linked after it."""
    if not flow.is_browser and (found := await pauses.look(ctx, _left_with(session), _KEY)):
        flow.private[_KEY] = found.values


def _left_with(session: Session) -> str:
    return f"{_KEY} {session.id}"


class Joined(NamedTuple):
    """`ends_others`: the account may have been a trap, so its other sessions end with the sign-in."""

    identity: Identity
    session: Session
    ends_others: bool = False


def join(ctx: Context, flow: Flow, before: Identity, identity: Identity, session: Session) -> Joined:
    """Link what the flow remembers, once the session is strong enough; the sign-in at the provider counts, too.

    :param before: the person as they were stored before this sign-in
    :raises FormError: this is not the account that has the identifier
    """
    waiting: dict[str, Any] | None = flow.private.get(_KEY)
    required = ctx.project.config.session.whoami.required_aal
    if waiting is None or not sessions.satisfies(session, identity, required):
        return Joined(identity, session)
    identifier = waiting["identifier"]
    is_known = waiting.get("identity") == identity.id
    if not is_known and not any(identifier in c.identifiers for c in identity.credentials.values()):
        raise form_error(messages.LINKED_ACCOUNT_DIFFERS())
    del flow.private[_KEY]
    entry = waiting["entry"]
    if not any(proof.provider == entry["provider"] for proof in session.proofs):
        proof = Proof(ID, "aal1", ctx.stamp, provider=entry["provider"], organization=entry.get("organization", ""))
        session = replace(session, proofs=(*session.proofs, proof))
    is_proved_now = _has_proved(identity, identifier) and not _has_proved(before, identifier)
    if is_proved_now:
        identity = _emptied(ctx, identity)
    elif federated(entry["provider"], entry["subject"]) in credential.known_by(identity):
        return Joined(identity, session)
    return Joined(with_account(ctx, identity, entry), session, is_proved_now)


def _has_proved(identity: Identity, identifier: str) -> bool:
    return any(a.verified and a.value == identifier for a in identity.verifiable_addresses)


def _emptied(ctx: Context, identity: Identity) -> Identity:
    """The person without the ways in that were set up before anybody proved the address: they may be a stranger's, who
    signed up with it and waits for its owner (PocketBase CVE-2024-38351).
    """
    kept = {t: c if t == "code" else replace(c, config={}) for t, c in identity.credentials.items() if t in _BY_TRAIT}
    return identities.with_level(ctx, replace(identity, credentials=kept, updated_at=ctx.stamp))


def record(commit: Commit, ctx: Context, before: Identity, after: Identity) -> None:
    """Write down which providers a sign-in linked."""
    if changed := credential.changed(before, after):
        audit.record(commit, ctx, f"auth.settings.{ID}", after, method=ID, **changed)


def tell(ctx: Context, before: Identity, after: Identity) -> None:
    for what, ids in credential.changed(before, after).items():
        for id_ in ids:
            ctx.events.tell(f"identity.{what}", after.id, provider=id_)


def end_others(commit: Commit, identity: Identity, session: Session) -> None:
    """No session but this one goes on, and no browser but this one is spared a second step."""
    session_store.revoke_all_but(commit, identity.id, session.id)
    trusted.forget_others(commit, identity.id, session.id)


def with_account(ctx: Context, identity: Identity, entry: dict[str, Any]) -> Identity:
    """The person with one more account at a provider."""
    config = credential.with_entry(identity, entry)
    after = identities.with_credential(ctx, identity, ID, config, credential.identifiers(config))
    return unproved.marked(identity, after)


def draw(ctx: Context, flow: Flow, arrived: Arrived, owner: Owner, types: list[str], providers: list[str]) -> None:
    """Make a sign-in form one for this account: its identifier is given, and what cannot be used goes.

    :param types: the owner's ways to sign in, and `providers` their ids, when the configuration says they may be told
    """
    used = arrived.provider
    hints = ctx.project.config.selfservice.flows.registration.login_hints
    kept: list[ui.Node] = []
    for node in flow.ui.nodes:
        label = node.meta.label
        if label is None or node.group == "default":
            kept.append(node)
        elif node.group == ID and (node.value == used.id or (hints and node.value not in providers)):
            continue
        elif not hints or node.group in types:
            kept.append(_relabelled(node, label))
    flow.ui.nodes = kept
    flow.ui.change("identifier", lambda node: node.hide().with_value(owner.identifier))
    name = used.config.label or used.kind.id
    flow.ui.messages = [messages.sign_in_to_link(owner.identifier, name, ctx.project.ui_url("login"), types, providers)]


def _relabelled(node: ui.Node, label: messages.Message) -> ui.Node:
    if label.id == messages.SIGN_IN.id:
        return replace(node, meta=ui.Meta(messages.SIGN_IN_AND_LINK()))
    if label.id == messages.SIGN_IN_WITH.id:
        return replace(node, meta=ui.Meta(messages.CONFIRM_WITH(provider=(label.context or {}).get("provider", ""))))
    return node
