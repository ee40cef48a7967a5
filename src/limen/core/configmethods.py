"""The methods of the configuration: the ways to sign in and to change an account, each with its settings."""

from typing import Annotated, Any, Literal

from msgspec import Meta, field

from limen.core.confighooks import MigrateHookConfig
from limen.core.configtypes import (
    Duration,
    Hostname,
    HttpUrl,
    Secret,
    Section,
    Source,
    Uri,
    Uuid,
    not_yet,
    outdated,
    says,
)

_Enabled = Annotated[bool, says("Whether the method is offered.")]
_Positive = Annotated[Duration, Meta(gt=0)]
_Strings = tuple[str, ...]
Preference = Literal["required", "preferred", "discouraged"]


class Profile(Section, frozen=True):
    """Changing one's traits."""

    enabled: _Enabled = True


class LinkConfig(Section, frozen=True, forbid_unknown_fields=False):
    """How links in mails behave."""

    lifespan: Annotated[Duration, says("How long a link works.")] = 3600.0
    base_url: Annotated[
        str | None,
        says("Has no effect."),
        outdated("Leave it out: links carry the address of the request that asked for them."),
    ] = None


class LinkMethod(Section, frozen=True):
    """Links in mails."""

    enabled: _Enabled = False
    config: LinkConfig = LinkConfig()


class CodeConfig(Section, frozen=True, forbid_unknown_fields=False):
    """How mailed and texted codes behave."""

    lifespan: Annotated[Duration, says("How long a code works.")] = 3600.0
    max_submissions: Annotated[int, Meta(ge=1, le=255), says("Wrong tries before a code is void.")] = 5
    missing_credential_fallback_enabled: Annotated[
        bool, says("Let people sign in by a verified address although they never set up codes.")
    ] = False


class Code(Section, frozen=True, forbid_unknown_fields=False):
    """Codes by mail or text message."""

    enabled: _Enabled = True
    passwordless_enabled: Annotated[bool, says("A code alone signs people in.")] = False
    mfa_enabled: Annotated[bool, says("A code serves as second factor.")] = False
    config: CodeConfig = CodeConfig()


class MigrateHook(Section, frozen=True):
    """Asking the former system whether a password is right."""

    enabled: Annotated[bool, says("Whether the former system is asked.")] = False
    config: MigrateHookConfig = MigrateHookConfig()


class PasswordConfig(Section, frozen=True):
    """What a good password is."""

    min_password_length: Annotated[int, Meta(ge=6), says("Fewest characters of a new password.")] = 8
    identifier_similarity_check_enabled: Annotated[bool, says("Refuse passwords that resemble the identifier.")] = True
    haveibeenpwned_enabled: Annotated[bool, says("Refuse passwords known from leaks.")] = True
    haveibeenpwned_host: Annotated[str, says("The server asked about leaks.")] = "api.pwnedpasswords.com"
    max_breaches: Annotated[int, Meta(ge=0, le=100), says("In how many leaks a password may appear.")] = 0
    ignore_network_errors: Annotated[bool, says("Accept the password when that server cannot be reached.")] = True
    migrate_hook: MigrateHook = MigrateHook()


class Password(Section, frozen=True):
    """Passwords."""

    enabled: _Enabled = True
    config: PasswordConfig = PasswordConfig()


class TotpConfig(Section, frozen=True):
    """Codes from an authenticator app."""

    issuer: Annotated[str | None, says("The name shown in the app; by default the public host name.")] = None


class Totp(Section, frozen=True):
    """Codes from an authenticator app."""

    enabled: _Enabled = False
    config: TotpConfig = TotpConfig()


class LookupSecret(Section, frozen=True):
    """Backup codes."""

    enabled: _Enabled = False


class WebauthnRp(Section, frozen=True, forbid_unknown_fields=False):
    """Who asks for the security key."""

    id: Annotated[str, says("The domain keys are bound to, without scheme and port.", example="id: example.com")]
    display_name: Annotated[str, says("The name shown by the browser.", example="display_name: Example")]
    origins: Annotated[tuple[Uri, ...] | None, says("Addresses keys may be used on.")] = None
    origin: Annotated[
        Uri | None, says("The one address keys may be used on."), outdated("Write `origins`, a list.")
    ] = None
    icon: Annotated[Uri | None, says("Has no effect."), outdated("Leave it out.")] = None


class WebauthnConfig(Section, frozen=True):
    """How security keys are used."""

    passwordless: Annotated[bool, says("A security key alone signs people in.")] = False
    rp: WebauthnRp | None = None


class Webauthn(Section, frozen=True):
    """Security keys."""

    enabled: _Enabled = False
    config: WebauthnConfig | None = None


class PasskeyRp(Section, frozen=True, forbid_unknown_fields=False):
    """Who asks for the passkey."""

    id: Annotated[str, says("The domain passkeys are bound to, without scheme and port.", example="id: example.com")]
    display_name: Annotated[str, says("The name shown by the browser.", example="display_name: Example")]
    origins: Annotated[_Strings | None, says("Addresses passkeys may be used on.")] = None


class AuthenticatorSelection(Section, frozen=True):
    """Which authenticators are welcome."""

    attachment: Annotated[
        Literal["platform", "cross-platform"] | None, says("Built into the device, or separate; unset means both.")
    ] = None
    resident_key: Annotated[Preference, says("Whether the passkey is kept on the authenticator.")] = "required"
    user_verification: Annotated[Preference, says("Whether the authenticator checks who holds it.")] = "preferred"


class Attestation(Section, frozen=True):
    """What an authenticator tells about itself."""

    preference: Annotated[
        Literal["none", "indirect", "direct", "enterprise"], says("How much an authenticator tells about itself.")
    ] = "none"


class PasskeyTimeouts(Section, frozen=True):
    """How long the browser waits."""

    registration: Annotated[_Positive | None, says("Time to create a passkey.")] = None
    login: Annotated[_Positive | None, says("Time to use a passkey.")] = None


class PasskeyConfig(Section, frozen=True):
    """How passkeys are made and used."""

    rp: PasskeyRp | None = None
    authenticator_selection: AuthenticatorSelection = AuthenticatorSelection()
    attestation: Attestation = Attestation()
    timeouts: PasskeyTimeouts = PasskeyTimeouts()


class Passkey(Section, frozen=True):
    """Passkeys."""

    enabled: _Enabled = False
    config: PasskeyConfig | None = None


class RequestedClaim(Section, frozen=True):
    """One claim asked of the provider."""

    essential: Annotated[bool | None, says("Whether the sign-in depends on it.")] = None
    value: Annotated[Any, says("The value it must have.")] = None
    values: Annotated[tuple[Any, ...] | None, says("The values it may have.")] = None


class RequestedClaims(Section, frozen=True, forbid_unknown_fields=False):
    """Claims asked of the provider, by where it delivers them."""

    userinfo: Annotated[dict[str, RequestedClaim | None], says("Claims wanted from the userinfo endpoint.")] = field(
        default_factory=dict
    )
    id_token: Annotated[dict[str, RequestedClaim | None], says("Claims wanted in the id token.")] = field(
        default_factory=dict
    )


class OidcProvider(Section, frozen=True):
    """One provider for single sign-on."""

    id: Annotated[str, says("Your name for it; part of the callback URL.", example="id: google")]
    provider: Annotated[
        Literal[
            "github", "github-app", "gitlab", "generic", "google", "microsoft", "discord", "salesforce", "slack",
            "facebook", "auth0", "vk", "yandex", "apple", "spotify", "netid", "dingtalk", "patreon", "line", "linkedin",
            "linkedin_v2", "lark", "x", "fedcm-test", "amazon", "uaepass", "bitbucket", "dropbox", "twitch",
        ],
        says("Which service; `generic` is any OpenID Connect provider.", example="provider: generic"),
    ]  # fmt: skip
    client_id: Annotated[str, says("Client id the provider gave you.", example="client_id: …")]
    mapper_url: Annotated[
        Source, says("Jsonnet that turns claims into traits.", example="mapper_url: file:///etc/config/google.jsonnet")
    ]
    client_secret: Annotated[Secret | None, says("Client secret the provider gave you; needed except for apple.")] = (
        None
    )
    label: Annotated[str | None, says("Text of the button; by default the id.")] = None
    issuer_url: Annotated[HttpUrl | None, says("Where the provider publishes its endpoints.")] = None
    auth_url: Annotated[HttpUrl | None, says("Where people are sent, if it is not published.")] = None
    token_url: Annotated[HttpUrl | None, says("Where codes are exchanged, if it is not published.")] = None
    scope: Annotated[_Strings, says("Scopes to ask for.")] = ()
    microsoft_tenant: Annotated[str | None, says("Tenant; needed for microsoft and only there.")] = None
    subject_source: Annotated[
        Literal["userinfo", "me", "oid"], says("Where microsoft's subject is read: OpenID, Graph, or the token.")
    ] = "userinfo"
    apple_team_id: Annotated[str | None, says("Team id; needed for apple and only there.")] = None
    apple_private_key_id: Annotated[str | None, says("Id of the private key; needed for apple and only there.")] = None
    apple_private_key: Annotated[Secret | None, says("The private key; needed for apple and only there.")] = None
    requested_claims: RequestedClaims | None = None
    organization_id: Annotated[str | None, says("Offer the provider to this organisation only.")] = None
    additional_id_token_audiences: Annotated[_Strings, says("Further audiences of tokens that apps bring.")] = ()
    aal2_acr_values: Annotated[_Strings, says("Values of `acr` that count as two factors.")] = ()
    aal2_amr_values: Annotated[_Strings, says("Values of `amr` that count as two factors.")] = ()
    claims_source: Annotated[Literal["id_token", "userinfo"], says("Where claims are read.")] = "id_token"
    pkce: Annotated[
        Literal["auto", "never", "force"], says("Proof key (RFC 7636): when the provider can, never, or always.")
    ] = "auto"
    fedcm_config_url: Annotated[HttpUrl | None, says("The provider's FedCM configuration.")] = None
    net_id_token_origin_header: Annotated[str | None, says("Origin header of netID's token request.")] = None
    account_linking_mode: Annotated[
        Literal["confirm_with_existing_credential", "automatic"], says("How an existing account is joined.")
    ] = "confirm_with_existing_credential"
    update_identity_on_login: Annotated[
        Literal["never", "automatic"], says("Whether each sign-in refreshes the traits.")
    ] = "never"


class OidcConfig(Section, frozen=True):
    """Single sign-on."""

    base_redirect_uri: Annotated[HttpUrl | None, says("Base of callback URLs; by default the public URL.")] = None
    providers: Annotated[tuple[OidcProvider, ...], says("The providers, in the order of their buttons.")] = ()


class Oidc(Section, frozen=True):
    """Single sign-on."""

    enabled: _Enabled = False
    config: OidcConfig = OidcConfig()


class B2bOrganization(Section, frozen=True, forbid_unknown_fields=False):
    """One organisation."""

    id: Annotated[Uuid | None, says("Its id.")] = None
    label: Annotated[str | None, says("Its name.")] = None
    domains: Annotated[tuple[Hostname, ...], says("Mail domains of its members.")] = ()
    session_lifespan: Annotated[Duration | None, says("How long its members stay signed in.")] = None


class B2bConfig(Section, frozen=True):
    """Organisations."""

    organizations: Annotated[tuple[B2bOrganization, ...], says("The organisations.")] = ()


class B2b(Section, frozen=True):
    """Sign-in through an organisation's provider."""

    config: B2bConfig = B2bConfig()


class Methods(Section, frozen=True):
    """One section for each method."""

    profile: Profile = Profile()
    password: Password = Password()
    code: Code = Code()
    link: LinkMethod = LinkMethod()
    totp: Totp = Totp()
    lookup_secret: LookupSecret = LookupSecret()
    webauthn: Webauthn = Webauthn()
    passkey: Passkey = Passkey()
    oidc: Oidc = Oidc()
    b2b: Annotated[B2b, not_yet("organisations")] = B2b()
