"""An authenticator app: a second factor whose codes change every half minute (RFC 6238)."""

from __future__ import annotations

import base64
import io
from urllib.parse import urlsplit

from msgspec import Struct

from limen.context import Context
from limen.core import errors, messages, totp, ui
from limen.core.errors import FormError, form_error
from limen.core.form import Form, is_pressed
from limen.flow.guesses import Guess
from limen.flow.method import Changed, Method, Outcome, Part, Passed
from limen.flow.model import Flow, Submission
from limen.identity import service as identities
from limen.identity.model import Identity
from limen.session.model import Proof, Subject

ID = "totp"
_CODE = ui.text("totp_code", ID, messages.AUTHENTICATOR_CODE(), value="", required=True)
_SIGN_IN = ui.submit("method", ID, ID, messages.USE_AUTHENTICATOR())
_NEW_CODE = ui.text("totp_code", ID, messages.VERIFY_CODE(), required=True)
_SAVE = ui.submit("method", ID, ID, messages.SAVE())
_UNLINK = ui.submit("totp_unlink", "true", ID, messages.UNLINK_AUTHENTICATOR(), required=True)
_PENDING = "totp_url"  # the key that a settings flow offers, until it is confirmed
_USED = "last_used_step"  # a code is good once, also within its half minute
QR_SIZE = 256


def _url(identity: Identity) -> str:
    credential = identity.credentials.get(ID)
    return str(credential.config.get("totp_url", "")) if credential else ""


# --- sign-in --------------------------------------------------------------------------------------------------------


class SignIn(Struct):
    totp_code: str = ""
    csrf_token: str = ""
    method: str = ""
    transient_payload: dict[str, object] = {}


async def _draw_sign_in(ctx: Context, flow: Flow, subject: Subject | None) -> None:
    if flow.situation in ("second", "second_refresh") and subject and _url(subject.identity):
        flow.ui.put(_CODE)
        flow.ui.append(_SIGN_IN)


def _claims_sign_in(flow: Flow, form: Form) -> bool:
    return form.method == ID and flow.requested_aal == "aal2"


async def _sign_in(ctx: Context, flow: Flow, form: SignIn, about: Submission, subject: Subject | None) -> Outcome:
    if subject is None:
        raise errors.no_session()
    identity = subject.identity
    if (length := len(form.totp_code)) < totp.DIGITS:
        raise form_error(messages.TOO_SHORT(min_length=totp.DIGITS, actual_length=length), "totp_code")
    if not (url := _url(identity)):
        raise form_error(messages.NO_AUTHENTICATOR())
    config = identity.credentials[ID].config
    guess = Guess(ctx, "second", identity.id)
    await guess.start(ctx)
    step = totp.matching_step(totp.secret_of(url), form.totp_code, ctx.now.timestamp(), int(config.get(_USED, -1)))
    if step is None:
        raise _wrong(totp.drift(totp.secret_of(url), form.totp_code, ctx.now.timestamp()))
    after = identities.with_credential(ctx, identity, ID, {**config, _USED: step})
    return Passed(after, Proof(ID, "aal2", ctx.stamp), before=identity, overtaken=_wrong, then=guess.was_right)


def _wrong(drift: int | None = None) -> FormError:
    """`drift`: how many seconds ahead the clock is by which the code was made, if it is one of this account at all."""
    facts = {} if drift is None else {"drift": str(drift)}
    return form_error(messages.WRONG_AUTHENTICATOR_CODE(), facts=facts)


# --- settings -------------------------------------------------------------------------------------------------------


class Change(Struct):
    totp_code: str = ""
    totp_unlink: bool = False
    csrf_token: str = ""
    method: str = ""
    transient_payload: dict[str, object] = {}


async def _draw_settings(ctx: Context, flow: Flow, subject: Subject | None) -> None:
    if subject is None:
        raise errors.no_session()
    identity = subject.identity
    if _url(identity):
        flow.ui.put(_UNLINK)
        return
    secret = totp.new_secret()
    url = totp.url(secret, _issuer(ctx), _account(ctx, identity))
    flow.private[_PENDING] = url
    key = messages.AUTHENTICATOR_SECRET(secret=secret)
    flow.ui.put(ui.note("totp_secret_key", key, ID, messages.AUTHENTICATOR_SECRET_LABEL()))
    flow.ui.put(ui.image("totp_qr", qr_code(url), ID, messages.AUTHENTICATOR_QR_CODE(), QR_SIZE))
    flow.ui.put(_NEW_CODE)
    flow.ui.append(_SAVE)


def _issuer(ctx: Context) -> str:
    configured = ctx.project.config.selfservice.methods.totp.config.issuer
    return configured or urlsplit(ctx.project.public_url).hostname or "Limen"


def _account(ctx: Context, identity: Identity) -> str:
    """What the app shows below the issuer: the trait that the schema marks, or the person's id."""
    values = dict(ui.flatten(identity.traits, "traits"))
    for path in ctx.project.schema(identity.schema_id).extension_paths("credentials", ID, "account_name"):
        if value := values.get(path.name):
            return str(value)
    return identity.id


def qr_code(text: str) -> str:
    """A QR code as a PNG in a `data:` address."""
    import segno  # noqa: PLC0415 - most servers never draw one in their first seconds

    code = segno.make(text, error="m", micro=False)
    picture = io.BytesIO()
    code.save(picture, kind="png", scale=max(1, QR_SIZE // code.symbol_size(border=4)[0]), border=4)
    return "data:image/png;base64," + base64.b64encode(picture.getvalue()).decode()


def _claims_settings(flow: Flow, form: Form) -> bool:
    return form.method == ID or is_pressed(form.get("totp_unlink"))


async def _change(ctx: Context, flow: Flow, form: Change, about: Submission, subject: Subject | None) -> Outcome:
    if subject is None:
        raise errors.no_session()
    identity = subject.identity
    if _url(identity):
        return Changed(identity.traits, removed=(ID,) if form.totp_unlink else ())
    if not form.totp_code:
        raise form_error(messages.PROPERTY_MISSING(property="totp_code"), "totp_code")
    url = str(flow.private.get(_PENDING, ""))
    if not url or totp.matching_step(totp.secret_of(url), form.totp_code, ctx.now.timestamp()) is None:
        raise form_error(messages.WRONG_AUTHENTICATOR_CODE(), "totp_code")
    return Changed(identity.traits, {ID: {"totp_url": url}}, proof=Proof(ID, "aal2", ctx.stamp))


METHOD = Method(
    id=ID,
    login=Part(
        form=SignIn,
        required=("totp_code",),
        claims=_claims_sign_in,
        steady=True,
        draw=_draw_sign_in,
        submit=_sign_in,
        refused=lambda flow, _: flow.ui.reset("totp_code"),
    ),
    settings=Part(
        form=Change,
        claims=_claims_settings,
        draw=_draw_settings,
        submit=_change,
        privileged=lambda _: True,
        guards_factors=True,
    ),
)
