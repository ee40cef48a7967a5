"""Messages as they could be, to try templates with: somebody as the identity schemas describe people, and no secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from limen.core import urls
from limen.core.schema import IdentitySchema, Path
from limen.courier.kinds import Kind
from limen.identity import invitations
from limen.identity.model import Identity, RecoveryAddress, VerifiableAddress
from limen.project.model import Project

EMAIL: Final = "ann@example.org"
PHONE: Final = "+12025550143"  # of the range that no telephone has
CODE: Final = "482913"
MINUTES: Final = 15
_ID: Final = "00000000-0000-4000-8000-000000000001"
_FLOW: Final = "00000000-0000-4000-8000-000000000002"
_TOKEN: Final = "sample-token-that-opens-nothing"
_MOMENT: Final = "2026-11-21T10:00:00.000000Z"
_BY_FORMAT: Final[Mapping[str, str]] = {
    "email": EMAIL, "tel": PHONE, "uri": "https://example.org/ann", "date": "1990-05-17", "time": "08:30:00Z",
    "date-time": _MOMENT,
}  # fmt: skip
# What the names of traits tell about what is in them; the first that fits.
_BY_NAME: Final = (
    ("first", "Ann"), ("given", "Ann"), ("last", "Example"), ("family", "Example"), ("sur", "Example"), ("user", "ann"),
    ("nick", "ann"), ("phone", PHONE), ("tel", PHONE), ("mail", EMAIL), ("name", "Ann Example"), ("locale", "en"),
    ("lang", "en"), ("city", "Vienna"), ("country", "AT"), ("company", "Example Ltd"),
)  # fmt: skip
_BY_KIND: Final[Mapping[str, Any]] = {
    "number": 42, "boolean": True, "object": {}, "list": [], "strings": ["one", "two"], "numbers": [1, 2],
    "booleans": [True, False],
}  # fmt: skip


def data(project: Project, kind: Kind, channel: str) -> list[dict[str, Any]]:
    """The data of two messages of this kind: one with everything there can be, one with no more than there must be."""
    default = project.config.identity.default_schema_id
    schemas = sorted(
        project.schemas.values(), key=lambda schema: schema.id == default
    )  # the default one has the last word
    full, sparse = dict[str, Any](), dict[str, Any]()
    for schema in schemas:
        _merge(full, _traits(schema, all_=True))
    if schemas:
        sparse = _traits(schemas[-1], all_=False)
    return [_data(project, kind, channel, traits, full=traits is full) for traits in (full, sparse)]


def paths(project: Project) -> frozenset[str]:
    """The traits that anybody can have: `traits.name.first`."""
    return frozenset(path.name for schema in project.schemas.values() for path in schema.trait_paths)


def _data(project: Project, kind: Kind, channel: str, traits: dict[str, Any], *, full: bool) -> dict[str, Any]:
    to = PHONE if channel == "sms" else EMAIL
    is_code = "_code" in kind.path
    public = project.public_url
    known: dict[str, Any] = {
        "to": to,
        "request_url": urls.join(public, "/self-service/login/browser"),
        "request_url_domain": "id.example.org",
        "transient_payload": {},
        "expires_in_minutes": MINUTES,
        "identity": traits if "registration" in kind.path else _identity(project, traits, full=full),
        "traits": traits,
        "verification_url": _link(public, "verification", {"code": CODE} if is_code else {"token": _TOKEN}),
        "recovery_url": _link(public, "recovery", {"token": _TOKEN}),
        "login_url": _link(public, "login", {"token": _TOKEN}),
        "invitation_url": urls.with_query(
            urls.join(public, "/self-service/registration/browser"), {invitations.PARAMETER: _TOKEN}
        ),
        "changed_at": _MOMENT,
        "added_at": _MOMENT,
        "done_at": _MOMENT,
        "device": "Firefox on Linux",
        "provider": "Google",
        "oauth2_login_request": _login_request() if full else None,
    }
    fields = kind.fields(channel).values()
    return {
        name: CODE if name.endswith("_code") else known[name]
        for name in fields
        if name.endswith("_code") or name in known
    }


def _link(public_url: str, flow: str, query: dict[str, str]) -> str:
    return urls.with_query(urls.join(public_url, f"/self-service/{flow}"), {"flow": _FLOW, **query})


def _login_request() -> dict[str, Any]:
    client = {"client_id": "shop", "client_name": "Example Shop", "client_uri": "https://shop.example.org/"}
    return {"challenge": "sample-challenge", "client": {**client, "logo_uri": "", "metadata": {}}}


def _identity(project: Project, traits: dict[str, Any], *, full: bool) -> dict[str, Any]:
    schema = project.config.identity.default_schema_id
    identity = Identity(
        id=_ID, version=1, schema_id=schema, state="active", traits=traits, created_at=_MOMENT, updated_at=_MOMENT,
        state_changed_at=_MOMENT, external_id="sample-1" if full else None,
        verifiable_addresses=(VerifiableAddress(_ID, EMAIL, False, "email", "sent", _MOMENT, _MOMENT),),
        recovery_addresses=(RecoveryAddress(_ID, EMAIL, "email", _MOMENT, _MOMENT),),
    )  # fmt: skip
    return {**msgspec.to_builtins(identity.public()), "schema_url": project.schema_url(schema)}


# --- traits -------------------------------------------------------------------------------------------------------------


def _traits(schema: IdentitySchema, *, all_: bool) -> dict[str, Any]:
    """Traits as the schema has them: all, or those that must be there."""
    there = {"traits"}
    traits: dict[str, Any] = {}
    for path in sorted(schema.trait_paths, key=lambda path: path.name.count(".")):
        above, _, name = path.name.rpartition(".")
        if not all_ and not (path.required and above in there):
            continue
        if path.kind == "object":
            there.add(path.name)
        _put(traits, path.name.split(".")[1:], _value(path, name))
    return traits


def _put(traits: dict[str, Any], names: list[str], value: Any) -> None:
    inner: Any = traits
    for name in names[:-1]:
        inner = inner.setdefault(name, {})
        if not isinstance(inner, dict):
            return
    if names:
        inner.setdefault(names[-1], value)


def _value(path: Path, name: str) -> Any:
    if path.enum:
        return path.enum[0]
    if path.kind in _BY_KIND:
        return msgspec.convert(_BY_KIND[path.kind], type(_BY_KIND[path.kind]))
    if path.format in _BY_FORMAT:
        return _BY_FORMAT[path.format]
    return next((value for part, value in _BY_NAME if part in name.lower()), path.title or name)


def _merge(into: dict[str, Any], more: dict[str, Any]) -> None:
    for name, value in more.items():
        if isinstance(value, dict) and isinstance(into.get(name), dict):
            _merge(into[name], value)
        else:
            into[name] = value
