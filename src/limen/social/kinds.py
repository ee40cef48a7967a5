"""The shape of a provider that is known by name: mostly data, with a small function where it is odd."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

from msgspec import Struct

from limen.core.configmethods import OidcProvider
from limen.core.outbound import Outbound
from limen.social.claims import Claims


class Token(Struct, frozen=True):
    """What came for a code. `secret` is OAuth 1's; `raw` the whole answer."""

    access: str
    id_token: str = ""
    refresh: str = ""
    secret: str = ""
    raw: Mapping[str, Any] = {}


class Visit(Struct, frozen=True):
    """One person's way back from a provider, for a function that reads a profile."""

    config: OidcProvider
    kind: Kind
    token: Token
    outbound: Outbound
    now: float


Read = Callable[[Visit], Awaitable[Claims]]
Protocol = Literal["OpenID Connect", "OAuth 2.0", "OAuth 1.0a"]


class Kind(Struct, frozen=True, kw_only=True):
    """`{issuer}` and `{tenant}` in an address stand for what is configured, `{token}` in a header for the access token.

    An address that is empty is looked up in the provider's own description. Without `profile` the claims are in the id
    token or, when configured so, at the userinfo endpoint.
    """

    id: str
    brand: str  # what people call it
    console: str  # where an operator registers a client
    protocol: Protocol = "OAuth 2.0"
    issuer: str = ""  # "": configured, or none
    authorize: str = ""
    token: str = ""
    request_token: str = ""  # OAuth 1's first step
    keys: str = ""  # of id tokens that apps bring

    # --- the way there ---
    scope: tuple[str, ...] = ()  # what one usually asks for; a suggestion, never added
    adds_openid: bool = False
    asks: Mapping[str, str] = {}  # sent with every authorization request
    asks_first: Mapping[str, str] = {}  # but for a refresh
    asks_again: Mapping[str, str] = {}  # for a refresh
    takes_claims: bool = False  # understands the parameter `claims` (OpenID Connect Core, §5.5)
    has_pkce: bool = False  # known to check a proof key although it publishes nothing
    forces_pkce: bool = False

    # --- the way back ---
    secret_in: Literal["header", "form", ""] = ""  # how the client proves itself to the token endpoint; "": found out
    signs_secret: bool = False  # the client secret is made here, of a private key (Apple)
    with_code: Mapping[str, str] = {}  # sent with every token request
    json_exchange: bool = False  # the token request is JSON (DingTalk)
    granted_by: Literal["", ",", " "] = ""  # what separates the granted scopes, each of which must be there
    nonce_optional: Literal["", "always", "unsupported"] = ""  # of id tokens that apps bring
    verified_as_text: bool = False  # says "true" for true
    claims_at_userinfo: bool = False  # tells more at its userinfo endpoint than in the id token

    # --- the profile, for those that do not speak OpenID Connect ---
    profile: str = ""
    headers: Mapping[str, str] = {}  # that show the token; empty: as RFC 6750 has it
    body: str = ""  # posted as JSON where the profile is not read with GET
    speaks_as: str = ""  # the claim `iss`
    told: Mapping[str, str] = {}  # where each claim stands in the profile, as `user.name` or `images.0.url`
    refusal: str = ""  # where the profile says what is wrong although it was answered with 200
    vouches: bool = False  # every address it tells is verified
    read: Read | None = None  # what no table can say

    needs: tuple[str, ...] = ()  # keys beside id, client_id, client_secret and mapper_url
    notes: str = ""
