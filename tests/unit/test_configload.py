"""Files, flags and environment become one configuration: who wins, how values are read, where each key comes from."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.support.effort import calls

from limen.core.configcheck import Pending
from limen.core.confighooks import SessionHook, ShowVerificationUi, WebHook
from limen.core.configload import Loaded, load
from limen.core.places import Place

QUICKSTART = """\
version: v1.3.0
dsn: sqlite:///var/lib/people/people.db?_fk=true&mode=rwc

serve:
  public:
    base_url: http://127.0.0.1:4433/
    cors:
      enabled: true
      allowed_origins: [http://127.0.0.1:4455]
  admin:
    base_url: http://people:4434/

selfservice:
  default_browser_return_url: http://127.0.0.1:4455/
  allowed_return_urls:
    - http://127.0.0.1:4455
    - https://*.example.org/done
    - myapp://signed-in
    - exp://localhost:8081/--/callback
  methods:
    password: {enabled: true}
    totp: {enabled: false, config: {issuer: Example}}
    lookup_secret: {enabled: false}
    link: {enabled: true}
    code: {enabled: true, config: {lifespan: 15m}}
  flows:
    error: {ui_url: "http://127.0.0.1:4455/error"}
    login:
      ui_url: http://127.0.0.1:4455/login
      lifespan: 10m
    registration:
      ui_url: /registration
      after:
        password:
          hooks:
            - hook: session
            - hook: show_verification_ui
    settings:
      ui_url: http://127.0.0.1:4455/settings
      privileged_session_max_age: 15m
    verification:
      enabled: true
      use: code
      after: {default_browser_return_url: "http://127.0.0.1:4455/"}
    recovery: {enabled: true, use: code}
    logout:
      after: {default_browser_return_url: "http://127.0.0.1:4455/login"}

log: {level: debug, format: text, leak_sensitive_values: true}
secrets:
  cookie: [9f0d3a7c51b2e84f60a9]
  cipher: [0123456789abcdef0123456789abcdef]
ciphers: {algorithm: xchacha20-poly1305}
hashers: {algorithm: bcrypt, bcrypt: {cost: 12}}
cookies: {secure: true, same_site: None}
identity:
  default_schema_id: default
  schemas:
    - {id: default, url: "file:///etc/people/person.schema.json"}
courier:
  smtp: {connection_uri: "smtps://mailer:pa:ss@mail.internal:1025/?skip_ssl_verify=true"}
"""
BASE: Mapping[str, Any] = {
    "dsn": "memory",
    "identity": {"schemas": [{"id": "default", "url": "file://person.schema.json"}]},
    "selfservice": {"default_browser_return_url": "http://localhost:4455/"},
}


def loaded(
    text: str = "",
    *more: str,
    env: Mapping[str, str] | None = None,
    flags: Mapping[str, object] | None = None,
    folder: Path,
    ending: str = "yml",
) -> Loaded:
    paths = []
    for number, part in enumerate((text, *more), 1):
        paths.append(folder / f"{number}.{ending}")
        paths[-1].write_text(part, "utf-8")
    return load(paths, env=env or {}, flags=flags or {}, base=BASE)


def test_a_file_for_kratos_is_read_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "kratos.yml"
    file.write_text(QUICKSTART)
    found = load([file], env={}, flags={})
    config = found.config
    assert config.dsn == "sqlite:///var/lib/people/people.db?_fk=true&mode=rwc"
    assert config.serve.admin.base_url == "http://people:4434/"
    assert config.selfservice.allowed_return_urls[2:] == ("myapp://signed-in", "exp://localhost:8081/--/callback")
    assert config.selfservice.flows.login.lifespan == 600.0
    assert config.selfservice.flows.registration.ui_url == "/registration"
    assert config.selfservice.flows.registration.after.password.hooks == (SessionHook(), ShowVerificationUi())
    assert config.cookies.secure is True
    assert config.cookies.same_site == "None"
    assert config.courier.smtp.connection_uri == "smtps://mailer:pa:ss@mail.internal:1025/?skip_ssl_verify=true"
    assert found.warnings == ()
    assert found.pending == ()
    assert found.sources == (file,)
    assert found.data["selfservice"]["flows"]["login"]["lifespan"] == "10m", "data is as it was written"
    assert str(found.places.value("/selfservice/flows/login/lifespan")) == f"{file}:30:17"
    assert msgspec.convert(msgspec.to_builtins(config), type(config)) == config, "every value is of its declared type"


def test_yaml_json_and_toml_say_the_same(tmp_path: Path) -> None:
    wanted = {"serve": {"public": {"port": 5000}}, "session": {"lifespan": "1h30m"}}
    toml = '[serve.public]\nport = 5000\n[session]\nlifespan = "1h30m"\n'
    texts = {
        "yaml": "serve: {public: {port: 5000}}\nsession: {lifespan: 1h30m}",
        "json": json.dumps(wanted),
        "toml": toml,
    }
    configs = [loaded(text, folder=tmp_path, ending=ending).config for ending, text in texts.items()]
    assert configs[0] == configs[1] == configs[2]
    assert (configs[0].serve.public.port, configs[0].session.lifespan) == (5000, 5400.0)


def test_without_a_file_the_base_is_enough() -> None:
    found = load([], env={}, flags={}, base=BASE)
    assert (found.config.dsn, found.sources, found.warnings) == ("memory", (), ())


def test_later_sources_win(tmp_path: Path) -> None:
    first = "log: {level: trace, format: json}\ncookies: {path: /one}\nsession: {lifespan: 1h}\n"
    second = "log: {level: debug}\ncookies: {path: /two}\n"
    found = loaded(
        first, second, flags={"log.level": "error", "dev": None, "session.lifespan": "3h"},
        env={"LOG_LEVEL": "fatal"}, folder=tmp_path,
    )  # fmt: skip
    config = found.config
    assert (config.log.level, config.log.format, config.cookies.path) == ("fatal", "json", "/two")
    assert (config.session.lifespan, config.dev, config.dsn) == (10800.0, False, "memory")
    assert [
        str(found.places.value(at)) for at in ("/log/level", "/log/format", "/cookies/path", "/session/lifespan")
    ] == [
        "environment variable LOG_LEVEL",
        f"{tmp_path}/1.yml:1:29",
        f"{tmp_path}/2.yml:2:17",
        "flag --session.lifespan",
    ]
    assert found.places.value("/dsn") == Place("built-in value")


def test_lists_are_replaced_whole(tmp_path: Path) -> None:
    found = loaded(
        "secrets: {default: [aaaaaaaaaaaaaaaa, bbbbbbbbbbbbbbbb]}",
        "secrets: {default: [cccccccccccccccc]}",
        folder=tmp_path,
    )
    assert found.config.secrets.default == ("cccccccccccccccc",)
    assert "/secrets/default/1" not in found.places.values


def test_a_key_with_nothing_after_it_says_nothing(tmp_path: Path) -> None:
    found = loaded("log: {level: debug}\ncourier:\nserve:\n  public:\n", "log:\n", folder=tmp_path)
    assert (found.config.log.level, found.config.serve.public.port) == ("debug", 4433)


@pytest.mark.parametrize(
    ("name", "text", "path", "value"),
    [
        ("DSN", "sqlite://other.db", "dsn", "sqlite://other.db"),
        ("SERVE_PUBLIC_PORT", "5000", "serve.public.port", 5000),
        ("SERVE_PUBLIC_BASE_URL", "https://id.example.com", "serve.public.base_url", "https://id.example.com"),
        ("SERVE_PUBLIC_CORS_ENABLED", "true", "serve.public.cors.enabled", True),
        ("SERVE_PUBLIC_CORS_ENABLED", "0", "serve.public.cors.enabled", False),
        ("COOKIES_SECURE", "false", "cookies.secure", False),
        ("WATCH_COURIER", "1", "watch_courier", True),
        ("SQA_OPT_OUT", "t", "sqa_opt_out", True),
        ("SESSION_LIFESPAN", "720h", "session.lifespan", 2592000.0),
        ("HASHERS_ARGON2_MEMORY", "64MB", "hashers.argon2.memory", 67108864),
        ("TRACING_PROVIDERS_OTLP_SAMPLING_SAMPLING_RATIO", "1", "tracing.providers.otlp.sampling.sampling_ratio", 1),
        ("SELFSERVICE_FLOWS_LOGIN_UI_URL", "/in", "selfservice.flows.login.ui_url", "/in"),
        ("SELFSERVICE_METHODS_CODE_CONFIG_MAX_SUBMISSIONS", "3", "selfservice.methods.code.config.max_submissions", 3),
        ("CLIENTS_HTTP_PRIVATE_IP_EXCEPTION_URLS", "a, b", "clients.http.private_ip_exception_urls", ("a", "b")),
        ("SECRETS_COOKIE", '["aaaa,aaaaaaaaaaaa"]', "secrets.cookie", ("aaaa,aaaaaaaaaaaa",)),
        ("COURIER_SMTP_HEADERS", '{"X-One": "1"}', "courier.smtp.headers", {"X-One": "1"}),
        ("SELFSERVICE_FLOWS_RECOVERY", '{"enabled": true}', "selfservice.flows.recovery.enabled", True),
        ("TRUSS_INVITE_ONLY", "true", "limen.registration.invite_only", True),
        ("TRUSS_AUTH_REQUIRED", "false", "limen.console.auth_required", False),
        ("KRATOS_IDENTITY_SCHEMA_ID", "default", "identity.default_schema_id", "default"),
        ("LIMEN_PAGES_LANGUAGES", "de", "limen.pages.languages", ("de",)),
        ("LIMEN_TRUSTED_PROXIES_0", "10.0.0.0/8", "limen.trusted_proxies", ("10.0.0.0/8",)),
    ],
)  # fmt: skip
def test_a_variable_sets_its_key(name: str, text: str, path: str, value: object, tmp_path: Path) -> None:
    found: object = loaded(env={name: text}, folder=tmp_path).config
    for step in path.split("."):
        found = getattr(found, step)
    assert found == value


def test_a_variable_changes_one_entry_of_a_list(tmp_path: Path) -> None:
    text = """\
selfservice:
  methods:
    oidc:
      enabled: true
      config:
        providers:
          - {id: one, provider: google, client_id: a, mapper_url: "file:///one.jsonnet"}
          - {id: two, provider: github, client_id: b, client_secret: from-file, mapper_url: "file:///two.jsonnet"}
"""
    prefix = "SELFSERVICE_METHODS_OIDC_CONFIG_PROVIDERS"
    third = {"id": "three", "provider": "gitlab", "client_id": "c", "client_secret": "d", "mapper_url": "file:///c"}
    found = loaded(
        text,
        env={f"{prefix}_0_CLIENT_SECRET": "s1", f"{prefix}_1_CLIENT_SECRET": "s2", f"{prefix}_2": json.dumps(third)},
        folder=tmp_path,
    )
    providers = found.config.selfservice.methods.oidc.config.providers
    assert [(one.id, one.client_id, one.client_secret) for one in providers] == [
        ("one", "a", "s1"),
        ("two", "b", "s2"),
        ("three", "c", "d"),
    ]
    at = "/selfservice/methods/oidc/config/providers/0"
    assert str(found.places.value(f"{at}/client_secret")) == f"environment variable {prefix}_0_CLIENT_SECRET"
    assert str(found.places.value(f"{at}/client_id")) == f"{tmp_path}/1.yml:7:52"
    assert "client_secret" not in text.splitlines()[6], "the file's own data stays as it is"


def test_a_variable_reaches_into_hooks_and_named_templates(tmp_path: Path) -> None:
    text = """\
selfservice: {flows: {login: {before: {hooks: [{hook: web_hook, config: {url: "http://a", method: GET, body: "file:///b"}}]}}}}
session: {whoami: {tokenizer: {templates: {my-app: {jwks_url: "file:///jwks.json"}}}}}
"""
    config = loaded(
        text,
        env={
            "SELFSERVICE_FLOWS_LOGIN_BEFORE_HOOKS_0_CONFIG_URL": "https://hooks.example.com/",
            "SELFSERVICE_FLOWS_LOGIN_BEFORE_HOOKS_0_CONFIG_AUTH": json.dumps(
                {"type": "api_key", "config": {"name": "X-Key", "value": "k", "in": "header"}}
            ),
            "SESSION_WHOAMI_TOKENIZER_TEMPLATES_MY_APP_TTL": "5m",
        },
        folder=tmp_path,
    ).config
    hook = config.selfservice.flows.login.before.hooks[0]
    assert isinstance(hook, WebHook)
    assert (hook.config.url, hook.config.method) == ("https://hooks.example.com/", "GET")
    assert msgspec.to_builtins(hook.config.auth) == {
        "type": "api_key",
        "config": {"name": "X-Key", "value": "k", "in": "header"},
    }
    assert config.session.whoami.tokenizer.templates["my-app"].ttl == 300.0


def test_an_empty_variable_is_not_set(tmp_path: Path) -> None:
    assert loaded("log: {level: debug}", env={"LOG_LEVEL": ""}, folder=tmp_path).config.log.level == "debug"


def test_variables_of_others_are_left_alone(tmp_path: Path) -> None:
    env = {
        "PATH": "/bin",
        "SERVE": "x",
        "LOG": "nope",
        "IDENTITY_SERVICE_HOST": "10.0.0.1",
        "COURIER_SMTP_SERVICE_PORT": "1",
    }
    found = loaded("version: v1.3.0", env=env, folder=tmp_path)
    assert found.data == {**BASE, "version": "v1.3.0"}
    assert [(warning.file, warning.path, warning.message) for warning in found.warnings] == [
        ("environment variable LOG", "log", "Only JSON can set a whole map, so this is ignored."),
        ("environment variable SERVE", "serve", "Only JSON can set a whole map, so this is ignored."),
    ], "these two are named like sections, the others like nothing"


def test_entries_are_added_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    env = {f"LIMEN_TRUSTED_PROXIES_{number}": f"10.0.{number}.0/24" for number in range(12)}
    proxies = loaded(env=env, folder=tmp_path).config.limen.trusted_proxies
    assert proxies == tuple(f"10.0.{number}.0/24" for number in range(12))


def test_a_misspelled_variable_is_told(tmp_path: Path) -> None:
    found = loaded("version: v1.3.0", env={"SELFSERVICE_FLOWS_LOGIN_UI_ULR": "/in"}, folder=tmp_path)
    assert [(warning.file, warning.message, warning.hint) for warning in found.warnings] == [
        (
            "environment variable SELFSERVICE_FLOWS_LOGIN_UI_ULR",
            "No key is set by SELFSERVICE_FLOWS_LOGIN_UI_ULR.",
            "Did you mean SELFSERVICE_FLOWS_LOGIN_UI_URL?",
        )
    ]


def test_aliases_in_a_file_do_not_tie_its_keys_together(tmp_path: Path) -> None:
    text = "serve:\n  public: &server {port: 5000}\n  admin: *server\n"
    config = loaded(text, env={"SERVE_ADMIN_PORT": "5001"}, folder=tmp_path).config
    assert (config.serve.public.port, config.serve.admin.port) == (5000, 5001)


@pytest.mark.parametrize(
    ("version", "message"),
    [
        ("", "`version` is missing."),
        ("version: ''", "`version` is missing."),
        ("version: nightly", "This is no version of Kratos."),
        ("version: v0.7.0-alpha.1", "This version of Kratos is old."),
        ("version: v99.1.0", "This version of Kratos is newer than what is known here."),
        ("version: v1.3.0", None),
        ("version: v25.4.0", None),
    ],
)
def test_the_version_is_never_a_mistake(version: str, message: str | None, tmp_path: Path) -> None:
    warnings = loaded(version, folder=tmp_path).warnings
    assert [warning.message for warning in warnings] == ([message] if message else [])


def test_outdated_keys_work_and_are_told(tmp_path: Path) -> None:
    text = "version: v1.3.0\nselfservice: {flows: {registration: {enable_legacy_one_step: true}}}\n"
    found = loaded(text, folder=tmp_path)
    assert found.config.selfservice.flows.registration.enable_legacy_one_step is True
    assert [(warning.path, warning.message, warning.hint) for warning in found.warnings] == [
        (
            "selfservice.flows.registration.enable_legacy_one_step",
            "`enable_legacy_one_step` is outdated.",
            "Write `style: unified`.",
        )
    ]


def test_keys_where_kratos_takes_any_are_only_a_warning(tmp_path: Path) -> None:
    found = loaded("version: v1.3.0\nselfservice: {methods: {code: {enabld: true}}}", folder=tmp_path)
    assert [(warning.path, warning.message, warning.hint) for warning in found.warnings] == [
        (
            "selfservice.methods.code.enabld",
            "There is no key `enabld` here; it has no effect.",
            "Did you mean `enabled`?",
        )
    ]


def test_a_placeholder_where_any_text_may_stand_is_only_a_warning(tmp_path: Path) -> None:
    found = loaded("version: v1.3.0\ncourier: {smtp: {from_name: '${NAME}'}}", folder=tmp_path)
    assert found.config.courier.smtp.from_name == "${NAME}"
    assert [(warning.path, warning.message, warning.hint) for warning in found.warnings] == [
        (
            "courier.smtp.from_name",
            "Placeholders are not filled in, as in Kratos.",
            "Set the environment variable COURIER_SMTP_FROM_NAME instead: it wins over the file.",
        )
    ]


@pytest.mark.parametrize("flow", ["verification", "recovery"])
def test_mails_without_a_courier_go_to_the_mailbox(flow: str, tmp_path: Path) -> None:
    text = f"version: v1.3.0\nselfservice: {{flows: {{{flow}: {{enabled: true}}}}}}"
    assert [(warning.path, warning.message) for warning in loaded(text, folder=tmp_path).warnings] == [
        (f"selfservice.flows.{flow}.enabled", f"`{flow}` sends mails, and no `courier` is configured.")
    ]


@pytest.mark.parametrize(
    ("base", "bound", "told"),
    [
        ("http://127.0.0.1:4433/", "localhost", "serve.public.base_url"),
        ("http://[::1]:4433/", "localhost", "serve.public.base_url"),
        ("http://localhost:4433/", "127.0.0.1", "selfservice.methods.passkey.config.rp.id"),
        ("http://localhost:4433/", "localhost", ""),
        ("https://id.example.org/", "example.org", ""),
    ],
)
def test_keys_need_a_name(base: str, bound: str, told: str, tmp_path: Path) -> None:
    methods = f"methods: {{passkey: {{enabled: true, config: {{rp: {{id: {bound}, display_name: x}}}}}}}}"
    text = f"version: v1.3.0\nselfservice: {{{methods}}}\nserve: {{public: {{base_url: '{base}'}}}}"
    assert [warning.path for warning in loaded(text, folder=tmp_path).warnings] == ([told] if told else [])


def test_wildcards_that_trust_strangers_are_left_out(tmp_path: Path) -> None:
    text = """\
version: v1.3.0
selfservice:
  allowed_return_urls: ["*", "https://*", "https://*.com/", "https://*.co.uk", "https://*.github.io", "https://my*.example.com",
    "https://*.example.com/a", "https://*.example.co.uk", "http://*.localhost:3000", "https://app.example.com"]
serve: {public: {cors: {allowed_origins: ["https://*.com", "https://*.example.com", "https://example.com"]}}}
"""
    found = loaded(text, folder=tmp_path)
    assert found.config.selfservice.allowed_return_urls == (
        "https://*.example.com/a",
        "https://*.example.co.uk",
        "http://*.localhost:3000",
        "https://app.example.com",
    )
    assert found.config.serve.public.cors.allowed_origins == ("https://*.example.com", "https://example.com")
    assert [warning.path.rpartition(".")[2] for warning in found.warnings] == ["0", "1", "2", "3", "4", "5", "0"]
    assert {warning.message for warning in found.warnings} == {
        "This wildcard would let strangers in, so it is ignored."
    }
    insist = text + "feature_flags: {legacy_allow_insecure_origins: true}\n"
    assert loaded(insist, folder=tmp_path).config.serve.public.cors.allowed_origins[0] == "https://*.com"


def test_features_that_are_not_built_are_named_once(tmp_path: Path) -> None:
    text = """\
selfservice:
  methods:
    b2b: {config: {organizations: [{label: Example}]}}
    webauthn: {enabled: false}
    passkey: {}
  flows:
    settings:
      after:
        profile:
          hooks:
            - {hook: b2b_sso, config: {}}
tracing:
  provider: ""
courier: {delivery_strategy: smtp}
"""
    assert loaded(text, folder=tmp_path).pending == (
        Pending("selfservice.methods.b2b", "organisations", Place(f"{tmp_path}/1.yml", 3, 5)),
        Pending(
            "selfservice.flows.settings.after.profile.hooks.0",
            "organisations",
            Place(f"{tmp_path}/1.yml", 11, 15),
        ),
    )


def test_loading_is_little_work(tmp_path: Path) -> None:
    file = tmp_path / "kratos.yml"
    file.write_text(QUICKSTART)
    load([file], env={}, flags={})
    assert calls(lambda: load([file], env={"PATH": "/bin"}, flags={})) < 25_000
