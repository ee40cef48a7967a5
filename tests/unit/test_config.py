"""The structs: Kratos' defaults, a description for every key, and the page that is made from them."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.core.config import Config, Identity, IdentitySchema, SelfService
from limen.core.configdoc import markdown
from limen.core.configkeys import dotted, everything, keys, variable
from limen.core.configtypes import Section, duration, duration_text, size, size_text

SMALLEST = Config(
    dsn="memory",
    identity=Identity(schemas=(IdentitySchema(id="default", url="file://person.schema.json"),)),
    selfservice=SelfService(default_browser_return_url="http://localhost:4455/"),
)


def sections(section: type[Section]) -> set[type[Section]]:
    found = {section}
    for key in keys(section).values():
        inner = [key, key.item, *(variant for _, variant in (key.item or key).variants)]
        for below in inner:
            if below and below.section is not Section:
                found |= sections(below.section)
    return found


def test_what_is_left_out_has_kratos_default() -> None:
    config = SMALLEST
    assert (config.serve.public.port, config.serve.admin.port, config.serve.public.host) == (4433, 4434, "0.0.0.0")
    assert (config.session.lifespan, config.session.cookie.name) == (86400.0, "ory_kratos_session")
    assert (config.hashers.algorithm, config.hashers.bcrypt.cost, config.hashers.argon2.memory) == (
        "bcrypt",
        12,
        128 * 1024 * 1024,
    )
    methods = config.selfservice.methods
    assert [method for method in methods.__struct_fields__ if getattr(getattr(methods, method), "enabled", False)] == [
        "profile",
        "password",
        "code",
    ]
    flows = config.selfservice.flows
    assert (flows.login.style, flows.registration.style, flows.login.lifespan) == ("unified", "profile_first", 3600.0)
    assert (flows.verification.enabled, flows.recovery.use) == (False, "code")
    assert flows.error.ui_url is None
    assert (config.courier.smtp.from_address, config.courier.message_retries) == ("no-reply@ory.kratos.sh", 5)
    assert (config.limen.branding.name, config.limen.pages.languages) == ("Limen", ("en", "de"))


def test_defaults_are_of_the_types_they_are_declared_with() -> None:
    assert msgspec.convert(msgspec.to_builtins(SMALLEST), Config) == SMALLEST


def test_a_configuration_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        SMALLEST.serve.public.port = 1  # type: ignore[misc]


def test_every_key_says_what_it_is_for() -> None:
    silent = [
        f"{section.__name__}.{name}"
        for section in sections(Config)
        for name, key in keys(section).items()
        if not key.about.endswith(".") or (not key.about[0].isupper() and key.about[0] != "`")
    ]
    assert silent == []


def test_every_key_can_say_what_it_takes() -> None:
    assert all(key.expects() for section in sections(Config) for key in keys(section).values())


def test_no_two_keys_share_a_variable() -> None:
    names = [variable(path) for path, _ in everything() if "<name>" not in path]
    assert len(names) == len(set(names))


def test_variables_are_paths_in_capitals() -> None:
    told = {dotted(path): variable(path) for path, _ in everything()}
    assert told["selfservice.methods.oidc.config.providers[].client_secret"] == (
        "SELFSERVICE_METHODS_OIDC_CONFIG_PROVIDERS_0_CLIENT_SECRET"
    )
    assert told["sqa-opt-out"] == "SQA_OPT_OUT"


def test_the_reference_page_is_up_to_date() -> None:
    page = Path(__file__).parents[2] / "docs/reference/configuration.md"
    assert page.read_text("utf-8") == markdown(), f"run: python -m limen.core.configdoc > {page}"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1h30m", 5400.0), ("500ms", 0.5), ("0s", 0.0), ("24h", 86400.0), ("1m1m", 120.0), ("15us", 15e-6), ("1ns", 1e-9)],
)
def test_a_duration_is_a_number_of_seconds(text: str, seconds: float) -> None:
    assert duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "1", "1d", "1.5h", "1 h", "h", "-1h", "1h ", "1H", "1h30", "١h"])
def test_everything_else_is_no_duration(text: str) -> None:
    assert duration(text) is None


@given(st.integers(0, 10**15))
def test_a_duration_written_out_is_the_same(nanoseconds: int) -> None:
    assert duration(duration_text(nanoseconds / 1e9)) == pytest.approx(nanoseconds / 1e9)


@pytest.mark.parametrize(("text", "count"), [("0B", 0), ("1KB", 1024), ("128MB", 134217728), ("1GB", 1073741824)])
def test_a_size_is_a_number_of_bytes(text: str, count: int) -> None:
    assert size(text) == count
    assert size_text(count) == text


@pytest.mark.parametrize("text", ["", "128", "128 MB", "128mb", "1.5GB", "128MiB"])
def test_everything_else_is_no_size(text: str) -> None:
    assert size(text) is None


@given(st.integers(0, 2**63))
def test_a_size_written_out_is_the_same(count: int) -> None:
    assert size(size_text(count)) == count
