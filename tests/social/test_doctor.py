"""What `limen doctor` says of providers that would sign nobody in, and the address it gives to be registered."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey

from limen.core import clock
from limen.core.findings import Finding
from limen.core.outbound import Answer, Outbound
from limen.social import checkup
from tests.social.conftest import With
from tests.support.openid import OpenIdProvider
from tests.support.process import configured, limen
from tests.support.server import LiveServer


def b64(text: str) -> str:
    return "base64://" + base64.b64encode(text.encode()).decode()


async def examine(live: LiveServer, outbound: Outbound | None = None) -> list[Finding]:
    calls = outbound or Outbound()
    try:
        return await checkup.check(live.app.site.project, calls, clock.now())
    finally:
        await calls.close()


def told(found: list[Finding]) -> list[str]:
    return [one.told for one in found if one.grade != "good"]


async def test_all_is_well_and_the_callback_is_there_to_be_copied(with_providers: With, acme: OpenIdProvider) -> None:
    live = with_providers(acme.configured())
    found = await examine(live)
    assert [one.grade for one in found] == ["good", "good"]
    assert found[0].told == "acme: people can sign in with OpenID Connect."
    assert found[1].told.splitlines()[1].strip() == f"{live.public}self-service/methods/oidc/callback/acme"


async def test_the_issuer_has_to_be_exact(with_providers: With, acme: OpenIdProvider) -> None:
    live = with_providers(acme.configured(issuer_url=acme.issuer + "/"))
    (line,) = told(await examine(live))
    assert line.startswith("acme: the issuer is not exact.")
    assert acme.issuer in line


async def test_a_description_that_cannot_be_reached_or_read(with_providers: With, acme: OpenIdProvider) -> None:
    live = with_providers(acme.configured())
    acme.close()
    (line,) = told(await examine(live))
    assert line.startswith(f"acme: its description cannot be read. {acme.issuer}/.well-known/openid-configuration")


@pytest.mark.parametrize(
    ("published", "line"),
    [({"jwks_uri": ""}, "acme: its description lacks jwks_uri."), ({"token_endpoint": ""}, "acme: its description lacks")],
)  # fmt: skip
async def test_a_description_that_lacks_what_is_needed(
    published: dict[str, str], line: str, with_providers: With, acme: OpenIdProvider
) -> None:
    acme.description |= published
    assert told(await examine(with_providers(acme.configured())))[0].startswith(line)


async def test_keys_that_sign_nothing(with_providers: With, acme: OpenIdProvider) -> None:
    acme.keys = lambda: {"keys": [{**acme.key.as_dict(private=False), "use": "enc"}]}
    live = with_providers(acme.configured())
    assert told(await examine(live)) == [f"acme: {acme.issuer}/keys has no key that signs RS256."]


@pytest.mark.parametrize(
    ("mapper", "line"),
    [
        (b64("{ identity: "), "acme: the mapper does not compile. acme.jsonnet:1:"),
        (b64("{ identity: nobody }"), "acme: the mapper does not compile. acme.jsonnet:1:13"),
        ("file:///nowhere/acme.jsonnet", "acme: mapper_url cannot be read: "),
    ],
)
async def test_a_mapper_that_cannot_be_used(mapper: str, line: str, with_providers: With, acme: OpenIdProvider) -> None:
    assert told(await examine(with_providers(acme.configured(mapper_url=mapper))))[0].startswith(line)


async def test_a_mapper_that_makes_what_the_schema_does_not_know(with_providers: With, acme: OpenIdProvider) -> None:
    for mapper, line in (
        (
            "{ identity: { traits: { emial: 'x' } } }",
            "acme: what the mapper makes of a person does not fit the schema.",
        ),
        (
            "{ identity: { traits: [] } }",
            "acme: the mapper refuses a person who was made up. the mapper's identity.traits",
        ),
        ("assert std.extVar('claims').hd == 'acme.example'; {}", "acme: the mapper refuses a person who was made up."),
    ):
        found = await examine(with_providers(acme.configured(mapper_url=b64(mapper))))
        (finding,) = [one for one in found if one.grade != "good"]
        assert finding.grade == "notice"
        assert finding.told.startswith(line)


async def test_a_client_that_was_not_filled_in(with_providers: With, acme: OpenIdProvider) -> None:
    live = with_providers(acme.configured(client_id="", client_secret=" ", scope=[]))
    assert told(await examine(live)) == [
        "acme: `client_id` is empty.",
        "acme: `client_secret` is empty.",
        "acme: `scope` is empty, so little is told about people.",
    ]


class Apple(Outbound):
    """Apple's servers, as far as they are asked here."""

    def __init__(self, issuer: str, keys: dict[str, Any]) -> None:
        super().__init__()
        self._answers = {"openid-configuration": {
            "issuer": issuer, "authorization_endpoint": "https://a", "token_endpoint": "https://t", "jwks_uri": "https://k",
        }, "k": keys}  # fmt: skip

    async def request(self, method: str, url: str, **more: Any) -> Answer:
        return Answer(200, {}, json.dumps(self._answers[url.rpartition("/")[2]]).encode())


async def test_apples_key_has_to_be_one(with_providers: With, acme: OpenIdProvider) -> None:
    def apple(key: str) -> dict[str, Any]:
        entry = acme.configured(
            "apple", provider="apple", apple_team_id="T", apple_private_key_id="K", apple_private_key=key
        )
        return {name: value for name, value in entry.items() if name not in ("client_secret", "issuer_url")}

    world = Apple("https://appleid.apple.com", acme.keys())
    live = with_providers(apple("no key at all"))
    assert told(await examine(live, world)) == ["apple: apple_private_key is no ES256 key in PEM (PKCS #8)."]
    good = ECKey.generate_key("P-256").as_pem(private=True).decode()
    assert told(await examine(with_providers(apple(good)), world)) == []


async def test_a_microsoft_tenant_that_does_not_exist(with_providers: With, acme: OpenIdProvider) -> None:
    class Nobody(Outbound):
        async def request(self, method: str, url: str, **more: Any) -> Answer:
            assert url == "https://login.microsoftonline.com/acme.example/v2.0/.well-known/openid-configuration"
            return Answer(400, {}, b"{}")

    entry = acme.configured("ms", provider="microsoft", microsoft_tenant="acme.example")
    del entry["issuer_url"]
    (line,) = told(await examine(with_providers(entry), Nobody()))
    assert line.startswith("ms: its description cannot be read.")


async def test_addresses_that_browsers_and_providers_do_not_come_back_to(
    with_providers: With, acme: OpenIdProvider
) -> None:
    over = {"selfservice": {"methods": {"oidc": {"config": {"base_redirect_uri": "http://id.example.org/"}}}}}
    live = with_providers(acme.configured(), over=over)
    assert told(await examine(live)) == [
        "acme: the callback URL is not https, which most providers refuse.",
        "acme: browsers leave from 127.0.0.1 and come back to id.example.org.",
    ]


async def test_what_is_switched_off_or_on_for_nothing(with_providers: With, acme: OpenIdProvider) -> None:
    off = {"selfservice": {"methods": {"oidc": {"enabled": False}}}}
    assert told(await examine(with_providers(acme.configured(), over=off))) == [
        "Providers are configured, but signing in with them is disabled: they have no button."
    ]
    assert told(await examine(with_providers())) == ["Signing in with other providers is enabled, and there is none."]


async def test_linking_that_would_not_happen(with_providers: With, acme: OpenIdProvider) -> None:
    over = {"limen": {"social": {"link_verified_addresses": ["acne"]}}}
    live = with_providers(acme.configured(account_linking_mode="automatic"), over=over)
    assert told(await examine(live)) == [
        "`limen.social.link_verified_addresses` names acne, and there is no such provider.",
        "acme: `account_linking_mode: automatic` has no effect, as in Kratos.",
    ]


@pytest.mark.slow
def test_the_program_says_it(tmp_path: Path, acme: OpenIdProvider) -> None:
    entry = acme.configured(issuer_url=acme.issuer + "/")
    over = {"selfservice": {"methods": {"oidc": {"enabled": True, "config": {"providers": [entry]}}}}}
    done = limen(tmp_path, "doctor", "-c", configured(tmp_path, f"sqlite://{tmp_path}/limen.sqlite", over))
    assert done.returncode == 1
    assert "✗ acme: the issuer is not exact. It calls itself" in done.stdout
    assert "/self-service/methods/oidc/callback/acme\n" in done.stdout
