"""The self-service flows of the configuration: their pages, how long they last, what runs before and after."""

from typing import Annotated, Literal

from limen.core.confighooks import AnyHook, LoginHook, LoginOidcHook, ProfileHook, RegistrationHook, RevokingHook
from limen.core.configtypes import UNIQUE, Duration, Link, Section, outdated, says

_UiUrl = Annotated[
    Link | None, says("The page people see, instead of our own; absolute, or relative to the public URL.")
]
_Lifespan = Annotated[Duration, says("How long a person may take.")]
_ReturnUrl = Annotated[Link | None, says("Where the browser goes next, instead of the flow's or the global address.")]
_Before = says("Hooks that run before the flow begins.")
_After = says("Hooks that run when the flow succeeded with a method that has none of its own.")
_AfterMethod = says("Hooks that run when the flow succeeded with this method; they replace the flow's.")
Use = Annotated[Literal["link", "code"], says("What is sent: a code to type, or a link to open.")]
Enabled = Annotated[bool, says("Whether the flow is offered.")]
NotifyUnknown = Annotated[bool, says("Write also to addresses nobody has registered.")]
RequiredAal = Literal["aal1", "highest_available"]


class Before(Section, frozen=True):
    """What runs before a flow begins."""

    hooks: Annotated[tuple[AnyHook, ...], _Before, UNIQUE] = ()


class LoginAfterMethod(Section, frozen=True):
    """What follows a sign-in with one method."""

    default_browser_return_url: _ReturnUrl = None
    hooks: Annotated[tuple[LoginHook, ...], _AfterMethod, UNIQUE] = ()


class LoginAfterOidc(Section, frozen=True):
    """What follows single sign-on."""

    default_browser_return_url: _ReturnUrl = None
    hooks: Annotated[tuple[LoginOidcHook, ...], _AfterMethod, UNIQUE] = ()


class LoginAfter(Section, frozen=True):
    """What follows a sign-in."""

    default_browser_return_url: _ReturnUrl = None
    password: LoginAfterMethod = LoginAfterMethod()
    webauthn: LoginAfterMethod = LoginAfterMethod()
    passkey: LoginAfterMethod = LoginAfterMethod()
    oidc: LoginAfterOidc = LoginAfterOidc()
    code: LoginAfterMethod = LoginAfterMethod()
    totp: LoginAfterMethod = LoginAfterMethod()
    lookup_secret: LoginAfterMethod = LoginAfterMethod()
    hooks: Annotated[tuple[LoginHook, ...], _After, UNIQUE] = ()


class LoginFlow(Section, frozen=True):
    """Signing in."""

    ui_url: _UiUrl = None
    lifespan: _Lifespan = 3600.0
    style: Annotated[
        Literal["unified", "identifier_first"], says("One form with everything, or the identifier first.")
    ] = "unified"
    before: Before = Before()
    after: LoginAfter = LoginAfter()


class RegistrationAfterMethod(Section, frozen=True):
    """What follows a registration with one method."""

    default_browser_return_url: _ReturnUrl = None
    hooks: Annotated[tuple[RegistrationHook, ...], _AfterMethod, UNIQUE] = ()


class RegistrationAfter(Section, frozen=True):
    """What follows a registration."""

    default_browser_return_url: _ReturnUrl = None
    password: RegistrationAfterMethod = RegistrationAfterMethod()
    webauthn: RegistrationAfterMethod = RegistrationAfterMethod()
    passkey: RegistrationAfterMethod = RegistrationAfterMethod()
    oidc: RegistrationAfterMethod = RegistrationAfterMethod()
    code: RegistrationAfterMethod = RegistrationAfterMethod()
    hooks: Annotated[tuple[AnyHook, ...], _After, UNIQUE] = ()


class RegistrationFlow(Section, frozen=True):
    """Opening an account."""

    enabled: Annotated[bool, says("Whether people may register themselves.")] = True
    login_hints: Annotated[bool, says("Tell which way of signing in an existing account has.")] = False
    ui_url: _UiUrl = None
    lifespan: _Lifespan = 3600.0
    style: Annotated[Literal["unified", "profile_first"], says("One form with everything, or the profile first.")] = (
        "profile_first"
    )
    enable_legacy_one_step: Annotated[
        bool, says("One form with everything; wins over `style`."), outdated("Write `style: unified`.")
    ] = False
    before: Before = Before()
    after: RegistrationAfter = RegistrationAfter()


class SettingsAfterMethod(Section, frozen=True):
    """What follows a change of one way to sign in."""

    default_browser_return_url: _ReturnUrl = None
    hooks: Annotated[tuple[RevokingHook, ...], _AfterMethod, UNIQUE] = ()


class SettingsAfterProfile(Section, frozen=True):
    """What follows a change of the profile."""

    default_browser_return_url: _ReturnUrl = None
    hooks: Annotated[tuple[ProfileHook, ...], _AfterMethod, UNIQUE] = ()


class SettingsAfter(Section, frozen=True):
    """What follows a change of settings."""

    default_browser_return_url: _ReturnUrl = None
    password: SettingsAfterMethod = SettingsAfterMethod()
    totp: SettingsAfterMethod = SettingsAfterMethod()
    oidc: SettingsAfterMethod = SettingsAfterMethod()
    webauthn: SettingsAfterMethod = SettingsAfterMethod()
    passkey: SettingsAfterMethod = SettingsAfterMethod()
    lookup_secret: SettingsAfterMethod = SettingsAfterMethod()
    profile: SettingsAfterProfile = SettingsAfterProfile()
    hooks: Annotated[tuple[AnyHook, ...], _After, UNIQUE] = ()


class SettingsFlow(Section, frozen=True):
    """Changing one's account."""

    ui_url: _UiUrl = None
    lifespan: _Lifespan = 3600.0
    privileged_session_max_age: Annotated[
        Duration, says("How fresh a sign-in must be to change a password and the like.")
    ] = 3600.0
    required_aal: Annotated[RequiredAal, says("Assurance level needed: one factor, or all a person has.")] = (
        "highest_available"
    )
    before: Before = Before()
    after: SettingsAfter = SettingsAfter()


class VerificationAfter(Section, frozen=True):
    """What follows a verification."""

    default_browser_return_url: _ReturnUrl = None
    hooks: Annotated[tuple[AnyHook, ...], says("Hooks that run after an address was verified."), UNIQUE] = ()


class VerificationFlow(Section, frozen=True):
    """Proving that an address is one's own."""

    enabled: Enabled = False
    ui_url: _UiUrl = None
    lifespan: _Lifespan = 3600.0
    use: Use = "code"
    notify_unknown_recipients: NotifyUnknown = False
    before: Before = Before()
    after: VerificationAfter = VerificationAfter()


class RecoveryAfter(Section, frozen=True):
    """What follows a recovery."""

    default_browser_return_url: _ReturnUrl = None
    hooks: Annotated[tuple[RevokingHook, ...], says("Hooks that run after a recovery."), UNIQUE] = ()


class RecoveryFlow(Section, frozen=True):
    """Getting back into an account."""

    enabled: Enabled = False
    ui_url: _UiUrl = None
    lifespan: _Lifespan = 3600.0
    use: Use = "code"
    notify_unknown_recipients: NotifyUnknown = False
    before: Before = Before()
    after: RecoveryAfter = RecoveryAfter()


class LogoutAfter(Section, frozen=True):
    """What follows a sign-out."""

    default_browser_return_url: _ReturnUrl = None


class LogoutFlow(Section, frozen=True):
    """Signing out."""

    clear_browser_data: Annotated[bool, says("Ask the browser to forget cookies, storage and cache (HTTPS only).")] = (
        False
    )
    after: LogoutAfter = LogoutAfter()


class ErrorFlow(Section, frozen=True):
    """The page for errors that belong to no form."""

    ui_url: _UiUrl = None


class Flows(Section, frozen=True):
    """One section for each kind of flow."""

    login: LoginFlow = LoginFlow()
    registration: RegistrationFlow = RegistrationFlow()
    settings: SettingsFlow = SettingsFlow()
    verification: VerificationFlow = VerificationFlow()
    recovery: RecoveryFlow = RecoveryFlow()
    logout: LogoutFlow = LogoutFlow()
    error: ErrorFlow = ErrorFlow()
