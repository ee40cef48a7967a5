"""Who comes back from a provider: from a token to claims that may be believed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from msgspec.structs import replace

from limen.core import crypto
from limen.core.outbound import Outbound, OutboundError
from limen.social import claims as claimed
from limen.social import oauth2, openid, profiles, trouble
from limen.social.claims import ClaimError, Claims
from limen.social.kinds import Token, Visit
from limen.social.openid import Description, Expected
from limen.social.provider import Provider, describe, published

MAX_SUBJECT = 1024  # letters; OpenID Connect allows 255
_GRAPH = "https://graph.microsoft.com/v1.0/me"
MICROSOFT = "https://login.microsoftonline.com/{tenant}/v2.0"


async def claims(
    outbound: Outbound, provider: Provider, token: Token, now: float, *, nonce: str, query: Mapping[str, str]
) -> Claims:
    """What the provider says about the person. `nonce`: what was sent, empty for none; `query`: of the callback.

    :raises Trouble: it says nothing, nothing that can be believed, or not who the person is
    """
    try:
        if provider.kind.profile:
            found = await _of_profile(outbound, provider, token, now)
        else:
            found = await _of_id_token(outbound, provider, token, now, nonce, query)
    except OutboundError as error:
        raise trouble.upstream(provider.name, "profile", str(error)) from error
    return _named(provider, found)


def _named(provider: Provider, found: Claims) -> Claims:
    """Nobody may be known by nothing: the subject is the key of the account.

    :raises Trouble: there is no subject, or it is too long to be one, or nobody said who issued it
    """
    if not found.sub or len(found.sub) > MAX_SUBJECT:
        raise trouble.upstream(provider.name, "claims", "the claim sub is missing, empty or too long")
    if not found.iss:
        raise trouble.upstream(provider.name, "claims", "the claim iss is missing")
    return found


async def _of_profile(outbound: Outbound, provider: Provider, token: Token, now: float) -> Claims:
    kind = provider.kind
    if kind.granted_by and (missing := oauth2.granted(provider.config, token, kind.granted_by)):
        raise trouble.scope_missing(provider.name, missing)
    visit = Visit(provider.config, kind, token, outbound, now)
    try:
        return await (kind.read or profiles.mapped)(visit)
    except ClaimError as error:
        raise trouble.upstream(provider.name, "claims", str(error)) from error


# --- OpenID Connect -----------------------------------------------------------------------------------------------------


async def _of_id_token(
    outbound: Outbound, provider: Provider, token: Token, now: float, nonce: str, query: Mapping[str, str]
) -> Claims:
    if not token.id_token:
        raise trouble.id_token_missing(provider.name)
    try:
        described = await _issuing(outbound, provider, token.id_token)
        expected = Expected(
            described.issuer, (provider.config.client_id,), described.jwks_uri, described.algorithms, nonce or None
        )
        raw = await openid.verify(outbound, token.id_token, expected, now)
        if provider.config.claims_source == "userinfo" or provider.kind.claims_at_userinfo:
            raw = await _userinfo(outbound, provider, described, token, raw)
        found = claimed.read(raw, text_is_true=provider.kind.verified_as_text)
    except openid.Invalid as error:
        raise trouble.bad_id_token(provider.name, str(error)) from error
    except ClaimError as error:
        raise trouble.bad_id_token(provider.name, str(error)) from error
    if provider.kind.id == "microsoft":
        return await _microsoft(outbound, provider, token, found)
    return _apple(found, query) if provider.kind.id == "apple" else found


async def _issuing(outbound: Outbound, provider: Provider, id_token: str) -> Description:
    """Who should have issued the token. At Microsoft each tenant is an issuer of its own, which the token names.

    :raises Invalid: the tenant is none, or not the configured one
    """
    if provider.kind.id != "microsoft":
        return await published(outbound, provider, provider.issuer)
    tenant = str(openid.unverified(id_token).get("tid", ""))
    try:
        issuer = MICROSOFT.replace("{tenant}", str(UUID(tenant)))
    except ValueError:
        raise openid.Invalid("it names no tenant") from None
    if not await _may_issue(outbound, provider.config.microsoft_tenant or "", issuer):
        raise openid.Invalid("it comes from another tenant")
    return await published(outbound, provider, issuer)


async def _may_issue(outbound: Outbound, configured: str, issuer: str) -> bool:
    """Whether a tenant may sign people in: it is the configured one, or of the configured sort."""
    personal = issuer == MICROSOFT.replace("{tenant}", "9188040d-6c67-4c5b-b112-36a304b66dad")
    if configured in ("common", "organizations", "consumers"):
        return configured == "common" or personal == (configured == "consumers")
    own = MICROSOFT.replace("{tenant}", configured)
    return own == issuer or (await openid.describe(outbound, own)).issuer == issuer  # a tenant may be named by a domain


async def _userinfo(
    outbound: Outbound, provider: Provider, described: Description, token: Token, verified: Mapping[str, Any]
) -> dict[str, Any]:
    """The claims of the userinfo endpoint, which must be about the person of the id token (Core 1.0, §5.3.2)."""
    visit = Visit(provider.config, provider.kind, token, outbound, 0)
    raw = await profiles.fetch_object(visit, described.userinfo_endpoint)
    if raw.get("sub") != verified.get("sub"):
        raise openid.Invalid("the userinfo endpoint speaks of somebody else")
    return {**raw, "iss": raw.get("iss") or verified["iss"]}


async def _microsoft(outbound: Outbound, provider: Provider, token: Token, found: Claims) -> Claims:
    match provider.config.subject_source:
        case "oid":
            return replace(found, sub=found.oid)
        case "me":
            visit = Visit(provider.config, provider.kind, token, outbound, 0)
            me = await profiles.fetch_object(visit, _GRAPH)
            return replace(found, sub=profiles.text(me, "id"))
    return found


def _apple(found: Claims, query: Mapping[str, str]) -> Claims:
    """Apple tells the name once, beside the code, not in the token: anybody can write it, so it decides nothing."""
    try:
        user = msgspec.json.decode(query.get("user", ""), type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        return found
    first, last = profiles.text(user, "name.firstName"), profiles.text(user, "name.lastName")
    return replace(
        found,
        given_name=found.given_name or first,
        family_name=found.family_name or last,
        last_name=found.last_name or last,
    )


# --- tokens that apps bring -----------------------------------------------------------------------------------------------


async def native(outbound: Outbound, provider: Provider, token: str, nonce: str, now: float) -> Claims:
    """The claims of an id token that an app got by itself, and the nonce it asked for it with.

    :raises Trouble: this provider's tokens are not taken, or this one does not hold
    """
    kind, config = provider.kind, provider.config
    if kind.id == "netid":
        token = await _netid(outbound, provider, token)
        expected = Expected(kind.issuer, (config.client_id,), (await _netid_keys(outbound, provider)), any_nonce=True)
    elif kind.keys:
        audiences = (config.client_id, *config.additional_id_token_audiences)
        expected = Expected(kind.issuer, audiences, kind.keys, any_nonce=True)
    else:
        why = f"apps cannot bring tokens of {kind.id}"
        raise trouble.upstream(provider.name, "id_token", why)
    try:
        raw = await openid.verify(outbound, token, expected, now)
        found = claimed.read(raw, text_is_true=kind.verified_as_text)
    except (openid.Invalid, ClaimError) as error:
        raise trouble.foreign_id_token(str(error)) from error
    except OutboundError as error:
        raise trouble.upstream(provider.name, "keys", str(error)) from error
    if not found.sub or len(found.sub) > MAX_SUBJECT:
        raise trouble.foreign_id_token("it does not say who it is about")
    _check_nonce(provider, found, nonce)
    return found


def _check_nonce(provider: Provider, found: Claims, nonce: str) -> None:
    """The token has to be made for this sign-in; only some old SDKs of Google and Apple know no nonce."""
    optional = provider.kind.nonce_optional
    if not found.nonce and (optional == "always" or (optional == "unsupported" and not found.nonce_supported)):
        return
    if not found.nonce:
        raise trouble.upstream(provider.name, "nonce", "the id_token has no nonce")
    if not nonce:
        raise trouble.upstream(provider.name, "nonce", "the id_token has a nonce, and id_token_nonce was not sent")
    if not crypto.same(found.nonce, nonce):
        raise trouble.upstream(provider.name, "nonce", "the id_token has another nonce than id_token_nonce")


async def _netid(outbound: Outbound, provider: Provider, token: str) -> str:
    """Browsers with FedCM hand out a token that netID's broker exchanges for an id token."""
    described = await describe(outbound, provider)
    form = urlencode({"grant_type": "netid_fedcm", "fedcm_token": token}).encode()
    headers = {"Origin": provider.config.net_id_token_origin_header or "", "Content-Type": profiles.FORM}
    try:
        answer = await outbound.request("POST", described.token_endpoint, headers=headers, body=form, seconds=10)
        return str(msgspec.json.decode(answer.body, type=dict[str, Any]).get("id_token", ""))
    except (OutboundError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise trouble.upstream(provider.name, "token", "netID does not exchange the token") from error


async def _netid_keys(outbound: Outbound, provider: Provider) -> str:
    return (await published(outbound, provider, provider.issuer)).jwks_uri
