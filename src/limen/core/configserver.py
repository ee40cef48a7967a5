"""The servers of the configuration: addresses, TLS, other origins, logs and traces."""

from typing import Annotated, Literal

from msgspec import Meta

from limen.core.configtypes import (
    UNIQUE,
    HostPort,
    HttpUrl,
    Origin,
    Port,
    Secret,
    Section,
    says,
)

_ServeHost = Annotated[str, says("Address to listen on, or `unix:/path` for a socket.")]
_Ratio = Annotated[Annotated[float, Meta(ge=0, le=1)] | None, says("Share of traces kept, from 0 to 1.")]
_Strings = tuple[str, ...]


class Socket(Section, frozen=True):
    """Rights of a Unix socket."""

    owner: Annotated[str, says("User the socket belongs to.")] = ""
    group: Annotated[str, says("Group the socket belongs to.")] = ""
    mode: Annotated[int, Meta(ge=0, le=511), says("Access rights as a number; 493 is octal 755.")] = 493


class TlsSource(Section, frozen=True):
    """Where a certificate or key is read."""

    path: Annotated[str | None, says("A PEM file, read again when it changes.")] = None
    base64: Annotated[Secret | None, says("The PEM text in base64.")] = None


class Tls(Section, frozen=True):
    """HTTPS without a proxy in front."""

    cert: TlsSource | None = None
    key: TlsSource | None = None


class RequestLog(Section, frozen=True):
    """The log line of each request."""

    disable_for_health: Annotated[bool, says("No log line for health checks.")] = False


class Cors(Section, frozen=True):
    """Which other origins may call from a browser."""

    enabled: Annotated[bool, says("Whether other origins are answered at all.")] = False
    allowed_origins: Annotated[
        tuple[Origin, ...], says("Origins that may call: exact, `https://*.example.com`, or `*`."), UNIQUE
    ] = ("*",)
    allowed_methods: Annotated[
        tuple[Literal["POST", "GET", "PUT", "PATCH", "DELETE", "CONNECT", "HEAD", "OPTIONS", "TRACE"], ...],
        says("Methods they may use."),
    ] = ("POST", "GET", "PUT", "PATCH", "DELETE")
    allowed_headers: Annotated[_Strings, says("Headers they may send.")] = (
        "Authorization",
        "Content-Type",
        "Max-Age",
        "X-Session-Token",
        "X-XSRF-TOKEN",
        "X-CSRF-TOKEN",
    )
    exposed_headers: Annotated[_Strings, says("Headers they may read.")] = ("Content-Type",)
    allow_credentials: Annotated[bool, says("Whether they may send cookies.")] = True
    options_passthrough: Annotated[bool, says("Hand preflight requests on instead of answering them.")] = False
    max_age: Annotated[int, Meta(ge=0), says("Seconds a browser may remember the answer.")] = 0
    debug: Annotated[bool, says("Log why an origin was refused.")] = False


class AdminServer(Section, frozen=True):
    """The admin API: never on the open internet."""

    base_url: Annotated[HttpUrl | None, says("How others reach the admin API.")] = None
    host: _ServeHost = "0.0.0.0"  # noqa: S104 – Kratos' default; without a file we choose another
    port: Annotated[Port, says("Port to listen on.")] = 4434
    socket: Socket = Socket()
    tls: Tls | None = None
    request_log: RequestLog = RequestLog()


class PublicServer(AdminServer, frozen=True):
    """The public API: what browsers and apps talk to."""

    base_url: Annotated[
        HttpUrl | None, says("How browsers and apps reach the public API; cookies and links need it.")
    ] = None
    port: Annotated[Port, says("Port to listen on.")] = 4433
    cors: Cors = Cors()


class Serve(Section, frozen=True):
    """The two servers."""

    public: PublicServer = PublicServer()
    admin: AdminServer = AdminServer()


class Log(Section, frozen=True):
    """What is logged, and how."""

    level: Annotated[
        Literal["trace", "debug", "info", "warning", "error", "fatal", "panic"], says("The least important line shown.")
    ] = "info"
    format: Annotated[Literal["json", "text"], says("For machines or for people.")] = "text"
    leak_sensitive_values: Annotated[bool, says("Log secrets and personal data too: never in production.")] = False
    redaction_text: Annotated[str | None, says("What stands in the place of a hidden value.")] = None


class JaegerSampling(Section, frozen=True):
    """Which traces are kept."""

    server_url: Annotated[
        HttpUrl | None, says("Server that decides what is kept, as `http://agent:5778/sampling`; asked every minute.")
    ] = None
    trace_id_ratio: _Ratio = None


class Sampling(Section, frozen=True):
    """Which traces are kept."""

    sampling_ratio: _Ratio = None


class Jaeger(Section, frozen=True):
    """Traces to Jaeger's agent, by UDP."""

    local_agent_address: Annotated[HostPort | None, says("The agent, as `agent:6831`.")] = None
    sampling: JaegerSampling = JaegerSampling()


class Zipkin(Section, frozen=True):
    """Traces to Zipkin."""

    server_url: Annotated[HttpUrl | None, says("Where spans are posted.")] = None
    sampling: Sampling = Sampling()


class Otlp(Section, frozen=True):
    """Traces over OTLP."""

    server_url: Annotated[HostPort | None, says("The collector, as host:port or host:port/path, without scheme.")] = (
        None
    )
    insecure: Annotated[bool, says("Speak HTTP rather than HTTPS.")] = False
    sampling: Sampling = Sampling()
    authorization_header: Annotated[Secret | None, says("Sent as it is.")] = None


class TracingProviders(Section, frozen=True):
    """Settings for each kind of collector."""

    jaeger: Jaeger = Jaeger()
    zipkin: Zipkin = Zipkin()
    otlp: Otlp = Otlp()


class Tracing(Section, frozen=True):
    """Where traces go."""

    provider: Annotated[Literal["jaeger", "otel", "zipkin", ""], says("Kind of collector; empty means no traces.")] = ""
    service_name: Annotated[str | None, says("The name shown in traces.")] = None
    deployment_environment: Annotated[str | None, says("For instance `staging`.")] = None
    providers: TracingProviders = TracingProviders()
