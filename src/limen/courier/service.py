"""Queuing messages: which kind, with which data, in the transaction of what they tell. The words are made later (`render`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from limen.context import Context
from limen.core import catalogue, configuredcall
from limen.courier import kinds, store
from limen.courier.model import Origin
from limen.db.database import Commit
from limen.identity.model import Identity

_LANGUAGE_KEYS = ("locale", "language", "lang", "preferred_language")


def queue_code(
    commit: Commit,
    ctx: Context,
    request_url: str,
    payload: dict[str, Any],
    kind: str,
    via: str,
    address: str,
    code: str,
    seconds: float,
    *,
    identity: Identity | None = None,
    traits: dict[str, Any] | None = None,
    link: str = "",
    login_request: dict[str, Any] | None = None,
) -> None:
    """Queue a code. `kind` is Kratos' template folder: verification_code, recovery_code, login_code, registration_code.

    :param seconds: how long it is good for
    :param traits: of somebody who is only about to become an identity
    :param link: leads to where the code is entered (`VerificationURL`)
    :param login_request: the OAuth2 login request (`{challenge, client}`) the flow belongs to
    """
    data = _about(ctx, identity, request_url, payload) | {"expires_in_minutes": int(seconds // 60)}
    data["verification_code" if kind == "recovery_code" and via == "sms" else kind] = code
    if traits is not None:
        data["traits" if via == "email" else "identity"] = traits
    if kind == "verification_code" and via == "email":
        data["verification_url"] = link
    if login_request is not None and kind != "recovery_code":
        data["oauth2_login_request"] = login_request
    _queue(commit, ctx, f"{kind}/valid", via, address, data, _language(ctx, identity, traits, payload))


def queue_link(
    commit: Commit,
    ctx: Context,
    request_url: str,
    payload: dict[str, Any],
    kind: str,
    address: str,
    link: str,
    seconds: float,
    identity: Identity,
    login_request: dict[str, Any] | None = None,
) -> None:
    """Queue a link that recovers an account, verifies an address or signs in; `kind` is that flow's."""
    data = _about(ctx, identity, request_url, payload) | {"expires_in_minutes": int(seconds // 60), f"{kind}_url": link}
    if login_request is not None:
        data["oauth2_login_request"] = login_request
    _queue(commit, ctx, f"{kind}/valid", "email", address, data, _language(ctx, identity, None, payload))


def queue_invitation(commit: Commit, ctx: Context, address: str, link: str, seconds: float) -> None:
    """Queue an invitation to sign up."""
    data: dict[str, Any] = {"invitation_url": link, "expires_in_minutes": int(seconds // 60)}
    _queue(commit, ctx, "invitation", "email", address, data, "")


def queue_unknown(
    commit: Commit, ctx: Context, request_url: str, payload: dict[str, Any], kind: str, address: str
) -> None:
    """Tell somebody whose address nobody knows here that it was asked about.

    `kind` is recovery, recovery_code, verification or verification_code.
    """
    data = {"request_url": request_url, "transient_payload": payload}
    _queue(commit, ctx, f"{kind}/invalid", "email", address, data, _language(ctx, None, None, payload))


def queue_notice(
    commit: Commit,
    ctx: Context,
    payload: dict[str, Any],
    kind: str,
    via: str,
    address: str,
    when: str,
    identity: Identity,
) -> None:
    """Tell a person what happened to the account: `kind` is verifiable_address_changed or authenticator_key_added."""
    data = _about(ctx, identity, "", payload)
    del data["request_url"]
    data["changed_at" if kind == "verifiable_address_changed" else "added_at"] = when
    _queue(commit, ctx, kind, via, address, data, _language(ctx, identity, None, payload))


def queue_done(
    commit: Commit, ctx: Context, kind: str, via: str, address: str, identity: Identity, **said: str
) -> None:
    """Tell a person what was done: `kind` is password_changed, ways_removed, address_removed, new_device, provider_linked,
    provider_unlinked or account_deleted; `said` the `device` or the `provider` it is about.
    """
    data = {"identity": _about(ctx, identity, "", {})["identity"], "done_at": ctx.stamp, "device": "", **said}
    _queue(commit, ctx, kind, via, address, data, _language(ctx, identity, None, {}))


def _about(ctx: Context, identity: Identity | None, request_url: str, payload: dict[str, Any]) -> dict[str, Any]:
    data: dict[str, Any] = {"request_url": request_url, "transient_payload": payload}
    if identity is not None:
        url = ctx.project.schema_url(identity.schema_id)
        data["identity"] = {**msgspec.to_builtins(identity.public()), "schema_url": url}
    return data


def _queue(
    commit: Commit, ctx: Context, path: str, via: str, address: str, data: dict[str, Any], language: str
) -> None:
    data["to"] = address
    kind = kinds.BY_PATH[path]
    if "RequestURLDomain" in kind.fields(via):
        data["request_url_domain"] = _host(data["request_url"])
    allowlist = ctx.project.config.clients.web_hook.header_allowlist if path in kinds.WITH_HEADERS else ()
    store.queue(
        commit,
        ctx.stamp,
        channel=via,
        recipient=address,
        template=kind.type,
        data=data,
        origin=Origin(language, configuredcall.allowed(ctx.client.headers, allowlist)),
    )


def _host(url: str) -> str:
    """The name without a port, which is what a browser compares before it fills in the code of a text message."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _language(
    ctx: Context, identity: Identity | None, traits: Mapping[str, Any] | None, payload: Mapping[str, Any]
) -> str:
    """The language to write in: what the account says, else what the sign-in page was told, else what the browser asks for.

    The account comes first, as anybody can ask for a message to be sent to somebody else.
    """
    offered = ctx.project.config.limen.pages.languages
    told = (identity.traits, identity.metadata_public) if identity else (traits,)
    for source in (*told, payload):
        for key in _LANGUAGE_KEYS if isinstance(source, Mapping) else ():
            if chosen := _offered(source.get(key), offered):
                return chosen
    return catalogue.pick_language(ctx.client.languages, offered)


def _offered(tag: Any, offered: tuple[str, ...]) -> str:
    """`de`, `de-AT` and `de_CH.UTF-8` are all served by `de`."""
    wanted = tag.lower()[:2] if isinstance(tag, str) and not tag[2:3].isalpha() else ""
    return wanted if wanted in offered else ""
