"""The configuration as frozen structs under Kratos' keys; how a file becomes one is told in configload.py."""

from typing import Annotated, Any, Literal

from msgspec import Meta, field

from limen.core.configconsole import Console
from limen.core.configcourier import Courier
from limen.core.configfactors import SecondFactor
from limen.core.configflows import Flows, RequiredAal
from limen.core.configmethods import Methods
from limen.core.configserver import Log, Serve, Tracing
from limen.core.configtraces import Traces
from limen.core.configtypes import (
    UNIQUE,
    BoolText,
    Count,
    Dsn,
    Duration,
    HttpUrl,
    Link,
    Network,
    Secret,
    SecretHeaders,
    Section,
    Size,
    Source,
    not_yet,
    outdated,
    says,
)

SameSite = Literal["Strict", "Lax", "None"]
_Strings = tuple[str, ...]


class IdentitySchema(Section, frozen=True, forbid_unknown_fields=False):
    """One identity schema."""

    id: Annotated[str, says("Name of the schema.", example="id: default")]
    url: Annotated[Source, says("The JSON Schema.", example="url: file:///etc/config/identity.schema.json")]
    selfservice_selectable: Annotated[bool, says("Whether a registration may ask for it.")] = False


class Identity(Section, frozen=True):
    """What an identity looks like."""

    schemas: Annotated[
        tuple[IdentitySchema, ...],
        Meta(min_length=1),
        says("The schemas identities may have.", example="schemas: [{id: default, url: file://identity.schema.json}]"),
    ]
    default_schema_id: Annotated[str, says("The schema of those who choose none.")] = "default"


_Secret16 = Annotated[Secret, Meta(min_length=16)]


class Secrets(Section, frozen=True):
    """Keys: the first one signs or encrypts, all of them verify or decrypt."""

    default: Annotated[tuple[_Secret16, ...], says("For everything without keys of its own."), UNIQUE] = ()
    cookie: Annotated[tuple[_Secret16, ...], says("For cookies."), UNIQUE] = ()
    cipher: Annotated[
        Annotated[tuple[Annotated[Secret, Meta(min_length=32, max_length=32)], ...], Meta(min_length=1)] | None,
        says("For stored data; exactly 32 characters each."),
    ] = None
    pagination: Annotated[Annotated[tuple[_Secret16, ...], Meta(min_length=1)] | None, says("For page tokens.")] = None


class Argon2(Section, frozen=True):
    """Argon2id."""

    memory: Annotated[Size, says("Memory one hash takes.")] = 128 * 1024**2
    iterations: Annotated[Count, says("Passes over that memory.")] = 1
    parallelism: Annotated[Count | None, says("Lanes; by default twice the number of cores.")] = None
    salt_length: Annotated[int, Meta(ge=16), says("Bytes of salt.")] = 16
    key_length: Annotated[int, Meta(ge=16), says("Bytes of the hash.")] = 32
    expected_duration: Annotated[Duration, says("How long a hash should take; strangers wait as long.")] = 0.5
    expected_deviation: Annotated[Duration, says("How much that may vary.")] = 0.5
    dedicated_memory: Annotated[Size, says("Memory the calibration may use in all.")] = 1024**3


class Bcrypt(Section, frozen=True):
    """Bcrypt."""

    cost: Annotated[
        int, Meta(ge=4, le=31), says("Rounds as a power of two; at least 12 outside development.", example="cost: 12")
    ]


class Hashers(Section, frozen=True):
    """How new passwords are hashed."""

    algorithm: Annotated[Literal["argon2", "bcrypt"], says("The algorithm for new passwords.")] = "bcrypt"
    argon2: Argon2 = Argon2()
    bcrypt: Bcrypt = Bcrypt(cost=12)


class Ciphers(Section, frozen=True, forbid_unknown_fields=False):
    """How stored tokens are encrypted."""

    algorithm: Annotated[
        Literal["noop", "aes", "xchacha20-poly1305"], says("The cipher; `noop` leaves them readable.")
    ] = "noop"


class Cookies(Section, frozen=True):
    """Attributes of every cookie."""

    domain: Annotated[str | None, says("Domain; by default the host that set it.")] = None
    path: Annotated[str, says("Path.")] = "/"
    same_site: Annotated[SameSite, says("Whether cookies travel from other sites.")] = "Lax"
    secure: Annotated[BoolText | None, says("HTTPS only; by default everywhere but in development.")] = None


class SessionCookie(Section, frozen=True):
    """Attributes of the session's cookie; what is left out comes from `cookies`."""

    name: Annotated[str, says("Name.")] = "ory_kratos_session"
    domain: Annotated[str | None, says("Domain.")] = None
    path: Annotated[str | None, says("Path.")] = None
    same_site: Annotated[SameSite | None, says("Whether the cookie travels from other sites.")] = None
    secure: Annotated[BoolText | None, says("HTTPS only.")] = None
    persistent: Annotated[bool, says("Keep it when the browser is closed.")] = True


class TokenTemplate(Section, frozen=True, forbid_unknown_fields=False):
    """How a session becomes a JSON Web Token."""

    jwks_url: Annotated[
        Source, says("The signing keys, of which the first one signs.", example="jwks_url: file:///etc/jwks.json")
    ]
    ttl: Annotated[Duration, says("How long the token is good.")] = 60.0
    claims_mapper_url: Annotated[Source | None, says("Jsonnet that makes the claims.")] = None
    subject_source: Annotated[Literal["id", "external_id"], says("What `sub` is.")] = "id"


class Tokenizer(Section, frozen=True, forbid_unknown_fields=False):
    """Sessions as JSON Web Tokens."""

    templates: Annotated[
        dict[Annotated[str, Meta(pattern="[a-zA-Z0-9-_.]+")], TokenTemplate], says("Templates by name.")
    ] = field(default_factory=dict)


class Whoami(Section, frozen=True):
    """The session check."""

    required_aal: Annotated[RequiredAal, says("Assurance level needed: one factor, or all a person has.")] = (
        "highest_available"
    )
    tokenizer: Tokenizer = Tokenizer()


class Session(Section, frozen=True):
    """How people stay signed in."""

    lifespan: Annotated[Duration, says("How long people stay signed in.")] = 86400.0
    earliest_possible_extend: Annotated[
        Duration | None, says("How long before its end a session may be extended; unset means always.")
    ] = None
    cookie: SessionCookie = SessionCookie()
    whoami: Whoami = Whoami()


class AccountEnumeration(Section, frozen=True, forbid_unknown_fields=False):
    """Hiding who has an account."""

    mitigate: Annotated[bool, says("Answer strangers and members alike.")] = False


class Security(Section, frozen=True, forbid_unknown_fields=False):
    """Further protection."""

    account_enumeration: AccountEnumeration = AccountEnumeration()
    disallow_ref_in_identity_schemas: Annotated[bool, says("Refuse `$ref` in identity schemas.")] = False


class SelfService(Section, frozen=True):
    """What people do for themselves."""

    default_browser_return_url: Annotated[
        Link,
        says("Where the browser goes when nothing else is said.", example="default_browser_return_url: https://…"),
    ]
    allowed_return_urls: Annotated[
        tuple[Link, ...], says("Where `return_to` may lead; `https://*.example.com` allows every subdomain.")
    ] = ()
    flows: Flows = Flows()
    methods: Methods = Methods()


class HttpClient(Section, frozen=True, forbid_unknown_fields=False):
    """Requests we make."""

    disallow_private_ip_ranges: Annotated[bool, says("Never call private addresses.")] = False
    private_ip_exception_urls: Annotated[_Strings, says("Private URLs that may be called all the same.")] = ()


class SmtpClient(Section, frozen=True, forbid_unknown_fields=False):
    """Mail servers we talk to."""

    disallow_private_ip_ranges: Annotated[bool, says("Never connect to private addresses.")] = False


class WebHookClient(Section, frozen=True, forbid_unknown_fields=False):
    """What web hooks learn."""

    header_allowlist: Annotated[_Strings, says("Request headers that hooks and message templates see.")] = (
        "Accept", "Accept-Encoding", "Accept-Language", "Content-Length", "Content-Type", "Origin", "Priority",
        "Referer", "Sec-Ch-Ua", "Sec-Ch-Ua-Mobile", "Sec-Ch-Ua-Platform", "Sec-Fetch-Dest", "Sec-Fetch-Mode",
        "Sec-Fetch-Site", "Sec-Fetch-User", "True-Client-Ip", "User-Agent",
    )  # fmt: skip


class Clients(Section, frozen=True, forbid_unknown_fields=False):
    """What we reach out to."""

    http: HttpClient = HttpClient()
    smtp: SmtpClient = SmtpClient()
    web_hook: WebHookClient = WebHookClient()


class OAuth2Provider(Section, frozen=True):
    """Signing people in for an OAuth 2.0 server (Ory Hydra)."""

    url: Annotated[HttpUrl | None, says("Its admin API.")] = None
    headers: Annotated[SecretHeaders, says("Headers to add.")] = field(default_factory=dict)
    override_return_to: Annotated[bool, says("Its redirect wins over `return_to`.")] = False


class CleanupSleep(Section, frozen=True, forbid_unknown_fields=False):
    """Pauses of the clean-up."""

    tables: Annotated[Duration, says("Pause between two tables.")] = 60.0


class Cleanup(Section, frozen=True, forbid_unknown_fields=False):
    """Deleting what has expired."""

    batch_size: Annotated[Count, says("Rows deleted at once.")] = 100
    sleep: CleanupSleep = CleanupSleep()
    older_than: Annotated[Duration, says("How long expired rows are kept.")] = 0.0


class Database(Section, frozen=True):
    """Care of the database."""

    cleanup: Cleanup = Cleanup()


_LEGACY = outdated("It keeps an old behaviour that will go: see what needs it and switch it off.")


class FeatureFlags(Section, frozen=True):
    """Behaviour to switch on or off."""

    cacheable_sessions: Annotated[bool, says("Session checks say how long they may be cached.")] = False
    cacheable_sessions_max_age: Annotated[Duration | None, says("At most this long; unset means until the end.")] = None
    use_continue_with_transitions: Annotated[bool, says("Say what comes next in `continue_with`, not by redirect.")] = (
        False
    )
    choose_recovery_address: Annotated[bool, says("Let people choose the address a recovery code goes to.")] = False
    legacy_continue_with_verification_ui: Annotated[bool, says("Always point to the verification page."), _LEGACY] = (
        False
    )
    legacy_require_verified_login_error: Annotated[
        bool, says("An unverified address is an error in the form."), _LEGACY
    ] = False
    faster_session_extend: Annotated[bool, says("Extending a session answers 204 without the session.")] = False
    password_profile_registration_node_group: Annotated[
        Literal["password", "default"], says("Group of the profile's fields at registration with a password.")
    ] = "default"
    legacy_oidc_registration_node_group: Annotated[
        bool, says("Group `oidc` for the profile's fields at registration by single sign-on.")
    ] = False
    legacy_allow_insecure_origins: Annotated[
        bool, says("Obey unsafe wildcards too."), outdated("Write exact origins, or `https://*.example.com`.")
    ] = False
    refresh_login_choose_address: Annotated[bool, says("A button for each address when signing in again by code.")] = (
        False
    )


class Preview(Section, frozen=True, forbid_unknown_fields=False):
    """What Kratos tries out."""

    default_read_consistency_level: Annotated[
        Literal["strong", "eventual"], says("How current reads are (CockroachDB).")
    ] = "strong"


class Enterprise(Section, frozen=True):
    """What only Ory's paid edition does."""

    identity_schema_fallback_url_template: Annotated[str | None, says("Where unknown schemas are looked for.")] = None


class Branding(Section, frozen=True):
    """How the built-in pages look."""

    name: Annotated[str, Meta(min_length=1), says("Name of your product.")] = "Limen"
    logo_url: Annotated[Source | None, says("Your logo, instead of the name.")] = None
    accent: Annotated[
        str,
        Meta(pattern="^#[0-9a-fA-F]{6}$"),
        says("Colour of buttons and links; its contrast is corrected.", example='accent: "#2f6db5"'),
    ] = "#2f6db5"
    show_secured_by: Annotated[bool, says("A small “secured by Limen” at the foot.")] = False


class OwnDatabase(Section, frozen=True):
    """How we use the database."""

    auto_migrate: Annotated[
        bool | None, says("Bring the tables up to date at start; by default on SQLite, not on PostgreSQL.")
    ] = None
    sqlite_synchronous: Annotated[
        Literal["full", "normal"], says("`normal` is faster and may lose the last moments in a power cut.")
    ] = "full"
    pool_size: Annotated[Count, says("Most connections to PostgreSQL.")] = 10


class OwnCleanup(Section, frozen=True):
    """What has expired is deleted while the server runs, by one node at a time, in small steps."""

    enabled: Annotated[bool, says("Whether that is done; otherwise run `limen cleanup sql` now and then.")] = True
    interval: Annotated[Duration, says("How often.")] = 3600.0
    keep: Annotated[Duration, says("How long expired flows, codes and error pages are kept.")] = 86400.0
    keep_sessions: Annotated[Duration, says("How long sessions are kept after their end; operators see them.")] = (
        30 * 86400.0
    )


class Hashing(Section, frozen=True):
    """How much password hashing goes on at once."""

    workers: Annotated[Count | None, says("Hashes at once; by default one for each core.")] = None
    queue: Annotated[int, Meta(ge=0), says("How many may wait before others are asked to come back later.")] = 64


class Pages(Section, frozen=True):
    """The built-in pages."""

    enabled: Annotated[bool, says("Whether they are served.")] = True
    languages: Annotated[
        tuple[Literal["en", "de"], ...], Meta(min_length=1), says("Languages; the first is the fallback."), UNIQUE
    ] = ("en", "de")


class Social(Section, frozen=True):
    """Signing in with providers."""

    enabled_providers: Annotated[
        tuple[str, ...] | None,
        says(
            "Ids of the configured providers that are in use; the others are as good as not there. Left out: all of them."
        ),
        UNIQUE,
    ] = None
    link_verified_addresses: Annotated[
        tuple[str, ...],
        says(
            "Ids of providers that are trusted to link themselves to an account whose verified address they verified too; "
            "otherwise its owner signs in first."
        ),
        UNIQUE,
    ] = ()


class AccountDeletion(Section, frozen=True):
    """People may delete their account themselves."""

    enabled: Annotated[bool, says("The account page offers to delete the account, after a fresh sign-in.")] = False


class OwnSelfService(Section, frozen=True):
    """What people can do themselves that Kratos does not know."""

    account_deletion: AccountDeletion = AccountDeletion()


class OwnLink(Section, frozen=True):
    """Links in mails, beyond what Kratos does with them."""

    login_enabled: Annotated[bool, says("A mailed link signs people in.")] = False


class OwnMethods(Section, frozen=True):
    """Ways to sign in, beyond what Kratos does with them."""

    link: OwnLink = OwnLink()


class Notices(Section, frozen=True):
    """Mails that tell people what happened to their account, in case it was not them."""

    password_changed: Annotated[
        bool, says("To all addresses, after a change of the password, or its removal when an address is proved first.")
    ] = False
    address_changed: Annotated[bool, says("To an address that was taken out of the account.")] = False
    new_device: Annotated[bool, says("After a sign-in from a browser or app that was not seen before.")] = False
    provider_changed: Annotated[bool, says("After a provider was linked to the account, or unlinked.")] = False


class Registration(Section, frozen=True):
    """Signing up, beyond what Kratos knows of it."""

    invite_only: Annotated[
        bool, says("Only who was invited signs up, in whichever way. The admin API makes accounts all the same.")
    ] = False


class Audit(Section, frozen=True):
    """The audit log."""

    retention: Annotated[Duration, says("How long entries are kept; `8760h` is a year. 0: for ever.")] = 0.0


class Limits(Section, frozen=True):
    """How many wrong passwords and codes are looked at before somebody has to wait."""

    guesses_per_person: Annotated[
        int,
        Meta(ge=0),
        says("Wrong ones for one person, for passwords, mailed codes and second factors each; 0: no limit."),
    ] = 20
    guesses_per_address: Annotated[
        int, Meta(ge=0), says("Wrong ones from one public network address, whoever they are for; 0: no limit.")
    ] = 200
    pause: Annotated[Duration, Meta(gt=0), says("The first wait. Each further wrong one doubles it.")] = 60.0
    longest_pause: Annotated[Duration, Meta(gt=0), says("The longest wait.")] = 900.0
    forgotten_after: Annotated[
        Duration, Meta(gt=0), says("Wrong ones are forgotten when none came for so long, or after a right one.")
    ] = 86400.0


class Webhooks(Section, frozen=True):
    """How receivers know that web hooks, and messages over HTTP, are ours (https://www.standardwebhooks.com)."""

    signing_secret: Annotated[
        Secret | None,
        says("Signs every web hook and message over HTTP; made with `echo whsec_$(openssl rand -base64 32)`."),
    ] = None
    former_signing_secret: Annotated[
        Secret | None, says("Signs too, for receivers that do not know the new secret yet.")
    ] = None

    @property
    def secrets(self) -> tuple[str, ...]:
        """What every call is signed with; none when calls are not signed."""
        return tuple(one for one in (self.signing_secret, self.former_signing_secret) if one)


class Limen(Section, frozen=True):
    """What only Limen has; Kratos does not know this section."""

    audit: Audit = Audit()
    branding: Branding = Branding()
    console: Console = Console()
    cleanup: OwnCleanup = OwnCleanup()
    database: OwnDatabase = OwnDatabase()
    drain: Annotated[
        Duration, Meta(ge=0), says("How long a server that is to stop goes on, while it says that it is not ready.")
    ] = 0.0
    hashing: Hashing = Hashing()
    limits: Limits = Limits()
    methods: OwnMethods = OwnMethods()
    notices: Notices = Notices()
    pages: Pages = Pages()
    registration: Registration = Registration()
    second_factor: SecondFactor = SecondFactor()
    selfservice: OwnSelfService = OwnSelfService()
    social: Social = Social()
    traces: Traces = Traces()
    trusted_proxies: Annotated[
        tuple[Network, ...], says("Networks whose `X-Forwarded-…` headers are believed, as in `10.0.0.0/8`.")
    ] = ()
    webhooks: Webhooks = Webhooks()


class Config(Section, frozen=True):
    """The whole configuration."""

    dsn: Annotated[
        Dsn, says("The database: `memory`, `sqlite://…` or `postgres://…`.", example="dsn: sqlite://limen.sqlite")
    ]
    identity: Identity
    selfservice: SelfService
    serve: Serve = Serve()
    courier: Courier = Courier()
    session: Session = Session()
    cookies: Cookies = Cookies()
    secrets: Secrets = Secrets()
    hashers: Hashers = Hashers()
    ciphers: Ciphers = Ciphers()
    security: Security = Security()
    log: Log = Log()
    tracing: Tracing = Tracing()
    clients: Clients = Clients()
    oauth2_provider: OAuth2Provider = OAuth2Provider()
    database: Database = Database()
    feature_flags: FeatureFlags = FeatureFlags()
    limen: Limen = Limen()
    dev: Annotated[bool, says("Development: cookies without HTTPS, checks that would be in the way are off.")] = False
    version: Annotated[str, says("The Kratos version the file was written for.", example="version: v1.3.0")] = ""
    revision: Annotated[str | None, says("A name for this state of the file, shown by `/admin/health/config`.")] = None
    watch_courier: Annotated[bool, says("Send mails from this process too.")] = field(
        default=False, name="watch-courier"
    )
    expose_metrics_port: Annotated[
        int, Meta(ge=0, le=65535), says("Port for the metrics of a separate courier; 0 means none.")
    ] = field(default=0, name="expose-metrics-port")
    sqa_opt_out: Annotated[bool, says("Accepted; there is no telemetry to opt out of.")] = field(
        default=False, name="sqa-opt-out"
    )
    config: Annotated[_Strings, says("Further files, as with `--config`; set it by flag or variable.")] = ()
    help: Annotated[bool, says("Accepted; has no effect.")] = False
    organizations: Annotated[
        tuple[Any, ...], says("Has no effect."), outdated("Leave it out."), not_yet("organisations")
    ] = ()
    preview: Annotated[Preview, not_yet("CockroachDB's read modes")] = Preview()
    enterprise: Annotated[Enterprise, not_yet("this paid feature")] = Enterprise()
