"""Queuing messages: which template, with which data, in the transaction of what they tell."""

from __future__ import annotations

from importlib import resources
from typing import Any

import msgspec

from limen.context import Context
from limen.core import templates, urls
from limen.courier import store
from limen.db.database import Commit
from limen.identity.model import Identity


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
) -> None:
    """Queue a code. `kind` is Kratos' template folder: verification_code, recovery_code, login_code, registration_code."""
    name = "".join(part.capitalize() for part in kind.split("_"))
    data: dict[str, Any] = {name: code, "ExpiresInMinutes": int(seconds // 60)}
    if identity is not None:
        data["Identity"] = msgspec.to_builtins(identity.public())
    if traits is not None:
        data["Traits" if via == "email" else "Identity"] = traits
    if kind == "verification_code":
        data["VerificationURL"] = link
    _queue(commit, ctx, request_url, payload, f"{kind}/valid", via, address, data)


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
) -> None:
    """Queue a link. `kind` is Kratos' template folder: verification or recovery."""
    data = {
        f"{kind.capitalize()}URL": link,
        "ExpiresInMinutes": int(seconds // 60),
        "Identity": msgspec.to_builtins(identity.public()),
    }
    _queue(commit, ctx, request_url, payload, f"{kind}/valid", "email", address, data)


def queue_unknown(
    commit: Commit, ctx: Context, request_url: str, payload: dict[str, Any], kind: str, address: str
) -> None:
    """Tell somebody whose address nobody knows here that it was asked about."""
    _queue(commit, ctx, request_url, payload, f"{kind}/invalid", "email", address, {})


def _queue(
    commit: Commit,
    ctx: Context,
    request_url: str,
    payload: dict[str, Any],
    template: str,
    via: str,
    address: str,
    data: dict[str, Any],
) -> None:
    data = {"To": address, "RequestURL": request_url, "TransientPayload": payload, **data}
    if via == "sms":
        data["RequestURLDomain"] = (urls.Url.parse(request_url) or urls.Url("", "", "", "", "")).host.partition(":")[0]
        subject, body, html = "", templates.render(_source(template, "sms.body"), data), ""
    else:
        subject = templates.render(_source(template, "email.subject"), data).strip()
        body = templates.render(_source(template, "email.body.plaintext"), data)
        html = templates.render(_source(template, "email.body"), data, "html")
    store.queue(
        commit,
        ctx.stamp,
        channel=via,
        recipient=address,
        template=template.replace("/", "_"),
        subject=subject,
        body=body,
        html=html,
        data=data,
    )


_sources: dict[tuple[str, str], str] = {}


def _source(template: str, part: str) -> str:
    """The text of one of our own templates, read once."""
    key = (template, part)
    if key not in _sources:
        folder = resources.files("limen.courier").joinpath("templates", *template.split("/"))
        _sources[key] = folder.joinpath(f"{part}.gotmpl").read_text()
    return _sources[key]
