"""Operators and API keys from the command line, for whoever has the configuration: no server needs to run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import TypeVar

import click

from limen.app import App
from limen.audit import record
from limen.commands.loading import CONFIG, DURATION, with_app
from limen.commands.output import NONE, columns, options, show
from limen.context import Client, Context
from limen.core import clock, errors, normalize
from limen.core.errors import ApiError
from limen.core.ids import parse_id
from limen.db import chores
from limen.identity import store
from limen.identity.model import Identity
from limen.project import apikeys, operators
from limen.project.apikeys import ApiKey, KeyRole
from limen.project.operators import Operator, Role
from limen.selfservice import firstoperator

T = TypeVar("T")
ACTOR = "cli"  # as which the audit log knows us


class Refused(Exception):
    """It cannot be done; the text says why."""


def context(app: App) -> Context:
    """The context of a command on an app that is open."""
    return app.site.context(Client(url="", actor=ACTOR))


async def person(ctx: Context, named: str) -> Identity:
    """Whose id, e-mail address or other identifier this is.

    :raises Refused: nobody's, or not one person's alone
    """
    if id_ := parse_id(named):
        found = await store.by_id(ctx.db, id_)
        known = [found] if found else []
    else:
        known = await store.by_any_identifier(ctx.db, normalize.identifier(named))
    if len(known) != 1:
        raise Refused(f"There is no account of {named}. Sign up with it first, or import it.")
    return known[0]


async def add_operator(ctx: Context, named: str, role: Role) -> Identity:
    identity = await person(ctx, named)
    commit = ctx.db.begin()
    operators.appoint(commit, identity.id, role, ctx.stamp, ACTOR)
    chores.note(commit, firstoperator.CHORE, ctx.stamp)
    record.record(commit, ctx, "auth.operator.appoint", identity, role=role)
    await ctx.db.commit(commit)
    return identity


async def list_operators(ctx: Context) -> list[tuple[Operator, str]]:
    """Every operator, and what they are called."""
    found = []
    for one in await operators.everybody(ctx.db):
        identity = await store.by_id(ctx.db, one.identity_id)
        found.append((one, identity.called if identity else ""))
    return found


async def remove_operator(ctx: Context, named: str) -> None:
    """:raises Refused: they are none, or the last owner"""
    identity = await person(ctx, named)
    commit = ctx.db.begin()
    operators.dismiss(commit, identity.id, errors.row_not_found)
    record.record(commit, ctx, "auth.operator.dismiss", identity)
    try:
        await ctx.db.commit(commit)
    except ApiError:
        raise Refused(f"{named} is no operator, or the last owner: appoint another one first.") from None


async def create_key(ctx: Context, name: str, role: KeyRole, seconds: float | None) -> tuple[ApiKey, str]:
    expires_at = clock.text(ctx.now + timedelta(seconds=seconds)) if seconds else None
    commit = ctx.db.begin()
    key, text = apikeys.make(commit, name, role, now=ctx.stamp, by=ACTOR, expires_at=expires_at)
    record.record(commit, ctx, "auth.key.create", key=key.id, name=name, role=role)
    await ctx.db.commit(commit)
    return key, text


async def list_keys(ctx: Context) -> Sequence[ApiKey]:
    return await apikeys.everyone(ctx.db)


async def revoke_key(ctx: Context, id_: str) -> None:
    """:raises Refused: there is none with this id"""
    commit = ctx.db.begin()
    apikeys.revoke(commit, id_, errors.row_not_found)
    record.record(commit, ctx, "auth.key.revoke", key=id_)
    try:
        await ctx.db.commit(commit)
    except ApiError:
        raise Refused(f"There is no key with the id {id_}.") from None


# --- commands -----------------------------------------------------------------------------------------------------------


def _run(config: Sequence[str], work: Callable[[Context], Awaitable[T]]) -> T:
    try:
        return with_app(config, lambda app: work(context(app)))
    except Refused as error:
        raise click.ClickException(str(error)) from error


@click.command("add")
@click.argument("who", metavar="EMAIL-OR-ID")
@click.option("--role", type=click.Choice(operators.ROLES), default="owner", show_default=True)
@CONFIG
def add(who: str, role: Role, config: tuple[str, ...]) -> None:
    """Make somebody with an account an operator, or give them another role."""
    identity = _run(config, lambda ctx: add_operator(ctx, who, role))
    click.echo(f"{identity.called or identity.id} is an operator now: {role}.")
    if identity.only_claims(normalize.identifier(who)):
        click.echo("Nobody has proved this address yet: make sure that it was them who signed up with it.", err=True)


@click.command("list")
@options
@CONFIG
def list_(form: str, quiet: bool, config: tuple[str, ...]) -> None:
    """List the operators."""
    found = _run(config, list_operators)
    rows = [(one.identity_id, called or NONE, one.role, one.created_at) for one, called in found]
    data = [dict(zip(("identity_id", "email", "role", "created_at"), row, strict=True)) for row in rows]
    show(
        data, form, quiet=quiet, table=lambda: columns(("ID", "EMAIL", "ROLE", "SINCE"), rows),
        ids=lambda: [row[0] for row in rows],
    )  # fmt: skip


@click.command("remove")
@click.argument("who", metavar="EMAIL-OR-ID")
@CONFIG
def remove(who: str, config: tuple[str, ...]) -> None:
    """Take an operator's role away; their account stays."""
    _run(config, lambda ctx: remove_operator(ctx, who))
    click.echo(f"{who} is no operator any more.")


@click.command("create")
@click.argument("name")
@click.option("--role", type=click.Choice(tuple(apikeys.PREFIXES)), default="service_role", show_default=True)
@click.option("--expires-in", type=DURATION, help="How long it is good, as in 720h; else until it is revoked.")
@CONFIG
def create(name: str, role: KeyRole, expires_in: float | None, config: tuple[str, ...]) -> None:
    """Make an API key, and print it: this once."""
    _, text = _run(config, lambda ctx: create_key(ctx, name, role, expires_in))
    click.echo(text)


@click.command("list")
@options
@CONFIG
def keys(form: str, quiet: bool, config: tuple[str, ...]) -> None:
    """List the API keys, without their texts."""
    found = _run(config, list_keys)
    rows = [
        (key.id, key.name, f"{apikeys.PREFIXES[key.role]}…{key.hint}", key.expires_at or NONE, key.last_used_at or NONE)
        for key in found
    ]
    data = [dict(zip(("id", "name", "hint", "expires_at", "last_used_at"), row, strict=True)) for row in rows]
    show(
        data, form, quiet=quiet, table=lambda: columns(("ID", "NAME", "KEY", "EXPIRES", "LAST USED"), rows),
        ids=lambda: [row[0] for row in rows],
    )  # fmt: skip


@click.command("revoke")
@click.argument("id_", metavar="ID")
@CONFIG
def revoke(id_: str, config: tuple[str, ...]) -> None:
    """End an API key at once."""
    _run(config, lambda ctx: revoke_key(ctx, id_))
    click.echo("Revoked.")


OPERATOR = (add, list_, remove)
KEYS = (create, keys, revoke)
