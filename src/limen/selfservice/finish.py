"""The end of a flow that went well: hooks, one transaction, and the answer."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from limen.audit import record
from limen.context import Context
from limen.core import csrf, errors, messages, urls
from limen.core.errors import ApiError, FormError, form_error
from limen.db.database import UniqueViolation
from limen.flow import oauth2 as provider
from limen.flow import store as flows
from limen.flow.method import Changed, Passed
from limen.flow.model import Flow
from limen.identity import bans, invitations, unproved
from limen.identity import service as identities
from limen.identity import store as people
from limen.identity.model import Identity
from limen.selfservice import continue_with, engine, exchange, hooks, linking, notices, oauth2, trust
from limen.selfservice.effects import Effects
from limen.selfservice.engine import Submitted
from limen.selfservice.reply import Issued, Leave, Reply
from limen.session import service as sessions
from limen.session import store as session_store
from limen.session import strength
from limen.session.model import Proof, Session, Subject


async def sign_in(ctx: Context, flow: Flow, passed: Passed, so_far: Submitted, subject: Subject | None) -> Reply:
    """A login flow was passed: hooks, then session, flow and what the method adds, in one commit.

    :raises FormError: the account is switched off, or a hook says no
    """
    flow.active = so_far.id
    if not passed.identity.is_active:
        passed = await _after_ban(ctx, passed)
    identity = passed.identity
    known = subject is not None and subject.identity.id == identity.id
    if flow.was_passed and flow.is_browser and not known:
        raise flows.overtaken()  # a browser's form signs in once; an app may send its own again, as with Kratos
    before = passed.before or identity
    session, token = _session(ctx, identity, passed.proof, None if passed.anew else subject)
    gone = () if known else unproved.removed(before, identity)
    identity = unproved.without(ctx, identity, gone) if gone else identity
    identity, session, ends_others = linking.join(ctx, flow, before, identity, session)
    begins = passed.anew or not known
    browser = await trust.spared(ctx, flow, identity, session) if begins else None
    session = trust.placed(session, browser)
    effects = Effects(ctx, flow, identity, so_far.about.transient_payload)
    to = engine.return_url(ctx, flow, hooks.return_url(ctx, "login", so_far.id))
    if flow.is_browser and ctx.client.is_json:
        effects.continue_with.append(continue_with.redirect(to))
    try:
        await hooks.after_login(effects, session, so_far.id)
    except Leave as leave:
        return leave.reply
    except ApiError as error:
        broken: dict[str, Any] = {"outcome": "failure", "method": so_far.id, "why": [], "broken": error.message}
        failed = record.recorded(ctx, "auth.login.failed", effects.identity, **broken)
        await engine.keep(ctx, flow, failed)  # the flow remembers which method was passed
        raise
    server = await oauth2.answered(ctx, flow, session, effects.identity)
    notice = None if known else await notices.after_sign_in(ctx, identity, session)
    following = await _to_link_later(effects, session, new=not known)
    commit = ctx.db.begin()
    if following:
        flows.insert(commit, following)
    linking.leave_with(commit, ctx, flow, Subject(session, effects.identity))
    flow.updated_at = ctx.stamp
    flows.update(commit, flow.passed(so_far.id))
    if begins:
        session_store.insert(commit, session, sessions.digest(token))
    else:
        session_store.update(commit, session, errors.session_inactive)
    trusted = trust.write(commit, ctx, flow, session, browser)
    if effects.identity is passed.identity and passed.may_be_lost:
        people.update_if_unchanged(commit, before, effects.identity)
    elif effects.identity is not before:
        identities.save(commit, before, effects.identity, passed.overtaken)
    if ends_others or gone:
        linking.end_others(commit, identity, session)
    told = (
        notice,
        *notices.of_removed(ctx, effects.identity, gone),
        *notices.of_providers(ctx, before, effects.identity),
    )
    for then in (passed.then, *effects.thens, *told):
        if then is not None:
            then(commit)
    more: dict[str, Any] = {"removed": gone} if gone else {}
    record.record(
        commit, ctx, "auth.login", effects.identity, method=so_far.id, session=session.id, aal=session.aal, **more
    )
    linking.record(commit, ctx, before, effects.identity)
    try:
        await ctx.db.commit(commit)
    except UniqueViolation:
        raise ApiError(409, "What identifies you now belongs to another account already.") from None
    ctx.events.tell("session.issued", identity.id, session=session.id, method=so_far.id, aal=session.aal)
    linking.tell(ctx, before, effects.identity)
    if following:
        issued = Issued(session, token)
        return engine.shown(ctx, following, json=ctx.client.is_json, issued=issued, csrf=effects.csrf, trusted=trusted)
    reply = _signed_in(ctx, flow, session, effects, token, to, server, new=not known)
    return replace(reply, trusted=trusted) if trusted else reply


async def _after_ban(ctx: Context, passed: Passed) -> Passed:
    """The same for somebody who was banned until a moment that is over.

    :raises FormError: the account is switched off
    """
    before = await bans.lift_if_over(ctx, passed.before or passed.identity)
    if not before.is_active:
        raise errors.identity_disabled(before.id)
    if passed.before is None:
        return replace(passed, identity=before)
    on = replace(passed.identity, state=before.state, state_changed_at=before.state_changed_at, version=before.version)
    return replace(passed, identity=on, before=before)


async def _to_link_later(effects: Effects, session: Session, *, new: bool) -> Flow | None:
    """The second step of somebody who is to have a provider linked."""
    ctx, flow = effects.ctx, effects.flow
    if not linking.is_waiting(flow):
        return None
    if new and flow.is_browser:
        effects.csrf = effects.csrf or csrf.new_secret()
    return await linking.second_step(ctx, flow, Subject(session, effects.identity), effects.csrf or ctx.client.csrf)


def _session(ctx: Context, identity: Identity, proof: Proof, subject: Subject | None) -> tuple[Session, str]:
    """The caller's session with one more proof, or, for somebody else, a new one: a token is never taken over."""
    if subject is not None and subject.identity.id == identity.id:
        return sessions.renew(ctx, subject.session, proof), ctx.client.token
    return sessions.issue(ctx, identity, proof)


def _signed_in(
    ctx: Context, flow: Flow, session: Session, effects: Effects, token: str, to: str, server: str, *, new: bool
) -> Reply:
    identity = effects.seen
    missing = strength.lack(ctx.project, session, effects.identity, ctx.stamp)
    if not flow.is_browser:
        # A session that still lacks a factor says nothing about its owner: it may be a phisher's.
        body = {
            "session_token": token,
            "session": sessions.body(ctx, session, None if missing else identity),
            "continue_with": effects.continue_with or None,
        }
        return Reply(json=True, body=body)
    secret = effects.csrf or (csrf.new_secret() if new else "")
    cookie: dict[str, Any] = {"issued": Issued(session, token), "csrf": secret}
    if missing:
        server = strength.way(ctx.project, missing, flow.return_to, flow.oauth2_login_challenge)
    if server:
        return oauth2.go(server, json=ctx.client.is_json, **cookie)
    body = {"session": sessions.body(ctx, session, identity), "continue_with": effects.continue_with}
    return Reply(json=ctx.client.is_json, body=body, url=effects.page or to, **cookie)


async def sign_up(ctx: Context, flow: Flow, changed: Changed, so_far: Submitted) -> Reply:
    """A registration was passed: the person, the session and what hooks add, in one commit.

    :raises FormError: an identifier or an address belongs to somebody already, the traits do not fit, or a hook says no
    :raises ApiError: a web hook failed; after the person was stored, which the error says
    """
    extracted = changed.extracted or ctx.project.schema(flow.identity_schema).extract(changed.traits)
    schema = ctx.project.schema(flow.identity_schema).id
    identity = identities.build(
        ctx, schema, extracted, changed.credentials,
        identifiers=changed.identifiers, verified=changed.verified, **changed.more,
    )  # fmt: skip
    to = engine.return_url(ctx, flow, hooks.return_url(ctx, "registration", so_far.id))
    effects = Effects(ctx, flow, identity, so_far.about.transient_payload)
    if flow.is_browser and ctx.client.is_json:
        effects.continue_with.append(continue_with.redirect(to))
    await hooks.before_sign_up(effects, so_far.id)
    if effects.identity is not identity:
        so_far.data.traits = None  # what was typed is not what may not fit
        effects.identity = checked(ctx, effects.identity)
    invitation = await invitations.admitted(ctx, flow.request_url, effects.identity)
    if invitation:  # whoever has the link has read the mail
        effects.identity = identities.mark_address(ctx, effects.identity, "email", invitation.email, status="completed")
        effects.thens.append(lambda commit: invitations.accept(commit, ctx, invitation, effects.identity))
    if not effects.identity.is_active:
        return await _wait(ctx, effects.identity, changed, so_far)
    if ctx.project.config.selfservice.flows.verification.enabled:
        await provider.describe(ctx, flow)  # the message about the address may show the client
    signs_in = hooks.with_sign_up(effects, so_far.id) or exchange.is_wanted(flow)
    identity = effects.identity = unproved.marked(None, effects.identity)
    session, token = sessions.issue(ctx, identity, *((changed.proof,) if changed.proof else ()))
    missing = strength.lack(ctx.project, session, identity, ctx.stamp) if signs_in else ""
    if missing:
        to = strength.way(ctx.project, missing, flow.return_to, flow.oauth2_login_challenge)
        effects.lead_to(to)
    for started in effects.verifications:
        started.session_id, started.identity_id = session.id, identity.id
    if flow.oauth2_login_challenge and await people.clash(ctx.db, identity):
        raise await _taken(ctx, identity, so_far)  # the OAuth 2.0 server must not hear of somebody who will not exist
    server = await _answered_after_sign_up(ctx, flow, session, effects, signs_in=signs_in)
    commit = ctx.db.begin()
    people.insert(commit, identity)
    session_store.insert(commit, session, sessions.digest(token))
    if not changed.keeps_flow:
        flow.updated_at = ctx.stamp
        flows.update(commit, flow.passed(so_far.id))
    for then in (changed.then, *effects.thens):
        if then is not None:
            then(commit)
    record.record(commit, ctx, "auth.register", identity, method=so_far.id)
    try:
        await ctx.db.commit(commit)
    except UniqueViolation:
        raise await _taken(ctx, identity, so_far) from None
    ctx.events.tell("identity.created", identity.id, method=so_far.id)
    try:
        await hooks.after_sign_up(effects, so_far.id)
    except ApiError as error:
        error.message += " The account exists all the same: sign in to it."
        return replace(engine.failed(ctx, error, flow), csrf=effects.csrf)
    return _signed_up(ctx, flow, identity, session, token, effects, server or to, signs_in=signs_in)


def checked(ctx: Context, identity: Identity) -> Identity:
    """A person as a web hook wants them, if their traits fit: identifiers and addresses are what the traits say.

    :raises FormError: they do not fit, or there is no such schema
    """
    try:
        schema = ctx.project.schema(identity.schema_id)
    except ApiError as error:
        raise form_error(messages.GENERIC(reason=error.reason)) from error
    if told := schema.check(identity.traits):
        cannot = messages.GENERIC(reason="This address cannot be used.")
        raise FormError(*told, *((cannot, field) for message, field in told if message.id == messages.NOT_AN_EMAIL.id))
    return identities.change(ctx, identity, schema.extract(identity.traits))


async def _wait(ctx: Context, identity: Identity, changed: Changed, so_far: Submitted) -> Reply:
    """A web hook lets somebody sign up whom an operator has to let in: the account exists, and is switched off.

    :raises FormError: always; it says so
    """
    commit = ctx.db.begin()
    people.insert(commit, unproved.marked(None, identity))
    if changed.then is not None:
        changed.then(commit)
    record.record(commit, ctx, "auth.register", identity, method=so_far.id, waits=True)
    try:
        await ctx.db.commit(commit)
    except UniqueViolation:
        raise await _taken(ctx, identity, so_far) from None
    ctx.events.tell("identity.created", identity.id, method=so_far.id)
    raise errors.identity_disabled(identity.id)


async def _answered_after_sign_up(
    ctx: Context, flow: Flow, session: Session, effects: Effects, *, signs_in: bool
) -> str:
    """Answer the OAuth 2.0 server, unless the address is to be verified first: the verification answers it then.

    A script that gets no session is not told where to go on, so nothing is answered.
    """
    if ctx.client.is_json:
        if not signs_in or effects.shows_verification:
            return ""
    elif effects.page:
        return ""
    server = await oauth2.answered(ctx, flow, session, effects.identity)
    if server and ctx.client.is_json:
        effects.lead_to(server)
    return server


def _signed_up(
    ctx: Context,
    flow: Flow,
    identity: Identity,
    session: Session,
    token: str,
    effects: Effects,
    to: str,
    *,
    signs_in: bool,
) -> Reply:
    body: dict[str, Any] = {"identity": sessions.identity_body(ctx.project, identity)}
    issued: Issued | None = None
    secret = effects.csrf
    if signs_in:
        ctx.events.tell("session.issued", identity.id, session=session.id)
        body["session"] = sessions.body(ctx, session, identity)
        if flow.is_browser:
            issued, secret = Issued(session, token), secret or csrf.new_secret()
        else:
            body["session_token"] = token
            effects.continue_with.append(continue_with.session_token(token))
    body["continue_with"] = effects.continue_with or None
    json, url = ctx.client.is_json or not flow.is_browser, effects.page or (to if signs_in else _saying_so(ctx, to))
    return Reply(json=json, body=body, url=url, issued=issued, csrf=secret)


def _saying_so(ctx: Context, to: str) -> str:
    """Our own start page says that the account is there and that one has to sign in; it looks the same as before else."""
    home = urls.join(ctx.project.public_url, "/ui/")
    return urls.with_query(home, {"done": "signed_up"}) if to.rstrip("/") == home.rstrip("/") else to


class Taken(FormError):
    """An identifier or address of the new person belongs to somebody already."""

    def __init__(self, error: FormError, identity: Identity) -> None:
        super().__init__(*error.told)
        self.identity = identity


async def _taken(ctx: Context, identity: Identity, so_far: Submitted) -> Taken:
    so_far.data.traits = identity.traits
    return Taken(await duplicate(ctx, identity), identity)


async def duplicate(ctx: Context, identity: Identity) -> FormError:
    """What to tell somebody whose identifier or address is taken; with `login_hints`, also how to sign in instead."""
    if not ctx.project.config.selfservice.flows.registration.login_hints:
        return form_error(messages.IDENTIFIER_TAKEN())
    for type_, credential in identity.credentials.items():
        for identifier in credential.identifiers:
            if owner := await people.by_identifier(ctx.db, type_, identifier):
                return form_error(messages.account_exists(identifier, *ways_in(ctx, owner)))
    return form_error(messages.IDENTIFIER_TAKEN())


def ways_in(ctx: Context, owner: Identity) -> tuple[list[str], list[str]]:
    """How somebody signs in: the types of their credentials, and the ids of their providers."""
    types = sorted(t for t, c in owner.credentials.items() if _is_set_up(ctx, t, c.config))
    linked = owner.credentials["oidc"].config.get("providers", ()) if "oidc" in types else ()
    return types, [str(p.get("provider", "")) for p in linked]


def _is_set_up(ctx: Context, type_: str, config: dict[str, Any]) -> bool:
    return bool(config) and ctx.project.has_method(type_)
