"""Somebody a provider vouches for: who they are here, whatever kind of flow they left from.

A sign-in of a stranger goes on as a sign-up, a sign-up of somebody known as a sign-in. Whose address belongs to an
account already signs in to that one first, and the provider is linked to it (see linking.py).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from limen.audit import record
from limen.context import Context
from limen.core import messages, normalize, reasons
from limen.core.errors import ApiError, FormError, form_error
from limen.core.urls import with_query
from limen.flow import store
from limen.flow.method import Arrived, Changed, Passed
from limen.flow.model import Flow
from limen.identity import service as identities
from limen.identity import store as people
from limen.identity.admin import REGIONS
from limen.identity.identifiers import federated
from limen.identity.model import Identity
from limen.methods import BY_ID
from limen.methods.oidc import credential, journey
from limen.methods.oidc.common import ID, Start
from limen.methods.oidc.sign_up import ask_for_more
from limen.selfservice import engine, exchange, finish, hooks, linking, oauth2
from limen.selfservice.engine import Submitted
from limen.selfservice.linking import Owner
from limen.selfservice.reply import Reply
from limen.session.model import Proof, Subject
from limen.social import mapper
from limen.social.mapper import Mapped
from limen.social.trouble import Trouble


async def arrived(ctx: Context, flow: Flow, who: Arrived, so_far: Submitted, subject: Subject | None) -> Reply:
    """The answer to somebody a provider vouches for, in a login or a registration flow.

    :raises FormError: to be shown on the form of this flow
    :raises ApiError: what no form can mend
    """
    so_far.method, so_far.part = BY_ID[ID], None  # what is refused from here on leaves the form as it is drawn below
    known = await people.by_identifier(ctx.db, ID, federated(who.provider.id, who.claims.sub))
    if flow.kind == "registration":
        if known is None:
            return await _sign_up(ctx, flow, who, so_far)
        following = await _following(ctx, flow, "login")
        await store.save_new(ctx.db, following)
        return await on_form(
            ctx, following, so_far, lambda: _sign_in(ctx, following, who, known, so_far, subject), native=who.native
        )
    if known is not None:
        return await _sign_in(ctx, flow, who, known, so_far, subject)
    return await _sign_up_stranger(ctx, flow, who, so_far)


async def on_form(
    ctx: Context,
    flow: Flow,
    so_far: Submitted,
    act: Callable[[], Awaitable[Reply]],
    *,
    subject: Subject | None = None,
    native: bool = False,
) -> Reply:
    """Do it; what the person can mend is shown on the form of this flow."""
    try:
        return await act()
    except FormError as error:
        return await refused(ctx, flow, error, so_far, subject, native=native)
    except ApiError as error:
        return engine.failed(ctx, error, flow)


async def refused(
    ctx: Context,
    flow: Flow,
    error: FormError,
    so_far: Submitted,
    subject: Subject | None = None,
    *,
    native: bool = False,
) -> Reply:
    """The form once more; an app that waits for its code is told to look at its flow."""
    engine.refuse(ctx, flow, error, so_far, subject)
    why: dict[str, Any] = {"outcome": "failure", "method": ID, "why": error.ids}
    failed = record.recorded(ctx, "auth.login.failed", error.whom, **why) if flow.kind == "login" else None
    await engine.keep_refused(ctx, flow, error.then, failed)
    ctx.events.tell(f"{flow.kind}.failed", flow=flow.id, method=ID, why=str(error))
    is_sign_up = flow.kind == "registration"
    if exchange.is_wanted(flow) and not native:
        return await exchange.send_back(ctx, flow, query={"flow": flow.id} if is_sign_up else None)
    json = ctx.client.is_json or not flow.is_browser
    more: dict[str, Any] = {"page_status": 302} if is_sign_up else {}
    if subject and flow.kind == "settings":
        return engine.shown(ctx, flow, json=json, status=400, identity=subject.identity)
    return await oauth2.shown(ctx, flow, json=json, status=400, **more)


async def _following(ctx: Context, flow: Flow, kind: Any, **more: Any) -> Flow:
    """The flow that another one goes on as, with its form drawn; not stored yet.

    :raises ApiError: a web hook says that it may not begin
    """
    situation: Any = "first" if kind == "login" else "profile" if ctx.project.is_two_step else "unified"
    following = engine.new(
        ctx, kind, flow.type, situation,
        request_url=flow.request_url, identity_schema=flow.identity_schema, organization_id=flow.organization_id,
        oauth2_login_challenge=flow.oauth2_login_challenge, active=ID, **more,
    )  # fmt: skip
    await engine.draw(ctx, following)
    await hooks.before(ctx, following)
    exchange.hand_over(flow, following)
    return following


# --- signing in ---------------------------------------------------------------------------------------------------------


async def _sign_in(
    ctx: Context, flow: Flow, who: Arrived, identity: Identity, so_far: Submitted, subject: Subject | None
) -> Reply:
    after = identity
    if identity.is_active and who.provider.config.update_identity_on_login == "automatic":
        after = await _brought_up_to_date(ctx, who, identity)
    reply = await finish.sign_in(
        ctx, flow, Passed(after, proof(ctx, who), before=identity, anew=True, then=who.then), so_far, subject
    )
    return await _to_app(ctx, flow, who, reply)


def proof(ctx: Context, who: Arrived) -> Proof:
    """What the sign-in at the provider is worth here: one factor, unless the operator trusts its word for two."""
    config, said = who.provider.config, who.claims
    both = (said.acr and said.acr in config.aal2_acr_values) or set(said.amr) & set(config.aal2_amr_values)
    return Proof(
        ID,
        "aal2" if both else "aal1",
        ctx.stamp,
        provider=config.id,
        organization=config.organization_id or "",
        upstream_acr=said.acr or UNSET,
        upstream_amr=said.amr or UNSET,
    )


async def _to_app(ctx: Context, flow: Flow, who: Arrived, reply: Reply) -> Reply:
    """An app that sent its person through a browser gets the session by its codes."""
    token = (reply.body or {}).get("session_token")
    if not exchange.is_wanted(flow) or who.native or not token:
        return reply
    return await exchange.send_back(ctx, flow, token)


async def _brought_up_to_date(ctx: Context, who: Arrived, identity: Identity) -> Identity:
    """The person as the provider describes them now; what the mapper does not mention stays.

    :raises FormError: the traits do not fit the schema any more
    """
    known = {
        "traits": identity.traits,
        "metadata_public": identity.metadata_public,
        "metadata_admin": identity.metadata_admin,
    }
    mapped = await _mapped(ctx, who, known)
    extracted = ctx.project.schema(identity.schema_id).extract(merged(mapped.traits, identity.traits))
    after = identities.change(ctx, identity, extracted, verified=mapped.verified)
    metadata = {name: value for name, value in _metadata(mapped).items() if value != getattr(identity, name)}
    after = replace(after, **metadata)
    return identity if replace(after, updated_at=identity.updated_at) == identity else after


async def _mapped(ctx: Context, who: Arrived, known: Mapping[str, Any] | None = None) -> Mapped:
    """:raises ApiError: the mapper fails; the log has the reason"""
    try:
        return await mapper.run(ctx.outbound, who.provider, who.claims, known)
    except Trouble as error:
        raise journey.told(ctx, who.provider.id, error) from error


def _metadata(mapped: Mapped) -> dict[str, Any]:
    found = {"metadata_public": mapped.metadata_public, "metadata_admin": mapped.metadata_admin}
    return {name: value for name, value in found.items() if value is not UNSET}


# --- signing up ---------------------------------------------------------------------------------------------------------


async def _sign_up(ctx: Context, flow: Flow, who: Arrived, so_far: Submitted) -> Reply:
    traits: dict[str, Any] | None = None
    try:
        mapped = await _mapped(ctx, who)
        if mapped.region and mapped.region not in REGIONS:
            raise journey.told(ctx, who.provider.id, mapper.unknown_region(who.provider))
        traits = merged(who.traits, mapped.traits)
        so_far.data = Start(traits=traits, transient_payload=so_far.about.transient_payload)
        return await _to_app(ctx, flow, who, await finish.sign_up(ctx, flow, _wanted(ctx, who, mapped, traits), so_far))
    except finish.Taken as taken:
        return await _owned(ctx, flow, who, taken.identity, so_far)
    except FormError:
        ask_for_more(ctx, flow, who.provider.id, traits)
        flow.active = ID
        raise


def _wanted(ctx: Context, who: Arrived, mapped: Mapped, traits: dict[str, Any]) -> Changed:
    config = who.provider.config
    account = credential.entry(config.id, who.claims.sub, config.organization_id, who.tokens)
    return Changed(
        traits,
        {ID: {"providers": [account]}},
        verified=mapped.verified,
        proof=proof(ctx, who),
        then=who.then,
        more={**_metadata(mapped), "organization_id": config.organization_id},
    )


async def _sign_up_stranger(ctx: Context, flow: Flow, who: Arrived, so_far: Submitted) -> Reply:
    """A login flow of somebody nobody knows becomes a registration."""
    if not ctx.project.config.selfservice.flows.registration.enabled:
        return await _sign_up_closed(ctx, flow, who, so_far)
    following = await _following(ctx, flow, "registration")
    await store.save_new(ctx.db, following)
    return await on_form(ctx, following, so_far, lambda: _sign_up(ctx, following, who, so_far), native=who.native)


async def _sign_up_closed(ctx: Context, flow: Flow, who: Arrived, so_far: Submitted) -> Reply:
    """Nobody new is let in, but who has an account may still link a provider to it.

    :raises FormError: they have none
    """
    mapped = await _mapped(ctx, who)
    wanted = _wanted(ctx, who, mapped, merged(who.traits, mapped.traits))
    schema = ctx.project.schema(flow.identity_schema)
    try:
        extracted = schema.extract(wanted.traits)
    except FormError:
        raise _closed(who) from None
    new = identities.build(ctx, schema.id, extracted, wanted.credentials)
    if await linking.owner(ctx, new) is None:
        raise _closed(who)
    return await _owned(ctx, flow, who, new, so_far)


def _closed(who: Arrived) -> FormError:
    return form_error(messages.GENERIC(reason=reasons.PROVIDER_CLOSED(name=who.provider.name)))


async def _owned(ctx: Context, flow: Flow, who: Arrived, new: Identity, so_far: Submitted) -> Reply:
    """What would identify this person belongs to an account: its owner signs in, and the provider is linked to it."""
    owner = await linking.owner(ctx, new)
    if owner is None:
        raise form_error(messages.IDENTIFIER_TAKEN())
    following = await _following(ctx, flow, "login")
    if is_theirs(ctx, who, owner):
        await store.save_new(ctx.db, following)
        return await on_form(
            ctx, following, so_far, lambda: _sign_in_linked(ctx, following, who, owner, so_far), native=who.native
        )
    linking.remember(following, who, owner.identifier)
    linking.draw(ctx, following, who, owner, *_hints(ctx, owner))
    await store.save_new(ctx.db, following)
    ctx.events.tell("login.linking", flow=following.id, provider=who.provider.id)
    if ctx.client.accepts_json:
        return Reply(json=True, status=400, flow=following, payload=so_far.about.transient_payload)
    page = engine.page(ctx, following)
    if not following.is_browser:
        page = with_query(engine.return_url(ctx, following, None), {"flow": following.id})
    return Reply(json=False, url=with_query(page, {"no_org_ui": "true"}))


def _hints(ctx: Context, owner: Owner) -> tuple[list[str], list[str]]:
    """How the owner signs in, where that may be told: the types of credentials, and the providers."""
    if not ctx.project.config.selfservice.flows.registration.login_hints:
        return [], []
    return finish.ways_in(ctx, owner.identity)


def is_theirs(ctx: Context, who: Arrived, owner: Owner) -> bool:
    """Whether the provider alone shows that the account is this person's, so that it is linked without asking.

    Only by an address that both sides proved: the provider, which the operator trusts for that by name, and the account
    itself. Else whoever signs up with a stranger's address here, or there, would share the account with its owner.
    """
    if who.provider.id not in ctx.project.config.limen.social.link_verified_addresses:
        return False
    address = normalize.canonical(who.claims.email)
    return (
        who.claims.email_verified
        and owner.identifier == address
        and any(a.verified and a.via == "email" and a.value == address for a in owner.identity.verifiable_addresses)
    )


async def _sign_in_linked(ctx: Context, flow: Flow, who: Arrived, owner: Owner, so_far: Submitted) -> Reply:
    """Sign in, and have the provider linked as soon as the session is strong enough to change how one signs in."""
    linking.remember(flow, who, owner.identifier, owner.identity.id)
    passed = Passed(owner.identity, proof(ctx, who), before=owner.identity, anew=True, then=who.then)
    return await _to_app(ctx, flow, who, await finish.sign_in(ctx, flow, passed, so_far, None))


def merged(over: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    """`over` laid on `base`, objects key by key; what is empty replaces nothing."""
    found = dict(base)
    for key, value in over.items():
        known = found.get(key)
        if isinstance(value, dict) and isinstance(known, dict):
            found[key] = merged(value, known)
        elif value or not known:
            found[key] = value
    return found
