"""The audit log from the command line."""

from __future__ import annotations

from collections.abc import Callable

from limen.app import App
from limen.audit import seal
from limen.audit.seal import Break


async def verify(app: App, tell: Callable[[str], object]) -> bool:
    """Seal what waits for it, and check every entry; whether the chain holds.

    :raises StartError: the configuration's data source cannot be used
    """
    await app.open()
    try:
        db, keys = app.site.database(), app.site.project.keys
        while await seal.seal_some(db, keys):
            pass
        count = 0
        async for found in seal.verify(db, keys):
            if isinstance(found, Break):
                tell(f"Entry {found.number}: {found.why}. Before it, {count} entries are as they were written.")
                return False
            count += 1
        tell(f"All {count} entries are as they were written.")
        return True
    finally:
        await app.stop()
