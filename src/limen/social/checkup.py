"""The check-up of providers: whether people could sign in with each, and what to register there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from limen.core import jsonnet
from limen.core.configmethods import OidcProvider
from limen.core.findings import Finding, notice, trouble
from limen.core.jsonnet import JsonnetError
from limen.core.outbound import Outbound, OutboundError
from limen.project.model import Project
from limen.social import claims, mapper, oauth2, openid, provider
from limen.social.arrival import MICROSOFT
from limen.social.openid import Description, Invalid
from limen.social.provider import Provider
from limen.social.trouble import Trouble

_LOCAL: Final = ("localhost", "127.0.0.1", "[::1]", "::1")


async def check(project: Project, outbound: Outbound, now: datetime) -> list[Finding]:
    """All providers of the configuration. Their descriptions and keys are fetched; nobody is signed in."""
    configured = project.config.selfservice.methods.oidc
    if not configured.config.providers:
        return [_switched_on_for_nothing()] if configured.enabled else []
    found = [] if configured.enabled else [_switched_off()]
    found += _linking(project)
    each = await asyncio.gather(*(_one(project, outbound, one, now) for one in configured.config.providers))
    return found + [finding for findings in each for finding in findings]


def _switched_on_for_nothing() -> Finding:
    advice = "Add one to `selfservice.methods.oidc.config.providers`; `limen providers list` names them all."
    return notice("Signing in with other providers is enabled, and there is none.", advice)


def _switched_off() -> Finding:
    advice = "Set `selfservice.methods.oidc.enabled: true`."
    return trouble("Providers are configured, but signing in with them is disabled: they have no button.", advice)


def _linking(project: Project) -> Iterator[Finding]:
    providers = project.config.selfservice.methods.oidc.config.providers
    trusted = project.config.limen.social.link_verified_addresses
    for id_ in trusted:
        if id_ not in {one.id for one in providers}:
            advice = "Correct the id, or remove it."
            yield notice(f"`limen.social.link_verified_addresses` names {id_}, and there is no such provider.", advice)
    for one in providers:
        if one.account_linking_mode == "automatic" and one.id not in trusted:
            advice = f"Name {one.id} in `limen.social.link_verified_addresses` if that is meant."
            yield notice(f"{one.id}: `account_linking_mode: automatic` has no effect, as in Kratos.", advice)


# --- one of them --------------------------------------------------------------------------------------------------------


async def _one(project: Project, outbound: Outbound, config: OidcProvider, now: datetime) -> list[Finding]:
    found = provider.of(project, config)
    told = [*_client(found), *_callback(project, found)]
    told += await _endpoints(outbound, found)
    told += _secret(found, now)
    told += await _mapper(project, outbound, found)
    if all(finding.grade != "trouble" for finding in told):
        told.insert(0, Finding("good", f"{config.id}: people can sign in with {found.kind.brand}."))
    register = f"{config.id}: register this callback URL at {found.kind.console}"
    return [*told, Finding("good", f"{register}\n  {found.callback}")]


def _client(found: Provider) -> Iterator[Finding]:
    config = found.config
    where = f"The client stands at {found.kind.console}."
    if not config.client_id.strip():
        yield trouble(f"{config.id}: `client_id` is empty.", where)
    if not found.kind.signs_secret and not (config.client_secret or "").strip():
        yield trouble(f"{config.id}: `client_secret` is empty.", where)
    if missing := [name for name in found.kind.needs if not str(getattr(config, name) or "").strip()]:
        yield trouble(f"{config.id}: {', '.join(f'`{name}`' for name in missing)} is missing.", found.kind.notes)
    try:
        provider.check(found)
    except Trouble as error:
        if not missing:
            yield trouble(f"{config.id}: {error.why}.", found.kind.notes)
    if found.kind.scope and not config.scope:
        advice = f"Usual is `scope: [{', '.join(found.kind.scope)}]`."
        yield notice(f"{config.id}: `scope` is empty, so little is told about people.", advice)


def _callback(project: Project, found: Provider) -> Iterator[Finding]:
    """The way back has to end where the cookies are, and providers accept http on this machine only."""
    back, home = urlsplit(found.callback), urlsplit(project.public_url)
    if back.scheme != "https" and back.hostname not in _LOCAL:
        advice = "Set `serve.public.base_url` to the https address browsers use."
        yield trouble(f"{found.id}: the callback URL is not https, which most providers refuse.", advice)
    if back.hostname != home.hostname and not project.config.cookies.domain:
        advice = "Let `base_redirect_uri` and `serve.public.base_url` have one host, or set `cookies.domain` for both."
        yield trouble(f"{found.id}: browsers leave from {home.hostname} and come back to {back.hostname}.", advice)


def _secret(found: Provider, now: datetime) -> Iterator[Finding]:
    if not found.kind.signs_secret:
        return
    try:
        oauth2.client_secret(found, now.timestamp())
    except Trouble as error:
        advice = "Paste the whole file that Apple gave you, with its first and last line; in YAML after `|`."
        yield trouble(f"{found.id}: {error.why}.", advice)


# --- what it publishes --------------------------------------------------------------------------------------------------


async def _endpoints(outbound: Outbound, found: Provider) -> list[Finding]:
    """Its own description is reachable, and says who it is as the configuration does."""
    if found.kind.protocol != "OpenID Connect" or not _issuer(found):
        return []
    try:
        described = await _described(outbound, found)
    except OutboundError as error:
        advice = "Open that address from this machine; check `issuer_url`, the proxy and the firewall."
        return [trouble(f"{found.id}: its description cannot be read. {error}.", advice)]
    except Invalid as error:
        return [trouble(f"{found.id}: the issuer is not exact. {_sentence(error)}", "")]
    missing = [name for name in _REQUIRED if not getattr(described, name)]
    if missing:
        return [trouble(f"{found.id}: its description lacks {', '.join(missing)}.", "Ask who runs it.")]
    return await _keys(outbound, found, described)


_REQUIRED: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")


def _issuer(found: Provider) -> str:
    if found.kind.id == "microsoft":
        tenant = found.config.microsoft_tenant
        return MICROSOFT.replace("{tenant}", tenant) if tenant else ""
    return found.issuer


async def _described(outbound: Outbound, found: Provider) -> Description:
    """:raises OutboundError: it cannot be read
    :raises Invalid: it calls itself something else
    """
    issuer = _issuer(found)
    # Microsoft's tenants may be named by a domain, or be none in particular: then the description names another issuer.
    look = openid.describe if found.kind.id == "microsoft" else openid.discover
    return await look(outbound, issuer)


async def _keys(outbound: Outbound, found: Provider, described: Description) -> list[Finding]:
    try:
        keys = await openid.usable_keys(outbound, described)
    except OutboundError as error:
        return [trouble(f"{found.id}: its keys cannot be read. {error}.", "Ask who runs it.")]
    if not keys:
        return [trouble(f"{found.id}: {described.jwks_uri} has no key that signs {', '.join(described.algorithms)}.")]
    return []


def _sentence(error: Exception) -> str:
    text = str(error)
    return text[:1].upper() + text[1:] + "."


# --- the mapper ---------------------------------------------------------------------------------------------------------


async def _mapper(project: Project, outbound: Outbound, found: Provider) -> list[Finding]:
    """It can be read, and makes somebody who fits the schema of a person who is made up here."""
    try:
        snippet = await mapper.snippet(outbound, found)
        await asyncio.to_thread(jsonnet.check, snippet, mapper.called(found))
    except Trouble as error:
        return [trouble(f"{found.id}: {error.why}.", "Correct `mapper_url`.")]
    except JsonnetError as error:
        return [trouble(f"{found.id}: the mapper does not compile. {error}", "Try it with `limen lint jsonnet FILE`.")]
    try:
        mapped = await mapper.run(outbound, found, claims.read(_SOMEBODY))
    except Trouble as error:
        advice = "That may be meant, if it lets some people in only; see the log when one comes who should get in."
        return [notice(f"{found.id}: the mapper refuses a person who was made up. {error.why}.", advice)]
    wrong = [f"{field or 'traits'}: {message.text}" for message, field in project.schema().check(mapped.traits)]
    if not wrong:
        return []
    advice = "People are asked for what is missing; what is too much keeps them out. Correct the mapper, or the schema."
    return [notice(f"{found.id}: what the mapper makes of a person does not fit the schema. {' '.join(wrong)}", advice)]


# Somebody who tells everything there is.
_SOMEBODY: Final = {
    "iss": "https://provider.example", "sub": "made-up", "oid": "made-up", "name": "Ann Archer", "given_name": "Ann",
    "family_name": "Archer", "last_name": "Archer", "nickname": "ann", "preferred_username": "ann",
    "profile": "https://provider.example/ann", "picture": "https://provider.example/ann.png", "website": "https://ann.example",
    "email": "ann@provider.example", "email_verified": True, "gender": "female", "birthdate": "1990-01-01",
    "zoneinfo": "Europe/Berlin", "locale": "en-GB", "phone_number": "+4915112345678", "phone_number_verified": True,
    "hd": "provider.example", "team": "T0", "acr": "1", "amr": ["pwd"],
}  # fmt: skip
