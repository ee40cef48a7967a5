"""JSON Web Tokens of our own: the key an operator names, and the signature (RFC 7515, RFC 7517, RFC 7518)."""

from __future__ import annotations

import base64
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from joserfc.errors import JoseError
from msgspec import Struct

if TYPE_CHECKING:
    from joserfc.jwk import Key

# The key decides which one: nothing a caller sends has a say (RFC 8725 §3.1). `none` is none of them.
ALGORITHMS = (
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
)  # fmt: skip


class KeyProblem(Exception):
    """There is no key to sign with; the text says why."""


class SigningKey(Struct, frozen=True):
    algorithm: str
    kid: str
    key: Key

    def sign(self, claims: Mapping[str, Any]) -> str:
        """The token.

        :raises KeyProblem: the key and its algorithm do not go together
        """
        from joserfc.jws import JWSRegistry  # noqa: PLC0415 - 50 ms that most servers do without

        header = {"alg": self.algorithm, "kid": self.kid, "typ": "JWT"}
        parts = b".".join(_encoded(msgspec.json.encode(part)) for part in (header, claims))
        algorithm = JWSRegistry.algorithms[self.algorithm]
        try:
            algorithm.check_key(self.key)
            return (parts + b"." + _encoded(algorithm.sign(parts, self.key))).decode()
        except (JoseError, ValueError, TypeError) as error:
            raise KeyProblem(f"the key cannot sign with {self.algorithm}: {error}") from error


def _encoded(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


class _Set(Struct, frozen=True):
    keys: tuple[dict[str, Any], ...] = ()


def first_key(document: bytes) -> SigningKey:
    """The key of a set that signs: the first one; put a new one in front, and keep the old ones for those who verify.

    :param document: a JSON Web Key Set, or a single key
    :raises KeyProblem: there is none, it has no `alg`, or cannot be read
    """
    try:
        data = msgspec.json.decode(document, type=dict[str, Any])
        keys = msgspec.convert(data, _Set).keys if "keys" in data else (data,)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise KeyProblem(f"this is no JSON Web Key Set: {error}") from error
    if not keys or not keys[0]:
        raise KeyProblem("the key set is empty")
    first = keys[0]
    algorithm = first.get("alg")
    if algorithm not in ALGORITHMS:
        raise KeyProblem(f"its `alg` is {algorithm!r}, and has to be one of {', '.join(ALGORITHMS)}")
    from joserfc.jwk import import_key  # noqa: PLC0415 - 50 ms that most servers do without

    # What a key may be used for is the operator's word here, not the key's.
    plain = {name: value for name, value in first.items() if name not in ("use", "key_ops")}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of short secrets
            key = import_key(plain)
            key.check_key_op("sign")
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise KeyProblem(f"the first key cannot be read: {error}") from error
    return SigningKey(str(algorithm), str(first.get("kid", "")), key)
