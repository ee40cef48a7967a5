"""Credentials as the admin API shows them; what a config holds is for those who ask for it by its type."""

from __future__ import annotations

import base64
import uuid
from typing import Any

import msgspec

from limen.identity.identifiers import FEDERATED
from limen.identity.model import Credential, Identity
from limen.project.model import Project

_TOKENS = ("initial_id_token", "initial_access_token", "initial_refresh_token")


def credential(
    project: Project, identity: Identity, held: Credential, *, with_config: bool, new: bool = False
) -> dict[str, Any]:
    """:param new: it was made by this very request: Kratos counts the version of most up when it reads them first"""
    shown: dict[str, Any] = msgspec.to_builtins(held)
    del shown["config"]
    shown.pop("unproved", None)
    if with_config and (held.type not in FEDERATED or held.config.get("providers")):
        shown["config"] = _config(project, identity, held)
    if new and held.type != "code":
        shown["version"] = 0
    return shown


def _config(project: Project, identity: Identity, held: Credential) -> dict[str, Any]:
    match held.type:
        case "oidc":
            return {"providers": [_provider(p, project) for p in held.config.get("providers", ())]}
        case "saml":
            return {"providers": [_provider(p, None) for p in held.config.get("providers", ())]}
        case "totp":
            return {name: held.config[name] for name in ("totp_url",) if name in held.config}
        case "deviceauthn":
            keys = held.config.get("credentials", ())
            return {**held.config, "credentials": [{k: v for k, v in key.items() if k != "pin"} for key in keys]}
        case "webauthn" | "passkey":
            return _keys(identity, held)
    return held.config


def _keys(identity: Identity, held: Credential) -> dict[str, Any]:
    """As Kratos has them: with an owner, and without when they were used last."""
    keys = held.config.get("credentials")
    shown = dict(held.config)
    if keys:
        shown["credentials"] = [{k: v for k, v in key.items() if k != "last_used_at"} for key in keys]
    if held.type == "webauthn" and not shown.get("user_handle"):
        shown["user_handle"] = own_handle(identity.id)
    return shown


def _provider(stored: dict[str, Any], project: Project | None) -> dict[str, Any]:
    """An account at a provider, with its tokens as far as they can be decrypted. Of SAML there are none to show."""
    shown = {name: stored[name] for name in ("subject", "provider")}
    if project:
        shown |= {name: project.cipher.decrypt(stored.get(name, "")) or "" for name in _TOKENS}
    return shown | {name: stored[name] for name in ("organization", "use_auto_link") if stored.get(name)}


def own_handle(identity_id: str) -> str:
    """The user handle of security keys that were registered without one: the person's id, in base64."""
    return base64.b64encode(uuid.UUID(identity_id).bytes).decode()
