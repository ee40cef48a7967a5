"""Every mistake in a configuration is told at once, with its place, what may stand there, and what to write instead."""
# ruff: noqa: E501 – a table of sentences is read by its rows

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from limen.core.configcheck import check
from limen.core.configkeys import dotted, everything
from limen.core.configload import ConfigMistakes, load
from limen.core.configreport import covered, plain, render
from limen.core.places import Place, Places, Problem

BASE: Mapping[str, Any] = {
    "version": "v1.3.0",
    "dsn": "memory",
    "identity": {"schemas": [{"id": "default", "url": "file://person.schema.json"}]},
    "selfservice": {"default_browser_return_url": "http://localhost:4455/"},
}
STRANGER = """\
# the file of somebody who is in a hurry
version: 1.3
dsn: ${DSN}
serve:
  public:
    base_url: localhost:4433
    port: "4433"
    cors:
      enabled: yes
      allowed_origins: https://app.example.com
  admn:
    port: 4434
  admin:
    port: 70000
selfservice:
  default_browser_return_url: "http://localhost:4455 "
  whitelisted_return_urls:
    - http://localhost:4455
  flows:
    after:
      default_browser_return_url: /
    login:
      ui_url: 127.0.0.1:4455/login
      lifespan: 3600
      hooks:
        - hook: session
    registration:
      after:
        hooks:
          - hook: session
        password:
          hooks:
            - hook: sesion
  methods:
    pasword:
      enabled: true
    code:
      passwordless_enabled: true
      mfa_enabled: true
secrets:
  cookie:
    - hunter2
log:
  level: warn
session:
  lifespan: 24 hours
identity:
  default_schema_url: file:///etc/person.schema.json
courier:
  smtp:
    connection_uri: mailer:pa55word@mail.example.com:587
    from_adress: no-reply@example.com
"""


def mistakes(text: str, folder: Path, env: Mapping[str, str] | None = None) -> list[Problem]:
    file = folder / "kratos.yml"
    file.write_text(text, "utf-8")
    with pytest.raises(ConfigMistakes) as caught:
        load([file], env=env or {}, flags={}, base=BASE)
    return [
        msgspec.structs.replace(problem, file=problem.file.replace(str(file), "kratos.yml"))
        for problem in caught.value.problems
    ]


def only(text: str, folder: Path) -> tuple[str, str, str]:
    problems = mistakes(text, folder)
    assert len(problems) == 1, render(problems)
    return problems[0].path, problems[0].message, problems[0].hint


def at(path: str, value: str) -> str:
    """YAML with this value at this dotted path."""
    names = path.split(".")
    return "".join(f"{'  ' * level}{name}:\n" for level, name in enumerate(names[:-1])) + (
        f"{'  ' * (len(names) - 1)}{names[-1]}: {value}\n"
    )


def test_a_stranger_learns_of_every_mistake_at_once(tmp_path: Path) -> None:
    assert [f"{one.line}:{one.column} {one.path}: {one.message} {one.hint}".rstrip() for one in mistakes(STRANGER, tmp_path)] == [
        "2:10 version: This must be text. Write `version: v1.3.0`",
        "3:6 dsn: Placeholders are not filled in, as in Kratos. Set the environment variable DSN instead: it wins over the file.",
        "6:15 serve.public.base_url: The scheme is missing. Write http://localhost:4433",
        "7:11 serve.public.port: This must be a whole number. Write `port: 4433`, without quotes.",
        "9:16 serve.public.cors.enabled: This is text; only true or false can stand here. Write `enabled: true`, without quotes.",
        "10:24 serve.public.cors.allowed_origins: A list belongs here, not text. Write `allowed_origins: [https://app.example.com]`",
        "11:3 serve.admn: There is no key `admn` here. Did you mean `admin`?",
        "14:11 serve.admin.port: 70000 is too large: 65535 is the most.",
        "16:31 selfservice.default_browser_return_url: There is a space before or after it. Write http://localhost:4455",
        "17:3 selfservice.whitelisted_return_urls: There is no key `whitelisted_return_urls` here. An older version of Kratos had it: `selfservice.whitelisted_return_urls` is now `selfservice.allowed_return_urls`.",
        "20:5 selfservice.flows.after: There is no key `after` here. It belongs inside `login`, `registration`, `settings`, `verification`, `recovery` or `logout`.",
        "23:15 selfservice.flows.login.ui_url: The scheme is missing. Write http://127.0.0.1:4455/login",
        "24:17 selfservice.flows.login.lifespan: A duration needs a unit. Did you mean 3600s (1h)?",
        "25:7 selfservice.flows.login.hooks: There is no key `hooks` here. It belongs inside `before` or `after`.",
        "30:19 selfservice.flows.registration.after.hooks.0.hook: The hook `session` cannot stand here. It may stand in `selfservice.flows.registration.after.{password, webauthn, passkey, oidc, code}.hooks`.",
        "33:21 selfservice.flows.registration.after.password.hooks.0.hook: There is no hook `sesion`. Did you mean `session`?",
        "35:5 selfservice.methods.pasword: There is no key `pasword` here. Did you mean `password`?",
        "39:20 selfservice.methods.code.mfa_enabled: A code can be the way to sign in, or the second factor, but not both. Set one of `passwordless_enabled` and `mfa_enabled` to false.",
        "42:7 secrets.cookie.0: This secret has 7 characters; at least 16 are needed. Make a new one with `openssl rand -hex 16`: 32 characters.",
        "44:10 log.level: This is none of the values allowed. Did you mean `warning`?",
        "46:13 session.lifespan: This is no duration: whole numbers with h, m, s, ms, us or ns, written together. Write 24h",
        "48:3 identity.default_schema_url: There is no key `default_schema_url` here. An older version of Kratos had it: `identity.default_schema_url` is now `identity.schemas` (an entry with `id: default` and this `url`).",
        "51:21 courier.smtp.connection_uri: The scheme is missing. Write smtp://***:***@mail.example.com:587",
        "52:5 courier.smtp.from_adress: There is no key `from_adress` here. Did you mean `from_address`?",
    ]  # fmt: skip


def test_a_mistake_is_shown_with_its_line(tmp_path: Path) -> None:
    problems = mistakes("log:\n  level: warn\nserve: {admin: {port: 0}}\n", tmp_path, {"SESSION_LIFESPAN": "1d"})
    assert (
        render(problems)
        == """\
The configuration has 3 mistakes.

kratos.yml:2:10  log.level
    2 │   level: warn
      │          ^
  This is none of the values allowed.
  allowed: one of `trace`, `debug`, `info`, `warning`, `error`, `fatal`, `panic`
  → Did you mean `warning`?

kratos.yml:3:23  serve.admin.port
    3 │ serve: {admin: {port: 0}}
      │                       ^
  0 is too small: 1 is the least.
  allowed: a whole number from 1 to 65535

environment variable SESSION_LIFESPAN  session.lifespan
  This is no duration: whole numbers with h, m, s, ms, us or ns, written together.
  found:   "1d"
  allowed: a duration, as `1h30m` or `500ms`
  → Write 24h
"""
    )
    assert plain(problems[1:]) == (
        "[1] kratos.yml:3:23: serve.admin.port: 0 is too small: 1 is the least. "
        "[2] environment variable SESSION_LIFESPAN: session.lifespan: "
        "This is no duration: whole numbers with h, m, s, ms, us or ns, written together. Write 24h"
    )


def test_colour_only_when_asked(tmp_path: Path) -> None:
    problems = mistakes("log: {level: warn}", tmp_path)
    assert "\x1b" not in render(problems)
    coloured = render(problems, colour=True, kind="warning")
    assert coloured.startswith(
        "\x1b[1;33mThe configuration has 1 warning.\x1b[0m\n\n\x1b[36mkratos.yml:1:14\x1b[0m  \x1b[1mlog.level\x1b[0m"
    )
    assert "\x1b[32m→ Did you mean `warning`?\x1b[0m" in coloured


@pytest.mark.parametrize(
    ("path", "value", "message", "hint"),
    [
        ("serve.public.port", "'44.33'", "This must be a whole number.", ""),
        ("session.lifespan", "90", "A duration needs a unit.", "Did you mean 90s (1m30s)?"),
        ("session.lifespan", "'3600'", "This is no duration", "Write 1h"),
        ("session.lifespan", "1d", "This is no duration", "Write 24h"),
        ("session.lifespan", "7 days", "This is no duration", "Write 168h"),
        ("session.lifespan", "1h 30m", "This is no duration", "Write 1h30m"),
        ("session.lifespan", "1.5h", "This is no duration", "Write 1h30m"),
        ("session.lifespan", "PT1H30M", "This is no duration", "Write 1h30m"),
        ("session.lifespan", "1:30", "This is no duration", "Write 1h30m"),
        ("session.lifespan", "2 hours and 5 mins", "This is no duration", "Write 2h5m"),
        ("session.lifespan", "forever", "This is no duration", ""),
        ("session.lifespan", "-1h", "This is no duration", ""),
        ("session.lifespan", "[1h]", "One value belongs here, not a list.", "Write `lifespan: 1h`"),
        ("session.lifespan", "{hours: 1}", "One value belongs here, not a map.", ""),
        ("hashers.argon2.memory", "131072", "A size needs a unit.", "Early versions of Kratos counted kilobytes; that is 128MB."),
        ("hashers.argon2.memory", "128 mb", "This is no size", "Write 128MB"),
        ("hashers.argon2.memory", "128MiB", "This is no size", "Write 128MB"),
        ("serve.public.port", "'4433'", "This must be a whole number.", "Write `port: 4433`, without quotes."),
        ("serve.public.port", "0", "0 is too small: 1 is the least.", ""),
        ("serve.public.port", "4433.5", "This must be a whole number.", ""),
        ("serve.public.port", "true", "This must be a whole number.", ""),
        ("serve.public.socket.mode", "0777777", "262143 is too large: 511 is the most.", ""),
        ("dev", "on", "This is text; only true or false can stand here.", "Write `dev: true`, without quotes."),
        ("dev", "'false'", "This is text; only true or false can stand here.", "Write `dev: false`, without quotes."),
        ("dev", "1", "This is a number; only true or false can stand here.", "Write `dev: true`, without quotes."),
        ("dev", "maybe", "This must be true or false.", ""),
        ("cookies.secure", "sometimes", "This must be true or false.", ""),
        ("cookies.same_site", "lax", "This is none of the values allowed.", "Did you mean `Lax`?"),
        ("hashers.algorithm", "argon2id", "This is none of the values allowed.", "Did you mean `argon2`?"),
        ("hashers.algorithm", "md5", "This is none of the values allowed.", ""),
        ("courier.smtp.from_name", "42", "This must be text.", 'Put it in quotes: from_name: "42"'),
        ("courier.smtp.from_name", "[Example]", "One value belongs here, not a list.", "Write `from_name: Example`"),
        ("courier.smtp.from_address", "mailto:a@b.example", "`mailto:` does not belong to the address.", "Write a@b.example"),
        ("courier.smtp.from_address", "Example <a@b.example>", "Only the address belongs here.", "Write a@b.example, and the name `Example` as `from_name`."),
        ("courier.smtp.from_address", "example.com", "This is no mail address.", "Write it like no-reply@example.com"),
        ("courier.smtp.connection_uri", "mail.example.com:587", "The scheme is missing.", "Write smtp://mail.example.com:587"),
        ("courier.smtp.connection_uri", "https://mail.example.com", "`https:` cannot stand here.", "Did you mean smtps://mail.example.com?"),
        ("courier.smtp.connection_uri", "smtp://", "The host is missing.", ""),
        ("courier.smtp.connection_uri", "smtp://mail.example.com:99999/", "There is no port 99999: ports go from 1 to 65535.", ""),
        ("serve.public.base_url", "localhost:4433", "The scheme is missing.", "Write http://localhost:4433"),
        ("serve.public.base_url", "id.example.com", "The scheme is missing.", "Write https://id.example.com"),
        ("serve.public.base_url", "kratos:4433/", "The scheme is missing.", "Write http://kratos:4433/"),
        ("serve.public.base_url", "htps://id.example.com", "`htps:` cannot stand here.", "Did you mean https://id.example.com?"),
        ("serve.public.base_url", "http:/id.example.com", "Two slashes belong after `http:`.", "Write http://id.example.com"),
        ("serve.public.base_url", "http://id.example.com:70000", "There is no port 70000: ports go from 1 to 65535.", ""),
        ("serve.public.base_url", "http:///path", "The host is missing.", ""),
        ("serve.public.base_url", "http://id.example.com/a b", "There is a space in it.", "Write %20 for it."),
        ("serve.public.base_url", "<http://id.example.com>", "The angle brackets are part of the value.", "Write it without them: http://id.example.com"),
        ("serve.public.base_url", "\"'http://id.example.com'\"", "The quotes are part of the value.", "Write it without them: http://id.example.com"),
        ("serve.public.base_url", "' http://id.example.com'", "There is a space before or after it.", "Write http://id.example.com"),
        ("serve.public.base_url", "'http:\\\\id.example.com'", "There are backslashes in it.", "Write http://id.example.com"),
        ("serve.public.base_url", "/public", "This is no URL: its scheme is missing.", ""),
        ("serve.public.cors.allowed_origins", "https://a.example", "A list belongs here, not text.", "Write `allowed_origins: [https://a.example]`"),
        ("serve.public.cors.allowed_origins", "{a: b}", "A list belongs here, not a map.", "Put `- ` before its first key, and indent the others alike."),
        ("serve.public.cors", "true", "Keys belong here, not true or false.", "Write `enabled: true` below `cors:`."),
        ("serve.admin.tls.cert", "/etc/tls.pem", "Keys belong here, not text.", ""),
        ("selfservice.flows.login.ui_url", "app.example.com/login", "The scheme is missing.", "Write https://app.example.com/login"),
        ("selfservice.flows.login.ui_url", "127.0.0.1:4455/login", "The scheme is missing.", "Write http://127.0.0.1:4455/login"),
        ("selfservice.flows.login", "http://app.example.com/login", "Keys belong here, not text.", "Did you mean `login: {ui_url: …}`?"),
        ("selfservice.flows.login.before", "[{hook: web_hook}]", "Keys belong here, not a list.", "Put `hooks:` between `before:` and the list."),
        ("selfservice.methods.oidc.config", "[{id: google}]", "Keys belong here, not a list.", "Put `providers:` before the list."),
        ("limen.branding.logo_url", "logo.svg", "The scheme is missing.", "Write file://logo.svg"),
        ("limen.branding.logo_url", "file:/etc/logo.svg", "Two slashes belong after `file:`.", "Write file:///etc/logo.svg"),
        ("limen.branding.logo_url", "'C:\\logo.svg'", "The scheme is missing.", "Write file:///C:/logo.svg"),
        ("limen.branding.accent", "blue", "This is not written as it must be.", "Write it like `accent: \"#2f6db5\"`"),
        ("limen.trusted_proxies", "[10.0.0.0/99]", "This is no network.", "Write it like 10.0.0.0/8, fd00::/8, or a single address."),
        ("limen.pages.languages", "[]", "At least one entry is needed.", ""),
        ("tracing.providers.otlp.server_url", "http://collector:4318", "No scheme belongs here.", "Write collector:4318"),
        ("dsn", "limen.sqlite", "The scheme is missing.", "Write sqlite://limen.sqlite"),
        ("dsn", "'memory:'", "This is no data source.", "Write memory"),
        ("dsn", "mysql://db/kratos", "MySQL is not supported.", "Data can be kept in SQLite or PostgreSQL."),
        ("dsn", "jdbc:postgresql://db/kratos", "`jdbc:` does not belong to it.", "Write postgresql://db/kratos"),
        ("dsn", "postgresql+asyncpg://me:secret@db/kratos", "No driver belongs after the scheme.", "Write postgresql://***:***@db/kratos"),
        ("dsn", "postgrs://me:secret@db/kratos", "`postgrs:` cannot stand here.", "Did you mean postgres://***:***@db/kratos?"),
        ("dsn", "postgres://me:se/cr#t@db:5432/kratos", "Host and port cannot be told apart in it.", "Special characters in the password must be percent-encoded (`/` is %2F, `@` is %40, `#` is %23)."),
        ("secrets.cookie", "[0123456789]", "This must be text.", 'Put it in quotes: - "…"'),
        ("secrets.cipher", "[too-short]", "This secret has 9 characters; exactly 32 are needed.", "Make a new one with `openssl rand -hex 16`: 32 characters."),
        ("secrets.default", "[0123456789abcdef, 0123456789abcdef]", "This is in the list twice: entry 2 is the same as entry 1.", "Remove one."),
        ("courier.smtp.headers", "[X-One]", "Keys belong here, not a list.", "Write `name: value`, one on each line."),
        ("secrets.cookie", "['${A_SECRET_OF_COOKIES}']", "Placeholders are not filled in, as in Kratos.", "Set the environment variable SECRETS_COOKIE_0 instead: it wins over the file."),
        ("log.level", "${LOG_LEVEL}", "Placeholders are not filled in, as in Kratos.", "Set the environment variable LOG_LEVEL instead: it wins over the file."),
        ("dsn", "postgres://me:${PASSWORD}@db/kratos", "Placeholders are not filled in, as in Kratos.", "Set the environment variable DSN instead: it wins over the file."),
        ("identity.default_schema_id", "defualt", "There is no schema with the id `defualt`.", "Did you mean `default`?"),
        ("ciphers.algorithm", "aes", "`aes` needs a key, and `secrets.cipher` is missing.", "Add `secrets: {cipher: […]}` with a secret of exactly 32 characters, as `openssl rand -hex 16` makes."),
        ("selfservice.methods.webauthn.enabled", "true", "It is enabled without `config`.", "Add `config: {rp: {id: example.com, display_name: Example}}`."),
        ("serve.admin.tls.cert", "{path: /etc/tls.pem}", "`cert` needs `key`.", "Certificate and key go together."),
    ],
)  # fmt: skip
def test_a_wrong_value_says_what_to_write(path: str, value: str, message: str, hint: str, tmp_path: Path) -> None:
    told = only(at(path, value), tmp_path)
    place, said, meant = told
    assert place.startswith(path)
    assert (said.partition(":")[0] if message == said.partition(":")[0] else said, meant) == (message, hint)


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("base_url", "It belongs at `serve.{public, admin}.base_url`, `limen.console.base_url`."),
        ("log_level", "Keys are nested: `log.level` means `level:` inside `log:`."),
        ("Serve", "Did you mean `serve`?"),
        ("dns", "Did you mean `dsn`?"),
        ("sqa_opt_out", "Did you mean `sqa-opt-out`?"),
        ("allowed_return_urls", "It belongs inside `selfservice`."),
        ("profiling", "An older version of Kratos had it: `profiling` is gone: leave it out."),
        ("serve.port", "It belongs inside `public` or `admin`."),
        ("serve.admin.cors", "It may belong at `serve.public.cors`."),
        ("courier.smtp.delivery_strategy", "It belongs directly under `courier`: check the indentation."),
        ("session.cookie.lifespan", "It belongs directly under `session`: check the indentation."),
        ("selfservice.strategies", "An older version of Kratos had it: `selfservice.strategies` is now `selfservice.methods`."),
        ("selfservice.ui_url", "It belongs at `selfservice.flows.{login, registration, settings, verification, recovery, error}.ui_url`."),
        ("selfservice.methods.login", "It may belong at `selfservice.flows.login`."),
        ("selfservice.methods.password.min_password_length", "It belongs inside `config`."),
        ("selfservice.methods.oidc.providers", "It belongs inside `config`."),
        ("selfservice.flows.login.request_lifespan", "An older version of Kratos had it: `selfservice.flows.login.request_lifespan` is now `selfservice.flows.login.lifespan`."),
        ("selfservice.flows.login.after.passwrod", "Did you mean `password`?"),
        ("courier.sms", "An older version of Kratos had it: `courier.sms` is now `courier.channels` (an entry with `id: sms` and this `request_config`)."),
        ("secrets.session", "An older version of Kratos had it: `secrets.session` is now `secrets.cookie`."),
        ("x-anchors", ""),
    ],
)  # fmt: skip
def test_an_unknown_key_says_where_it_belongs(path: str, hint: str, tmp_path: Path) -> None:
    assert only(at(path, "{}"), tmp_path) == (path, f"There is no key `{path.rpartition('.')[2]}` here.", hint)


def test_a_section_of_an_older_version_is_told_key_by_key(tmp_path: Path) -> None:
    text = (
        "urls:\n  self: {public: 'http://a', admin: 'http://b'}\n  login_ui: http://c\n  default_return_to: http://d\n"
    )
    assert only(text, tmp_path)[2] == (
        "An older version of Kratos had it: `urls.self.public` is now `serve.public.base_url`; "
        "`urls.self.admin` is now `serve.admin.base_url`; `urls.login_ui` is now `selfservice.flows.login.ui_url`; "
        "`urls.default_return_to` is now `selfservice.default_browser_return_url`."
    )


@pytest.mark.parametrize(
    ("path", "item", "told"),
    [
        (
            "login.before.hooks",
            "session",
            (".0", "A map with `hook` belongs here, not text.", ""),
        ),
        (
            "registration.after.password.hooks",
            "session",
            (".0", "A map with `hook` belongs here, not text.", "Write `- hook: session`"),
        ),
        (
            "registration.after.password.hooks",
            "{job: session}",
            (".0", "`hook` is missing, which says what it is.", "Write `hook:` instead of `job:`."),
        ),
        (
            "registration.after.password.hooks",
            "{hook: sessions}",
            (".0.hook", "There is no hook `sessions`.", "Did you mean `session`?"),
        ),
        (
            "settings.after.password.hooks",
            "{hook: verification}",
            (
                ".0.hook",
                "The hook `verification` cannot stand here.",
                "It may stand in `selfservice.flows.login.after.hooks`, `selfservice.flows.login.after."
                "{password, webauthn, passkey, code, totp, lookup_secret}.hooks`.",
            ),
        ),
        (
            "login.before.hooks",
            "{hook: web_hook, config: POST}",
            (".0.config", "Keys belong here, not text.", ""),
        ),
        (
            "login.before.hooks",
            "{hook: web_hook, url: 'http://a', config: {url: 'http://a', method: POST}}",
            (".0.url", "There is no key `url` here.", "It belongs inside `config`."),
        ),
        (
            "login.before.hooks",
            "{hook: web_hook, config: {url: 'http://a', method: POST, can_interrupt: true, response: {ignore: true}}}",
            (
                ".0.config.can_interrupt",
                "A hook whose answer is ignored cannot interrupt.",
                "Remove `can_interrupt`, or `response.ignore`.",
            ),
        ),
        (
            "login.before.hooks",
            "{hook: web_hook, config: {url: 'http://a', method: POST, response: {ignore: true, parse: true}}}",
            (
                ".0.config.response.parse",
                "An answer that is ignored cannot be parsed.",
                "Set one of `ignore` and `parse` to false.",
            ),
        ),
        (
            "login.before.hooks",
            "{hook: web_hook, config: {url: 'http://a', method: POST, auth: {type: basic, config: {}}}}",
            (".0.config.auth.type", "There is no type `basic`.", "Did you mean `basic_auth`?"),
        ),
        (
            "registration.after.code.hooks",
            "{hook: session}, {hook: session}",
            (".1", "This is in the list twice: entry 2 is the same as entry 1.", "Remove one."),
        ),
    ],
)
def test_a_hook_says_where_it_may_stand(path: str, item: str, told: tuple[str, str, str], tmp_path: Path) -> None:
    whole = f"selfservice.flows.{path}"
    found = only(at(whole, f"[{item}]"), tmp_path)
    assert found == (whole + told[0], *told[1:])


def test_a_web_hook_without_config_says_what_config_needs(tmp_path: Path) -> None:
    found = mistakes(at("selfservice.flows.login.before.hooks", "[{hook: web_hook}]"), tmp_path)
    assert [(problem.path.rpartition(".")[2], problem.message, problem.hint) for problem in found] == [
        ("url", "`url` is missing: where the request goes.", "Add `url: https://hooks.example.com/after-login`"),
        ("method", "`method` is missing: HTTP method.", "Add `method: POST`"),
    ]


@pytest.mark.parametrize(
    ("provider", "told"),
    [
        ("id: a, provider: generic, client_secret: s, mapper_url: 'file:///m', issuer_url: 'https://a'", [("client_id", "`client_id` is missing: client id the provider gave you.")]),
        ("id: a, provider: gogle, client_id: c, client_secret: s, mapper_url: 'file:///m'", [("provider", "This is none of the values allowed.")]),
        ("id: a, provider: google, client_id: c, mapper_url: 'file:///m'", [("client_secret", "`client_secret` is missing.")]),
        ("id: a, provider: google, client_id: c, client_secret: s, mapper_url: /etc/m.jsonnet", [("mapper_url", "The scheme is missing.")]),
        ("id: a, provider: google, client_id: c, client_secret: s, mapper_url: 'file:///m', scope: email", [("scope", "A list belongs here, not text.")]),
        ("id: a, provider: google, client_id: c, client_secret: s, mapper_url: 'file:///m', microsoft_tenant: t", [("microsoft_tenant", "`microsoft_tenant` is for microsoft only.")]),
        ("id: a, provider: microsoft, client_id: c, client_secret: s, mapper_url: 'file:///m'", [("microsoft_tenant", "`microsoft_tenant` is missing.")]),
        ("id: a, provider: apple, client_id: c, client_secret: s, mapper_url: 'file:///m', apple_team_id: t, apple_private_key_id: k", [("apple_private_key", "`apple_private_key` is missing: apple needs it."), ("client_secret", "apple has no client secret: it is made from the private key.")]),
    ],
)  # fmt: skip
def test_a_provider_says_what_it_needs(provider: str, told: list[tuple[str, str]], tmp_path: Path) -> None:
    found = mistakes(at("selfservice.methods.oidc.config.providers", f"[{{{provider}}}]"), tmp_path)
    assert [(problem.path.rpartition(".")[2], problem.message) for problem in found] == told


@pytest.mark.parametrize(
    ("providers", "hint"),
    [
        ("[{id: acme, provider: google, client_id: c, client_secret: s, mapper_url: 'file:///m'}]", "Configured are: acme."),
        ("[]", "Add it in `selfservice.methods.oidc.config.providers`."),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["KRATOS_OIDC_PROVIDERS", "LIMEN_SOCIAL_ENABLED_PROVIDERS"])
def test_a_provider_to_be_used_that_is_none_is_told(providers: str, hint: str, name: str, tmp_path: Path) -> None:
    found = mistakes(at("selfservice.methods.oidc.config.providers", providers), tmp_path, {name: "goggle"})
    assert [(one.file, one.path, one.message, one.hint) for one in found] == [
        (
            f"environment variable {name}",
            "limen.social.enabled_providers.0",
            "There is no provider with the id `goggle`.",
            hint,
        )
    ]


def test_operators_sign_in_where_others_reach_their_port(tmp_path: Path) -> None:
    text = at("limen.console.host", "0.0.0.0")
    found = mistakes(text, tmp_path, {"TRUSS_AUTH_REQUIRED": "false"})
    assert [(one.path, one.message, one.hint) for one in found] == [
        ("limen.console.auth_required", "Without sign-in, everybody who reaches the operator's port is its owner.",
         "Set `limen.console.host` to 127.0.0.1, or leave it out."),
    ]  # fmt: skip


def test_what_is_required_is_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "kratos.yml"
    file.write_text("serve: {}\n")
    with pytest.raises(ConfigMistakes) as caught:
        load([file], env={}, flags={})
    assert [(problem.file, problem.path, problem.message, problem.hint) for problem in caught.value.problems] == [
        (
            str(file),
            "dsn",
            "`dsn` is missing: the database: `memory`, `sqlite://…` or `postgres://…`.",
            "Add `dsn: sqlite://limen.sqlite`, or set the environment variable DSN.",
        ),
        (
            str(file),
            "identity.schemas",
            "`schemas` is missing: the schemas identities may have.",
            "Add `schemas: [{id: default, url: file://identity.schema.json}]`, or set the environment variable IDENTITY_SCHEMAS.",
        ),
        (
            str(file),
            "selfservice.default_browser_return_url",
            "`default_browser_return_url` is missing: where the browser goes when nothing else is said.",
            "Add `default_browser_return_url: https://…`, or set the environment variable SELFSERVICE_DEFAULT_BROWSER_RETURN_URL.",
        ),
    ]  # fmt: skip


def test_a_file_that_cannot_be_parsed_stops_everything(tmp_path: Path) -> None:
    found = mistakes("log: {level: warn}\nserve:\n\tpublic: {}\n", tmp_path)
    assert [(problem.line, problem.column, problem.message, problem.source) for problem in found] == [
        (3, 1, "A tab is used for indentation.", " public: {}")
    ]
    assert mistakes("- a\n- b\n", tmp_path)[0].message == "A configuration is made of keys; this file holds a list."


def test_a_file_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigMistakes) as caught:
        load([tmp_path / "a.yml", tmp_path / "b.ini"], env={}, flags={}, base=BASE)
    assert [(problem.file, problem.message) for problem in caught.value.problems] == [
        (f"{tmp_path}/a.yml", "The file cannot be read: No such file or directory."),
        (f"{tmp_path}/b.ini", "Files ending in `.ini` cannot be read."),
    ]


@pytest.mark.parametrize(
    ("name", "text", "path", "message"),
    [
        ("SERVE_PUBLIC_PORT", "http", "serve.public.port", "This must be a whole number."),
        ("DEV", "perhaps", "dev", "This must be true or false."),
        ("SECRETS_COOKIE", "hunter2", "secrets.cookie.0", "This secret has 7 characters; at least 16 are needed."),
        ("SECRETS_COOKIE", '["hunter2"', "secrets.cookie", "This must be JSON."),
        ("IDENTITY_SCHEMAS_3_ID", "x", "identity.schemas.3.id", "There is 1 entry in `identity.schemas`, so the next one has the number 1, not 3."),
        ("DSN", '"memory"', "dsn", "The quotes are part of the value."),
        ("DSN", "$DATABASE_URL", "dsn", "Placeholders are not filled in, as in Kratos."),
    ],
)  # fmt: skip
def test_a_wrong_variable_is_named(name: str, text: str, path: str, message: str, tmp_path: Path) -> None:
    found = mistakes("", tmp_path, {name: text})
    assert [(problem.file, problem.path, problem.message) for problem in found] == [
        (f"environment variable {name}", path, message)
    ]
    assert "hunter2" not in render(found)


SECRETS = """\
dsn: postgres://me:hunter2@db:port/kratos
secrets:
  cookie: hunter2
  default: [hunter2]
  cipher:
    - hunter2
courier:
  smtp:
    connection_uri: http://me:hunter2@mail
    headers:
      X-Key: [hunter2]
  http:
    request_config:
      url: hunter2:hunter2@host
      auth: {type: basic_auth, config: {user: me, password: [hunter2]}}
      headers: {Authorization: {hunter2: hunter2}}
  channels:
    - id: sms
      request_config: {auth: {type: api_key, config: {name: X, in: query, value: [hunter2]}}}
tracing:
  providers:
    otlp:
      authorization_header: [hunter2]
oauth2_provider:
  url: https://me:hunter2@hydra:port
selfservice:
  methods:
    oidc:
      config:
        providers:
          - id: apple
            provider: google
            client_id: [c]
            client_secret:
              - hunter2
            client_secrt: hunter2
            apple_private_key: |
              hunter2
            mapper_url: x
    password:
      config:
        migrate_hook:
          config:
            auth:
              type: api_key
              config:
                name: X
                in: headr
                value: hunter2
"""


def test_no_secret_is_ever_shown(tmp_path: Path) -> None:
    problems = mistakes(SECRETS, tmp_path)
    assert len(problems) > 15
    shown = render(problems) + plain(problems) + "".join(problem.found for problem in problems)
    assert "hunter2" not in shown


@pytest.mark.parametrize(
    "line", [line for line in range(SECRETS.count("\n")) if "hunter2" in SECRETS.splitlines()[line]]
)
def test_no_secret_is_shown_where_the_file_cannot_be_parsed(line: int, tmp_path: Path) -> None:
    lines = SECRETS.splitlines()
    assert "hunter2" not in covered(lines, line + 1)
    lines[line] += ' "'
    shown = render(mistakes("\n".join(lines), tmp_path))
    assert "hunter2" not in shown


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["web_hook", "session", "on", "${X}"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.sampled_from(["hook", "config", "id"]), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
PATHS = sorted({path for path, _ in everything()})


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(st.tuples(st.sampled_from(PATHS), JUNK), max_size=4))
def test_no_junk_is_more_than_a_mistake(changes: list[tuple[tuple[str, ...], Any]]) -> None:
    data: dict[str, Any] = {}
    for path, junk in changes:
        step: Any = data
        for name in path[:-1]:
            if isinstance(step, list):
                step.append({})
                step = step[-1]
            else:
                below: Any = [] if "[]" in path and path[path.index("[]") - 1] == name else {}
                step = step.setdefault(name, below) if isinstance(step.get(name, below), type(below)) else {}
        if isinstance(step, dict):
            step[path[-1]] = junk
    found = check(data, Places(Place("junk")))
    assert found.config is None, "what is required is not there"
    assert render(found.problems, colour=True)
    assert plain(found.warnings) or not found.warnings


@given(JUNK)
def test_no_file_is_more_than_a_mistake(junk: object) -> None:
    with pytest.raises(ConfigMistakes):
        load([], env={}, flags={"dsn": junk, "serve.public": junk, "selfservice.flows.login.before.hooks": [junk]})


def test_paths_are_told_with_dots() -> None:
    assert dotted(("identity", "schemas", 0, "url")) == "identity.schemas.0.url"
