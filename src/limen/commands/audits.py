"""The audit log from the command line."""

from __future__ import annotations

import sys

import click

from limen.app import App
from limen.audit import seal
from limen.audit.seal import Break
from limen.commands.loading import CONFIG, with_app


@click.command()
@CONFIG
def verify(config: tuple[str, ...]) -> None:
    """Check that no entry of the audit log was altered or removed. Exit status 1: one was."""
    sys.exit(0 if with_app(config, _verify) else 1)


async def _verify(app: App) -> bool:
    """Seal what waits for it, and check every entry; whether the chain holds."""
    db, keys = app.site.database(), app.site.project.keys
    while await seal.seal_some(db, keys):
        pass
    count = 0
    async for found in seal.verify(db, keys):
        if isinstance(found, Break):
            click.echo(f"Entry {found.number}: {found.why}. Before it, {count} entries are as they were written.")
            return False
        count += 1
    click.echo(f"All {count} entries are as they were written.")
    return True
