"""Asking an authenticator and judging its answer, within one flow: a challenge belongs to a flow and is good once."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from limen.context import Context
from limen.core import messages, webauthn, webauthnoptions
from limen.core.configmethods import PasskeyConfig, WebauthnConfig
from limen.core.errors import FormError, form_error
from limen.core.webauthn import Answer, Malformed, NewKey, Refused, RelyingParty, Used
from limen.core.webauthnoptions import Options, Wishes
from limen.flow.model import Flow
from limen.identity.keys import Key

_HANDLE_BYTES = 16


class Party(Struct, frozen=True):
    """A relying party and what it wishes for."""

    rp: RelyingParty
    wishes: Wishes


class Pending(Struct, frozen=True):
    """What a flow remembers of a question it asked (in `Flow.private`, under the method's id), until it was passed."""

    challenge: str
    handle: bytes = b""
    options: str = ""  # the question as it stands in the form, where it has to stay the same


# --- who asks -------------------------------------------------------------------------------------------------------


def security_keys(ctx: Context) -> Party:
    """The relying party of the method `webauthn`."""
    config = ctx.project.config.selfservice.methods.webauthn.config or WebauthnConfig()
    rp = config.rp
    origins = (rp.origins or ((rp.origin,) if rp.origin else None)) if rp else None
    party = _party(ctx, rp.id if rp else "", rp.display_name if rp else "", origins, "discouraged")
    return Party(party, Wishes())


def passkeys(ctx: Context) -> Party:
    """The relying party of the method `passkey`."""
    config = ctx.project.config.selfservice.methods.passkey.config or PasskeyConfig()
    rp, selection = config.rp, config.authenticator_selection
    wanted = selection.user_verification
    party = _party(ctx, rp.id if rp else "", rp.display_name if rp else "", rp.origins if rp else None, wanted)
    wishes = Wishes(
        user_verification=wanted,
        resident_key=selection.resident_key,
        attachment=selection.attachment or "",
        attestation=config.attestation.preference,
        registration_timeout=config.timeouts.registration,
        login_timeout=config.timeouts.login,
    )
    return Party(party, wishes)


def _party(
    ctx: Context, id_: str, name: str, origins: tuple[str, ...] | None, wanted: webauthn.Verification
) -> RelyingParty:
    """By default the public address: there our own pages are."""
    public = urlsplit(ctx.project.public_url)
    host = public.hostname or ""
    id_ = id_ or host
    if origins is None:
        own = f"{public.scheme}://{public.netloc}"
        under = host == id_ or host.endswith("." + id_)
        origins = (f"{public.scheme}://{id_}", *((own,) if under else ()))
    return RelyingParty(id=id_, name=name or ctx.project.name or id_, origins=origins, user_verification=wanted)


# --- asking ---------------------------------------------------------------------------------------------------------


def new_handle() -> bytes:
    return secrets.token_bytes(_HANDLE_BYTES)


def ask_to_create(
    flow: Flow, method: str, party: Party, handle: bytes, name: str = "", exclude: Iterable[bytes] = ()
) -> Options:
    """A question for a new key, remembered in the flow."""
    challenge = webauthnoptions.new_challenge()
    _remember(flow, method, Pending(challenge, handle))
    return webauthnoptions.creation(party.rp, party.wishes, challenge, handle, name, exclude)


def ask_to_prove(flow: Flow, method: str, party: Party, allow: Iterable[bytes] = ()) -> Options:
    """A question for one of these keys or, when none is named, any; remembered in the flow."""
    challenge = webauthnoptions.new_challenge()
    _remember(flow, method, Pending(challenge))
    return webauthnoptions.request(party.rp, party.wishes, challenge, allow)


def _remember(flow: Flow, method: str, pending: Pending) -> None:
    flow.private[method] = msgspec.to_builtins(pending)


def keep_options(flow: Flow, method: str, options: str) -> None:
    """Let the question stay the same however often the form is drawn."""
    flow.private[method] = {**flow.private[method], "options": options}


def pending(flow: Flow, method: str) -> Pending | None:
    found = flow.private.get(method)
    return msgspec.convert(found, Pending) if found else None


def encode(options: Options) -> str:
    return msgspec.json.encode(options).decode()


# --- judging --------------------------------------------------------------------------------------------------------


def read(text: str) -> Answer:
    """:raises FormError: it is not what a browser sends"""
    try:
        return webauthn.read(text)
    except Malformed as error:
        raise _unreadable() from error


def _unreadable() -> FormError:
    reason = "The answer of the key cannot be read. Load the page again and use the key there."
    return form_error(messages.GENERIC(reason=reason))


def created(ctx: Context, flow: Flow, method: str, party: Party, text: str) -> tuple[NewKey, bytes]:
    """The key made in answer to the flow's question, and the handle it was made for.

    :raises FormError: it cannot be read, or it answers another question
    """
    asked, answer = _asked(flow, method), read(text)
    try:
        key = webauthn.verify_registration(party.rp, asked.challenge, answer)
    except Malformed as error:
        raise _unreadable() from error
    except Refused as error:
        raise _refused(ctx, flow, method, error) from error
    return key, asked.handle


def proved(
    ctx: Context, flow: Flow, method: str, party: Party, answer: Answer, keys: Iterable[Key], handle: bytes | None
) -> tuple[Key, Used]:
    """Which of the person's keys answered the flow's question, and how.

    :raises FormError: none of them did, or its owner is said to be somebody else
    """
    asked = _asked(flow, method)
    key = next((key for key in keys if key.id == answer.id), None)
    if key is None:
        raise _refused(ctx, flow, method, Refused("not one of the person's keys"))
    if answer.handle and answer.handle != handle:
        raise _refused(ctx, flow, method, Refused("the key is said to be somebody else's"))
    try:
        used = webauthn.verify_use(
            party.rp, asked.challenge, answer, key.public_key, backup_eligible=key.backup_eligible
        )
    except Malformed as error:
        raise _unreadable() from error
    except Refused as error:
        raise _refused(ctx, flow, method, error) from error
    return key, used


def _asked(flow: Flow, method: str) -> Pending:
    found = pending(flow, method)
    if found is None:
        raise form_error(messages.GENERIC(reason="This page did not ask for a key. Load it again."))
    return found


def _refused(ctx: Context, flow: Flow, method: str, error: Exception) -> FormError:
    ctx.events.tell("key.refused", flow=flow.id, method=method, why=str(error))
    return form_error(messages.SECURITY_KEY_FAILED())
