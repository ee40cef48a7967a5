"""Why a step of a flow was refused, for whoever runs the server: told as an event, with which a trace is kept.

What is in the form is not repeated here, as it may be secret. What only the request knows is in http/why.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from limen.context import Context
from limen.core import clock, messages
from limen.core.causes import Cause
from limen.core.errors import FormError, LimenError
from limen.core.messages import Message
from limen.flow.model import Flow

_NEWEST: Final = "Whoever asks twice gets two messages, and only the newer one is good; each is good once."
_CODE: Final = Cause(
    "code", "the newest code of this flow, unused and in time", "another, an older or a used one", _NEWEST
)
_LINK: Final = Cause(
    "link", "the newest link, unused and in time", "an older, a used or an expired one",
    "Programs that look at mails open links too; with pages of your own, ask for a click first.",
)  # fmt: skip
_METHOD: Final = Cause(
    "method", "a method that is enabled and part of this flow", "none, or another one",
    "Send the field `method` of the form, and enable it in `selfservice.methods`.",
)  # fmt: skip
_TIME: Final = "Let every machine follow the same time server."

# Keyed by the ids of messages, which the person got.
_BY_MESSAGE: Final[Mapping[int, Cause]] = {
    messages.INVALID_CREDENTIALS.id: Cause(
        "credentials", "an identifier that somebody has, and the password of that person", "one of them is another",
        "GET /admin/identities?credentials_identifier=… says whether somebody has the identifier.",
    ),
    messages.WRONG_AUTHENTICATOR_CODE.id: Cause(
        "totp", "the code of this half minute, or of one beside it, not used before", "another one",
        "If all codes of a person fail, compare the clocks of the server and of the person's device.",
    ),
    messages.WRONG_LOGIN_CODE.id: _CODE,
    messages.WRONG_REGISTRATION_CODE.id: _CODE,
    messages.WRONG_RECOVERY_CODE.id: _CODE,
    messages.WRONG_VERIFICATION_CODE.id: _CODE,
    messages.WRONG_LOGIN_LINK.id: _LINK,
    messages.WRONG_RECOVERY_LINK.id: _LINK,
    messages.WRONG_VERIFICATION_LINK.id: _LINK,
    messages.NO_WAY_TO_LOGIN.id: _METHOD,
    messages.NO_WAY_TO_REGISTER.id: _METHOD,
    messages.NO_WAY_TO_CHANGE.id: _METHOD,
    messages.NO_WAY_TO_RECOVER.id: _METHOD,
    messages.NO_WAY_TO_VERIFY.id: _METHOD,
    messages.ADDRESS_NOT_VERIFIED.id: Cause(
        "verified_address", "a verified address, as the hook `require_verified_address` asks for", "none yet",
        "See whether the message arrived: GET /admin/courier/messages?recipient=…",
    ),
    messages.IDENTITY_DISABLED.id: Cause(
        "identity_state", "an active identity", "an inactive one", "PATCH its /state to active, if it should be."
    ),
    messages.UNKNOWN_SECURITY_KEY.id: Cause(
        "security_key", "a key that is known here", "another one, or one made for another domain",
        "Keys are bound to `rp.id`: after it changed, none of the old ones is good.",
    ),
    messages.ACCOUNT_EXISTS.id: Cause("unique", "an identifier that nobody has", "one that somebody has"),
    messages.IDENTIFIER_TAKEN.id: Cause("unique", "an identifier that nobody has", "one that somebody has"),
}  # fmt: skip
_APP_FLOW: Final = "Browsers start flows at …/browser; apps send neither cookies nor an Origin."


def tell(ctx: Context, flow: Flow, causes: tuple[Cause, ...], *, status: int = 400, method: str = "") -> None:
    """Tell that this step of the flow was refused."""
    client = ctx.client
    about: dict[str, Any] = {
        "request": client.id,
        "step": f"{client.method} {urlsplit(client.url).path}",
        "status": status,
        "flow": flow.id,
        "kind": flow.kind,
        **({"method": method} if method else {}),
    }
    ctx.events.refuse(causes, about)


# Keyed by the step of a sign-in with a provider: what should have been, and what to do.
_PROVIDER: Final[Mapping[str, tuple[str, str]]] = {
    "authorize": ("a code", "Who may sign in, and the scopes of the client, are settings at the provider."),
    "callback": ("a code, or an error", "Compare the callback URL there with that of `limen providers list`."),
    "scope": ("every scope of the configuration to be granted", "Ask for less, or allow it in the client's settings there."),
    "token": ("tokens for the code", "Compare client_id, client_secret and the callback URL; `limen doctor` looks at them."),
    "id_token": (
        "an id token of this provider, for this client and this sign-in", "Compare issuer_url, client_id, and the clocks.",
    ),
    "configuration": ("a provider that is as the configuration says", "`limen doctor` says what is wrong."),
    "mapper": ("an identity from the mapper", "Correct the mapper; `limen lint jsonnet FILE` reads it."),
}  # fmt: skip


def of_provider(error: LimenError) -> Cause:
    """Why a sign-in with a provider failed: `facts` are told by methods/oidc/journey.py."""
    facts = error.facts
    expected, fix = _PROVIDER.get(facts["step"], ("an answer as the provider's manual has it", ""))
    return Cause(f"provider_{facts['step'].replace(' ', '_')}", expected, f"{facts['provider']}: {facts['found']}", fix)


def of_form(ctx: Context, error: FormError) -> tuple[Cause, ...]:
    """Why a form comes back."""
    if error.check == "provider":
        return (of_provider(error),)
    if error.check == "app_flow":
        return (
            Cause("app_flow", "a request of an app, as the flow was started by one", error.facts["found"], _APP_FLOW),
        )
    if "drift" in error.facts:
        ahead = int(error.facts["drift"])
        found = (
            f"a code that {'will be' if ahead > 0 else 'was'} good {abs(ahead)} s {'from now' if ahead > 0 else 'ago'}"
        )
        return (Cause("clock", f"the code of {ctx.stamp}, give or take {30} s", found, _TIME),)
    return tuple(_of_message(message, field) for message, field in error.told)


def _of_message(message: Message, field: str) -> Cause:
    if known := _BY_MESSAGE.get(message.id):
        return known
    where = f"in {field}" if field else "in the form"
    return Cause(f"message_{message.id}", f"something else {where}", f"what message {message.id} says")


def expired(times: Mapping[str, str], now: str) -> Cause:
    """Why a flow counts as expired: the page was open for too long, or this node's clock is ahead of another one's."""
    issued, expires = times["issued_at"], times["expires_at"]
    late = (clock.parse(now) - clock.parse(expires)).total_seconds()
    found = f"{late:.0f} s later; it was made at {issued}"
    lifespan = (
        "The page was open for too long: `selfservice.flows.….lifespan` says how long it may be. If it was made a moment ago, "
        "the clocks of two nodes differ: `limen doctor` compares them."
    )
    return Cause("flow_expired", f"an answer by {expires}", found, lifespan)
