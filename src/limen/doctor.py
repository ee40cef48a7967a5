"""`limen doctor`: a check-up of a configuration and what it leads to, while the server runs or before it does."""

from __future__ import annotations

from limen.app import App
from limen.core import clock
from limen.core.findings import Finding
from limen.courier import checkup


async def examine(app: App) -> list[Finding]:
    """Everything there is to say about this configuration. Changes nothing and sends nothing.

    :raises StartError: the server could not even start with it
    """
    await app.open()
    try:
        return await checkup.check(app.site.project, app.site.database(), app.site.outbound, clock.now())
    finally:
        await app.stop()
