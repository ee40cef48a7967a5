"""Credentials that an operator brings along: their shapes in the admin API, and what is stored of them.

The order in which they are looked at, and what is added and what replaced when somebody exists already, is Kratos'.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from limen.context import Context
from limen.core import clock, errors, hashes, passwords
from limen.core.errors import ApiError
from limen.core.ids import parse_id
from limen.identity import keys
from limen.identity.identifiers import federated
from limen.identity.keys import Keys
from limen.identity.model import Credential

Configs = dict[str, dict[str, Any]]
NEVER = "0001-01-01T00:00:00Z"  # what Kratos writes for a time that was not given


class PasswordConfig(Struct, frozen=True):
    password: str = ""
    hashed_password: str = ""
    use_password_migration_hook: bool = False


class Password(Struct, frozen=True):
    config: PasswordConfig = PasswordConfig()


class SamlProvider(Struct, frozen=True):
    subject: str = ""
    provider: str = ""
    organization: str | None = None

    def __post_init__(self) -> None:
        if self.organization is not None and parse_id(self.organization) is None:
            raise ValueError(f"the organization has to be a UUID, not {self.organization!r}")


class Provider(SamlProvider, frozen=True):
    use_auto_link: bool = False


class ProvidersConfig(Struct, frozen=True):
    providers: tuple[Provider, ...] = ()


class Providers(Struct, frozen=True):
    config: ProvidersConfig = ProvidersConfig()


class SamlConfig(Struct, frozen=True):
    providers: tuple[SamlProvider, ...] = ()


class Saml(Struct, frozen=True):
    config: SamlConfig = SamlConfig()


class TotpConfig(Struct, frozen=True):
    totp_url: str = ""


class Totp(Struct, frozen=True):
    config: TotpConfig = TotpConfig()


class Code(Struct, frozen=True):
    code: str = ""
    used_at: str | None = None

    def __post_init__(self) -> None:
        if self.used_at:
            clock.parse(self.used_at)


class CodesConfig(Struct, frozen=True):
    codes: tuple[Code, ...] = ()


class Codes(Struct, frozen=True):
    config: CodesConfig = CodesConfig()


class SecurityKeys(Struct, frozen=True):
    config: Keys = Keys()


class Credentials(Struct, frozen=True):
    """What may be brought along. Codes by mail follow from the traits; they are not imported."""

    password: Password | None = None
    oidc: Providers | None = None
    saml: Saml | None = None
    totp: Totp | None = None
    webauthn: SecurityKeys | None = None
    passkey: SecurityKeys | None = None
    lookup_secret: Codes | None = None

    @property
    def has_plain_password(self) -> bool:
        return bool(self.password and self.password.config.password)


async def configs(ctx: Context, given: Credentials | None, before: Mapping[str, Credential]) -> Configs:
    """The configs of the credentials brought along, merged with what the person has.

    :raises ApiError: 400, one of them can never work, or would cost too much to check; 429, too many hashes at once
    """
    if given is None:
        return {}
    found: Configs = {}
    if given.password:
        found["password"] = await _password(ctx, given.password.config)
    if given.oidc:
        found["oidc"] = _providers(before.get("oidc"), given.oidc.config.providers)
    if given.saml:
        found["saml"] = _providers(before.get("saml"), given.saml.config.providers)
    if given.webauthn:
        found["webauthn"] = keys.config(_keys(before.get("webauthn"), given.webauthn.config))
    if given.passkey:
        found["passkey"] = keys.config(_passkeys(before.get("passkey"), given.passkey.config))
    if given.lookup_secret:
        old = before["lookup_secret"].config.get("recovery_codes", ()) if "lookup_secret" in before else ()
        found["lookup_secret"] = {"recovery_codes": [*old, *map(_code, given.lookup_secret.config.codes)]}
    if given.totp:
        found["totp"] = {"totp_url": given.totp.config.totp_url}
    return found


async def _password(ctx: Context, given: PasswordConfig) -> dict[str, Any]:
    """A password is hashed without asking the policy: it exists already."""
    if given.use_password_migration_hook:
        return {"hashed_password": "", "use_password_migration_hook": True}
    if not given.password:
        must_be_usable(given.hashed_password)
        return {"hashed_password": given.hashed_password}
    hasher = ctx.project.hasher
    if len(given.password.encode()) > passwords.BCRYPT_LIMIT and hasher.algorithm == "bcrypt":
        raise errors.bad_request(f"A password may have at most {passwords.BCRYPT_LIMIT} bytes with bcrypt.")
    return {"hashed_password": await ctx.passwords.make(hasher, given.password)}


def must_be_usable(hashed: str) -> None:
    """:raises ApiError: 400, nobody could ever sign in with this hash, or it would cost too much to check"""
    try:
        hashes.read(hashed)
    except hashes.HashError as error:
        raise errors.bad_request(f"The imported password hash cannot be used: {error}.") from error


def _providers(old: Credential | None, given: tuple[Provider, ...] | tuple[SamlProvider, ...]) -> dict[str, Any]:
    """Accounts at providers, added to those there are. Tokens cannot be brought along: only a sign-in gets them."""
    kept = list(old.config.get("providers", ())) if old else []
    linked = [*kept, *map(_provider, given)]
    if len({federated(p["provider"], p["subject"]) for p in linked}) < len(linked):
        told = "An account at a provider can be linked once."
        raise ApiError(409, told) if old else errors.conflict(told)
    return {"providers": linked}


def _provider(given: Provider | SamlProvider) -> dict[str, Any]:
    stored: dict[str, Any] = {"subject": given.subject, "provider": given.provider}
    stored |= {"initial_id_token": "", "initial_access_token": "", "initial_refresh_token": ""}
    if given.organization is not None:
        stored["organization"] = parse_id(given.organization)
    if isinstance(given, Provider) and given.use_auto_link:
        stored["use_auto_link"] = True
    return stored


def _code(given: Code) -> dict[str, Any]:
    return {"code": given.code, "used_at": clock.text(clock.parse(given.used_at)) if given.used_at else None}


def _keys(old: Credential | None, given: Keys) -> Keys:
    """Keys by their ids: one that is known is replaced, others are added. The user handle stays unless another is given."""
    known = keys.read(old.config) if old else Keys()
    merged = {key.id: key for key in known.credentials}
    for key in given.credentials:
        merged[key.id] = replace(key, added_at=key.added_at or NEVER)
    return Keys(tuple(merged.values()), given.user_handle or known.user_handle)


def _passkeys(old: Credential | None, given: Keys) -> Keys:
    """A passkey is found by the user handle that lies on the authenticator, which nobody can guess: it must be given."""
    found = _keys(old, given)
    if not found.user_handle:
        raise errors.bad_request(
            "A passkey can only be imported with its user_handle, the one the authenticator holds."
        )
    if not found.credentials:
        raise errors.bad_request("A passkey needs at least one entry in credentials.passkey.config.credentials.")
    return found
