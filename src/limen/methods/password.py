"""A password: the oldest first factor. Policy, hashing and the answer to strangers are here; the forms too."""

from __future__ import annotations

import hashlib

from msgspec import Struct

from limen.context import Context
from limen.core import errors, messages, normalize, passwords, ui
from limen.core.errors import FormError, form_error
from limen.core.form import Form
from limen.core.outbound import OutboundError, Retry
from limen.db.database import Commit
from limen.flow import guesses, migration
from limen.flow.guesses import Guess
from limen.flow.method import Changed, Method, Outcome, Part, Passed, Then, all_of
from limen.flow.model import Flow, Submission
from limen.identity import factors
from limen.identity import service as identities
from limen.identity import store as people
from limen.identity.model import Credential, Identity
from limen.session.model import Proof, Subject

ID = "password"
_FIELD = ui.password("password", ID, messages.PASSWORD(), "current-password")
_NEW_FIELD = ui.password("password", ID, messages.PASSWORD(), "new-password")
_SIGN_IN = ui.submit("method", ID, ID, messages.SIGN_IN_WITH_PASSWORD())
_CONFIRM = ui.submit("method", ID, ID, messages.SIGN_IN())
_SIGN_UP = ui.submit("method", ID, ID, messages.SIGN_UP())
_SAVE = ui.submit("method", ID, ID, messages.SAVE())


# --- sign-in --------------------------------------------------------------------------------------------------------


class SignIn(Struct):
    password: str = ""
    identifier: str = ""
    password_identifier: str = ""  # the name this field had in older clients
    csrf_token: str = ""
    method: str = ""
    transient_payload: dict[str, object] = {}

    def __post_init__(self) -> None:
        self.identifier = self.identifier or self.password_identifier


async def _draw_sign_in(ctx: Context, flow: Flow, subject: Subject | None) -> None:
    form = flow.ui
    match flow.situation:
        case "first":
            label = ctx.project.schema(flow.identity_schema).identifier_label()
            form.put(ui.text("identifier", "default", label, value="", required=True))
            form.put(_FIELD)
            form.append(_SIGN_IN)
        case "refresh" if subject and (known := _hash(subject.identity)):
            form.put(ui.hidden("identifier", known.identifiers[0] if known.identifiers else "", "default"))
            form.put(_FIELD)
            form.append(_CONFIRM)


async def _identified(ctx: Context, flow: Flow, identity: Identity | None) -> bool:
    known = _hash(identity) if identity else None
    usable = known is not None and bool(factors.FIRST[ID](ctx.project.config, known))
    if usable or ctx.project.config.security.account_enumeration.mitigate:
        flow.ui.put(ui.CSRF_NODE)
        flow.ui.put(_FIELD)
        flow.ui.append(_SIGN_IN)
    return usable


def _hash(identity: Identity) -> Credential | None:
    """The credential, when there is a password in it."""
    credential = identity.credentials.get(ID)
    return credential if credential and credential.config.get("hashed_password") else None


def _claims_sign_in(flow: Flow, form: Form) -> bool:
    return form.method == ID and flow.requested_aal == "aal1"


async def _sign_in(ctx: Context, flow: Flow, form: SignIn, about: Submission, subject: Subject | None) -> Outcome:
    identity, guess, counted = await _find(ctx, form.identifier)
    wrong = form_error(messages.INVALID_CREDENTIALS(), then=guess.was_wrong(ctx), whom=identity.id if identity else "")
    right = guess.was_right if counted else None
    if identity and _is_known_elsewhere(identity):
        if not await migration.matches(ctx, flow, identity, form.identifier, form.password):
            raise wrong
        return await _sign_in_from_elsewhere(ctx, identity, form, right)
    credential = _hash(identity) if identity else None
    if identity is None or credential is None:
        # Hash even when nobody was found, so that the answer takes as long for strangers as for members.
        await ctx.passwords.check_nobody(ctx.project.hasher, form.password)
        raise wrong
    hashed = credential.config["hashed_password"]
    if not await ctx.passwords.check(form.password, hashed):
        if passwords.algorithm(hashed) != ctx.project.hasher.algorithm:
            # A quick answer would tell that this account was moved in with a weak hash.
            await ctx.passwords.check_nobody(ctx.project.hasher, form.password)
        raise wrong
    rehashed = await _rehash(ctx, identity, hashed, form.password) if identity.is_active else None
    return Passed(identity, Proof(ID, "aal1", ctx.stamp), then=all_of(right, rehashed))


def _is_known_elsewhere(identity: Identity) -> bool:
    """Whether the person was moved in without a password, which the former system can check."""
    credential = identity.credentials.get(ID)
    return bool(credential and credential.config.get("use_password_migration_hook") and not _hash(identity))


async def _sign_in_from_elsewhere(ctx: Context, identity: Identity, form: SignIn, then: Then | None) -> Outcome:
    """What the former system took is hashed and stored: it is asked once for each person."""
    proof = Proof(ID, "aal1", ctx.stamp)
    hasher = ctx.project.hasher
    if not identity.is_active or (
        hasher.algorithm == "bcrypt" and len(form.password.encode()) > passwords.BCRYPT_LIMIT
    ):  # nobody to store it for, or no hash to be made of it
        return Passed(identity, proof, then=then)
    hashed = await ctx.passwords.make(hasher, form.password)
    return Passed(
        identities.with_credential(ctx, identity, ID, {"hashed_password": hashed}), proof, before=identity, then=then
    )


async def _find(ctx: Context, named: str) -> tuple[Identity | None, Guess, bool]:
    """Whose identifier this is, in its normal spelling or else exactly as given, as an import may have stored it."""
    normal = normalize.identifier(named)
    found = await guesses.holder(ctx, ID, ID, normal, named=normal)
    if found[0] is None and named != normal:
        found = await guesses.holder(ctx, ID, ID, named, named=normal)
    return found


async def _rehash(ctx: Context, identity: Identity, hashed: str, password: str) -> Then | None:
    """A hash of another format becomes one of ours, now that the password is at hand."""
    hasher = ctx.project.hasher
    if passwords.algorithm(hashed) == hasher.algorithm:
        return None
    if hasher.algorithm == "bcrypt" and len(password.encode()) > passwords.BCRYPT_LIMIT:
        return None
    fresh = await ctx.passwords.make(hasher, password)
    after = identities.with_credential(ctx, identity, ID, {"hashed_password": fresh})

    def then(commit: Commit) -> None:
        # Somebody changed the account meanwhile: then the old hash stays, and the sign-in is as good as before.
        people.update_if_unchanged(commit, identity, after)

    return then


def _refuse_sign_in(flow: Flow, form: SignIn | None) -> None:
    flow.ui.reset("password")
    if form is not None:
        flow.ui.set_value("identifier", form.identifier)


# --- sign-up --------------------------------------------------------------------------------------------------------


class SignUp(Struct):
    traits: dict[str, object] = {}
    password: str = ""
    csrf_token: str = ""
    method: str = ""
    transient_payload: dict[str, object] = {}


async def _draw_sign_up(ctx: Context, flow: Flow, subject: Subject | None) -> None:
    form = flow.ui
    if flow.situation == "profile":
        form.remove_like(_NEW_FIELD)
        form.remove_like(_SIGN_UP)
        return
    if flow.situation == "unified":
        flags = ctx.project.config.feature_flags
        if flags.password_profile_registration_node_group == "password":
            for node in ctx.project.schema(flow.identity_schema).nodes("password"):
                form.put(node)
    form.put(_NEW_FIELD)
    form.put_submit(_SIGN_UP)


async def _sign_up(ctx: Context, flow: Flow, form: SignUp, about: Submission, subject: Subject | None) -> Outcome:
    schema = ctx.project.schema(flow.identity_schema)
    extracted = schema.extract(form.traits)
    identifiers = extracted.identifiers.get(ID, [])
    if not any(identifiers):
        asked = schema.extension_paths("credentials", ID, "identifier")
        if not asked:
            raise form_error(messages.NO_IDENTIFIER())
        name = asked[0].name
        raise form_error(messages.PROPERTY_MISSING(property=name.rpartition(".")[2]), name)
    await check_policy(ctx, form.password, identifiers)
    hashed = await ctx.passwords.make(ctx.project.hasher, form.password)
    config = {ID: {"hashed_password": hashed}}
    return Changed(extracted.traits, config, proof=Proof(ID, "aal1", ctx.stamp), extracted=extracted)


# --- settings -------------------------------------------------------------------------------------------------------


class Change(Struct):
    password: str = ""
    csrf_token: str = ""
    method: str = ""
    transient_payload: dict[str, object] = {}


async def _draw_settings(ctx: Context, flow: Flow, subject: Subject | None) -> None:
    flow.ui.put(_NEW_FIELD)
    flow.ui.append(_SAVE)


async def _change(ctx: Context, flow: Flow, form: Change, about: Submission, subject: Subject | None) -> Outcome:
    if subject is None:
        raise errors.no_session()
    identity = subject.identity
    credential = identity.credentials.get(ID)
    await check_policy(ctx, form.password, credential.identifiers if credential else ())
    if (known := _hash(identity)) and await ctx.passwords.check(form.password, known.config["hashed_password"]):
        raise form_error(messages.PASSWORD_UNCHANGED(), "password")
    hashed = await ctx.passwords.make(ctx.project.hasher, form.password)
    return Changed(identity.traits, {ID: {"hashed_password": hashed}})


# --- policy ---------------------------------------------------------------------------------------------------------


async def check_policy(ctx: Context, password: str, identifiers: tuple[str, ...] | list[str]) -> None:
    """Length, likeness to an identifier, and known leaks, in this order.

    :raises FormError: on `password`, the first rule that is broken
    :raises ApiError: 502, the leak service answered nonsense or, when that counts, not at all
    """
    policy = ctx.project.config.selfservice.methods.password.config
    length = len(password.encode())
    if length < policy.min_password_length:
        raise _refused(messages.PASSWORD_TOO_SHORT(min_length=policy.min_password_length, actual_length=length))
    if ctx.project.hasher.algorithm == "bcrypt" and length > passwords.BCRYPT_LIMIT:
        raise _refused(messages.PASSWORD_TOO_LONG(max_length=passwords.BCRYPT_LIMIT, actual_length=length))
    if policy.identifier_similarity_check_enabled and any(passwords.is_similar(i, password) for i in identifiers):
        raise _refused(messages.PASSWORD_LIKE_IDENTIFIER())
    if policy.haveibeenpwned_enabled:
        leaks = await _leaks(ctx, password)
        if leaks > policy.max_breaches:
            raise _refused(messages.PASSWORD_BREACHED(breaches=leaks))


def _refused(message: messages.Message) -> FormError:
    return form_error(message, "password")


async def _leaks(ctx: Context, password: str) -> int:
    """How often this password stands in known leaks. Only the first five digits of its digest leave (k-anonymity)."""
    policy = ctx.project.config.selfservice.methods.password.config
    digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
    host = policy.haveibeenpwned_host
    base = host if "://" in host else f"https://{host}"
    try:
        answer = await ctx.outbound.request("GET", f"{base}/range/{digest[:5]}", seconds=1, retry=Retry(3, 0.1, 0.3))
    except OutboundError as error:
        if policy.ignore_network_errors:
            return 0
        raise errors.upstream_failed(f"The leak service did not answer: {error}") from error
    if answer.status != 200:
        if policy.ignore_network_errors:
            return 0
        raise errors.upstream_failed(f"The leak service answered {answer.status}.")
    for line in answer.body.decode("ascii", "replace").splitlines():
        suffix, _, count = line.strip().partition(":")
        if suffix.upper() == digest[5:]:
            plain = count.replace(",", "") or "1"
            if not plain.isdecimal():
                raise errors.upstream_failed("The leak service answered a count that is no number.")
            return int(plain)
    return 0


METHOD = Method(
    id=ID,
    login=Part(
        form=SignIn,
        required=("identifier", "password"),
        claims=_claims_sign_in,
        draw=_draw_sign_in,
        submit=_sign_in,
        refused=_refuse_sign_in,
        identified=_identified,
        steady=True,
    ),
    registration=Part(
        form=SignUp, required=("password",), draw=_draw_sign_up, submit=_sign_up, traits=True, steady=True
    ),
    settings=Part(form=Change, required=("password",), draw=_draw_settings, submit=_change, privileged=lambda _: True),
)
