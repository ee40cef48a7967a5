"""OpenID Connect as a client: discovery (Discovery 1.0, §4), keys, and the check of an id token (Core 1.0, §3.1.3.7)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from joserfc.errors import JoseError
from msgspec import Struct

from limen.core.outbound import Outbound, OutboundError

KEEP = 3600.0  # seconds a provider's description and keys are kept
SECONDS = 5.0  # seconds it has to answer
EXPIRY_LEEWAY = 10  # seconds a token is taken after it expired
CLOCK_LEEWAY = 300  # seconds a provider's clock may be ahead
# Each with a key pair: with a shared secret, or none, whoever knows the public key could sign (RFC 8725, §3.1).
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
_KEY_TYPES = {"RS": "RSA", "PS": "RSA", "ES": "EC"}
MAX_TOKEN = 64 * 1024  # letters


class Invalid(Exception):
    """A token does not hold; the text says why, without anything of its content that is not ours."""


class Description(Struct, frozen=True):
    """The part of `/.well-known/openid-configuration` that is used."""

    issuer: str
    authorization_endpoint: str = ""
    token_endpoint: str = ""
    jwks_uri: str = ""
    userinfo_endpoint: str = ""
    id_token_signing_alg_values_supported: tuple[str, ...] = ("RS256",)
    code_challenge_methods_supported: tuple[str, ...] = ()
    token_endpoint_auth_methods_supported: tuple[str, ...] = ()
    authorization_response_iss_parameter_supported: bool = False

    @property
    def algorithms(self) -> tuple[str, ...]:
        return tuple(a for a in self.id_token_signing_alg_values_supported if a in ALGORITHMS) or ("RS256",)


async def describe(outbound: Outbound, issuer: str) -> Description:
    """What is published under an issuer's address, whoever it says it is.

    :raises OutboundError: it did not answer, or not with a description
    """
    url = issuer.rstrip("/") + "/.well-known/openid-configuration"
    raw = await outbound.document(url, keep=KEEP, seconds=SECONDS)
    try:
        return msgspec.json.decode(raw, type=Description)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise OutboundError(f"{url} has no description of an OpenID provider: {error}") from error


async def discover(outbound: Outbound, issuer: str) -> Description:
    """How an issuer describes itself. It has to call itself what we call it, to the letter (Discovery 1.0, §4.3).

    :raises OutboundError: it did not answer, or not with a description
    :raises Invalid: it calls itself something else
    """
    found = await describe(outbound, issuer)
    if found.issuer != issuer:
        raise Invalid(f"it calls itself {found.issuer!r}, the configuration {issuer!r}: write issuer_url as it does")
    return found


class Expected(Struct, frozen=True):
    """What a token has to say. `nonce` None: none was sent, so none may be in it."""

    issuer: str
    audiences: tuple[str, ...]
    keys_url: str
    algorithms: Sequence[str] = ALGORITHMS
    nonce: str | None = None
    any_nonce: bool = False  # the caller looks at the nonce itself


async def verify(outbound: Outbound, token: str, expected: Expected, now: float) -> dict[str, Any]:
    """The claims of an id token whose signature, issuer, audience, times and nonce are as they have to be.

    :raises Invalid: one is not
    :raises OutboundError: the keys cannot be fetched
    """
    signed = _parse(token)
    algorithm = signed.header.get("alg")
    if algorithm not in ALGORITHMS or algorithm not in expected.algorithms:
        raise Invalid("it is not signed in a way this provider signs")
    if "crit" in signed.header:
        raise Invalid("it has extensions that are not known here")
    if not await _is_signed(outbound, signed, algorithm, expected.keys_url):
        raise Invalid("its signature is not the provider's")
    _check(signed.claims, expected, now)
    return signed.claims


class _Signed(Struct, frozen=True):
    """A token taken apart (RFC 7515, §7.1); nothing in it may be believed yet."""

    header: dict[str, Any]
    claims: dict[str, Any]
    data: bytes  # what the signature is over
    signature: bytes


def _parse(token: str) -> _Signed:
    if len(token) > MAX_TOKEN:
        raise Invalid("it is too long")
    try:
        data, _, signature = token.encode("ascii").rpartition(b".")
        header, claims = data.split(b".")
        return _Signed(_object(header), _object(claims), data, _bytes(signature))
    except (ValueError, RecursionError, msgspec.MsgspecError) as error:
        raise Invalid("it is no signed token") from error


def _bytes(part: bytes) -> bytes:
    return base64.b64decode(part + b"=" * (-len(part) % 4), altchars=b"-_", validate=True)


def _object(part: bytes) -> dict[str, Any]:
    return msgspec.json.decode(_bytes(part), type=dict[str, Any])


def digest(token: str) -> str:
    """What tells one token from another: of what is signed, as a signature may be written in several ways."""
    signed = token.rpartition(".")[0]
    return hashlib.sha256((signed or token).encode()).hexdigest()


def unverified(token: str) -> dict[str, Any]:
    """What a token says, not checked: only to find out how it has to be checked.

    :raises Invalid: it is no token
    """
    return _parse(token).claims


async def _is_signed(outbound: Outbound, signed: _Signed, algorithm: str, url: str) -> bool:
    """Whether one of the provider's keys made the signature. Keys nobody has seen yet are fetched: they rotate.

    Keys that the token itself names or brings (`jku`, `x5u`, `jwk`) are never looked at.
    """
    for anew in (False, True):
        keys = _keys(await outbound.document(url, keep=KEEP, seconds=SECONDS, anew=anew), url)
        if any(_fits(key, algorithm, signed.header.get("kid")) and _verifies(signed, key, algorithm) for key in keys):
            return True
    return False


async def usable_keys(outbound: Outbound, described: Description) -> int:
    """How many of a provider's keys can sign as it says that it signs.

    :raises OutboundError: the keys cannot be fetched
    """
    keys = _keys(await outbound.document(described.jwks_uri, keep=KEEP, seconds=SECONDS), described.jwks_uri)
    return sum(any(_fits(key, algorithm, None) for algorithm in described.algorithms) for key in keys)


def _keys(raw: bytes, url: str) -> list[dict[str, Any]]:
    try:
        document = msgspec.json.decode(raw, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise OutboundError(f"{url} has no keys: {error}") from error
    keys = document.get("keys")
    return [key for key in keys if isinstance(key, dict)] if isinstance(keys, list) else []


def _fits(key: Mapping[str, Any], algorithm: str, kid: object) -> bool:
    """Whether this key may have signed: what it is for is the key's to say, not the token's."""
    if key.get("use", "sig") != "sig" or key.get("alg", algorithm) != algorithm:
        return False
    if kid is not None and "kid" in key and key["kid"] != kid:
        return False
    return bool(key.get("kty") == _KEY_TYPES.get(algorithm[:2], "OKP"))


def _verifies(signed: _Signed, key: dict[str, Any], algorithm: str) -> bool:
    from joserfc.jwk import JWKRegistry  # noqa: PLC0415 - 50 ms that a start need not wait for
    from joserfc.jws import JWSRegistry  # noqa: PLC0415

    try:
        return bool(
            JWSRegistry.algorithms[algorithm].verify(signed.data, signed.signature, JWKRegistry.import_key(key))
        )
    except (JoseError, ValueError, TypeError, KeyError):
        return False


def _check(claims: Mapping[str, Any], expected: Expected, now: float) -> None:
    if claims.get("iss") != expected.issuer:
        raise Invalid("it was issued by somebody else")
    audience = claims.get("aud")
    named = [audience] if isinstance(audience, str) else audience if isinstance(audience, list) else []
    if not any(one in expected.audiences for one in named):
        raise Invalid("it was issued for somebody else")
    if len(named) > 1 and (azp := claims.get("azp")) is not None and azp not in expected.audiences:
        raise Invalid("it was issued for somebody else")
    _check_times(claims, now)
    nonce = claims.get("nonce")
    if not expected.any_nonce and (nonce or None) != expected.nonce:
        raise Invalid("it belongs to another sign-in")


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    expires = _moment(claims.get("exp"))
    if expires is None or expires + EXPIRY_LEEWAY < now:
        raise Invalid("it has expired")
    for name in ("nbf", "iat"):
        if name in claims and ((moment := _moment(claims[name])) is None or moment > now + CLOCK_LEEWAY):
            raise Invalid("it is not valid yet")


def _moment(value: object) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
