"""A configured provider: what it is called, where its endpoints are, and whether it checks a proof key."""

from __future__ import annotations

from msgspec import Struct

from limen.core import urls
from limen.core.configmethods import OidcProvider
from limen.core.outbound import Outbound, OutboundError
from limen.project.model import Project
from limen.social import openid, trouble
from limen.social.catalogue import AMAZON_SCOPES, kinds
from limen.social.kinds import Kind
from limen.social.openid import Description

CALLBACK = "/self-service/methods/oidc/callback"


class Provider(Struct, frozen=True):
    """`callback` is the address the provider sends people back to, and has to know."""

    config: OidcProvider
    kind: Kind
    callback: str

    @property
    def id(self) -> str:
        return self.config.id

    @property
    def label(self) -> str:
        """What its button says."""
        return self.config.label or self.config.id

    @property
    def name(self) -> str:
        """What a person knows it by."""
        return self.config.label or (self.config.id if self.kind.id in ("generic", "fedcm-test") else self.kind.brand)

    @property
    def issuer(self) -> str:
        """Whose description counts; empty when it publishes none."""
        if "{issuer}" in self.kind.authorize:
            return self.config.issuer_url or self.kind.issuer
        # The issuer of a provider that is known by name is known, too: a configuration cannot lend the name to another.
        return self.kind.issuer or self.config.issuer_url or ""

    @property
    def scope(self) -> tuple[str, ...]:
        asked = self.config.scope
        if self.kind.adds_openid and "openid" not in asked:
            asked = (*asked, "openid")
        return tuple(s for s in asked if s != "offline_access") if self.kind.id == "google" else asked


def find(project: Project, id_: str) -> Provider | None:
    """The provider of this id; of two with one id the first."""
    found = next((p for p in project.config.selfservice.methods.oidc.config.providers if p.id == id_), None)
    return of(project, found) if found else None


def of(project: Project, config: OidcProvider) -> Provider:
    kind = kinds()[config.provider]
    base = project.config.selfservice.methods.oidc.config.base_redirect_uri or project.public_url
    return Provider(config, kind, callback_url(base, config, kind))


def callback_url(base: str, config: OidcProvider, kind: Kind) -> str:
    """Where the provider sends people back to.

    One that must check a proof key has the address without its id: Kratos' way to keep both apart.
    """
    if config.pkce == "force" or (kind.forces_pkce and config.pkce == "auto"):
        return urls.join(base, CALLBACK)
    own = f"{CALLBACK}/{urls.quote_path(config.id)}"
    if config.organization_id:
        organization = urls.quote_path(config.organization_id)
        own = f"/self-service/methods/oidc/organization/{organization}/callback/{urls.quote_path(config.id)}"
    return urls.join(base, own)


def offered(project: Project) -> list[OidcProvider]:
    """Those with a button for everybody, in their order."""
    return [p for p in project.config.selfservice.methods.oidc.config.providers if not p.organization_id]


def check(provider: Provider) -> None:
    """:raises Trouble: the configuration asks for what this provider does not have"""
    if provider.kind.id == "amazon" and (unknown := set(provider.config.scope) - set(AMAZON_SCOPES)):
        raise trouble.unconfigured(provider.name, f"amazon has no scope {', '.join(sorted(unknown))}")
    if provider.kind.protocol == "OpenID Connect" and not (provider.issuer or provider.kind.authorize):
        raise trouble.unconfigured(provider.name, "issuer_url is missing")


async def describe(outbound: Outbound, provider: Provider) -> Description:
    """Its endpoints: known by name, or as it publishes them.

    :raises Trouble: it does not publish them, or is not who the configuration says
    """
    check(provider)
    kind = provider.kind
    if kind.authorize:
        return Description(
            issuer=provider.issuer,
            authorization_endpoint=_filled(provider, kind.authorize),
            token_endpoint=_filled(provider, kind.token),
        )
    return await published(outbound, provider, provider.issuer)


async def published(outbound: Outbound, provider: Provider, issuer: str) -> Description:
    """What an issuer publishes about itself.

    :raises Trouble: nothing that can be used
    """
    try:
        return await openid.discover(outbound, issuer)
    except (OutboundError, openid.Invalid) as error:
        raise trouble.unconfigured(provider.name, str(error)) from error


def _filled(provider: Provider, template: str) -> str:
    issuer = provider.config.issuer_url or provider.kind.issuer
    return template.replace("{issuer}", issuer.rstrip("/")).replace("{tenant}", provider.config.microsoft_tenant or "")


async def checks_proof_key(outbound: Outbound, provider: Provider) -> bool:
    """Whether a proof key (RFC 7636) is used: always, never, or when the provider is known or says to check it."""
    mode, kind = provider.config.pkce, provider.kind
    if mode == "never" or kind.protocol == "OAuth 1.0a":
        return False
    if mode == "force" or kind.forces_pkce:
        return True
    if not provider.issuer:
        return kind.has_pkce
    try:
        described = await openid.discover(outbound, provider.issuer)
    except (OutboundError, openid.Invalid):
        return kind.has_pkce
    return "S256" in described.code_challenge_methods_supported
