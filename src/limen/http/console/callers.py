"""Who calls the operator's API: nobody, a person, an operator with a role, or a program with a key; and what that allows."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from limen.core import clock
from limen.core.devices import ip_address as bare
from limen.core.errors import ApiError
from limen.http.console.route import Route
from limen.http.kit import Call
from limen.project import apikeys, operators
from limen.project.apikeys import ApiKey
from limen.project.model import console_origins, console_url
from limen.session import service as sessions
from limen.session.model import Subject

COOKIE = "truss_session"
_PASSED_ON = (
    "forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "true-client-ip",
    "cf-connecting-ip",
)  # fmt: skip
LOCAL = "operator:local"  # whoever sits at this machine, where operators need not sign in


class Caller(Struct, frozen=True):
    """`subject` is the session of a person or an operator, `role` an operator's, `key` a program's."""

    kind: Literal["nobody", "person", "operator", "program"]
    subject: Subject | None = None
    role: str = ""
    key: ApiKey | None = None

    @property
    def actor(self) -> str:
        """How this caller is called in the audit log when it acts for others."""
        match self.kind:
            case "operator":
                return f"operator:{self.subject.identity.id}" if self.subject else LOCAL
            case "program" if self.key:
                return f"key:{self.key.id}"
        return ""


def credentials(call: Call) -> tuple[str, str]:
    """The API key and the session token that a request carries; the cookie counts last, and after it the one
    of the public port, which a browser sends here, too: cookies know no ports.
    """
    scheme, _, bearer = call.headers.get("authorization", "").partition(" ")
    bearer = bearer if scheme.lower() == "bearer" else ""
    key = call.headers.get("apikey") or call.headers.get("x-api-key") or ""
    if not key and bearer.startswith("truss_"):
        key, bearer = bearer, ""
    return key, call.headers.get("x-session-token") or bearer or call.cookies.get(COOKIE) or call.session_token()


async def identify(call: Call) -> Caller:
    """:raises ApiError: 401, a key that is none, or is none any more"""
    key, token = credentials(call)
    ctx = call.ctx
    if key:
        found = await apikeys.find(ctx.db, key, ctx.stamp)
        if found is None:
            raise ApiError(401, "This API key is not valid.", reason="It was revoked, has expired, or is misspelt.")
        if not found.last_used_at or clock.after(clock.parse(found.last_used_at), apikeys.USED_EVERY) <= ctx.stamp:
            await apikeys.note_use(ctx.db, found, ctx.stamp)
        return Caller("program", key=found)
    if token:
        call.ctx = ctx = replace(ctx, client=replace(ctx.client, token=token))
        if subject := await sessions.current(ctx):
            role = await operators.role_of(ctx.db, subject.identity.id)
            return Caller("operator" if role else "person", subject, role)
    if not ctx.project.config.limen.console.auth_required and _is_here(call):
        return Caller("operator", role="owner")
    return Caller("nobody")


def _is_here(call: Call) -> bool:
    """Whether the request comes from this machine, and was meant for it: a name that a page had resolved to us is not,
    nor is what a proxy passes on.
    """
    if any(name in call.headers for name in _PASSED_ON):
        return False
    try:
        from_here = ip_address(bare(call.ctx.client.ip)).is_loopback
        return from_here and (call.host == "localhost" or ip_address(call.host).is_loopback)
    except ValueError:
        return False


def check(call: Call, caller: Caller, route: Route) -> None:
    """Whether this caller may use this operation. What is not allowed here is forbidden.

    :raises ApiError: 401, nobody has signed in; 403, it is for others, or asks for a fresh sign-in or a second factor
    """
    match route.may:
        case "anyone":
            return
        case "service":
            if caller.key is None:
                raise ApiError(401, "An API key is needed.", reason="Send it in the header `apikey`.")
            if caller.key.role != "service_role":
                raise ApiError(403, "This key may not do that.", reason="It takes a key with the role service_role.")
            return
        case "person":
            if caller.subject is None:
                raise _sign_in()
            return
    if caller.kind == "nobody":
        raise _sign_in()
    if not operators.reaches(caller.role, route.may):
        raise ApiError(403, "This is for operators.", reason=f"It takes the role {route.may}.")
    if caller.subject is None:
        return
    if not sessions.satisfies(caller.subject.session, caller.subject.identity, "highest_available"):
        raise ApiError(
            403, "The second factor is missing.", id="session_aal2_required",
            reason="Go on at POST /api/auth/login with the second factor.",
        )  # fmt: skip
    if route.recent and not sessions.is_privileged(call.ctx, caller.subject.session):
        raise ApiError(
            403, "Sign in again for this.", id="session_refresh_required",
            reason="This destroys or gives away something, so the sign-in has to be fresh.",
        )  # fmt: skip


async def check_rank(call: Call, identity_id: str) -> None:
    """Whether the operator who calls may lay hands on this person: who could take over the account of an operator with more
    rights would have these.

    :raises ApiError: 403, they are an operator with more rights
    """
    ctx = call.ctx
    role = await operators.role_of(ctx.db, identity_id)
    if not role or ctx.client.actor == LOCAL:
        return
    own = await operators.role_of(ctx.db, ctx.client.actor.partition(":")[2])
    if not operators.reaches(own, role):
        raise ApiError(
            403, "This person is an operator with more rights than yours.", reason=f"It takes the role {role}."
        )


def _sign_in() -> ApiError:
    return ApiError(401, "Sign in first.", id="session_inactive", reason="There is no valid session with this request.")


def check_origin(call: Call, caller: Caller) -> None:
    """A cookie is sent by every page that makes the browser call; so the page has to be one of ours.

    :raises ApiError: 403, another site's page calls; 415, a body that any page could send without being asked
    """
    if call.method in ("GET", "HEAD", "OPTIONS"):
        return
    origin = call.headers.get("origin", "")
    site = call.headers.get("sec-fetch-site", "")
    allowed = origin in origins(call) if origin else site in ("", "same-origin", "none")
    if not allowed and (caller.kind != "program"):
        raise ApiError(
            403, "This page may not call.", id="security_csrf_violation",
            reason="Add its origin to limen.console.allowed_origins.",
        )  # fmt: skip
    has_body = call.headers.get("content-length", "0") != "0" or "transfer-encoding" in call.headers
    kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    if has_body and kind not in ("application/json", "text/csv"):
        raise ApiError(
            415, "Send JSON.", reason=f"The header Content-Type has to be application/json, not {kind or 'missing'}."
        )


def origins(call: Call) -> frozenset[str]:
    """The origins whose pages may call: our own, and those that are listed."""
    return console_origins(call.site.project.config)


def base_url(call: Call) -> str:
    """How operators reach this port."""
    return console_url(call.site.project.config)
