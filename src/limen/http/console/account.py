"""Signing in and up, one's own settings, and signing out, on the operator's port."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from limen.core import clock, csrf, messages
from limen.core.errors import ApiError
from limen.flow.body import ui_body
from limen.http.console import flows
from limen.http.console.answers import read, session_cookie
from limen.http.console.callers import credentials, identify
from limen.http.console.route import Route
from limen.http.kit import Answer, Call, json_answer
from limen.project import operators
from limen.selfservice import login, registration, settings
from limen.selfservice.reply import Reply
from limen.session import own, strength
from limen.session import service as sessions
from limen.session.model import Subject

INVALID = "Invalid credentials"


class Login(Struct, forbid_unknown_fields=True):
    """E-mail (or another identifier) and password; or what the next step asks for."""

    flow_id: str | None = None
    email: str | None = None
    password: str | None = None
    totp_code: str | None = None
    lookup_secret: str | None = None
    webauthn_login: str | None = None
    code: str | None = None


class Register(Struct, forbid_unknown_fields=True):
    """`traits` may have what the identity schema asks for beside the e-mail."""

    email: str
    password: str
    flow_id: str | None = None
    traits: dict[str, Any] = {}
    invite_token: str | None = None


class MagicLink(Struct, forbid_unknown_fields=True):
    email: str


class Settings(Struct, forbid_unknown_fields=True):
    """`method` is password or profile."""

    method: str
    flow_id: str | None = None
    password: str | None = None
    traits: dict[str, Any] | None = None


# --- signing in ---------------------------------------------------------------------------------------------------------


async def _begin_login(call: Call) -> Answer:
    ctx, known = flows.inner(call, "login"), call.first("flow_id")
    return _shown(call, await (login.fetch(ctx, known) if known else login.start(ctx, flows.API)))


def _shown(call: Call, reply: Reply) -> Answer:
    """A flow: its form, which a front end may draw, and in short what it offers."""
    flow = flows.flow_of(reply)
    ui = ui_body(call.site.project, flow, "")
    return json_answer({"flow_id": flow.id, "expires_at": flow.expires_at, "methods": flows.ways(flow), "ui": ui})


async def _login(call: Call) -> Answer:
    asked = await read(call, Login)
    method, values = _proof(asked)
    second = method in ("totp", "lookup_secret") or (method == "webauthn" and not asked.email)
    token = credentials(call)[1] if second else ""
    ctx = flows.inner(call, "login", token=token, **({"aal": "aal2"} if second else {}))
    flow_id = asked.flow_id or flows.flow_of(await login.start(ctx, flows.API)).id
    reply = await login.submit(ctx, flow_id, flows.form(method=method, **values))
    return await signed_in(call, flows.body_of(reply, status=401, message=INVALID), token)


def _proof(asked: Login) -> tuple[str, Mapping[str, str | None]]:
    """The method that fits what was sent, and its fields.

    :raises ApiError: 400, nothing was sent that proves anything
    """
    if asked.password is not None:
        return "password", {"identifier": asked.email or "", "password": asked.password}
    if asked.totp_code is not None:
        return "totp", {"totp_code": asked.totp_code}
    if asked.lookup_secret is not None:
        return "lookup_secret", {"lookup_secret": asked.lookup_secret}
    if asked.webauthn_login is not None:
        return "webauthn", {"webauthn_login": asked.webauthn_login, "identifier": asked.email}
    if asked.code is not None or asked.email:
        return "code", {"identifier": asked.email, "code": asked.code}
    raise ApiError(400, "Nothing to sign in with.", reason="Send email and password, or what the next step asks for.")


async def signed_in(call: Call, body: dict[str, Any], token: str) -> Answer:
    """The session, in the body and in the cookie, and what is still missing for it to be of use."""
    token = str(body.get("session_token") or token)
    ctx = flows.inner(call, "login", token=token)
    subject = await sessions.must(ctx)
    following = await _next(call, subject, token)
    shown = sessions.body(ctx, subject.session, None if following else subject.identity)
    role = await operators.role_of(ctx.db, subject.identity.id)
    answer = {
        "session_token": token,
        "session": shown,
        "role": role or None,
        "next": following,
        "continue_with": body.get("continue_with") or [],
    }
    return json_answer(answer, headers=[session_cookie(call, token, subject.session.expires_at)])


async def _next(call: Call, subject: Subject, token: str) -> dict[str, Any] | None:
    """What the session still needs: the second factor, or one to be set up."""
    session, identity = subject.session, subject.identity
    missing = strength.lack(call.site.project, session, identity, call.ctx.stamp)
    if missing == "factor":
        return {"step": "set_up_second_factor", "methods": [], "flow_id": None}
    if session.aal == "aal2" or identity.available_aal != "aal2":
        return None
    ctx = flows.inner(call, "login", token=token, aal="aal2")
    flow = flows.flow_of(await login.start(ctx, flows.API))
    return {"step": "second_factor", "methods": flows.ways(flow), "flow_id": flow.id}


async def _magic_link(call: Call) -> Answer:
    """The same answer for members and strangers; what goes wrong with a mail is the courier's business."""
    asked = await read(call, MagicLink)
    if not call.site.project.config.limen.methods.link.login_enabled:
        raise ApiError(
            404, "Links that sign in are switched off.", reason="Set limen.methods.link.login_enabled to send them."
        )
    secret = csrf.new_secret()  # nobody has it: whoever opens the link gets a secret of their own
    ctx = flows.inner(call, "login", secret=secret)
    flow = flows.flow_of(await login.start(ctx, "browser"))
    form = flows.form(method="link", identifier=asked.email, csrf_token=csrf.mask(secret))
    reply = await login.submit(ctx, flow.id, form)
    if reply.error is not None:
        raise reply.error
    return json_answer({"message": messages.LOGIN_LINK_SENT().text}, 202)


# --- signing up ---------------------------------------------------------------------------------------------------------


async def _begin_register(call: Call) -> Answer:
    ctx, known = flows.inner(call, "registration"), call.first("flow_id")
    return _shown(call, await (registration.fetch(ctx, known) if known else registration.start(ctx, flows.API)))


async def _register(call: Call) -> Answer:
    asked = await read(call, Register)
    invited = {"invite_token": asked.invite_token} if asked.invite_token else {}
    ctx = flows.inner(call, "registration", **invited)
    flow_id = (asked.flow_id if not invited else None) or flows.flow_of(await registration.start(ctx, flows.API)).id
    traits = {"email": asked.email, **asked.traits}
    form = flows.form(method="password", password=asked.password, traits=traits)
    reply = await registration.submit(ctx, flow_id, form)
    uninvited = reply.flow is not None and flows.is_uninvited(reply.flow)
    body = flows.body_of(reply, status=403 if uninvited else 400, message="The account was not created.")
    if not body.get("session_token"):  # the project lets nobody in by signing up alone
        waits = {"identity": body.get("identity"), "session_token": None, "session": None}
        return json_answer({**waits, "continue_with": body.get("continue_with") or []})
    return await signed_in(call, body, "")


# --- one's own account --------------------------------------------------------------------------------------------------


async def _begin_settings(call: Call) -> Answer:
    ctx = flows.inner(call, "settings", token=credentials(call)[1])
    return _shown(call, await settings.start(ctx, flows.API))


async def _settings(call: Call) -> Answer:
    asked = await read(call, Settings)
    if asked.method not in ("password", "profile"):
        raise ApiError(400, f"{asked.method!r} is not changed here.", reason="`method` is password or profile.")
    ctx = flows.inner(call, "settings", token=credentials(call)[1])
    flow_id = asked.flow_id or flows.flow_of(await settings.start(ctx, flows.API)).id
    form = flows.form(method=asked.method, password=asked.password, traits=asked.traits)
    reply = await settings.submit(ctx, flow_id, form)
    if reply.error is not None:
        raise reply.error
    flow = reply.flow
    if flow is None or flow.state != "success":
        raise flows.refused(flow, 400, "Nothing was changed.") if flow else ApiError(400, "Nothing was changed.")
    subject = await sessions.must(ctx)
    return json_answer({"state": flow.state, "identity": sessions.identity_body(call.site.project, subject.identity)})


async def _session(call: Call) -> Answer:
    caller = await identify(call)
    if caller.subject is None:
        return json_answer({"session": None, "role": caller.role or None, "next": None})
    following = await _next(call, caller.subject, credentials(call)[1])
    identity = None if following else caller.subject.identity
    body = sessions.body(call.ctx, caller.subject.session, identity)
    return json_answer({"session": body, "role": caller.role or None, "next": following})


async def _logout(call: Call) -> Answer:
    ctx = flows.inner(call, "logout", token=credentials(call)[1])
    if subject := await sessions.current(ctx):
        await own.sign_out(ctx, subject)
    return Answer(204, headers=[session_cookie(call, "", clock.text(call.ctx.now))])


_EMAIL, _PASSWORD = "ann@example.org", "correct-horse-battery-1"
ROUTES = (
    Route(
        id="beginLogin", method="GET", path="/api/auth/login", tag="account", says="Begin to sign in", may="anyone",
        handler=_begin_login, answers={200: "begun"}, errors=(403, 404, 410), takes="flow_id",
    ),
    Route(
        id="login", method="POST", path="/api/auth/login", tag="account", says="Sign in, or take the next step of it",
        may="anyone", handler=_login, body=Login, answers={200: "signedIn"}, errors=(401, 404, 410, 429),
        example={"email": _EMAIL, "password": _PASSWORD},
    ),
    Route(
        id="sendMagicLink", method="POST", path="/api/auth/login/magic-link", tag="account",
        says="Mail a link that signs in, once", may="anyone", handler=_magic_link, body=MagicLink,
        answers={202: "said"}, errors=(404,), example={"email": _EMAIL},
    ),
    Route(
        id="beginRegister", method="GET", path="/api/auth/register", tag="account", says="Begin to sign up", may="anyone",
        handler=_begin_register, answers={200: "begun"}, errors=(400, 403, 404, 410), takes="flow_id",
    ),
    Route(
        id="register", method="POST", path="/api/auth/register", tag="account", says="Sign up", may="anyone",
        handler=_register, body=Register, answers={200: "signedIn"}, errors=(403, 404, 409, 410, 429),
        example={"email": "ben@example.org", "password": _PASSWORD},
    ),
    Route(
        id="getSession", method="GET", path="/api/auth/session", tag="account", says="Who am I, and with which role",
        may="anyone", handler=_session, answers={200: "whoAmI"}, errors=(401,),
    ),
    Route(
        id="logout", method="POST", path="/api/auth/logout", tag="account", says="Sign out", may="anyone",
        handler=_logout, answers={204: ""}, errors=(401, 403),
    ),
    Route(
        id="beginSettings", method="GET", path="/api/auth/settings", tag="account", says="Begin to change one's account",
        may="person", handler=_begin_settings, answers={200: "begun"},
    ),
    Route(
        id="changeSettings", method="POST", path="/api/auth/settings", tag="account",
        says="Change one's password or profile", may="person", handler=_settings, body=Settings,
        answers={200: "changed"}, errors=(404, 409, 410, 422, 429),
        example={"method": "profile", "traits": {"email": _EMAIL, "name": "Ann"}},
    ),
)  # fmt: skip
