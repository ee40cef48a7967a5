"""Forms as every method draws them, to be shown without going through what leads there."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from limen.core import csrf, ui
from limen.core import messages as m
from limen.core.clock import after, now
from limen.core.ids import new_id
from limen.core.messages import Message
from limen.core.ui import Node, Ui
from limen.flow.model import Flow
from tests.support.server import LiveServer

CSRF, hidden, submit = ui.CSRF_NODE, ui.hidden, ui.submit


class Shown(Struct, kw_only=True):
    kind: str
    nodes: tuple[Node, ...]
    told: tuple[Message, ...] = ()
    more: dict[str, Any] = {}


def store(server: LiveServer, secret: str, shown: Shown) -> str:
    """Put a flow into the database, as if its form had been drawn for the browser with this secret.

    Returns the address of its page.
    """
    database = server.app.config.dsn.removeprefix("sqlite://")
    defaults: dict[str, Any] = {
        "id": new_id(), "kind": shown.kind, "type": "browser", "state": "choose_method", "situation": "only",
        "issued_at": after(now(), 0), "updated_at": after(now(), 0), "expires_at": after(now(), 3600),
        "request_url": f"{server.public}self-service/{shown.kind}/browser", "csrf": csrf.digest(secret),
    }  # fmt: skip
    flow = Flow(**defaults | shown.more, ui=Ui(list(shown.nodes), list(shown.told)))
    document = msgspec.json.encode(flow).decode()
    with contextlib.closing(sqlite3.connect(database)) as db, db:
        db.execute(
            "insert into flows (project_id, id, kind, version, expires_at, document) values (?, ?, ?, 1, ?, ?)",
            (server.app.site.project.id, flow.id, shown.kind, flow.expires_at, document),
        )
    return f"{server.public}ui/{shown.kind}?flow={flow.id}"


def trait(name: str, kind: Any = "text", title: str = "", group: str = "default", **more: Any) -> Node:
    label = m.TRAIT_TITLE(title=title, name=f"traits.{name}") if title else None
    return ui.field(f"traits.{name}", kind, group, label=label, **more)


def script(url: str, integrity: str = "") -> Node:
    attributes = ui.Script(src=url, integrity=integrity, id_="webauthn_script", nonce="n")
    return Node("script", "webauthn", attributes, (), ui.Meta())


def trigger(name: str, group: str, label: Message, function: str, value: str = "") -> Node:
    more = {"onclick": f"window.{function}()", "onclickTrigger": function}
    return ui.field(name, "button", group, label=label, value=value, **more)


def wrong(node: Node, *told: Message) -> Node:
    return replace(node, messages=told)


IDENTIFIER = ui.text(
    "identifier", "default", m.TRAIT_TITLE(title="E-mail", name="traits.email"), value="", required=True
)
KNOWN = IDENTIFIER.hide().with_value("ann.with.a.rather.long.name@a-subdomain.example.org")
PASSWORD = ui.password("password", "password", m.PASSWORD(), "current-password")
NEW_PASSWORD = ui.password("password", "password", m.PASSWORD(), "new-password")
SIGN_IN = submit("method", "password", "password", m.SIGN_IN_WITH_PASSWORD())
SIGN_UP = submit("method", "password", "password", m.SIGN_UP())
SEND_CODE = submit("method", "code", "code", m.SEND_LOGIN_CODE())
BACK = submit("screen", "previous", "profile", m.REGISTRATION_BACK())
TOTP = (
    ui.text("totp_code", "totp", m.AUTHENTICATOR_CODE(), value="", required=True),
    submit("method", "totp", "totp", m.USE_AUTHENTICATOR()),
)
BACKUP = (
    ui.text("lookup_secret", "lookup_secret", m.BACKUP_CODE(), value="", required=True),
    submit("method", "lookup_secret", "lookup_secret", m.USE_BACKUP_CODE()),
)
PASSKEY = (
    hidden("passkey_challenge", "{}", "passkey"),
    hidden("passkey_login", None, "passkey", onloadTrigger="oryPasskeyLoginAutocompleteInit"),
    trigger("passkey_login_trigger", "passkey", m.SIGN_IN_WITH_PASSKEY(), "oryPasskeyLogin"),
)
SECURITY_KEY = (
    hidden("webauthn_login", "", "webauthn"),
    trigger(
        "webauthn_login_trigger", "webauthn", m.SIGN_IN_WITH_SECURITY_KEY(), "oryWebAuthnLogin", '{"publicKey":{}}'
    ),
)
SENT = (
    hidden("method", "code", "code"),
    ui.text("code", "code", m.LOGIN_CODE(), required=True, autocomplete="one-time-code"),
    submit("method", "code", "code", m.LOGIN_CONTINUE()),
    submit("resend", "code", "code", m.RESEND_CODE()),
)


def providers(label: Any) -> tuple[Node, ...]:
    named = (("google", "google"), ("acme", "Acme Corporation (all employees)"))
    return tuple(submit("provider", id_, "oidc", label(provider=name, provider_id=id_)) for id_, name in named)


TRAITS = (
    trait("email", "email", "E-mail address", required=True, autocomplete="email"),
    trait("age", "number", "Age", required=True),
    trait("height", "number"),
    trait("news", "checkbox", "Send me news, at most once a month and never anything else"),
    trait("site", "url", "Website"),
    trait("born", "date"),
    trait("seen", "datetime-local", "Seen"),
    trait("colour", title="Colour", options=(ui.Option("red"), ui.Option("green"))),
    trait("zip", title="Postcode", pattern="^[0-9]+$"),
    trait("tel", "tel", "Phone"),
)
MISTAKEN = (
    wrong(TRAITS[0].with_value("nonsense"), m.NOT_AN_EMAIL(value="nonsense")),
    wrong(TRAITS[1].with_value(3), m.BELOW_MINIMUM(minimum=18, actual=3)),
    TRAITS[2],
    wrong(TRAITS[3], m.PROPERTY_MISSING(property="news")),
    *TRAITS[4:7],
    wrong(TRAITS[7], m.PROPERTY_MISSING(property="colour")),
    *TRAITS[8:],
)
ADDED = {"display_name": "Blue key", "added_at": "2026-01-02T00:00:00Z", "added_at_unix": 1767312000}
CODES = [
    {"id": 1050009, "text": f"k{n}x9abcd", "type": "info", "context": {"secret": f"k{n}x9abcd"}} for n in range(11)
]
USED = {"id": 1050014, "text": "used on 1 March 2026", "type": "info", "context": {"used_at": "2026-03-01T12:00:00Z"}}
SECRET = m.AUTHENTICATOR_SECRET(secret="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
# One black pixel, which a page shows as large as the picture says it is.
PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABAQAAAAA3bvkkAAAACklEQVR4AWNgAAAAAgABc3UBGAAAAABJRU5ErkJggg=="
)


def settings(*, mistaken: bool = False) -> tuple[Node, ...]:
    code = ui.text("totp_code", "totp", m.VERIFY_CODE(), required=True)
    return (
        CSRF,
        trait("email", "email", "E-mail", "profile", value="ann@example.org", required=True),
        trait("org", "text", "Organization", "profile", value="Acme", disabled=True),
        submit("method", "profile", "profile", m.SAVE()),
        wrong(NEW_PASSWORD, m.PASSWORD_TOO_SHORT(min_length=8, actual_length=1)) if mistaken else NEW_PASSWORD,
        submit("method", "password", "password", m.SAVE()),
        submit("link", "github", "oidc", m.LINK_PROVIDER(provider="github")),
        submit("unlink", "google", "oidc", m.UNLINK_PROVIDER(provider="google")),
        ui.image("totp_qr", PIXEL, "totp", m.AUTHENTICATOR_QR_CODE(), 256),
        ui.note("totp_secret_key", SECRET, "totp", m.AUTHENTICATOR_SECRET_LABEL()),
        wrong(code, m.WRONG_AUTHENTICATOR_CODE()) if mistaken else code,
        submit("method", "totp", "totp", m.SAVE()),
        ui.note("lookup_secret_codes", m.BACKUP_CODES(secrets=[*CODES, USED]), "lookup_secret", m.BACKUP_CODES_LABEL()),
        submit("lookup_secret_confirm", "true", "lookup_secret", m.CONFIRM_BACKUP_CODES()),
        submit("lookup_secret_disable", "true", "lookup_secret", m.DISABLE_BACKUP_CODES()),
        submit("webauthn_remove", "aa", "webauthn", m.REMOVE_SECURITY_KEY(**ADDED)),
        ui.text("webauthn_register_displayname", "webauthn", m.SECURITY_KEY_NAME(), value=""),
        hidden("webauthn_register", "", "webauthn"),
        trigger("webauthn_register_trigger", "webauthn", m.ADD_SECURITY_KEY(), "oryWebAuthnRegistration", "{}"),
        submit("passkey_remove", "bb", "passkey", m.REMOVE_PASSKEY(**ADDED), disabled=True),
        trigger("passkey_register_trigger", "passkey", m.ADD_PASSKEY(), "oryPasskeySettingsRegistration"),
        hidden("passkey_create_data", "{}", "passkey"),
    )  # fmt: skip


FIRST, SECOND = {"situation": "first"}, {"situation": "second", "requested_aal": "aal2"}
PROFILE, CREDENTIALS = {"situation": "profile"}, {"situation": "credentials"}
CONFIRM = ui.field("recovery_confirm_address", "email", "code", label=m.EMAIL(), required=True, value="")
# By name; `settings` belong to somebody and are made with `settings()`.
GALLERY: dict[str, Shown] = {
    "login-everything": Shown(
        kind="login", nodes=(*providers(m.SIGN_IN_WITH), CSRF, IDENTIFIER, *PASSKEY, SEND_CODE, PASSWORD, SIGN_IN), more=FIRST
    ),
    "login-identified": Shown(
        kind="login", more={"situation": "identified"},
        nodes=(*providers(m.SIGN_IN_WITH), CSRF, KNOWN, SEND_CODE, PASSWORD, SIGN_IN),
    ),
    "login-code": Shown(
        kind="login", nodes=(KNOWN, *SENT, CSRF), told=(m.LOGIN_CODE_SENT(),), more=FIRST | {"state": "sent_email"}
    ),
    "login-wrong-code": Shown(
        kind="login", nodes=(KNOWN, *SENT, CSRF), told=(m.WRONG_LOGIN_CODE(),), more=FIRST | {"state": "sent_email"}
    ),
    "login-second": Shown(kind="login", nodes=(CSRF, *SECURITY_KEY, *TOTP, *BACKUP), told=(m.SECOND_STEP(),), more=SECOND),
    "login-wrong-backup-code": Shown(kind="login", nodes=(CSRF, *TOTP, *BACKUP), told=(m.WRONG_BACKUP_CODE(),), more=SECOND),
    "login-again": Shown(
        kind="login", nodes=(CSRF, KNOWN, PASSWORD, SIGN_IN), told=(m.CONFIRM_ITS_YOU(),), more={"situation": "refresh"}
    ),
    "login-link": Shown(
        kind="login", nodes=(CSRF, KNOWN, PASSWORD, submit("method", "password", "password", m.SIGN_IN_AND_LINK())),
        told=(m.sign_in_to_link("ann@example.org", "google", "https://x.test", ["password"], ["github"]),), more=FIRST,
    ),
    "registration-traits": Shown(
        kind="registration", more=PROFILE,
        nodes=(*providers(m.SIGN_UP_WITH), CSRF, *TRAITS, submit("method", "profile", "profile", m.SIGN_UP())),
    ),
    "registration-mistakes": Shown(
        kind="registration", nodes=(CSRF, *MISTAKEN, submit("method", "profile", "profile", m.SIGN_UP())), more=PROFILE
    ),
    "registration-ways": Shown(
        kind="registration", told=(m.CHOOSE_HOW_TO_SIGN_IN(),), more=CREDENTIALS,
        nodes=(
            *providers(m.SIGN_UP_WITH), CSRF, TRAITS[0].hide().with_value("ann@example.org"),
            ui.text("webauthn_register_displayname", "webauthn", m.SECURITY_KEY_NAME(), value=""),
            hidden("webauthn_register", "", "webauthn"),
            trigger("webauthn_register_trigger", "webauthn", m.SIGN_UP_WITH_SECURITY_KEY(), "oryWebAuthnRegistration", "{}"),
            submit("method", "code", "code", m.SEND_REGISTRATION_CODE()), NEW_PASSWORD, SIGN_UP, BACK,
        ),
    ),
    "registration-code": Shown(
        kind="registration", nodes=(CSRF, TRAITS[0].hide().with_value("ann@example.org"), *SENT, BACK),
        told=(m.REGISTRATION_CODE_SENT(),), more=CREDENTIALS | {"state": "sent_email"},
    ),
    "recovery-code": Shown(
        kind="recovery", nodes=(CSRF, *SENT), told=(m.RECOVERY_CODE_SENT(),), more={"state": "sent_email"}
    ),
    "recovery-addresses": Shown(
        kind="recovery", told=(m.CHOOSE_ADDRESS(),),
        nodes=(
            CSRF, *(submit("recovery_select_address", to, "code", m.raw_label(to)) for to in ("an****@example.org", "+44****18")),
        ),
    ),
    "recovery-address": Shown(
        kind="recovery", told=(m.GIVE_FULL_ADDRESS(),),
        nodes=(
            CSRF, CONFIRM, submit("method", "code", "code", m.CONTINUE()),
            submit("screen", "previous", "code", m.RECOVERY_BACK()),
        ),
    ),
    "verification-done": Shown(
        kind="verification", nodes=(CSRF, ui.anchor("continue", "https://app.example.org/", "code", m.CONTINUE())),
        told=(m.EMAIL_VERIFIED(),), more={"state": "passed_challenge"},
    ),
}  # fmt: skip
