"""Every message a user interface may show: Kratos' ids, types and context keys, our sentences.

Sentences in other languages, and what the hosted pages say besides, are in `catalogue`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final, Literal

import msgspec

from limen.core import clock

Kind = Literal["info", "error", "success"]


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message as it goes on the wire, and as it is stored with its form. An empty `context` is left out."""

    id: int
    text: str
    type: Kind
    context: dict[str, Any] = msgspec.field(default_factory=dict)


class Plural(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A sentence with two forms; the value named `by` decides which."""

    by: str
    one: str
    other: str


class Style(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a language writes numbers, times and enumerations, and what it calls the things a context names."""

    group: str
    decimal: str
    either: str
    day: str
    moment: str
    months: tuple[str, ...]
    kinds: dict[str, str]  # the types of JSON, in the words of somebody who fills in a form
    ways: dict[str, str]  # to sign in, by credential type; "provider" for each provider, "usual" if none is known


ENGLISH: Final = Style(
    group=",",
    decimal=".",
    either=" or ",
    day="{day} {month} {year}",
    moment="{day} {month} {year}, {hour:02}:{minute:02} UTC",
    months=(
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
    kinds={
        "string": "text",
        "number": "a number",
        "integer": "a whole number",
        "boolean": "yes or no",
        "array": "a list",
        "object": "a group of fields",
        "null": "empty",
    },
    ways={
        "password": "with your password",
        "code": "with a code we send you",
        "passkey": "with your passkey",
        "webauthn": "with your security key",
        "oidc": "with the account you signed up with",
        "provider": "with {provider}",
        "usual": "the way you usually do",
    },
)

# A provider without a label is called by its id. These names are the same in every language.
_BRANDS: Final = {
    name.lower(): name
    for name in (
        *("Amazon", "Apple", "Auth0", "Discord", "Facebook", "GitHub", "GitLab", "Google", "LinkedIn", "Microsoft"),
        *("Salesforce", "Slack", "Spotify", "Twitch", "Yandex"),
    )
}


def render(text: str | Plural, values: Mapping[str, Any], style: Style = ENGLISH) -> str:
    """The sentence with its values in it. KeyError if it needs one that is not there.

    Beside the values themselves a sentence may use `{…_on}`, the day of a time `…_at`, and `{ways}`, the ways to sign
    in that `available_credential_types` and the providers name.
    """
    if isinstance(text, Plural):
        text = text.one if values[text.by] == 1 else text.other
    if "{" not in text:
        return text
    shown = {key: _show(key, value, style) for key, value in values.items()}
    for key, value in values.items():
        if key.endswith("_at"):
            shown[key.removesuffix("_at") + "_on"] = _time(value, style.day, style)
    if "available_credential_types" in values:
        shown["ways"] = _ways(values, style)
    return text.format_map(shown)


def _show(key: str, value: Any, style: Style) -> str:
    match value:
        case datetime():
            return _time(value, style.moment, style)
        case str() if key.endswith("_at"):
            return _time(value, style.moment, style)
        case str() if key in {"allowed_types", "actual_type"}:
            return style.kinds.get(value, value)
        case str() if key == "provider":
            return _BRANDS.get(value, value)
        case str():
            return value
        case int() | float() if not isinstance(value, bool):
            # Grouped from five digits on: a number of four digits is often a year.
            plain = f"{value:,}" if abs(value) >= 10_000 else str(value)
            return plain.translate({ord(","): style.group, ord("."): style.decimal})
        case list() | tuple():
            return (style.either if key == "allowed_types" else ", ").join(_show(key, one, style) for one in value)
        case {"text": str(text)}:  # a message inside the context of another
            return text
    return msgspec.json.encode(value).decode()


def _time(value: Any, pattern: str, style: Style) -> str:
    try:
        when = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return str(value)
    when = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    month = style.months[when.month - 1]
    return pattern.format(day=when.day, month=month, year=when.year, hour=when.hour, minute=when.minute)


def _ways(values: Mapping[str, Any], style: Style) -> str:
    providers = values.get("available_providers") or values.get("available_oidc_providers") or ()
    # "oidc" says no more than the providers do.
    types = [type_ for type_ in values["available_credential_types"] if not (type_ == "oidc" and providers)]
    ways = [style.ways[type_] for type_ in types if type_ in style.ways]
    ways += [style.ways["provider"].format(provider=_BRANDS.get(name, name)) for name in providers]
    return style.either.join(ways) or style.ways["usual"]


@dataclass(frozen=True, slots=True)
class Declared:
    """A message whose values are not known yet. Called with exactly its context keys it becomes a `Message`."""

    id: int
    type: Kind
    text: str | Plural
    keys: tuple[str, ...]

    def __call__(self, **values: Any) -> Message:
        if len(values) != len(self.keys) or not values.keys() <= set(self.keys):
            raise TypeError(f"message {self.id} takes {list(self.keys)}, not {list(values)}")
        return Message(self.id, render(self.text, values), self.type, values)


def _declare(id_: int, type_: Kind, text: str, keys: tuple[str, ...]) -> Declared:
    """In our English "(s)" is a plural, and the first key is the number that decides it."""
    forms = Plural(keys[0], text.replace("(s)", ""), text.replace("(s)", "s")) if "(s)" in text else text
    return Declared(id_, type_, forms, keys)


def _info(id_: int, text: str, *keys: str) -> Declared:
    return _declare(id_, "info", text, keys)


def _success(id_: int, text: str, *keys: str) -> Declared:
    return _declare(id_, "success", text, keys)


def _error(id_: int, text: str, *keys: str) -> Declared:
    return _declare(id_, "error", text, keys)


def _expiry(id_: int, then: str) -> Declared:
    return _error(
        id_, f"This page was open for a while, so here is a fresh one. {then}", "expired_at", "expired_at_unix"
    )


# Login. What Kratos declares and never sends ("reserved") keeps its id here too.
LOGIN = _info(1010000, "Sign in")  # reserved
SIGN_IN = _info(1010001, "Sign in")
SIGN_IN_WITH = _info(1010002, "Sign in with {provider}", "provider", "provider_id")
CONFIRM_ITS_YOU = _info(1010003, "Confirm that it is you: sign in once more.")
SECOND_STEP = _info(1010004, "One more step: confirm in a second way that it is you.")
LOGIN_VERIFY = _info(1010005, "Verify")  # reserved
AUTHENTICATOR_CODE = _info(1010006, "Code from your authenticator app")
BACKUP_CODE = _info(1010007, "Backup code")
SIGN_IN_WITH_SECURITY_KEY = _info(1010008, "Sign in with a security key")
USE_AUTHENTICATOR = _info(1010009, "Use the authenticator app")
USE_BACKUP_CODE = _info(1010010, "Use a backup code")
CONTINUE_WITH_SECURITY_KEY = _info(1010011, "Continue with the security key")  # reserved
HAVE_SECURITY_KEY_READY = _info(1010012, "Have your security key or device at hand, then continue.")
LOGIN_CONTINUE = _info(1010013, "Continue")
LOGIN_CODE_SENT = _info(1010014, "A code is on its way to you. Enter it here to sign in.")
SEND_LOGIN_CODE = _info(1010015, "Send me a sign-in code")
SIGN_IN_TO_LINK = _info(
    1010016,
    "“{duplicate_identifier}” belongs to an account that exists already. Sign in to it {ways}; from then on {provider} "
    "opens it too.",
    *("duplicateIdentifier", "duplicate_identifier", "provider", "newLoginUrl", "new_login_url"),
    *("available_credential_types", "available_providers"),
)
SIGN_IN_AND_LINK = _info(1010017, "Sign in and link")
CONFIRM_WITH = _info(1010018, "Confirm with {provider}", "provider")
REQUEST_SECOND_CODE = _info(1010019, "Send me a code")  # reserved
SECOND_CODE_HINT = _info(1010020, "We send you a code, to confirm that it is you.")  # reserved
SIGN_IN_WITH_PASSKEY = _info(1010021, "Sign in with a passkey")
SIGN_IN_WITH_PASSWORD = _info(1010022, "Sign in with your password")
SEND_CODE_TO = _info(1010023, "Send a code to {address}", "address", "channel")
SIGN_IN_WITH_DEVICE = _info(1010024, "Sign in with this device")  # reserved
CODE_SENT_TO_YOU = _info(1010025, "A code is on its way to you. Enter it here to confirm that it is you.")

# Logout and second factors in general.
LOGOUT = _info(1020000, "Sign out")  # reserved
SECOND_FACTOR = _info(1030000, "Second step")  # reserved

# Registration.
REGISTRATION = _info(1040000, "Create an account")  # reserved
SIGN_UP = _info(1040001, "Sign up")
SIGN_UP_WITH = _info(1040002, "Sign up with {provider}", "provider", "provider_id")
REGISTRATION_CONTINUE = _info(1040003, "Continue")
SIGN_UP_WITH_SECURITY_KEY = _info(1040004, "Sign up with a security key")
REGISTRATION_CODE_SENT = _info(1040005, "A code is on its way to you. Enter it here to finish.")
SEND_REGISTRATION_CODE = _info(1040006, "Send me a sign-up code")
SIGN_UP_WITH_PASSKEY = _info(1040007, "Sign up with a passkey")
REGISTRATION_BACK = _info(1040008, "Back")
CHOOSE_HOW_TO_SIGN_IN = _info(1040009, "Choose how you want to sign in.")

# Settings.
SETTINGS = _info(1050000, "Settings")  # reserved
CHANGES_SAVED = _success(1050001, "Your changes are saved.")
LINK_PROVIDER = _info(1050002, "Link {provider}", "provider")
UNLINK_PROVIDER = _info(1050003, "Unlink {provider}", "provider")
UNLINK_AUTHENTICATOR = _info(1050004, "Remove the authenticator app")
AUTHENTICATOR_QR_CODE = _info(1050005, "QR code for your authenticator app")
AUTHENTICATOR_SECRET = _info(1050006, "{secret}", "secret")
REVEAL_BACKUP_CODES = _info(1050007, "Show the backup codes")
REGENERATE_BACKUP_CODES = _info(1050008, "Make new backup codes")
ONE_BACKUP_CODE = _info(1050009, "{secret}", "secret")
BACKUP_CODES_LABEL = _info(1050010, "Keep these backup codes in a safe place")
CONFIRM_BACKUP_CODES = _info(1050011, "I have saved these codes")
ADD_SECURITY_KEY = _info(1050012, "Add a security key")
SECURITY_KEY_NAME = _info(1050013, "Name of the security key")
BACKUP_CODE_USED_ON = _info(1050014, "used on {used_on}", "used_at", "used_at_unix")
BACKUP_CODES = _info(1050015, "{secrets}", "secrets")
DISABLE_BACKUP_CODES = _info(1050016, "Remove the backup codes")
AUTHENTICATOR_SECRET_LABEL = _info(1050017, "Key to type in if the QR code cannot be scanned")
REMOVE_SECURITY_KEY = _info(
    1050018, "Remove security key “{display_name}”, added on {added_on}", "display_name", "added_at", "added_at_unix"
)
ADD_PASSKEY = _info(1050019, "Add a passkey")
REMOVE_PASSKEY = _info(
    1050020, "Remove passkey “{display_name}”, added on {added_on}", "display_name", "added_at", "added_at_unix"
)
REMOVE_DEVICE = _info(1050021, "Remove this device")  # reserved
DEVICE_NONCE = _info(1050022, "One-time value for this device")  # reserved
MANAGED_BY_ORGANIZATION = _info(1050023, "Your organization looks after these settings.")

# Recovery.
RECOVERY = _info(1060000, "Recover your account")  # reserved
RECOVERED = _success(
    1060001,
    "You are back in your account. Set a new password, or another way to sign in, by {privileged_session_expires_at}.",
    *("privilegedSessionExpiresAt", "privileged_session_expires_at", "privileged_session_expires_at_unix"),
)
# Whether the address belongs to an account is nobody's business: these say "if".
RECOVERY_LINK_SENT = _info(1060002, "If this address belongs to an account, a link is on its way to it.")
RECOVERY_CODE_SENT = _info(1060003, "If this address belongs to an account, a code is on its way to it. Enter it here.")
RECOVERY_CODE_SENT_MASKED = _info(
    1060004, "If {masked_address} is the full address, a code is on its way to it. Enter it here.", "masked_address"
)
GIVE_FULL_ADDRESS = _info(1060005, "Enter the full address, to show that it is yours.")
CHOOSE_ADDRESS = _info(1060006, "Choose where to send the code.")
RECOVERY_BACK = _info(1060007, "Back")

# Labels.
RAW_LABEL = _info(1070000, "")  # its text is the caller's: see raw_label()
PASSWORD = _info(1070001, "Password")
TRAIT_TITLE = _info(1070002, "{title}", "title", "name")
SAVE = _info(1070003, "Save")
IDENTIFIER_LABEL = _info(1070004, "E-mail address or user name")
SUBMIT = _info(1070005, "Submit")  # reserved
VERIFY_CODE = _info(1070006, "Code the app shows")
EMAIL = _info(1070007, "E-mail address")
RESEND_CODE = _info(1070008, "Send a new code")
CONTINUE = _info(1070009, "Continue")
RECOVERY_CODE = _info(1070010, "Recovery code")
VERIFICATION_CODE = _info(1070011, "Verification code")
REGISTRATION_CODE = _info(1070012, "Sign-up code")
LOGIN_CODE = _info(1070013, "Sign-in code")
LOGIN_AND_LINK = _info(1070014, "Sign in and link")  # reserved
CAPTCHA = _info(1070015, "Confirm that you are a person")  # reserved
RECOVERY_ADDRESS = _info(1070016, "E-mail address, phone number or user name")
PHONE_NUMBER = _info(1070017, "Phone number")
EMAIL_OR_PHONE = _info(1070018, "E-mail address or phone number")

# Verification.
VERIFICATION = _info(1080000, "Verify your address")  # reserved
VERIFICATION_LINK_SENT = _info(1080001, "A link is on its way, if this is the address you signed up with. Open it.")
EMAIL_VERIFIED = _success(1080002, "Your e-mail address is verified.")
VERIFICATION_CODE_SENT = _info(
    1080003, "A code is on its way, if this is the address you signed up with. Enter it here."
)
VERIFICATION_CODE_SENT_TO_PHONE = _info(
    1080004, "A code is on its way, if this is the number you signed up with. Enter it here."
)
PHONE_VERIFIED = _success(1080005, "Your phone number is verified.")

# What a person can mend in a field or in a form.
VALIDATION = _error(4000000, "Something here needs another look.")  # reserved
GENERIC = _error(4000001, "{reason}", "reason")
PROPERTY_MISSING = _error(4000002, "Fill in this field.", "property")
TOO_SHORT = _error(
    4000003, "Use at least {min_length} character(s): there are {actual_length} now.", "min_length", "actual_length"
)
PATTERN_MISMATCH = _error(4000004, "This is not in the form expected here. Check the spelling.", "pattern")
PASSWORD_REFUSED = _error(4000005, "Choose another password: {reason}", "reason")
INVALID_CREDENTIALS = _error(4000006, "These sign-in details do not match. Check them and try again.")
IDENTIFIER_TAKEN = _error(4000007, "An account has this address or name already. Sign in to it, or use another one.")
WRONG_AUTHENTICATOR_CODE = _error(4000008, "This code does not match. Enter the one your app shows now.")
NO_IDENTIFIER = _error(4000009, "This account has no address or name to sign in with. Add one, then try again.")
ADDRESS_NOT_VERIFIED = _error(4000010, "This address is not verified yet. Follow the message we sent you first.")
NO_AUTHENTICATOR = _error(4000011, "No authenticator app is set up for this account. Use another way to sign in.")
BACKUP_CODE_USED = _error(4000012, "This backup code was used before. Take another one from your list.")
NO_SECURITY_KEY = _error(4000013, "No security key is set up for this account. Use another way to sign in.")
NO_BACKUP_CODES = _error(4000014, "No backup codes are set up for this account. Use another way to sign in.")
UNKNOWN_SECURITY_KEY = _error(4000015, "This key is not known here. Use another key, or another way to sign in.")
WRONG_BACKUP_CODE = _error(4000016, "This backup code does not match. Compare it with your list and try again.")
TOO_LONG = _error(
    4000017, "Use at most {max_length} character(s): there are {actual_length} now.", "max_length", "actual_length"
)
BELOW_MINIMUM = _error(4000018, "Use {minimum} or more: {actual} is too small.", "minimum", "actual")
BELOW_EXCLUSIVE_MINIMUM = _error(4000019, "Use more than {minimum}: {actual} is too small.", "minimum", "actual")
ABOVE_MAXIMUM = _error(4000020, "Use {maximum} or less: {actual} is too large.", "maximum", "actual")
ABOVE_EXCLUSIVE_MAXIMUM = _error(4000021, "Use less than {maximum}: {actual} is too large.", "maximum", "actual")
NOT_MULTIPLE = _error(4000022, "Use a multiple of {base}: {actual} is none.", "base", "actual")
TOO_MANY_ITEMS = _error(
    4000023, "Keep at most {max_items} item(s): there are {actual_items} now.", "max_items", "actual_items"
)
TOO_FEW_ITEMS = _error(
    4000024, "Give at least {min_items} item(s): there are {actual_items} now.", "min_items", "actual_items"
)
DUPLICATE_ITEMS = _error(4000025, "Two entries are the same. Change or remove one of them.", "index_a", "index_b")
WRONG_TYPE = _error(4000026, "This should be {allowed_types}, and it is {actual_type}.", "allowed_types", "actual_type")
ACCOUNT_EXISTS = _error(4000027, "There is an account with these details already. Sign in to it to link the two.")
ACCOUNT_EXISTS_WITH_HINTS = _error(
    4000028,
    "“{credential_identifier_hint}” belongs to an account that exists already. Sign in to it {ways}.",
    *("available_credential_types", "available_oidc_providers", "credential_identifier_hint"),
)
NOT_THE_CONSTANT = _error(4000029, "This must be {expected}.", "expected")
NOT_THE_CONSTANT_UNTOLD = _error(4000030, "This value is not possible here. Choose another one.")
PASSWORD_LIKE_IDENTIFIER = _error(4000031, "This password resembles your address or name. Choose another one.")
PASSWORD_TOO_SHORT = _error(
    4000032, "Use at least {min_length} character(s): this password has {actual_length}.", "min_length", "actual_length"
)
PASSWORD_TOO_LONG = _error(
    4000033, "Use at most {max_length} character(s): this password has {actual_length}.", "max_length", "actual_length"
)
PASSWORD_BREACHED = _error(
    4000034, "This password was seen {breaches} time(s) in leaked data. Choose another one.", "breaches"
)
NO_ACCOUNT_FOR_CODE = _error(4000035, "No account signs in with a code at this address. Check it, or use another way.")
DETAILS_CHANGED = _error(4000036, "Your details changed after the code was sent. Ask for a new one.")
NO_ACCOUNT = _error(4000037, "There is no account with this address or name. Check the spelling, or create one.")
CAPTCHA_FAILED = _error(4000038, "We could not confirm that you are a person. Try again.")  # reserved
PASSWORD_UNCHANGED = _error(4000039, "This is the password you have already. Choose a new one.")
NOT_AN_EMAIL = _error(4000040, "This is not an e-mail address. It should look like name@example.org.", "value")
NOT_A_PHONE = _error(4000041, "Write a phone number with its country code, as in +44 20 7946 0018.", "value")
NO_DEVICE_KEY = _error(4000042, "No key is set up on this device. Use another way to sign in.")  # reserved
SECURITY_KEY_FAILED = _error(
    4000043, "Your passkey or security key could not be checked. Try again, or use another way."
)
DEVICE_FAILED = _error(4000044, "This device could not be checked. Use another way to sign in.")  # reserved
DEVICE_REFUSED = _error(4000045, "This device cannot be used here. Use another way to sign in.")  # reserved
DEVICE_UNKNOWN = _error(4000046, "This device is not known here. Use another way to sign in.")  # reserved

# What ends an attempt, by kind of form.
LOGIN_ERROR = _error(4010000, "Signing in did not work. Try again.")  # reserved
LOGIN_EXPIRED = _expiry(4010001, "Sign in now.")
NO_WAY_TO_LOGIN = _error(4010002, "This way to sign in is not available. Choose another one.")
NO_WAY_TO_REGISTER = _error(4010003, "This way to sign up is not available. Choose another one.")
NO_WAY_TO_CHANGE = _error(4010004, "This change is not possible here. Choose another one.")
NO_WAY_TO_RECOVER = _error(4010005, "This way to recover your account is not available. Choose another one.")
NO_WAY_TO_VERIFY = _error(4010006, "This way to verify your address is not available. Choose another one.")
LOGIN_DONE_ALREADY = _error(4010007, "This sign-in was completed already. Start again.")  # reserved
WRONG_LOGIN_CODE = _error(4010008, "This code does not match, or was used before. Check it, or ask for a new one.")
LINKED_ACCOUNT_DIFFERS = _error(4010009, "Sign in to the account you want to link: this is another one.")
ADDRESS_UNKNOWN = _error(4010010, "This address is not part of your account. Choose another one.")
IDENTITY_DISABLED = _error(4010011, "This account is switched off. Ask support to switch it on again.")
REGISTRATION_EXPIRED = _expiry(4040001, "Enter your details again.")
REGISTRATION_DONE_ALREADY = _error(4040002, "This sign-up was completed already. Sign in instead.")  # reserved
WRONG_REGISTRATION_CODE = _error(
    4040003, "This code does not match, or was used before. Check it, or ask for a new one."
)
SETTINGS_EXPIRED = _expiry(4050001, "Your last changes are not saved: enter them again.")
SEVERAL_ADDRESSES_CHANGED = _error(4050002, "Change one address, verify it, then change the next one.")
RECOVERY_DONE_ALREADY = _error(4060001, "This recovery was completed already. To recover again, start here.")
RECOVERY_FAILED = _error(4060002, "Recovering your account did not work. Start again here.")
RECOVERY_LINK_INCOMPLETE = _error(4060003, "This link is not complete. Open it from the message again.")  # reserved
WRONG_RECOVERY_LINK = _error(4060004, "This link is no longer valid, or was used before. Ask for a new one.")
RECOVERY_EXPIRED = _expiry(4060005, "Start again.")
WRONG_RECOVERY_CODE = _error(4060006, "This code does not match, or was used before. Check it, or ask for a new one.")
WRONG_VERIFICATION_LINK = _error(4070001, "This link is no longer valid, or was used before. Ask for a new one.")
VERIFICATION_DONE_ALREADY = _error(4070002, "This was verified already. To verify another address, start here.")
VERIFICATION_FAILED = _error(4070003, "Verifying your address did not work. Start again here.")
VERIFICATION_LINK_INCOMPLETE = _error(4070004, "This link is not complete. Open it from the message again.")  # reserved
VERIFICATION_EXPIRED = _expiry(4070005, "Start again.")

# Ours: Kratos' ids end far below.
SEND_LOGIN_LINK = _info(9010001, "Send me a sign-in link")
LOGIN_LINK_SENT = _info(9010002, "A link is on its way to you. Open it to sign in.")
SEND_LINK_AGAIN = _info(9010003, "Send a new link")
TRUST_DEVICE = _info(9010004, "Do not ask for this again in this browser, for {days} day(s)", "days")
WRONG_LOGIN_LINK = _error(9040001, "This link is no longer valid, or was used before. Ask for a new one.")
TOO_MANY_GUESSES = _error(9040002, "There were too many wrong attempts. Wait a few minutes, then try again.")
BY_INVITATION_ONLY = _error(
    9040003, "You can sign up here by invitation only. Open the link in the invitation that you got by mail."
)
INVITATION_OVER = _error(9040004, "This invitation is no longer valid. Ask for a new one.")
INVITATION_OF_ANOTHER = _error(
    9040005, "This invitation is for another address. Sign up with the address that it was sent to."
)
WRONG_VERIFICATION_CODE = _error(
    4070006, "This code does not match, or was used before. Check it, or ask for a new one."
)

# What nobody in front of a form can mend.
SYSTEM = _error(5000000, "Something went wrong on our side. Try again in a moment.")  # reserved
SYSTEM_ERROR = _error(5000001, "Something went wrong on our side: {reason}", "reason")
NO_WAY_AVAILABLE = _error(5000002, "There is no way to sign in here at the moment. Ask support.")  # reserved
NO_SINGLE_SIGN_ON = _error(5000003, "Your organization has no single sign-on here. Ask support.")  # reserved

CATALOG: Final[Mapping[int, Declared]] = MappingProxyType(
    {declared.id: declared for declared in list(globals().values()) if isinstance(declared, Declared)}
)


def expired(declared: Declared, at: datetime) -> Message:
    """LOGIN_EXPIRED or another …_EXPIRED, for a page that was good until `at`."""
    return declared(expired_at=clock.text(at), expired_at_unix=clock.unix(at))


def recovered(privileged_until: datetime) -> Message:
    """You are in again, and may set a new credential until then."""
    until = clock.text(privileged_until)
    return RECOVERED(
        privilegedSessionExpiresAt=until,
        privileged_session_expires_at=until,
        privileged_session_expires_at_unix=clock.unix(privileged_until),
    )


def backup_code_used(at: datetime) -> Message:
    """Stands in the list of backup codes where a code was."""
    return BACKUP_CODE_USED_ON(used_at=clock.text(at), used_at_unix=clock.unix(at))


def backup_codes(codes: Sequence[Message]) -> Message:
    """The list of codes: each ONE_BACKUP_CODE(…) or backup_code_used(…)."""
    return BACKUP_CODES(secrets=msgspec.to_builtins(codes))


def remove_security_key(name: str, added: datetime) -> Message:
    return REMOVE_SECURITY_KEY(display_name=name, added_at=clock.text(added), added_at_unix=clock.unix(added))


def remove_passkey(name: str, added: datetime) -> Message:
    return REMOVE_PASSKEY(display_name=name, added_at=clock.text(added), added_at_unix=clock.unix(added))


def raw_label(text: str) -> Message:
    """A label that is data, such as a masked address."""
    return Message(RAW_LABEL.id, text, RAW_LABEL.type)


def account_exists(identifier: str, types: Sequence[str], providers: Sequence[str]) -> Message:
    """The identifier is taken; says how its owner signs in. Only where the operator allows such hints."""
    return ACCOUNT_EXISTS_WITH_HINTS(
        available_credential_types=list(types),
        available_oidc_providers=list(providers),
        credential_identifier_hint=identifier,
    )


def sign_in_to_link(
    identifier: str, provider: str, login_url: str, types: Sequence[str] = (), providers: Sequence[str] = ()
) -> Message:
    """Sign in to the account that has `identifier`, and `provider` is linked to it. Empty texts are not sent."""
    message = SIGN_IN_TO_LINK(
        duplicateIdentifier=identifier,
        duplicate_identifier=identifier,
        provider=provider,
        newLoginUrl=login_url,
        new_login_url=login_url,
        available_credential_types=list(types),
        available_providers=list(providers),
    )
    context = {key: value for key, value in message.context.items() if value != ""}
    return msgspec.structs.replace(message, context=context)
