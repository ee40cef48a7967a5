"""Whether somebody who is brought along fits here: their fields into the traits of a schema, and what they sign in with."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from limen.context import Context
from limen.core import clock, hashes, normalize
from limen.core.ids import parse_id
from limen.core.schema import Extracted, Path
from limen.identity import admin, importing, service
from limen.identity.importing import Credentials
from limen.identity.model import Identity
from limen.identity.tables import typed
from limen.moving.model import Brought

_NAMESPACE = uuid.UUID("6f0c5d52-5b0c-4b53-9a5e-6c696d656e00")  # of ids made for those whose own is no UUID
_ALIKE = {
    "email": ("email", "mail", "emailaddress"), "phone": ("phone", "phonenumber", "mobile", "tel"),
    "username": ("username", "login", "nickname"), "name": ("name", "fullname", "displayname"),
    "given_name": ("givenname", "firstname", "first"), "family_name": ("familyname", "lastname", "last", "surname"),
}  # fmt: skip
_PLAIN = re.compile(r"[\W_]+")


class Fitted(Struct, frozen=True):
    """A person as they will be stored, and what was left behind."""

    identity: Identity
    last_login_at: str
    doubts: Sequence[str]


class Fit:
    """How one file's people become ours. `map_` names the trait of a field, `providers` our name of a provider."""

    def __init__(
        self, ctx: Context, kind: str, schema_id: str, map_: Mapping[str, str], providers: Mapping[str, str]
    ) -> None:
        """:raises ApiError: there is no such schema"""
        self._ctx, self._kind, self._map, self._providers = ctx, kind, map_, providers
        self._schema = ctx.project.schema(schema_id)
        self._paths = {path.name.removeprefix("traits."): path for path in self._schema.trait_paths}
        self._targets: dict[str, str] = {}
        configured = ctx.project.config.selfservice.methods.oidc.config.providers
        self._configured = {one.id: one.id for one in configured} | {one.provider: one.id for one in configured}

    def id_of(self, brought: Brought) -> str:
        """Theirs where it is a UUID; otherwise one that the same person gets every time."""
        return parse_id(brought.id) or str(uuid.uuid5(_NAMESPACE, f"{self._kind}:{brought.id}"))

    async def person(self, brought: Brought) -> Fitted:
        """:raises ApiError: 400, they do not fit the schema"""
        ctx, doubts = self._ctx, list(brought.doubts)
        extracted = admin.extract(ctx, self._schema.id, self._traits(brought, doubts))
        configs = await importing.configs(ctx, self._credentials(brought, doubts), {})
        identity = service.build(
            ctx,
            self._schema.id,
            extracted,
            configs,
            verified=_proved(brought, extracted),
            id=self.id_of(brought),
            state="active" if brought.active else "inactive",
            created_at=stamp(brought.created_at) or ctx.stamp,
            external_id=brought.external_id if parse_id(brought.external_id) is None and brought.external_id else None,
            metadata_public=brought.metadata_public,
            metadata_admin=brought.metadata_admin,
        )
        return Fitted(identity, stamp(brought.last_login_at), doubts)

    # --- traits

    def _traits(self, brought: Brought, doubts: list[str]) -> dict[str, Any]:
        traits: dict[str, Any] = {}
        for field, value in _named(brought.fields).items():
            target = self._target(field)
            if target:
                _put(traits, target.split("."), typed(value, self._paths.get(target)))
            elif field not in ("picture", "locale", "nickname", "given_name", "family_name", "name", "username"):
                doubts.append(f"have {field!r}, for which there is no trait")
        return traits

    def _target(self, field: str) -> str:
        if field not in self._targets:
            self._targets[field] = self._map.get(field) or self._found(field)
        return self._targets[field]

    def _found(self, field: str) -> str:
        """The trait that is meant for this field: by what it is for, or by its name."""
        via = {"email": "email", "phone": "sms"}.get(field)
        for name, path in self._paths.items():
            if via and _reached_by(path, via):
                return name
        alike = _ALIKE.get(field, (_PLAIN.sub("", field.lower()),))
        fitting = [
            name for name, path in self._paths.items()
            if _PLAIN.sub("", name.rpartition(".")[2].lower()) in alike and path.kind not in ("object", "list")
        ]  # fmt: skip
        return fitting[0] if fitting else ""

    # --- credentials

    def _credentials(self, brought: Brought, doubts: list[str]) -> Credentials:
        password: dict[str, Any] = {"password": brought.password}
        if brought.hashed:
            try:
                hashes.read(brought.hashed)
                password = {"hashed_password": brought.hashed}
            except hashes.HashError as error:
                doubts.append(
                    f"have a password hash that cannot be checked ({error}); they have to recover their account"
                )
        linked = [{"provider": self._provider(name, doubts), "subject": subject} for name, subject in brought.providers]
        found: dict[str, Any] = {}
        if any(password.values()):
            found["password"] = {"config": password}
        if linked:
            found["oidc"] = {"config": {"providers": linked}}
        if brought.totp_url:
            found["totp"] = {"config": {"totp_url": brought.totp_url}}
        return msgspec.convert(found, Credentials)

    def _provider(self, theirs: str, doubts: list[str]) -> str:
        plain = theirs.removesuffix(".com").removesuffix("-oauth2")
        ours = self._providers.get(theirs) or self._configured.get(theirs) or self._configured.get(plain)
        if not ours:
            doubts.append(f"sign in with {theirs}, which no provider here stands for (see --provider)")
        return ours or plain


def _named(fields: Mapping[str, Any]) -> dict[str, Any]:
    """With a whole name for schemas that have no parts of it."""
    parts = [str(fields[name]) for name in ("given_name", "family_name") if fields.get(name)]
    return {**({"name": " ".join(parts)} if parts else {}), **fields}


def _reached_by(path: Path, via: str) -> bool:
    extension = path.extension
    marked = extension.get("verification", {}).get("via"), extension.get("credentials", {}).get("code", {}).get("via")
    return via in marked or path.format == {"email": "email", "sms": "tel"}[via]


def _put(traits: dict[str, Any], path: Sequence[str], value: Any) -> None:
    for step in path[:-1]:
        traits = traits.setdefault(step, {})
    traits[path[-1]] = value


def _proved(brought: Brought, extracted: Extracted) -> list[tuple[str, str]]:
    """Which of the addresses that follow from the traits were verified there."""
    told = {"email": "email", "sms": "phone"}
    proved = {
        (via, normalize.address(str(brought.fields.get(field, "")), via))
        for via, field in told.items()
        if field in brought.verified
    }
    return [address for address in extracted.verifiable if address in proved]


def stamp(text: str) -> str:
    """A moment as we write it, of RFC 3339, of PostgreSQL's spelling, or of milliseconds since 1970; "" of anything else."""
    try:
        if text.isdigit():
            return clock.text(datetime.fromtimestamp(int(text) / 1000, UTC))
        moment = datetime.fromisoformat(text)
        return clock.text(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError, OSError):
        return ""
