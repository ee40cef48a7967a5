"""Ways to sign in. This is the registry: a method is one file here and one line below, in the order of dispatch."""

from limen.flow.method import Method
from limen.methods import (
    code,
    identifier_first,
    link,
    lookup_secret,
    oidc,
    passkey,
    password,
    profile,
    totp,
    webauthn,
)

ALL: tuple[Method, ...] = (
    profile.METHOD, password.METHOD, oidc.METHOD, code.METHOD, link.METHOD, totp.METHOD, passkey.METHOD, webauthn.METHOD,
    lookup_secret.METHOD, identifier_first.METHOD,
)  # fmt: skip
BY_ID = {method.id: method for method in ALL}
