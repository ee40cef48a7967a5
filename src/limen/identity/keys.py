"""Security keys and passkeys of a person, as the credential's config holds them: Kratos' shape, bytes in base64."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import replace

from limen.context import Context
from limen.core import clock, webauthn
from limen.core.aaguids import MODELS
from limen.core.webauthn import NewKey, Used
from limen.identity.model import Credential, Identity


class Authenticator(Struct, frozen=True):
    """`clone_warning`: the counter did not grow, so that there may be two of this key."""

    aaguid: bytes = b""
    sign_count: Annotated[int, Meta(ge=0, lt=2**32)] = 0
    clone_warning: bool = False


class Key(Struct, frozen=True, kw_only=True):
    """One key. `is_passwordless`: a first factor; otherwise a second one. Keys of older versions have no `flags`."""

    id: bytes
    public_key: bytes
    attestation_type: str = ""
    authenticator: Authenticator | UnsetType | None = UNSET
    display_name: str = ""
    added_at: str = ""
    is_passwordless: bool = False
    flags: webauthn.Flags | UnsetType | None = UNSET
    transport: tuple[str, ...] | UnsetType | None = UNSET
    attestation: dict[str, Any] | UnsetType | None = UNSET
    last_used_at: str | UnsetType = UNSET  # ours: Kratos does not know

    @property
    def backup_eligible(self) -> bool | None:
        return self.flags.backup_eligible if isinstance(self.flags, webauthn.Flags) else None

    @property
    def hex(self) -> str:
        """How a form names the key."""
        return self.id.hex()


class Keys(Struct, frozen=True):
    """A config. `user_handle` is what authenticators store as the key's owner."""

    credentials: tuple[Key, ...] = ()
    user_handle: bytes | None = None

    def find(self, id_: bytes) -> Key | None:
        return next((key for key in self.credentials if key.id == id_), None)


def of(identity: Identity, type_: str) -> Keys:
    """A person's keys of this type; none when a config that was imported cannot be read."""
    credential = identity.credentials.get(type_)
    return read(credential.config) if credential else Keys()


def read(config: dict[str, Any]) -> Keys:
    try:
        return msgspec.convert(config, Keys) if config else Keys()
    except msgspec.ValidationError:
        return Keys()


def config(keys: Keys) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(keys)
    return found


def first(keys: Keys) -> tuple[Key, ...]:
    """Those that sign in alone."""
    return tuple(key for key in keys.credentials if key.is_passwordless)


def second(keys: Keys) -> tuple[Key, ...]:
    """Those that are asked for after another factor."""
    return tuple(key for key in keys.credentials if not key.is_passwordless)


def add(keys: Keys, new: NewKey, *, handle: bytes, name: str, added_at: str, passwordless: bool) -> Keys:
    """With one more key; without a name of its own it gets that of its model, when that is known."""
    key = Key(
        id=new.id,
        public_key=new.public_key,
        attestation_type=new.format,
        authenticator=Authenticator(new.aaguid, new.sign_count),
        display_name=name or MODELS.get(new.aaguid.hex(), ""),
        added_at=added_at,
        is_passwordless=passwordless,
        flags=new.flags,
        transport=new.transports or UNSET,
    )
    return Keys((*keys.credentials, key), handle)


def after_use(keys: Keys, id_: bytes, used: Used, at: str) -> Keys:
    """After a sign-in: the counter only ever grows; where it should have and did not, there may be a copy (§6.1.1)."""

    def updated(key: Key) -> Key:
        if key.id != id_:
            return key
        before = key.authenticator if isinstance(key.authenticator, Authenticator) else Authenticator()
        counts = before.sign_count > 0 or used.sign_count > 0
        after = replace(
            before,
            sign_count=max(before.sign_count, used.sign_count),
            clone_warning=counts and used.sign_count <= before.sign_count,
        )
        flags = key.flags
        if isinstance(flags, webauthn.Flags):
            flags = replace(flags, backup_state=used.flags.backup_state)
        return replace(key, authenticator=after, flags=flags, last_used_at=at)

    return replace(keys, credentials=tuple(updated(key) for key in keys.credentials))


def without(keys: Keys, hex_: str) -> Keys:
    return replace(keys, credentials=tuple(key for key in keys.credentials if key.hex != hex_))


def ids(keys: Iterable[Key]) -> tuple[bytes, ...]:
    return tuple(key.id for key in keys)


def now(ctx: Context) -> str:
    """When a key is added: in whole seconds."""
    return clock.text(ctx.now.replace(microsecond=0))


def added(key: Key) -> datetime:
    """When a key was added; the beginning of time when nobody wrote it down."""
    try:
        return clock.parse(key.added_at)
    except ValueError:
        return clock.parse(clock.ZERO)


def handle(credential: Credential) -> bytes | None:
    """The user handle of a credential of keys; None when it has none."""
    return read(credential.config).user_handle
