"""Changing the templates of a project: saved only without a mistake, version by version, and tried by mail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct

from limen.audit.record import record
from limen.context import Context
from limen.core import errors, formats
from limen.core.errors import ApiError
from limen.courier import mail, saved, store, trial
from limen.courier.kinds import Channel, Kind, Part
from limen.courier.model import Origin, Refused, Undelivered
from limen.courier.saved import Saved
from limen.courier.trial import Told, Verdict
from limen.db.database import Commit

_TOLD: Final = 5  # mistakes that the reason spells out; all of them are in `mistakes`


class Wanted(Struct, frozen=True):
    """What a template is to be. `version`: the one that was edited; another one in the meantime is not overwritten."""

    kind: Kind
    parts: dict[Part, str]
    version: int | None = None


async def save(ctx: Context, wanted: Sequence[Wanted], language: str) -> list[Told]:
    """Put templates in force, all or none; returns what they may not have been meant to do.

    :raises ApiError: 400, one has mistakes; 409, one was changed in the meantime
    """
    verdicts: list[Verdict] = []
    for one in wanted:
        verdicts.append(await trial.judge(ctx.project, one.kind, one.parts, language))
        if verdicts[-1].exceeded:
            break  # who tries things out does not hold up others for long
    refuse(verdicts)
    commit = ctx.db.begin()
    for one in wanted:
        before = await saved.newest(ctx.db, one.kind.type, language)
        if one.version is not None and one.version != (before.version if before else 0):
            raise errors.conflict(
                f"{one.kind.type} was changed after version {one.version}: look at it, then save again."
            )
        _add(commit, ctx, before, one, language)
    await ctx.db.commit(commit)
    return [told for verdict in verdicts for told in verdict.warnings]


async def restore(ctx: Context, kind: Kind, language: str, version: int) -> list[Told]:
    """Put an earlier version in force once more.

    :raises ApiError: 400, it does not work any more; 404, there is no such version
    """
    found = await saved.versions(ctx.db, kind.type, language)
    earlier = next((one for one in found if one.version == version), None)
    if earlier is None:
        raise errors.row_not_found()
    verdict = await trial.judge(ctx.project, kind, earlier.parts, language)
    refuse([verdict])
    commit = ctx.db.begin()
    _add(commit, ctx, found[0], Wanted(kind, earlier.parts), language, version)
    await ctx.db.commit(commit)
    return verdict.warnings


def _add(
    commit: Commit, ctx: Context, before: Saved | None, one: Wanted, language: str, restored_from: int | None = None
) -> None:
    """A further version, unless nothing is changed by it: who saves what somebody else wrote stands for it."""
    same = one.parts == (before.parts if before else {})
    if same and (not one.parts or before is None or before.saved_by == ctx.client.actor):
        return
    version = (before.version if before else 0) + 1
    saved.add(
        commit,
        Saved(one.kind.type, language, version, one.parts, ctx.stamp, ctx.client.actor, restored_from),
    )
    action = "restore" if restored_from else "update" if one.parts else "reset"
    detail: dict[str, Any] = {"template": one.kind.type, "language": language, "version": version}
    detail |= {"restored_from": restored_from} if restored_from else {}
    record(commit, ctx, f"auth.template.{action}", **detail, parts=sorted(trial.NAMES[part] for part in one.parts))


def refuse(verdicts: Sequence[Verdict]) -> None:
    """:raises ApiError: 400, there are mistakes, all of them at once"""
    mistakes = [mistake for verdict in verdicts for mistake in verdict.mistakes]
    if mistakes:
        more = f"; and {len(mistakes) - _TOLD} more" if len(mistakes) > _TOLD else ""
        raise ApiError(
            400, "The template does not work; nothing was saved.",
            reason="; ".join(map(str, mistakes[:_TOLD])) + more + ".", details={"mistakes": mistakes},
        )  # fmt: skip


# --- trying by mail -----------------------------------------------------------------------------------------------------


async def send_sample(ctx: Context, wanted: Wanted, channel: Channel, language: str, to: str) -> None:
    """Queue a sample, in words that may not be saved yet.

    :raises ApiError: 400, there are mistakes, or `to` is no address
    """
    _check_address(channel, to)
    verdict = await trial.judge(ctx.project, wanted.kind, wanted.parts, language)
    refuse([verdict])
    try:
        rendered = await trial.shown(ctx, wanted.kind, channel, language, verdict.texts)
    except Undelivered as error:
        raise ApiError(400, "The configured template does not work.", reason=f"{error}.") from error
    data = trial.sample(ctx.project, wanted.kind, channel, language).data
    commit = ctx.db.begin()
    store.queue(
        commit, ctx.stamp, channel=channel, recipient=to, template=wanted.kind.type, data=data,
        origin=Origin(language, rendered=rendered),
    )  # fmt: skip
    record(commit, ctx, "auth.template.test", email=to, template=wanted.kind.type, language=language, channel=channel)
    await ctx.db.commit(commit)


def _check_address(channel: Channel, to: str) -> None:
    try:
        fits = formats.tel(to) if channel == "sms" else formats.email_loose(to) and bool(mail.address(to))
    except Refused:
        fits = False
    if not fits:
        raise ApiError(400, "The body does not fit.", reason="to: no message can be sent to this address.")
