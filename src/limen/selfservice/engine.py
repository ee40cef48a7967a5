"""The course of every flow: drawing its form, finding out which method a submit is for, and saying what was wrong."""

from __future__ import annotations

import time
from typing import Any

from msgspec import Struct

from limen.context import Context
from limen.core import csrf, formats, messages, ui, urls
from limen.core import form as forms
from limen.core.errors import (
    SWITCHED_OFF,
    ApiError,
    FormError,
    bad_request,
    endpoint_disabled,
    flow_id_missing,
    form_error,
    location_change_required,
)
from limen.core.form import Form
from limen.core.ids import new_id
from limen.core.schema import IdentitySchema
from limen.core.ui import Order
from limen.flow import store
from limen.flow.method import (
    FreshSignInNeeded,
    Method,
    Next,
    Outcome,
    Part,
    SecondStepNeeded,
    Sent,
    Shown,
    Then,
    Unclaimed,
)
from limen.flow.model import Flow, FlowType, Situation, Submission
from limen.methods import ALL, BY_ID
from limen.project.model import Kind
from limen.selfservice import guard, pace, why
from limen.selfservice.reply import Reply
from limen.session import service as sessions
from limen.session.model import Subject

_NOBODY = {
    "login": messages.NO_WAY_TO_LOGIN,
    "registration": messages.NO_WAY_TO_REGISTER,
    "settings": messages.NO_WAY_TO_CHANGE,
    "recovery": messages.NO_WAY_TO_RECOVER,
    "verification": messages.NO_WAY_TO_VERIFY,
}

MAX_READERS = 3  # browsers that a flow remembers beside the last one
LOGIN_ORDER = Order(
    ("oidc", "default", "webauthn", "passkey", "code", "password", "totp", "lookup_secret"),
    ("csrf_token", "identifier", "password"),
)
REGISTRATION_GROUPS = ("oidc", "saml", "default", "webauthn", "passkey", "code", "password", "captcha", "profile")
SETTINGS_GROUPS = ("default", "profile", "password", "oidc", "lookup_secret", "webauthn", "passkey", "totp")
_KEYS_OF_KEYS = ("webauthn_remove", "webauthn_register_displayname", "webauthn_register")
_SETTINGS_KEYS = (
    "lookup_secret_reveal", "lookup_secret_regenerate", "lookup_secret_codes", "lookup_secret_confirm", *_KEYS_OF_KEYS,
    "passkey_remove", "passkey_register", "totp_qr", "totp_secret_key", "totp_unlink", "totp_code",
)  # fmt: skip


_FIRST: tuple[Situation, ...] = ("first", "identify", "profile", "unified")


def lifespan(ctx: Context, kind: Kind) -> float:
    seconds: float = getattr(ctx.project.config.selfservice.flows, kind).lifespan
    return seconds


def new(ctx: Context, kind: Kind, type_: FlowType, situation: Situation, **more: Any) -> Flow:
    """A fresh flow with an empty form. The address that asked for it is kept: it says where to go in the end."""
    return Flow(
        id=new_id(),
        kind=kind,
        type=type_,
        issued_at=ctx.stamp,
        expires_at=ctx.after(lifespan(ctx, kind)),
        updated_at=ctx.stamp,
        situation=situation,
        ui=ui.Ui([]),
        **{
            "request_url": ctx.client.url,
            "state": "choose_method",
            "csrf": csrf.digest(ctx.client.csrf),  # an app has none, unless it sends a browser's cookies
            **more,
        },
    )


def query(ctx: Context, name: str) -> str:
    """A parameter of the request's own address; empty when it has none."""
    return urls.query_value(ctx.client.url, name)


def asked_return_url(ctx: Context) -> str:
    """Where the request that starts a flow wants to go in the end, or the default.

    :raises ApiError: 400, `return_to` is not in the list of allowed addresses
    """
    return urls.pick_return_to(query(ctx, "return_to"), ctx.project.allowed_return_urls, ctx.project.default_return_url)


def return_url(ctx: Context, flow: Flow, default: str | None) -> str:
    """Where a finished flow leads. An address that is not allowed any more is replaced by the default."""
    fallback = default or ctx.project.default_return_url
    try:
        return urls.pick_return_to(flow.return_to, ctx.project.allowed_return_urls, fallback)
    except ApiError:
        return fallback


async def asked(ctx: Context, kind: Kind, id_: str | None, missing: str = "") -> Flow:
    """The flow that a submit names.

    :raises ApiError: 400, it names none; 404, there is no such flow (with the reason given)
    """
    if id_ is None:
        raise flow_id_missing()
    return await store.must(ctx.db, kind, id_, reason=missing)


async def draw(ctx: Context, flow: Flow, subject: Subject | None = None) -> None:
    """Let every enabled method of this kind draw its part of the form, then sort. A form that is the same for everybody
    is kept.
    """
    strangers = (flow.kind, flow.type, flow.situation, flow.identity_schema)
    is_first = subject is None and flow.situation in _FIRST and not flow.ui.nodes
    if is_first and (known := ctx.project.drawn.get(strangers)):
        flow.ui.nodes = list(known)
        return
    guarded, steady = flow.is_browser, True
    for method in ALL:
        part = method.part(flow.kind)
        if part and (method.id == "profile" or ctx.project.has_method(method.id)):
            before = len(flow.ui.nodes)
            steady = steady and part.steady
            await part.draw(ctx, flow, subject)
            guarded = guarded or (part.draws_token and len(flow.ui.nodes) > before)
    if guarded:  # an app's form has the field too, empty, but only beside others
        flow.ui.put(ui.CSRF_NODE)
    sort(ctx, flow, subject)
    if is_first and steady:
        ctx.project.drawn[strangers] = tuple(flow.ui.nodes)


async def draw_with(ctx: Context, flow: Flow, method: str) -> None:
    """Draw the one method that `use` names, for recovery and verification. Their forms are never sorted."""
    part = BY_ID[method].part(flow.kind) if method in BY_ID else None
    if part is None or not ctx.project.has_method(method):
        raise bad_request(
            f"The method {method!r}, which {flow.kind} uses here, is switched off. An administrator can switch it on.",
            check=SWITCHED_OFF if flow.kind == "recovery" else "",
        )
    await part.draw(ctx, flow, None)


def sort(ctx: Context, flow: Flow, subject: Subject | None = None) -> None:
    match flow.kind:
        case "login":
            flow.ui.sort(LOGIN_ORDER)
        case "registration":
            keys = ctx.project.schema(flow.identity_schema).keys
            flow.ui.sort(Order(REGISTRATION_GROUPS, ("csrf_token", *keys[:1], "password", *keys[1:], *_KEYS_OF_KEYS)))
        case "settings":
            keys = ctx.project.schema(subject.identity.schema_id).keys if subject else ("traits",)
            flow.ui.sort(Order(SETTINGS_GROUPS, (*keys, *_SETTINGS_KEYS)))


def choose(ctx: Context, flow: Flow, form: Form) -> tuple[Method, Part]:
    """The method a submit is for: the first one that claims it.

    :raises FormError: the form cannot be read, or no method claims it
    :raises ApiError: 404, the method is switched off
    """
    if form.unreadable:
        raise form.unreadable
    for method in ALL:
        part = method.part(flow.kind)
        if part is None or (part.serves and not part.serves(ctx, flow)):
            continue
        if not (part.claims(flow, form) if part.claims else form.method == method.id):
            continue
        if not part.reads_first:
            _check_enabled(ctx, method)
        return method, part
    raise form_error(_NOBODY[flow.kind]())


def _check_enabled(ctx: Context, method: Method) -> None:
    if method.id != "profile" and not ctx.project.has_method(method.id):
        raise endpoint_disabled()


class Submitted:
    """One submit on its way: what was chosen and read so far, so that a refusal can put it back into the form."""

    __slots__ = ("begun", "data", "method", "part")

    def __init__(self) -> None:
        self.begun = time.monotonic()
        self.method: Method | None = None
        self.part: Part | None = None
        self.data: Any = None

    @property
    def about(self) -> Submission:
        return Submission(method=self.id, transient_payload=getattr(self.data, "transient_payload", {}))

    @property
    def id(self) -> str:
        return self.method.id if self.method else ""


async def submit(ctx: Context, flow: Flow, form: Form, subject: Subject | None, so_far: Submitted) -> Outcome:
    """Choose, read, guard, and ask the method.

    :raises FormError: to be shown on the form (see `refuse`)
    :raises ApiError: what no form can mend
    """
    schema = ctx.project.schema(
        subject.identity.schema_id if subject and flow.kind == "settings" else flow.identity_schema
    )
    by_post = flow.kind in ("login", "registration") or (flow.kind == "recovery" and flow.active == "code")
    if ctx.client.method == "GET" and by_post and not _is_link(flow, form):
        raise form_error(messages.GENERIC(reason="Forms are sent with POST."))
    try:
        so_far.method, so_far.part = choose(ctx, flow, form)
    except FormError:
        if flow.kind == "registration" and not form.unreadable:
            _check_unclaimed(schema, form, so_far)
        raise
    part = so_far.part
    so_far.data, told = forms.read(form, part.form, (*(schema.trait_paths if part.traits else ()), *part.paths))
    required = (*part.required, *part.also_required(so_far.data))
    told += [(messages.PROPERTY_MISSING(property=n), n) for n in required if not getattr(so_far.data, n)]
    emails = [(name, getattr(so_far.data, name)) for name in part.emails]
    told += [(messages.NOT_AN_EMAIL(value=v), n) for n, v in emails if v and not formats.email_loose(v)]
    for name, allowed in part.choices.items():
        if (sent := getattr(so_far.data, name)) and sent not in allowed:
            told.append((messages.GENERIC(reason=f"This has to be one of: {', '.join(allowed)}."), name))
    if part.traits and part.checks_traits:
        told += schema.check(so_far.data.traits)
    if told:
        raise FormError(*told)
    _check_enabled(ctx, so_far.method)
    if part.csrf(so_far.data) and not flow.is_unguarded:
        guard.check(ctx, flow, form)
    if subject and part.privileged(so_far.data) and not sessions.is_privileged(ctx, subject.session):
        raise FreshSignInNeeded
    if subject and part.guards_factors and subject.identity.available_aal == "aal2" != subject.session.aal:
        raise SecondStepNeeded
    try:
        return await part.submit(ctx, flow, so_far.data, so_far.about, subject)
    except Unclaimed as error:
        so_far.method = None
        raise form_error(_NOBODY[flow.kind]()) from error


def _is_link(flow: Flow, form: Form) -> bool:
    """Whether a method whose submits may be links claims this one."""
    parts = (method.part(flow.kind) for method in ALL)
    return any(part.by_link and part.claims and part.claims(flow, form) for part in parts if part)


class _Traits(Struct):
    traits: dict[str, Any] = {}


def _check_unclaimed(schema: IdentitySchema, form: Form, so_far: Submitted) -> None:
    """A sign-up that no method claims is told first what is wrong with its traits: the rest can wait."""
    data, _ = forms.read(form, _Traits, schema.trait_paths)
    if told := schema.check(data.traits):
        so_far.data = data
        raise FormError(*told)


async def go_on(ctx: Context, flow: Flow, step: Next, subject: Subject | None = None) -> None:
    """Draw the next form of the same flow, with these traits in it."""
    flow.situation = step.situation
    await draw(ctx, flow, subject)
    flow.ui.fill(step.traits, "traits", "default")
    sort(ctx, flow, subject)


def refuse(ctx: Context, flow: Flow, error: FormError, so_far: Submitted, subject: Subject | None = None) -> None:
    """Put the messages on the form, and what was typed back into it; leave a trace of why."""
    why.tell(ctx, flow, why.of_form(ctx, error), method=so_far.id)
    if (traits := getattr(so_far.data, "traits", None)) is not None:
        flow.ui.refill(traits, "traits")
    if so_far.part is not None and so_far.part.refused:
        so_far.part.refused(flow, so_far.data)
    if flow.kind != "verification" and (so_far.part is None or not so_far.part.keeps_messages):
        flow.ui.clear_messages()
    for message, field in error.told:
        flow.ui.tell(message, field)
    sort(ctx, flow, subject)


async def send(ctx: Context, flow: Flow, sent: Sent) -> Reply:
    """Send the browser elsewhere first; a script or an app is told where."""
    commit = ctx.db.begin()
    flow.updated_at = ctx.stamp
    (store.note if sent.may_be_lost else store.update)(commit, flow)
    if sent.then:
        sent.then(commit)
    await ctx.db.commit(commit)
    if not ctx.client.is_json and flow.is_browser:
        return Reply(json=False, url=sent.url, paused=sent.paused)
    error = location_change_required(sent.url)
    return Reply(json=True, status=error.status, error=error, paused=sent.paused)


async def keep(ctx: Context, flow: Flow, *thens: Then | None) -> None:
    """Store the flow as it is now, together with what must be written with it."""
    commit = ctx.db.begin()
    flow.updated_at = ctx.stamp
    store.update(commit, flow)
    for then in thens:
        if then is not None:
            then(commit)
    await ctx.db.commit(commit)
    flow.version += 1


async def keep_refused(ctx: Context, flow: Flow, *thens: Then | None) -> None:
    """Store what the form says to a submit that failed. It takes nothing from another one at the same moment."""
    commit = ctx.db.begin()
    flow.updated_at = ctx.stamp
    store.refuse(commit, flow)
    for then in thens:
        if then is not None:
            then(commit)
    await ctx.db.commit(commit)


async def keep_shown(ctx: Context, flow: Flow, step: Shown, so_far: Submitted) -> None:
    """Store the flow before it is shown again."""
    await keep(ctx, flow, step.then)
    if step.even:
        await pace.even(so_far.begun)


def page(ctx: Context, flow: Flow) -> str:
    """The address of the page that shows this flow."""
    return ctx.project.flow_page(flow.kind, flow.id)


def confirmation(ctx: Context, flow: Flow, form: Form) -> Reply | None:
    """Where people see our own pages, a link that was opened asks for a click first: mail scanners open links, too.

    The click has to be made there: a form on a page elsewhere that sends a stranger's link would sign people in to the
    stranger's account. A script that sends JSON cannot be on such a page.
    """
    token = form.get("token")
    ours = flow.kind == "login" or ctx.project.has_own_page(flow.kind)  # Kratos knows no links that sign in
    if not token or not ours:
        return None
    clicked = ctx.client.sends_json or csrf.fits(ctx.client.csrf, form.get(guard.csrf_field))
    if ctx.client.method != "GET" and clicked:
        return None
    query = {"kind": flow.kind, "flow": flow.id, "token": token}
    return Reply(json=False, url=urls.with_query(urls.join(ctx.project.public_url, "/ui/link"), query))


def shown(ctx: Context, flow: Flow, *, json: bool, status: int = 200, **more: Any) -> Reply:
    return Reply(json=json, status=status, flow=flow, url="" if json else page(ctx, flow), **more)


def failed(ctx: Context, error: ApiError, flow: Flow | None = None) -> Reply:
    """An error nobody can mend in the form: JSON for those who read it, the error page for browsers."""
    client = ctx.client
    if (
        flow is not None
        and flow.is_browser
        and flow.kind in ("login", "registration")
        and (error.status, error.code) == (400, 500)
    ):
        error.status = 500  # as Kratos answers browsers here, and apps 400
    json = client.is_json or client.accepts_json or (flow is not None and not flow.is_browser)
    return Reply(json=json, status=error.status, error=error)
