"""Browsers that are spared the second step for a while (`limen.second_factor.trusted_devices`).

For each person a browser keeps a random secret in its cookie; here is the secret's digest. Each use exchanges the secret for
a new one, so that of a cookie and its copy only one goes on working, and the other one gives both away. What ends trust for
all browsers of a person at once (a new password, another factor) is in `identity.store`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from limen.context import Context
from limen.core import clock, crypto
from limen.core.devices import device_name
from limen.core.ids import new_id
from limen.db import lists
from limen.db.database import Commit
from limen.session import store as sessions
from limen.session.model import Session

MOST = 50  # shown
TOGETHER = 60.0  # seconds; within them two tabs may come with the same secret, and no copy has to be the reason

_COLUMNS = "id, name, created_at, used_at, expires_at"
_INSERT = """
    insert into trusted_devices (project_id, id, identity_id, digest, former, name, created_at, used_at, expires_at)
    values (:project, :id, :identity_id, :digest, '', :name, :now, :now, :expires_at)
"""
_FIND = f"""
    select {_COLUMNS}, digest from trusted_devices
     where project_id = :project and identity_id = :identity_id and (digest = :digest or former = :digest)
"""
_EXCHANGE = """
    update trusted_devices set digest = :new, former = :old, used_at = :now
     where project_id = :project and id = :id and digest = :old
"""
_OF = f"""
    select {_COLUMNS} from trusted_devices
     where project_id = :project and identity_id = :identity_id and expires_at > :now order by used_at desc, id limit :limit
"""
_FORGET = "delete from trusted_devices where project_id = :project and id = :id and identity_id = :identity_id"
_SUCCEED = """
    update sessions set trusted_device = :id
     where project_id = :project and identity_id = :identity_id and trusted_device in (
        select id from trusted_devices
         where project_id = :project and identity_id = :identity_id and digest = :digest)
"""
_FORGET_SECRET = """
    delete from trusted_devices where project_id = :project and identity_id = :identity_id and digest = :digest
"""
_LEAVE = """
    update sessions set trusted_device = null
     where project_id = :project and identity_id = :identity_id and trusted_device = :id
"""
_FORGET_OTHERS = """
    delete from trusted_devices
     where project_id = :project and identity_id = :identity_id
       and id not in (select trusted_device from sessions
                       where project_id = :project and id = :keep and trusted_device is not null)
"""
_OF_SESSIONS = """
    delete from trusted_devices where project_id = :project and id in (
        select trusted_device from sessions where project_id = :project and trusted_device is not null and {}
    )
"""
_FORGET_WITH = {
    "id": _OF_SESSIONS.format(f"id in {lists.placeholders('id')}"),
    "identity_id": f"""
        delete from trusted_devices
         where project_id = :project and identity_id in {lists.placeholders("identity_id")}
    """,
}
_FORGET_ALL = "delete from trusted_devices where project_id = :project"


class Device(Struct, frozen=True):
    """A trusted browser. `name` is for human eyes: `Firefox, Windows`."""

    id: str
    name: str
    created_at: str
    used_at: str
    expires_at: str


class Recognised(Struct, frozen=True):
    """A trusted browser that came back, with the digest of the secret it came with."""

    device: Device
    digest: str


def is_on(ctx: Context) -> bool:
    return ctx.project.config.limen.second_factor.trusted_devices.enabled


async def recognised(ctx: Context, identity_id: str) -> Recognised | None:
    """The trusted browser of this person that asks. A secret that was exchanged long ago ends the trust: it was copied."""
    secret = ctx.client.trusted.get(identity_id, "")
    if not secret or not is_on(ctx):
        return None
    digest = crypto.digest(secret)
    row = await ctx.db.row(_FIND, identity_id=identity_id, digest=digest)
    if row is None:
        return None
    device = Device(*row[:5])
    if row[5] != digest:
        if _later(device.used_at, TOGETHER) < ctx.stamp:
            await forget(ctx, identity_id, device.id)
            ctx.events.tell("device.copied", identity_id, device=device.id)
        return None
    lifespan = ctx.project.config.limen.second_factor.trusted_devices.lifespan  # it may have been shortened
    if min(device.expires_at, _later(device.created_at, lifespan)) <= ctx.stamp:
        return None
    return Recognised(device, digest)


def _later(stamp: str, seconds: float) -> str:
    return clock.after(clock.parse(stamp), seconds)


def exchange(commit: Commit, ctx: Context, found: Recognised, otherwise: Callable[[], Exception]) -> str:
    """Give the browser a new secret, which is returned; `otherwise` makes the error for the old one being used up."""
    secret = crypto.token()
    commit.add(
        _EXCHANGE,
        expect=1,
        otherwise=otherwise,
        id=found.device.id,
        old=found.digest,
        new=crypto.digest(secret),
        now=ctx.stamp,
    )
    return secret


def begin(commit: Commit, ctx: Context, session: Session) -> str:
    """Trust the browser of this session from now on, instead of what it was trusted by before; returns its secret."""
    id_, secret = new_id(), crypto.token()
    if before := ctx.client.trusted.get(session.identity_id):
        former = crypto.digest(before)
        commit.add(_SUCCEED, identity_id=session.identity_id, digest=former, id=id_)
        commit.add(_FORGET_SECRET, identity_id=session.identity_id, digest=former)
    commit.add(
        _INSERT,
        id=id_,
        identity_id=session.identity_id,
        digest=crypto.digest(secret),
        name=device_name(ctx.client.user_agent),
        now=ctx.stamp,
        expires_at=ctx.after(ctx.project.config.limen.second_factor.trusted_devices.lifespan),
    )
    sessions.place(commit, session.id, id_)
    return secret


async def of_person(ctx: Context, identity_id: str) -> list[Device]:
    """The browsers that are trusted now, the last used first."""
    rows = await ctx.db.rows(_OF, identity_id=identity_id, now=ctx.stamp, limit=MOST)
    return [Device(*row) for row in rows]


async def forget(ctx: Context, identity_id: str, id_: str) -> None:
    """Trust this browser no longer; sessions in it have to make the second step. Somebody else's is left alone."""
    commit = ctx.db.begin()
    commit.add(_FORGET, id=id_, identity_id=identity_id)
    commit.add(_LEAVE, id=id_, identity_id=identity_id)
    await ctx.db.commit(commit)
    ctx.events.tell("device.forgotten", identity_id, device=id_)


def forget_others(commit: Commit, identity_id: str, keep: str) -> None:
    """Trust no browser of the person but that of the session `keep`."""
    commit.add(_FORGET_OTHERS, identity_id=identity_id, keep=keep)


def forget_with(commit: Commit, by: str, ids: Sequence[str]) -> None:
    """Trust no browser in which these sessions (`by` id) or people (`by` identity_id) are."""
    for params in lists.chunks(by, ids):
        commit.add(_FORGET_WITH[by], expect=None, otherwise=None, taken=None, fleeting=False, **params)


def forget_everybody(commit: Commit) -> None:
    commit.add(_FORGET_ALL)
