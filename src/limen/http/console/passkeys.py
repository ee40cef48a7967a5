"""Signing in with a passkey on the operator's port, in two calls: what to ask the browser for, and what it answered."""

from __future__ import annotations

from msgspec import Struct

from limen.core import csrf
from limen.core.errors import ApiError
from limen.http.console import flows
from limen.http.console.account import INVALID, signed_in
from limen.http.console.answers import passing_cookie, read
from limen.http.console.factors import node_of, options
from limen.http.console.route import Route
from limen.http.kit import Answer, Call, json_answer
from limen.selfservice import login

COOKIE = "truss_passkey"  # names the flow to the second call
SECONDS = 900


class PasskeyLogin(Struct, forbid_unknown_fields=True):
    """`webauthn_login` is the assertion the browser made, as JSON text."""

    webauthn_login: str
    flow_id: str | None = None


async def _begin_passkey(call: Call) -> Answer:
    ctx = flows.inner(call, "login", secret=csrf.new_secret())
    flow = flows.flow_of(await login.start(ctx, "browser"))
    body = {"flow_id": flow.id, "publicKey": options(node_of(flow, "passkey_challenge"))}
    return json_answer(body, headers=[passing_cookie(call, COOKIE, flow.id, "/api/auth/login", SECONDS)])


async def _passkey(call: Call) -> Answer:
    asked = await read(call, PasskeyLogin)
    secret = csrf.new_secret()
    ctx = flows.inner(call, "login", secret=secret)
    form = flows.form(method="passkey", passkey_login=asked.webauthn_login, csrf_token=csrf.mask(secret))
    flow_id = asked.flow_id or call.cookies.get(COOKIE)
    if not flow_id:
        raise ApiError(400, "Begin first.", reason="Send the flow_id that GET /api/auth/login/passkey answered.")
    reply = await login.submit(ctx, flow_id, form)
    body = flows.body_of(reply, status=401, message=INVALID)
    return await signed_in(call, body, reply.issued.token if reply.issued else "")


ROUTES: tuple[Route, ...] = (
    Route(
        id="beginPasskey", method="GET", path="/api/auth/login/passkey", tag="account", says="Begin to sign in with a passkey",
        may="anyone", handler=_begin_passkey, answers={200: "keySetUp"}, errors=(404,),
    ),
    Route(
        id="loginWithPasskey", method="POST", path="/api/auth/login/passkey", tag="account", says="Sign in with a passkey",
        may="anyone", handler=_passkey, body=PasskeyLogin, answers={200: "signedIn"}, errors=(401, 404, 410),
        example={"webauthn_login": "{}", "flow_id": "00000000-0000-4000-8000-000000000000"},
    ),
)  # fmt: skip
