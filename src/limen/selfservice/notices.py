"""Mails that tell people what happened to their account, in case it was not them (`limen.notices`)."""

from __future__ import annotations

from collections.abc import Sequence

from limen.context import Context
from limen.core.devices import device_name
from limen.courier import service as courier
from limen.db.database import Commit
from limen.flow.method import Then
from limen.identity.model import Identity
from limen.methods.oidc import credential
from limen.session import store as sessions
from limen.session.model import Session
from limen.social import provider

_REMEMBERED = 50  # how many sessions back a device counts as known


async def after_sign_in(ctx: Context, identity: Identity, session: Session) -> Then | None:
    """A notice when the person never had a session on this device. The very first session is no news."""
    if not ctx.project.config.limen.notices.new_device:
        return None
    agent = session.devices[-1].user_agent
    name = device_name(agent)
    earlier = await sessions.recent(ctx.db, identity.id, _REMEMBERED)
    seen = {device.user_agent for one in earlier for device in one.devices}
    if not earlier or agent in seen or name in {device_name(one) for one in seen}:
        return None
    return lambda commit: _tell(commit, ctx, "new_device", identity, _own(identity), device=name or "an unknown device")


def of_removed(ctx: Context, identity: Identity, types: Sequence[str]) -> list[Then]:
    """A notice to who proved an address for the first time, when ways in went that a stranger may have set up before."""
    if not types or not ctx.project.config.limen.notices.password_changed:
        return []
    return [lambda commit: _tell(commit, ctx, "ways_removed", identity, _own(identity))]


def of_providers(ctx: Context, before: Identity, after: Identity) -> list[Then]:
    """Notices of providers that were linked, in the settings or by a sign-in, and of those that were unlinked."""
    if not ctx.project.config.limen.notices.provider_changed:
        return []
    changed = credential.changed(before, after)
    return [_about_provider(ctx, after, f"provider_{what}", id_) for what, ids in changed.items() for id_ in ids]


def _about_provider(ctx: Context, identity: Identity, kind: str, id_: str) -> Then:
    found = provider.find(ctx.project, id_)
    name = found.name if found else id_
    return lambda commit: _tell(commit, ctx, kind, identity, _own(identity), provider=name)


def after_change(ctx: Context, before: Identity, after: Identity) -> list[Then]:
    """Notices of a changed password, of providers, and of addresses that were taken away."""
    notices, found = ctx.project.config.limen.notices, list[Then]()
    old, new = (i.credentials.get("password") for i in (before, after))
    if (
        notices.password_changed
        and old
        and new
        and old.config.get("hashed_password") != new.config.get("hashed_password")
    ):
        found.append(lambda commit: _tell(commit, ctx, "password_changed", after, _own(after)))
    found += of_providers(ctx, before, after)
    if notices.address_changed:
        kept = {(a.via, a.value) for a in after.verifiable_addresses}
        gone = [t for t in _own(before) if t not in kept]
        found.append(lambda commit: _tell(commit, ctx, "address_removed", after, gone))
    return found


def _own(identity: Identity) -> list[tuple[str, str]]:
    """The addresses that are proved to be the person's or, as long as none is, all."""
    proved = [(a.via, a.value) for a in identity.verifiable_addresses if a.verified]
    return proved or [(a.via, a.value) for a in identity.verifiable_addresses if a.value]


def account_deleted(commit: Commit, ctx: Context, identity: Identity) -> None:
    _tell(commit, ctx, "account_deleted", identity, _own(identity))


def _tell(commit: Commit, ctx: Context, kind: str, identity: Identity, to: list[tuple[str, str]], **said: str) -> None:
    for via, address in to:
        courier.queue_done(commit, ctx, kind, via, address, identity, **said)
