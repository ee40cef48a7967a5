"""Rules that tie several keys of the configuration together; each section's rule is asked with its plain data."""

import re
from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_address
from typing import Any, Final

from msgspec import Struct

from limen.core import standardwebhooks
from limen.core.config import Config, Cookies, Identity, SessionCookie, Webhooks
from limen.core.confighooks import WebHookConfig
from limen.core.configkeys import Path, reach
from limen.core.configmethods import Code, OidcConfig, OidcProvider, Passkey, Webauthn, WebauthnRp
from limen.core.configserver import Tls, Tracing
from limen.core.configtypes import Section
from limen.core.configvalues import nearest

Raw = Mapping[str, Any]
KNOWN_YEAR: Final = 26  # Kratos counts its versions by the year; a later one may have keys we have not seen

# Where one domain of two or three labels belongs to many strangers, a wildcard would trust them all. Not the whole
# public suffix list: the country codes' second level, and the hosts where anybody gets a name within a minute.
_SHARED: Final = re.compile(
    r"[^.]+|(ac|co|com|edu|go|gov|ne|net|or|org)\.[a-z]{2}|(github|gitlab|ngrok)\.io|herokuapp\.com|vercel\.app|"
    r"netlify\.app|(pages|workers|fly)\.dev|web\.app|firebaseapp\.com|run\.app|azurewebsites\.net|cloudfront\.net|"
    r"onrender\.com|(.+\.)?amazonaws\.com|appspot\.com|ngrok-free\.(app|dev)",
    re.IGNORECASE,
)
_THIS_MACHINE: Final = ("127.0.0.1", "::1", "localhost")
_BODIES: Final = ("application/json", "application/x-www-form-urlencoded")  # what a web hook's template can make
_EXAMPLE: Final = re.compile(r"change[-_ ]?me|insecure|not[-_ ]?secure|example", re.IGNORECASE)


class Trouble(Struct, frozen=True):
    """What a rule found, at `path` below the section asked. A warning does not keep the server from starting."""

    path: Path
    message: str
    hint: str = ""
    warning: bool = False


def ask(section: type[Section], raw: Raw) -> Iterator[Trouble]:
    """What the rule of this section says about its data, which may be wrong in every other way too."""
    return _RULES.get(section, _nothing)(raw)


def unsafe_wildcard(url: str) -> bool:
    """Whether a URL has a `*` that would trust strangers: allowed is only `*.` before a domain of one owner."""
    host = re.sub(r"^(?:[\w+.-]*:)?//|(?::\d+)?(?:[/?#].*)?$", "", url)
    domain = host.removeprefix("*.")
    return "*" in host and (domain == host or "*" in domain or (domain != "localhost" and is_shared_domain(domain)))


def is_shared_domain(domain: str) -> bool:
    """Whether names under this domain belong to many strangers: `org`, `co.uk`, `github.io`."""
    return bool(_SHARED.fullmatch(domain))


def insecure_origins(raw: Raw) -> bool:
    """Whether the configuration insists on unsafe wildcards in origins."""
    return reach(raw, ("feature_flags", "legacy_allow_insecure_origins")) is True


def _each(value: object, kind: type[Any]) -> list[tuple[int, Any]]:
    """The entries of a list that are of this kind, with their numbers."""
    return [
        (index, item) for index, item in enumerate(value if isinstance(value, list) else ()) if isinstance(item, kind)
    ]


def _nothing(raw: Raw) -> Iterator[Trouble]:
    return iter(())


def _config(raw: Raw) -> Iterator[Trouble]:
    flows = reach(raw, ("selfservice", "flows"))
    asking = [flow for flow in ("verification", "recovery") if reach(flows, (flow, "enabled")) is True]
    if len(asking) == 1 and reach(raw, ("courier",)) is None:  # Kratos asks only when exactly one of them is on
        mails = f"`{asking[0]}` sends mails, and no `courier` is configured."
        hint = "Mails go to the mailbox of the development pages; Kratos would not start."
        yield Trouble(("selfservice", "flows", asking[0], "enabled"), mails, hint, warning=True)
    cipher = reach(raw, ("ciphers", "algorithm"))
    if cipher in ("aes", "xchacha20-poly1305") and not reach(raw, ("secrets", "cipher")):
        hint = "Add `secrets: {cipher: […]}` with a secret of exactly 32 characters, as `openssl rand -hex 16` makes."
        yield Trouble(("ciphers", "algorithm"), f"`{cipher}` needs a key, and `secrets.cipher` is missing.", hint)
    if reach(raw, ("limen", "second_factor", "required")) is True and not _has_second_factor(raw):
        hint = "Enable `totp`, `lookup_secret` or `webauthn` in `selfservice.methods`, or set `code.mfa_enabled`."
        message = "A second factor is required, and no method is one: nobody could set one up."
        yield Trouble(("limen", "second_factor", "required"), message, hint)
    yield from _keys_without_a_name(raw)
    yield from _unknown_providers(raw)
    yield from _open_to_everybody(raw)
    dev = reach(raw, ("dev",)) is True
    cost = reach(raw, ("hashers", "bcrypt", "cost"))
    if isinstance(cost, int) and 4 <= cost < 12 and not dev:
        hint = "As in Kratos, less is for development only (`--dev`)."
        yield Trouble(("hashers", "bcrypt", "cost"), f"A cost of {cost} is raised to 12.", hint, warning=True)
    secrets = reach(raw, ("secrets",))
    for name, values in secrets.items() if isinstance(secrets, Mapping) and not dev else ():
        for index, secret in _each(values, str):
            if _EXAMPLE.search(secret):
                hint = "Everybody can read it there. Make a new one with `openssl rand -hex 16`."
                yield Trouble(("secrets", name, index), "This is a secret from an example.", hint, warning=True)
    cors = reach(raw, ("serve", "public", "cors", "allowed_origins"))
    for index, origin in _each(cors, str):
        path: Path = ("serve", "public", "cors", "allowed_origins", index)
        if origin != "*" and unsafe_wildcard(origin) and not insecure_origins(raw):
            yield Trouble(path, "This wildcard would let strangers in, so it is ignored.", _WILDCARD, warning=True)
        elif found := re.match(r"([\w+.-]+://[^/?#]+)[/?#]", origin):
            message = "Browsers send an origin without a path, so this one never matches."
            yield Trouble(path, message, f"Write {found[1]}", warning=True)
    for index, url in _each(reach(raw, ("selfservice", "allowed_return_urls")), str):
        if unsafe_wildcard(url):
            path = ("selfservice", "allowed_return_urls", index)
            yield Trouble(path, "This wildcard would let strangers in, so it is ignored.", _WILDCARD, warning=True)


def _unknown_providers(raw: Raw) -> Iterator[Trouble]:
    """Ids of providers that are to be in use, and that no provider has."""
    own: Path = ("limen", "social", "enabled_providers")
    entries = _each(reach(raw, ("selfservice", "methods", "oidc", "config", "providers")), Mapping)
    known = [str(entry.get("id")) for _, entry in entries]
    for index, id_ in _each(reach(raw, own), str):
        if id_ not in known:
            hint = (
                f"Configured are: {', '.join(known)}."
                if known
                else "Add it in `selfservice.methods.oidc.config.providers`."
            )
            yield Trouble((*own, index), f"There is no provider with the id `{id_}`.", hint)


def _open_to_everybody(raw: Raw) -> Iterator[Trouble]:
    """Operators who need not sign in, at an address that others reach."""
    console = reach(raw, ("limen", "console"))
    host = reach(console, ("host",))
    if reach(console, ("auth_required",)) is not False or reach(console, ("enabled",)) is False:
        return
    if host is not None and host not in _THIS_MACHINE:
        message = "Without sign-in, everybody who reaches the operator's port is its owner."
        yield Trouble(
            ("limen", "console", "auth_required"), message, "Set `limen.console.host` to 127.0.0.1, or leave it out."
        )


def _keys_without_a_name(raw: Raw) -> Iterator[Trouble]:
    """Browsers bind security keys and passkeys to domains (W3C Web Authentication §5.1.2), and an address is none."""
    own: Path = ("serve", "public", "base_url")
    host = str(reach(raw, own) or "").partition("//")[2].partition("/")[0].rpartition(":")[0]
    on_own_pages = not reach(raw, ("selfservice", "flows", "settings", "ui_url"))
    for method in ("passkey", "webauthn"):
        path: Path = ("selfservice", "methods", method)
        if reach(raw, (*path, "enabled")) is not True:
            continue
        bound: Path = (*path, "config", "rp", "id")
        if _is_address(str(reach(raw, bound) or "")):
            hint = "Write the name that people reach the server by; for trying out, localhost."
            yield Trouble(bound, "Browsers bind keys to a domain, and this is an address.", hint, warning=True)
        elif on_own_pages and _is_address(host):
            hint = f"Write a name, such as http://localhost:4433/: browsers use no {method} at an address."
            yield Trouble(own, f"`{method}` is enabled, and its pages are at an address.", hint, warning=True)
            return


def _is_address(host: str) -> bool:
    try:
        return bool(ip_address(host.strip("[]")))
    except ValueError:
        return False


def _has_second_factor(raw: Raw) -> bool:
    methods = reach(raw, ("selfservice", "methods"))
    on = {name for name in ("totp", "lookup_secret", "webauthn") if reach(methods, (name, "enabled")) is True}
    if reach(methods, ("webauthn", "config", "passwordless")) is True:
        on.discard("webauthn")
    return bool(on) or reach(methods, ("code", "mfa_enabled")) is True


_WILDCARD: Final = (
    "Only `*.` at the beginning of a host is safe, before a domain that is all yours: https://*.example.com"
)


def _identity(raw: Raw) -> Iterator[Trouble]:
    names = [item.get("id") for _, item in _each(raw.get("schemas"), Mapping)]
    wanted = raw.get("default_schema_id")
    for index, name in enumerate(names):
        if isinstance(name, str) and name in names[:index]:
            yield Trouble(
                ("schemas", index, "id"),
                f"There are two schemas named `{name}`.",
                "Give each its own id.",
                warning=True,
            )
    if not names or wanted in names or (wanted is None and "default" in names):
        return
    known = [name for name in names if isinstance(name, str)]
    hint = f"There is {', '.join(f'`{name}`' for name in known)}."
    if isinstance(wanted, str):
        match = nearest(wanted, known)
        hint = f"Did you mean `{match}`?" if match else hint
        yield Trouble(("default_schema_id",), f"There is no schema with the id `{wanted}`.", hint)
    elif wanted is None:
        message = "No schema has the id `default`, and `default_schema_id` is missing."
        yield Trouble(("schemas",), message, f"{hint} Name the one for those who choose none.", warning=True)


def _code(raw: Raw) -> Iterator[Trouble]:
    if raw.get("passwordless_enabled") is True and raw.get("mfa_enabled") is True:
        message = "A code can be the way to sign in, or the second factor, but not both."
        yield Trouble(("mfa_enabled",), message, "Set one of `passwordless_enabled` and `mfa_enabled` to false.")


def _web_hook(raw: Raw) -> Iterator[Trouble]:
    ignored = reach(raw, ("response", "ignore")) is True
    if ignored and raw.get("can_interrupt") is True:
        message = "A hook whose answer is ignored cannot interrupt."
        yield Trouble(("can_interrupt",), message, "Remove `can_interrupt`, or `response.ignore`.")
    if ignored and reach(raw, ("response", "parse")) is True:
        message = "An answer that is ignored cannot be parsed."
        yield Trouble(("response", "parse"), message, "Set one of `ignore` and `parse` to false.")
    method = raw.get("method")
    if not raw.get("body") and isinstance(method, str) and method.upper() != "TRACE":
        message = "The body's template is missing."
        yield Trouble(("body",), message, "Write `body: file:///etc/config/hook.jsonnet`, or base64://…", warning=True)
    headers = raw.get("headers")
    for name, value in headers.items() if isinstance(headers, Mapping) else ():
        kind = value.partition(";")[0].strip().lower() if isinstance(value, str) else ""
        if isinstance(name, str) and name.lower() == "content-type" and kind not in _BODIES:
            message = f"A body of the type {value} cannot be made, so every call would fail."
            yield Trouble(("headers", name), message, f"Write {' or '.join(_BODIES)}", warning=True)


def _webhooks(raw: Raw) -> Iterator[Trouble]:
    for name in ("signing_secret", "former_signing_secret"):
        if isinstance(raw.get(name), str) and standardwebhooks.key(raw[name]) is None:
            message = "This is no signing secret: it is `whsec_` and base64 of 24 to 64 bytes."
            yield Trouble((name,), message, "Make one with `echo whsec_$(openssl rand -base64 32)`.")


def _provider(raw: Raw) -> Iterator[Trouble]:
    kind = raw.get("provider")
    if not isinstance(kind, str):
        return
    for name in ("apple_team_id", "apple_private_key_id", "apple_private_key"):
        if kind == "apple" and not raw.get(name):
            yield Trouble((name,), f"`{name}` is missing: apple needs it.", "You find it in Apple's developer account.")
        elif kind != "apple" and raw.get(name):
            yield Trouble((name,), f"`{name}` is for apple only.", "Remove it.")
    if kind == "apple" and raw.get("client_secret"):
        yield Trouble(("client_secret",), "apple has no client secret: it is made from the private key.", "Remove it.")
    elif kind != "apple" and raw.get("client_secret") is None:
        yield Trouble(("client_secret",), "`client_secret` is missing.", f"{kind} gave it to you with the client id.")
    if kind == "microsoft" and raw.get("microsoft_tenant") is None:
        hint = "Write the tenant's id, or common, organizations or consumers."
        yield Trouble(("microsoft_tenant",), "`microsoft_tenant` is missing.", hint)
    elif kind != "microsoft" and raw.get("microsoft_tenant") is not None:
        yield Trouble(("microsoft_tenant",), "`microsoft_tenant` is for microsoft only.", "Remove it.")
    if kind in ("generic", "auth0", "salesforce") and not raw.get("issuer_url"):
        hint = "Its endpoints are found there: issuer_url: https://accounts.example.com"
        yield Trouble(("issuer_url",), f"`issuer_url` is missing: {kind} needs it.", hint, warning=True)


def _oidc(raw: Raw) -> Iterator[Trouble]:
    names = [item.get("id") for _, item in _each(raw.get("providers"), Mapping)]
    for index, name in enumerate(names):
        if isinstance(name, str) and name in names[:index]:
            message = f"There are two providers named `{name}`."
            yield Trouble(
                ("providers", index, "id"), message, "The first one is used: give each its own id.", warning=True
            )


def _needs_config(raw: Raw) -> Iterator[Trouble]:
    if raw.get("enabled") is True and raw.get("config") is None:
        hint = "Add `config: {rp: {id: example.com, display_name: Example}}`."
        yield Trouble(("enabled",), "It is enabled without `config`.", hint)


def _webauthn_rp(raw: Raw) -> Iterator[Trouble]:
    if raw.get("origin") is not None and raw.get("origins") is not None:
        yield Trouble(("origin",), "`origin` and `origins` exclude each other.", "Keep `origins`, a list.")


def _tls(raw: Raw) -> Iterator[Trouble]:
    for one, other in (("cert", "key"), ("key", "cert")):
        if isinstance(raw.get(one), Mapping) and not raw.get(other):
            yield Trouble((one,), f"`{one}` needs `{other}`.", "Certificate and key go together.")


def _tracing(raw: Raw) -> Iterator[Trouble]:
    provider = raw.get("provider")
    otlp, zipkin = (reach(raw, ("providers", name, "server_url")) for name in ("otlp", "zipkin"))
    agent = reach(raw, ("providers", "jaeger", "local_agent_address"))
    if (provider, bool(agent)) == ("jaeger", False):
        hint = "Add `providers: {jaeger: {local_agent_address: agent:6831}}`."
        yield Trouble(("provider",), "No agent is named, so there are no traces.", hint, warning=True)
    elif (provider, bool(otlp)) == ("otel", False):
        hint = "Add `providers: {otlp: {server_url: collector:4318}}`."
        yield Trouble(("provider",), "No collector is named, so there are no traces.", hint, warning=True)
    elif (provider, bool(zipkin)) == ("zipkin", False):
        hint = "Add `providers: {zipkin: {server_url: http://zipkin:9411/api/v2/spans}}`."
        yield Trouble(("provider",), "No collector is named, so there are no traces.", hint, warning=True)


def _cookie(raw: Raw) -> Iterator[Trouble]:
    domain = raw.get("domain")
    if (
        isinstance(domain, str)
        and (found := re.fullmatch(r"(?:\w+://)?([^/:]+)(?::\d+)?/?", domain))
        and found[1] != domain
    ):
        message = "A cookie's domain has neither scheme nor port: browsers drop such cookies."
        yield Trouble(("domain",), message, f"Write {found[1]}", warning=True)


_RULES: Final[Mapping[type[Section], Callable[[Raw], Iterator[Trouble]]]] = {
    Config: _config,
    Identity: _identity,
    Code: _code,
    WebHookConfig: _web_hook,
    Webhooks: _webhooks,
    OidcProvider: _provider,
    OidcConfig: _oidc,
    Webauthn: _needs_config,
    Passkey: _needs_config,
    WebauthnRp: _webauthn_rp,
    Tls: _tls,
    Tracing: _tracing,
    Cookies: _cookie,
    SessionCookie: _cookie,
}
