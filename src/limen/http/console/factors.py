"""One's own second factors on the operator's port: an authenticator app, security keys, recovery codes.

Each is set up in two calls. The first begins a settings flow, which the second has to name, by `flow_id` or by the cookie that
the first one set.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from limen.core import csrf, ui
from limen.core.errors import ApiError
from limen.flow.model import Flow
from limen.http.console import flows
from limen.http.console.answers import passing_cookie, read
from limen.http.console.callers import credentials
from limen.http.console.route import Route
from limen.http.kit import Answer, Call, json_answer
from limen.identity import keys
from limen.identity.model import Identity
from limen.selfservice import settings
from limen.selfservice.reply import Reply
from limen.session import service as sessions

COOKIE = "truss_setup"
COOKIE_SECONDS = 900


class VerifyTotp(Struct, forbid_unknown_fields=True):
    totp_code: str
    flow_id: str | None = None


class VerifyKey(Struct, forbid_unknown_fields=True):
    """`webauthn_register` is the credential the browser made, as JSON text."""

    webauthn_register: str
    webauthn_register_displayname: str
    flow_id: str | None = None


class ConfirmCodes(Struct, forbid_unknown_fields=True):
    flow_id: str | None = None


# --- settings flows -----------------------------------------------------------------------------------------------------


async def _begin(call: Call, *, browser: bool = False) -> Flow:
    """A settings flow of the caller's. Keys are set up in flows of browsers alone, as with Kratos."""
    secret = csrf.new_secret() if browser else ""
    ctx = flows.inner(call, "settings", token=credentials(call)[1], secret=secret)
    return flows.flow_of(await settings.start(ctx, "browser" if browser else flows.API))


async def _submit(call: Call, flow_id: str, *, browser: bool = False, **values: Any) -> Reply:
    secret = csrf.new_secret() if browser else ""
    ctx = flows.inner(call, "settings", token=credentials(call)[1], secret=secret)
    form = flows.form(csrf_token=csrf.mask(secret) if browser else None, **values)
    reply = await settings.submit(ctx, flow_id, form)
    if reply.error is not None:
        raise reply.error
    return reply


def _saved(reply: Reply) -> None:
    """:raises ApiError: 400, the form came back"""
    if reply.flow is None or reply.flow.state != "success":
        raise (
            flows.refused(reply.flow, 400, "Nothing was changed.")
            if reply.flow
            else ApiError(400, "Nothing was changed.")
        )


def _kept(call: Call, flow: Flow) -> tuple[str, str]:
    """The cookie that names the flow to the call that ends it."""
    return passing_cookie(call, COOKIE, flow.id, "/api/auth/mfa", COOKIE_SECONDS)


def _flow_id(call: Call, given: str | None) -> str:
    found = given or call.cookies.get(COOKIE, "")
    if not found:
        raise ApiError(400, "Begin first.", reason="Send the flow_id that the set-up answered.")
    return found


def node_of(flow: Flow, *names: str) -> ui.Node:
    """The first of these nodes.

    :raises ApiError: 404, the form has none of them: the factor is switched off, or set up already
    """
    for name in names:
        if found := flow.ui.find(name):
            return found
    raise ApiError(404, "This factor cannot be set up.", reason="It is switched off, or it is set up already.")


async def _me(call: Call) -> Identity:
    return (await sessions.must(flows.inner(call, "settings", token=credentials(call)[1]))).identity


async def _status(call: Call) -> Answer:
    identity = await _me(call)
    held = identity.credentials
    codes = held["lookup_secret"].config.get("recovery_codes", ()) if "lookup_secret" in held else ()
    found = keys.of(identity, "webauthn").credentials if "webauthn" in held else ()
    body = {
        "totp": bool("totp" in held and held["totp"].config.get("totp_url")),
        "webauthn": bool(found),
        "recovery_codes": bool(codes),
        "recovery_codes_left": sum(not code.get("used_at") for code in codes),
        "devices": [{"id": key.hex, "name": key.display_name, "added_at": key.added_at} for key in found],
    }
    return json_answer(body)


# --- an authenticator app -----------------------------------------------------------------------------------------------


async def _set_up_totp(call: Call) -> Answer:
    flow = await _begin(call)
    secret = node_of(flow, "totp_secret_key")
    body = {
        "flow_id": flow.id,
        "totpUrl": str(flow.private.get("totp_url", "")),
        "secret": secret.attributes.text.context["secret"],  # type: ignore[union-attr]
        "qr": node_of(flow, "totp_qr").attributes.src,  # type: ignore[union-attr]
    }
    return json_answer(body, headers=[_kept(call, flow)])


async def _verify_totp(call: Call) -> Answer:
    asked = await read(call, VerifyTotp)
    _saved(await _submit(call, _flow_id(call, asked.flow_id), method="totp", totp_code=asked.totp_code))
    return await _status(call)


async def _remove_totp(call: Call) -> Answer:
    flow = await _begin(call)
    node_of(flow, "totp_unlink")
    _saved(await _submit(call, flow.id, method="totp", totp_unlink=True))
    return Answer(204)


# --- security keys ------------------------------------------------------------------------------------------------------


def options(node: ui.Node) -> Any:
    """What a browser's `navigator.credentials` is asked with."""
    found = msgspec.json.decode(str(node.value))
    return found.get("publicKey", found)


async def _set_up_key(call: Call) -> Answer:
    flow = await _begin(call, browser=True)
    body = {"flow_id": flow.id, "publicKey": options(node_of(flow, "webauthn_register_trigger"))}
    return json_answer(body, headers=[_kept(call, flow)])


async def _verify_key(call: Call) -> Answer:
    asked = await read(call, VerifyKey)
    values = {
        "webauthn_register": asked.webauthn_register,
        "webauthn_register_displayname": asked.webauthn_register_displayname,
    }
    _saved(await _submit(call, _flow_id(call, asked.flow_id), browser=True, method="webauthn", **values))
    return await _status(call)


async def _remove_keys(call: Call) -> Answer:
    for key in keys.of(await _me(call), "webauthn").credentials:
        flow = await _begin(call, browser=True)
        _saved(await _submit(call, flow.id, browser=True, method="webauthn", webauthn_remove=key.hex))
    return Answer(204)


# --- recovery codes -----------------------------------------------------------------------------------------------------


async def _make_codes(call: Call) -> Answer:
    flow = await _begin(call)
    if flow.ui.find("lookup_secret_reveal"):  # there are some: new ones are asked for once the old ones are shown
        await _submit(call, flow.id, method="lookup_secret", lookup_secret_reveal=True)
    reply = await _submit(call, flow.id, method="lookup_secret", lookup_secret_regenerate=True)
    if reply.flow is None:
        raise ApiError(
            404, "There are no recovery codes here.", reason="selfservice.methods.lookup_secret is switched off."
        )
    shown = node_of(reply.flow, "lookup_secret_codes")
    secrets = shown.attributes.text.context["secrets"]  # type: ignore[union-attr]
    codes = [one["context"]["secret"] for one in secrets]
    return json_answer({"flow_id": flow.id, "codes": codes}, headers=[_kept(call, flow)])


async def _confirm_codes(call: Call) -> Answer:
    asked = await read(call, ConfirmCodes)
    _saved(await _submit(call, _flow_id(call, asked.flow_id), method="lookup_secret", lookup_secret_confirm=True))
    return await _status(call)


async def _remove_codes(call: Call) -> Answer:
    flow = await _begin(call)
    node_of(flow, "lookup_secret_disable")
    _saved(await _submit(call, flow.id, method="lookup_secret", lookup_secret_disable=True))
    return Answer(204)


def _route(
    id_: str, method: str, path: str, says: str, handler: Callable[[Call], Any], answer: str, **more: Any
) -> Route:
    return Route(
        id=id_, method=method, path=f"/api/auth/mfa/{path}", tag="factors", says=says, may="person", handler=handler,
        answers={200: answer} if answer else {204: ""}, errors=(400, 404, 409, 410, 422), **more,
    )  # fmt: skip


ROUTES: tuple[Route, ...] = (
    _route("getFactors", "GET", "status", "One's own second factors", _status, "factors"),
    _route("setUpTotp", "POST", "totp/setup", "Begin to set up an authenticator app", _set_up_totp, "totpSetUp"),
    _route(
        "verifyTotp", "POST", "totp/verify", "Set up the authenticator app with a code of it", _verify_totp, "factors",
        body=VerifyTotp, example={"totp_code": "123456"},
    ),
    _route("removeTotp", "DELETE", "totp", "Remove the authenticator app", _remove_totp, ""),
    _route("setUpKey", "POST", "webauthn/setup", "Begin to add a security key", _set_up_key, "keySetUp"),
    _route(
        "verifyKey", "POST", "webauthn/verify", "Add the security key", _verify_key, "factors", body=VerifyKey,
        example={"webauthn_register": "{}", "webauthn_register_displayname": "My key"},
    ),
    _route("removeKeys", "DELETE", "webauthn", "Remove all security keys", _remove_keys, ""),
    _route("makeCodes", "POST", "recovery-codes/generate", "Make new recovery codes", _make_codes, "recoveryCodes"),
    _route(
        "confirmCodes", "POST", "recovery-codes/confirm", "Say that the new codes are kept, from when on they count",
        _confirm_codes, "factors", body=ConfirmCodes, example={},
    ),
    _route("removeCodes", "DELETE", "recovery-codes", "Remove the recovery codes", _remove_codes, ""),
)  # fmt: skip
