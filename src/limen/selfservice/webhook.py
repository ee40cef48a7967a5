"""A web hook: its request, made of a Jsonnet template, and how it is sent. What its answer does: `hookanswer.py`."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from limen.context import Context
from limen.core import configuredcall, errors, jsonnet, sources, standardwebhooks
from limen.core.confighooks import WebHookConfig
from limen.core.configuredcall import FORM, JSON
from limen.core.errors import ApiError
from limen.core.ids import new_id
from limen.core.outbound import Answer, OutboundError, Retry, TimedOut, is_unwell
from limen.core.target import shown
from limen.flow.body import flow_body
from limen.flow.model import Flow
from limen.identity.model import Identity
from limen.selfservice import hookanswer
from limen.selfservice.hookanswer import Unreadable
from limen.session import service as sessions
from limen.session.model import Session

SECONDS = 30.0  # for one attempt, redirects included
REDIRECTS = 9
RETRY = Retry(attempts=3, pause=1, longest=30)
KEEP = 3600.0  # seconds a template from the web is kept


class Occasion(Struct, frozen=True):
    """What a hook is told about. `owner`: whose session or settings it is, as they were before any change."""

    flow: Flow
    payload: dict[str, Any] | None = None
    identity: Identity | None = None
    session: Session | None = None
    owner: Identity | None = None


class Failed(Exception):
    """The call could not be made or was not answered; the text is for the operator, and holds no secret."""


async def call(ctx: Context, hook: WebHookConfig, about: Occasion) -> Identity | None:
    """Call a web hook; returns the person as its answer wants them (None: nobody is concerned).

    :raises FormError: it says no, with messages
    :raises ApiError: 502 or 504, it failed; code 500, it could not be called, or says what cannot be read
    """
    if not hook.response.ignore:
        return await _answered(ctx, hook, about)
    if hook.response.parse or hook.can_interrupt:
        raise errors.misconfigured("A web hook whose answer is ignored can neither change anything nor interrupt.")
    request = _Request(ctx, hook, about)
    if not ctx.outbound.later(_ignored(ctx, hook, about, request)):
        _tell_failure(ctx, hook, about, "too many calls are under way already")
    return about.identity


async def _ignored(ctx: Context, hook: WebHookConfig, about: Occasion, request: _Request) -> None:
    try:
        answer = await request.send()
        _tell(ctx, hook, about, answer)
    except jsonnet.Cancelled:
        return
    except (Failed, TimedOut) as error:
        _tell_failure(ctx, hook, about, str(error))


async def _answered(ctx: Context, hook: WebHookConfig, about: Occasion) -> Identity | None:
    try:
        answer = await _Request(ctx, hook, about).send()
        _tell(ctx, hook, about, answer)
        if is_unwell(answer.status):
            raise Failed(f"it answered {answer.status}, and {RETRY.attempts} times nothing better")
        if answer.status >= 400:
            if hook.can_interrupt or hook.response.parse:
                raise hookanswer.refusal(answer)
            raise errors.hook_refused(answer.status)
        if answer.status == 200 and hook.response.parse:
            return hookanswer.change(ctx, answer, about.identity)
    except jsonnet.Cancelled:
        return about.identity
    except TimedOut as error:
        _tell_failure(ctx, hook, about, str(error))
        raise errors.hook_timed_out() from error
    except (Failed, Unreadable) as error:
        _tell_failure(ctx, hook, about, str(error))
        raise errors.hook_failed() from error
    return about.identity


def _tell(ctx: Context, hook: WebHookConfig, about: Occasion, answer: Answer) -> None:
    if hook.emit_analytics_event:
        ctx.events.tell("webhook.delivered", _concerned(about), **_named(hook, about), status=answer.status)


def _tell_failure(ctx: Context, hook: WebHookConfig, about: Occasion, why: str) -> None:
    ctx.events.tell("webhook.failed", _concerned(about), **_named(hook, about), why=why)


def _concerned(about: Occasion) -> str:
    return about.identity.id if about.identity else ""


def _named(hook: WebHookConfig, about: Occasion) -> dict[str, str]:
    return {"flow": about.flow.id, "url": shown(hook.url), **({"hook": hook.id} if hook.id else {})}


class _Request:
    """One call, with its attempts. What it tells is taken down when it is made: the flow may go on meanwhile."""

    def __init__(self, ctx: Context, hook: WebHookConfig, about: Occasion) -> None:
        self._ctx, self._hook = ctx, hook
        self._id = new_id()
        self._told = None if hook.method == "TRACE" else _told(ctx, about)
        self._body = b""

    async def send(self) -> Answer:
        """:raises jsonnet.Cancelled: the template says that no call is wanted
        :raises Failed: no request, or no answer
        :raises TimedOut: no answer in time
        """
        hook = self._hook
        headers = configuredcall.headers(hook.headers, hook.auth)
        if self._told is not None:
            self._body = await self._made(headers["Content-Type"])
        wants_body = hook.can_interrupt or hook.response.parse
        try:
            return await self._ctx.outbound.request(
                hook.method, hook.url, headers=headers, each=self._each, body=self._body,
                seconds=SECONDS, retry=RETRY, redirects=REDIRECTS, wants_body=wants_body,
            )  # fmt: skip
        except TimedOut:
            raise
        except OutboundError as error:
            raise Failed(str(error)) from error

    async def _made(self, content_type: str) -> bytes:
        kind = content_type.partition(";")[0].strip().lower()
        if kind not in (JSON, FORM):
            raise Failed(f"a body of the type {content_type} cannot be made; {JSON} and {FORM} can")
        if not self._hook.body:
            raise Failed("it has no template for its body")
        try:
            snippet = (await self._template(self._hook.body)).decode()
            text = await jsonnet.evaluate(snippet, ctx=self._told, name="body")
        except jsonnet.Cancelled:
            raise
        except (jsonnet.JsonnetError, sources.SourceError, OutboundError, UnicodeDecodeError) as error:
            raise Failed(f"its body cannot be made: {error}") from error
        try:
            return configuredcall.form(text) if kind == FORM else text.encode()
        except ValueError as error:
            raise Failed(f"its body cannot be made: {error}") from error

    async def _template(self, source: str) -> bytes:
        """A file is read for every call, as in Kratos: who changes it need not restart anything."""
        if sources.is_remote(source):
            return await self._ctx.outbound.document(source, keep=KEEP)
        return sources.read(source)

    def _each(self) -> dict[str, str]:
        """What each attempt has of its own: its id, and, when there is a secret, its time and signature."""
        made: dict[str, str] = {}
        if self._hook.emit_analytics_event:
            made |= {"Ory-Webhook-Request-ID": new_id(), "Ory-Webhook-Trigger-ID": self._id}
        secrets = self._ctx.project.config.limen.webhooks.secrets
        return made | standardwebhooks.sign(secrets, self._id, int(self._ctx.now.timestamp()), self._body)


def _told(ctx: Context, about: Occasion) -> dict[str, Any]:
    """What the template is a function of (reference: the guide's page on hooks)."""
    client, project = ctx.client, ctx.project
    flow = flow_body(project, about.flow, client.csrf)
    if about.payload is not None and (about.payload or about.flow.kind != "settings"):
        flow["transient_payload"] = about.payload
    if about.flow.kind == "settings" and about.owner:
        flow["identity"] = sessions.identity_body(project, about.owner)
    told: dict[str, Any] = {
        "flow": flow,
        "request_headers": configuredcall.allowed(client.headers, project.config.clients.web_hook.header_allowlist),
        "request_method": client.method,
        "request_url": client.url,
        "request_cookies": dict(client.cookies),
    }
    if about.identity:
        told["identity"] = sessions.identity_body(project, about.identity)
    if about.session:
        told["session"] = sessions.body(ctx, about.session, about.owner or about.identity)
    return told


def as_api_error(error: errors.FormError, *, status: int) -> ApiError:
    """A refusal where there is no form yet: one error that says what the hook says."""
    said = " ".join(message.text for message, _ in error.told if message.text)
    return errors.untyped(said or "A check that this server's operator set up says no.", status)
