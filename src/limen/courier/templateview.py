"""Templates as operators see them: the source of each part, where it comes from, and what it may use."""

from __future__ import annotations

from typing import Any, Final

from limen.context import Context
from limen.courier import render, samples, saved, starters, variables
from limen.courier.kinds import BY_TYPE, Kind, Part
from limen.courier.model import Undelivered
from limen.courier.saved import InForce, Saved
from limen.courier.trial import NAMES

_SAYS: Final = {
    "recovery_valid": "A link that lets somebody back into the account",
    "recovery_invalid": "Somebody asked for such a link with an address that nobody has",
    "recovery_code_valid": "A code that lets somebody back into the account",
    "recovery_code_invalid": "Somebody asked for such a code with an address that nobody has",
    "verification_valid": "A link that confirms an address",
    "verification_invalid": "Somebody asked to confirm an address that nobody has, by a link",
    "verification_code_valid": "A code that confirms an address",
    "verification_code_invalid": "Somebody asked to confirm an address that nobody has, by a code",
    "login_code_valid": "A code to sign in",
    "registration_code_valid": "A code to sign up",
    "verifiable_address_changed": "To the old address: the address of the account was changed",
    "authenticator_key_added": "A further way to sign in was added",
    "login_valid": "A link to sign in",
    "invitation": "An invitation to sign up",
    "password_changed": "The password was changed",
    "ways_removed": "Somebody proved an address first, and what others had set up to sign in with was removed",
    "address_removed": "To the address: it does not belong to the account any more",
    "new_device": "Somebody signed in with a device that was not seen before",
    "provider_linked": "An account elsewhere was linked",
    "provider_unlinked": "An account elsewhere was unlinked",
    "account_deleted": "The account was deleted",
}


async def everything(ctx: Context, language: str) -> list[dict[str, Any]]:
    """All templates, as somebody who reads this language gets them; "" for what is meant for all languages."""
    found: dict[str, list[Saved]] = {}
    for newest in await saved.everything(ctx.db):
        found.setdefault(newest.template, []).append(newest)
    return [await _view(ctx, kind, language, found.get(kind.type, [])) for kind in BY_TYPE.values()]


async def one(ctx: Context, kind: Kind, language: str) -> dict[str, Any]:
    newest = [one for one in await saved.everything(ctx.db) if one.template == kind.type]
    return await _view(ctx, kind, language, newest)


async def _view(ctx: Context, kind: Kind, language: str, newest: list[Saved]) -> dict[str, Any]:
    in_force = saved.for_reader(newest, language)
    own = next((one for one in newest if one.language == language), None)
    sources: dict[str, str | None] = dict.fromkeys(NAMES.values(), None)
    origins: dict[str, str] = {}
    for channel, part in kind.parts:
        sources[NAMES[part]], origins[NAMES[part]] = await _source(ctx, kind, channel, part, language, in_force)
    return {
        "id": kind.type, "says": _SAYS[kind.type], "channels": kind.channels, "language": language, **sources,
        "origins": origins, "version": own.version if own else 0, "saved_at": own.saved_at if own else None,
        "saved_by": own.saved_by if own else None, "languages": sorted(one.language for one in newest if one.parts),
        "variables": _variables(ctx, kind),
    }  # fmt: skip


async def _source(
    ctx: Context, kind: Kind, channel: str, part: Part, language: str, in_force: InForce
) -> tuple[str | None, str]:
    """The source of a part, and where it is from; None where the configuration names one that cannot be read."""
    if (source := in_force.part(part)) is not None:
        return source, "saved"
    try:
        configured = await render.sources_of(ctx.project, ctx.outbound, kind, part)
    except Undelivered:
        return None, "configuration"
    if configured:
        return next(iter(configured.values())), "configuration"
    chosen = language or ctx.project.config.limen.pages.languages[0]
    return starters.part(ctx.project, kind, channel, part, chosen), "built_in"


def _variables(ctx: Context, kind: Kind) -> list[dict[str, Any]]:
    """The variables by name, with the messages that have them and what they could hold."""
    found: dict[str, dict[str, Any]] = {}
    for channel in kind.channels:
        data = samples.data(ctx.project, kind, channel)[0]
        own = variables.own(ctx.project, kind, channel, data, ctx.project.config.limen.pages.languages[0])
        for name, value in kind.record(channel, data, own).plain().items():
            entry = found.setdefault(name, {"name": name, "channels": [], "example": value})
            entry["channels"].append(channel)
    return list(found.values())
