"""Ways in that people set up for themselves while no address of the account was proved to be theirs.

Whoever signs up with a stranger's address can wait for its owner, who comes one day by a code or a link, and then shares the
account with them (PocketBase CVE-2024-38351). So what was set up in that time is marked, and goes with the first such proof.
What an operator set is not marked, and what was proved with an address stays; so do second factors, which let nobody in alone.
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from limen.context import Context
from limen.identity import keys, service
from limen.identity.model import Credential, Identity

_BY_TRAIT = ("password", "webauthn")  # credentials that are there, if empty, as long as a trait names them
_SECOND = ("code", "totp", "lookup_secret")  # also a code to an address lets in nobody but who reads it


def marked(before: Identity | None, after: Identity) -> Identity:
    """The person with marks on what they set up themselves just now, or brought along to an address that is new."""
    proved = after.has_verified_address()
    is_new = before is None or _addresses(before) != _addresses(after)
    old = {} if before is None else before.credentials

    def mark(credential: Credential) -> Credential:
        is_own = is_new or credential.unproved or old.get(credential.type) != credential
        wanted = is_own and not proved
        return credential if credential.unproved == wanted else replace(credential, unproved=wanted)

    credentials = {type_: mark(credential) for type_, credential in after.credentials.items()}
    return after if credentials == after.credentials else replace(after, credentials=credentials)


def removed(before: Identity, after: Identity) -> tuple[str, ...]:
    """The types of credentials that go, now that an address was proved for the first time."""
    if before.has_verified_address() or not after.has_verified_address():
        return ()
    return tuple(
        type_ for type_, credential in before.credentials.items() if credential.unproved and _lets_in(credential)
    )


def without(ctx: Context, identity: Identity, types: tuple[str, ...]) -> Identity:
    """The person without these ways in. A security key that is a second factor stays."""
    kept: dict[str, Credential] = {}
    for type_, credential in identity.credentials.items():
        if type_ not in types:
            kept[type_] = credential
        elif type_ in _BY_TRAIT:
            kept[type_] = replace(credential, config=_rest(credential), unproved=False, updated_at=ctx.stamp)
    return service.with_level(ctx, replace(identity, credentials=kept, updated_at=ctx.stamp))


def _lets_in(credential: Credential) -> bool:
    if credential.type == "webauthn":
        return bool(keys.first(keys.read(credential.config)))
    return credential.type not in _SECOND and bool(credential.config)


def _rest(credential: Credential) -> dict[str, Any]:
    found = keys.read(credential.config)
    beside = keys.second(found)
    return keys.config(replace(found, credentials=beside)) if beside else {}


def _addresses(identity: Identity) -> set[tuple[str, str]]:
    return {(a.via, a.value) for a in identity.verifiable_addresses}
