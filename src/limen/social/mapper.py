"""From claims to an identity, by the operator's Jsonnet (`mapper_url`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from limen.core import errors, jsonnet, messages, normalize, reasons, sources
from limen.core.errors import LimenError
from limen.core.jsonnet import JsonnetError
from limen.core.outbound import Outbound, OutboundError
from limen.core.sources import SourceError
from limen.social.claims import Claims
from limen.social.provider import Provider
from limen.social.trouble import Trouble

_TELLING = 3  # letters of a value from which on it may say something about somebody
KEEP = 3600.0  # seconds a mapper from a web address is kept


class Mapped(Struct, frozen=True):
    """What a mapper makes of claims. Metadata it does not mention is unset."""

    traits: dict[str, Any]
    verified: tuple[tuple[str, str], ...] = ()  # (via, value)
    metadata_public: Any = UNSET
    metadata_admin: Any = UNSET
    region: str = ""


class _Address(Struct, frozen=True):
    value: str
    via: Literal["email", "sms"] | str = ""


class _Identity(Struct, frozen=True):
    traits: Any = None
    metadata_public: Any = UNSET
    metadata_admin: Any = UNSET
    verified_addresses: Any = UNSET
    region: Any = UNSET


class _Result(Struct, frozen=True):
    identity: _Identity


async def run(
    outbound: Outbound, provider: Provider, claims: Claims, identity: Mapping[str, Any] | None = None
) -> Mapped:
    """Run the mapper. `identity`: the person as stored, when a sign-in brings them up to date.

    :raises Trouble: it cannot be read, fails, or makes something else than an identity
    """
    source = await snippet(outbound, provider)
    known = identity or {}
    ext = {
        "claims": claims.for_mapper(),
        "identity": {name: known.get(name) or {} for name in ("traits", "metadata_public", "metadata_admin")},
    }
    try:
        text = await jsonnet.evaluate(source, ext=ext, name=called(provider))
    except JsonnetError as error:
        why = f"{_without_values(str(error), claims)}; the claims were {masked(claims)}"
        raise _failed(provider, why, errors.untyped) from error
    return _read(provider, text)


def called(provider: Provider) -> str:
    """What error texts call the snippet; one that is written into the configuration has no name of its own."""
    source = provider.config.mapper_url
    return f"{provider.id}.jsonnet" if source.startswith("base64://") else source


async def snippet(outbound: Outbound, provider: Provider) -> str:
    """The mapper's text.

    :raises Trouble: it cannot be read
    """
    source = provider.config.mapper_url
    try:
        raw = await outbound.document(source, keep=KEEP) if sources.is_remote(source) else sources.read(source)
        return raw.decode()
    except (SourceError, OutboundError, UnicodeDecodeError) as error:
        raise _failed(provider, f"mapper_url cannot be read: {error}") from error


def _read(provider: Provider, text: str) -> Mapped:
    try:
        found = msgspec.json.decode(text, type=_Result).identity
    except msgspec.DecodeError:
        raise _failed(provider, "the mapper did not return {identity: {traits: {…}}}") from None
    if not isinstance(found.traits, dict):
        raise _failed(provider, "the mapper's identity.traits is no object")
    for name in ("metadata_public", "metadata_admin"):
        value = getattr(found, name)
        if value is not UNSET and not isinstance(value, dict):
            raise _failed(provider, f"the mapper's identity.{name} is no object", errors.misconfigured)
    if found.region is not UNSET and not isinstance(found.region, str):
        raise _failed(provider, "the mapper's identity.region is no text", errors.misconfigured)
    region = "" if found.region is UNSET else found.region
    addresses = _addresses(provider, found.verified_addresses)
    return Mapped(found.traits, addresses, found.metadata_public, found.metadata_admin, region)


def _addresses(provider: Provider, listed: Any) -> tuple[tuple[str, str], ...]:
    if isinstance(listed, UnsetType) or listed is None:
        return ()
    try:
        found = msgspec.convert(listed, tuple[_Address, ...])
    except msgspec.ValidationError as error:
        why = f"the mapper's identity.verified_addresses is no list of addresses: {error}"
        raise _failed(provider, why, _mendable) from error
    return tuple((a.via, normalize.canonical(a.value) if a.via == "email" else a.value) for a in found)


def _broken(reason: str) -> LimenError:
    return errors.ApiError(500, reason=reason)


def unknown_region(provider: Provider) -> Trouble:
    return _failed(provider, "the mapper's identity.region is no region", _mendable)


def _mendable(reason: str) -> LimenError:
    return errors.form_error(messages.GENERIC(reason=reason))


def _failed(provider: Provider, why: str, answer: Callable[[str], LimenError] = _broken) -> Trouble:
    """The person can do nothing about it; the kinds of answers are Kratos'."""
    return Trouble("mapper", why, answer(reasons.PROVIDER_UNMAPPED(name=provider.name)))


def _without_values(text: str, claims: Claims) -> str:
    """A mapper's own error text, in which the names of claims stand for what they say."""
    told = claims.for_mapper()
    said = {str(value): name for name, value in {**told.pop("raw_claims", {}), **told}.items()}
    for value in sorted((v for v in said if len(v) >= _TELLING), key=len, reverse=True):
        text = text.replace(value, f"<{said[value]}>")
    return text


def masked(claims: Claims) -> str:
    """Which claims there were, and of what kind: enough to mend a mapper, and nothing about a person."""
    kinds = {str: "text", bool: "boolean", int: "number", float: "number", list: "list", tuple: "list", dict: "object"}
    told = claims.for_mapper()
    raw = told.pop("raw_claims", {})
    shown = [f"{name}: {kinds.get(type(value), 'null')}" for name, value in sorted(told.items())]
    return "{" + ", ".join(shown) + f", raw_claims: {{{', '.join(sorted(raw))}}}" + "}"
