"""The kinds of messages, as Kratos has them: where the templates of each are, and what they are given.

A field has two names: the one templates use (`VerificationCode`) and the one in JSON (`verification_code`), which is what
`template_data` has when a message goes out over HTTP.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from msgspec import Struct

from limen.core.templates import Record, numbers

Fields = Mapping[str, str]
Part = Literal["subject", "html", "text", "sms"]
Channel = Literal["email", "sms"]
PARTS: Final[Mapping[Channel, tuple[Part, ...]]] = {"email": ("subject", "html", "text"), "sms": ("sms",)}

_ALWAYS: Final[Fields] = {"To": "to", "RequestURL": "request_url", "TransientPayload": "transient_payload"}
_KNOWN: Final[Fields] = {**_ALWAYS, "Identity": "identity", "ExpiresInMinutes": "expires_in_minutes"}
_OAUTH2: Final[Fields] = {"OAuth2LoginRequest": "oauth2_login_request"}
_SMS: Final[Fields] = {**_KNOWN, "RequestURLDomain": "request_url_domain"}
_CHANGED: Final[Fields] = {
    "To": "to", "Identity": "identity", "ChangedAt": "changed_at", "TransientPayload": "transient_payload",
}  # fmt: skip
_DONE: Final[Fields] = {"To": "to", "Identity": "identity", "DoneAt": "done_at", "Device": "device"}
_LINKED: Final[Fields] = {"To": "to", "Identity": "identity", "DoneAt": "done_at", "Provider": "provider"}
_ADDED: Final[Fields] = {
    "To": "to", "Identity": "identity", "AddedAt": "added_at", "TransientPayload": "transient_payload",
}  # fmt: skip


class Kind(Struct, frozen=True):
    """`path` is the folder under `courier.template_override_path`, and the place in `courier.templates`."""

    path: str
    mail: Fields
    sms: Fields = {}

    @property
    def type(self) -> str:
        """What the admin API calls it: `verification_code_valid`."""
        return self.path.replace("/", "_")

    @property
    def channels(self) -> tuple[Channel, ...]:
        return ("email", "sms") if self.sms else ("email",)

    @property
    def parts(self) -> tuple[tuple[Channel, Part], ...]:
        """All the parts that messages of this kind have, with the channel that each is for."""
        return tuple((channel, part) for channel in self.channels for part in PARTS[channel])

    def fields(self, channel: str) -> Fields:
        return self.sms if channel == "sms" else self.mail

    def record(self, channel: str, data: Mapping[str, Any], own: Mapping[str, Any]) -> Record:
        """What the templates see of `data`, which has the names of JSON, and of our `own` (see variables.py)."""
        seen = {name: _seen(name, data.get(key)) for name, key in self.fields(channel).items()}
        return Record(**seen, **{name: numbers(value) for name, value in own.items()})


def _seen(name: str, value: Any) -> Any:
    if name == "OAuth2LoginRequest" and value is not None:
        return _login_request(value)
    return int(value or 0) if name == "ExpiresInMinutes" else numbers(value)


def _login_request(value: Mapping[str, Any]) -> Record:
    client = value["client"]
    return Record(
        Challenge=value["challenge"],
        Client=Record(
            ClientID=client["client_id"],
            ClientName=client.get("client_name", ""),
            ClientURI=client.get("client_uri", ""),
            LogoURI=client.get("logo_uri", ""),
            Metadata=numbers(client.get("metadata")),
        ),
    )


_ALL: Final = (
    Kind("recovery/valid", {**_KNOWN, "RecoveryURL": "recovery_url"}),
    Kind("recovery/invalid", _ALWAYS),
    # In a text message the code goes by another name: Kratos' users have templates that say so.
    Kind(
        "recovery_code/valid",
        {**_KNOWN, "RecoveryCode": "recovery_code"},
        {**_SMS, "RecoveryCode": "verification_code"},
    ),
    Kind("recovery_code/invalid", _ALWAYS),
    Kind("verification/valid", {**_KNOWN, "VerificationURL": "verification_url", **_OAUTH2}),
    Kind("verification/invalid", _ALWAYS),
    Kind(
        "verification_code/valid",
        {**_KNOWN, "VerificationCode": "verification_code", "VerificationURL": "verification_url", **_OAUTH2},
        {**_SMS, "VerificationCode": "verification_code", **_OAUTH2},
    ),
    Kind("verification_code/invalid", _ALWAYS),
    Kind(
        "login_code/valid",
        {**_KNOWN, "LoginCode": "login_code", **_OAUTH2},
        {**_SMS, "LoginCode": "login_code", **_OAUTH2},
    ),
    Kind(
        "registration_code/valid",
        {
            **_ALWAYS,
            "Traits": "traits",
            "RegistrationCode": "registration_code",
            "ExpiresInMinutes": "expires_in_minutes",
            **_OAUTH2,
        },
        {**_SMS, "RegistrationCode": "registration_code", **_OAUTH2},
    ),
    Kind("verifiable_address_changed", _CHANGED, _CHANGED),
    Kind("authenticator_key_added", _ADDED, _ADDED),
    # What follows is not Kratos'.
    Kind("login/valid", {**_KNOWN, "LoginURL": "login_url"}),
    Kind("invitation", {"To": "to", "InvitationURL": "invitation_url", "ExpiresInMinutes": "expires_in_minutes"}),
    Kind("password_changed", _DONE, _DONE),
    Kind("ways_removed", _DONE, _DONE),
    Kind("address_removed", _DONE, _DONE),
    Kind("new_device", _DONE, _DONE),
    Kind("provider_linked", _LINKED, _LINKED),
    Kind("provider_unlinked", _LINKED, _LINKED),
    Kind("account_deleted", _DONE, _DONE),
)
BY_PATH: Final = {kind.path: kind for kind in _ALL}
BY_TYPE: Final = {kind.type: kind for kind in _ALL}
# The person's own request counts only where it asked for a code; Kratos passes its headers on for these.
WITH_HEADERS: Final = ("login_code/valid", "registration_code/valid", "recovery_code/valid")
