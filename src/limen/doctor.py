"""`limen doctor`: a check-up of a configuration and what it leads to, while the server runs or before it does."""

from __future__ import annotations

from limen.app import App
from limen.core import clock
from limen.core.findings import Finding
from limen.courier import checkup
from limen.social import checkup as providers


async def examine(app: App) -> list[Finding]:
    """Everything there is to say about this configuration. Changes nothing and sends nothing.

    :raises StartError: the server could not even start with it
    """
    await app.open()
    try:
        project, outbound, now = app.site.project, app.site.outbound, clock.now()
        found = await checkup.check(project, app.site.database(), outbound, now)
        found += await providers.check(project, outbound, now)
        return found
    finally:
        await app.stop()
