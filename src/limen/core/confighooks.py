"""The hooks of the configuration: what each takes, and the sets of them that may stand at one place."""

from typing import Annotated, Literal

from msgspec import field

from limen.core.configtypes import HookBody, HttpUrl, Secret, SecretHeaders, Section, Source, not_yet, says


class BasicAuthConfig(Section, frozen=True):
    """The user and password sent along."""

    user: Annotated[str, says("User name.")]
    password: Annotated[Secret, says("Password.")]


class ApiKeyConfig(Section, frozen=True):
    """The key sent along, and where."""

    name: Annotated[str, says("Name of the header or cookie.")]
    value: Annotated[Secret, says("The key itself.")]
    location: Annotated[Literal["header", "cookie"], says("Whether the key travels in a header or a cookie.")] = field(
        name="in"
    )


class BasicAuth(Section, frozen=True, tag_field="type", tag="basic_auth"):
    """HTTP basic authentication."""

    config: BasicAuthConfig


class ApiKey(Section, frozen=True, tag_field="type", tag="api_key"):
    """A fixed key in a header or cookie."""

    config: ApiKeyConfig


Auth = BasicAuth | ApiKey


class WebHookResponse(Section, frozen=True):
    """What to make of a web hook's answer."""

    ignore: Annotated[bool, says("Do not wait for the answer; failures are only logged.")] = False
    parse: Annotated[bool, says("The answer may change the identity before it is stored.")] = False


class WebHookConfig(Section, frozen=True):
    """The request of a web hook."""

    url: Annotated[HttpUrl, says("Where the request goes.", example="url: https://hooks.example.com/after-login")]
    method: Annotated[str, says("HTTP method.", example="method: POST")]
    id: Annotated[str | None, says("A name for logs and traces.")] = None
    headers: Annotated[SecretHeaders, says("Headers to add.")] = field(default_factory=dict)
    body: Annotated[HookBody | None, says("Jsonnet template that makes the body; not needed for TRACE.")] = None
    can_interrupt: Annotated[bool, says("An answer of 4xx stops the flow and shows its messages.")] = False
    response: WebHookResponse = WebHookResponse()
    auth: Annotated[Auth | None, says("How the request proves itself.")] = None
    emit_analytics_event: Annotated[bool, says("Record an event for each call, and send the trigger id headers.")] = (
        True
    )


class MigrateHookConfig(Section, frozen=True):
    """The request that checks a password elsewhere."""

    url: Annotated[HttpUrl | None, says("Where the request goes.")] = None
    method: Annotated[Literal["POST"], says("HTTP method.")] = "POST"
    headers: Annotated[SecretHeaders, says("Headers to add.")] = field(default_factory=dict)
    body: Annotated[Source | None, says("Jsonnet template that makes the body.")] = None
    auth: Annotated[Auth | None, says("How the request proves itself.")] = None
    emit_analytics_event: Annotated[bool, says("Record an event for each call.")] = True


class WebHook(Section, frozen=True, tag_field="hook", tag="web_hook"):
    """Calls a URL of yours."""

    config: WebHookConfig


class SessionHook(Section, frozen=True, tag_field="hook", tag="session"):
    """Signs people in right after they registered."""


class ShowVerificationUi(Section, frozen=True, tag_field="hook", tag="show_verification_ui"):
    """Sends the browser on to the verification page."""


class RequireVerifiedAddress(Section, frozen=True, tag_field="hook", tag="require_verified_address"):
    """Lets only people with a verified address sign in."""


class RevokeActiveSessions(Section, frozen=True, tag_field="hook", tag="revoke_active_sessions"):
    """Signs the person out everywhere else."""


class Verification(Section, frozen=True, tag_field="hook", tag="verification"):
    """Starts the verification of an address that is not verified yet."""


class VerifyNewAddress(Section, frozen=True, tag_field="hook", tag="verify_new_address"):
    """Holds a changed address back until it is verified."""


class NotifyPreviousAddressesConfig(Section, frozen=True):
    """Who is told."""

    recipients: Annotated[
        Literal["removed", "all_verified", "all"], says("Addresses told: the removed, the verified, or all of them.")
    ] = "removed"


class NotifyPreviousAddresses(Section, frozen=True, tag_field="hook", tag="notify_previous_addresses"):
    """Tells the former address that it was changed."""

    config: NotifyPreviousAddressesConfig = NotifyPreviousAddressesConfig()


class B2bSso(Section, frozen=True, tag_field="hook", tag="b2b_sso", forbid_unknown_fields=False):
    """Sign-in through an organisation's provider."""


class Organization(Section, frozen=True, tag_field="hook", tag="organization", forbid_unknown_fields=False):
    """Sign-in through an organisation's provider, by its older name."""


_B2b = Annotated[B2bSso, not_yet("organisations")] | Annotated[Organization, not_yet("organisations")]

AnyHook = WebHook | _B2b
LoginHook = RevokeActiveSessions | RequireVerifiedAddress | WebHook | Verification | ShowVerificationUi | _B2b
LoginOidcHook = RevokeActiveSessions | RequireVerifiedAddress | WebHook | _B2b
RegistrationHook = SessionHook | WebHook | ShowVerificationUi | _B2b
RevokingHook = WebHook | RevokeActiveSessions
ProfileHook = WebHook | ShowVerificationUi | VerifyNewAddress | NotifyPreviousAddresses | _B2b
