"""`limen doctor`: a check-up of a configuration and of what it leads to, while the server runs or before it does.

Each check is a function in a file of its own that says what it found; `CHECKS` is the whole list, in the order of the
report. A check changes nothing and sends nothing to people.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from limen.core import clock
from limen.core.configload import Loaded
from limen.core.findings import Finding
from limen.core.outbound import Outbound
from limen.core.schemaload import Schemas
from limen.doctor import (
    addresses,
    certificates,
    clocks,
    configuration,
    cookies,
    database,
    doors,
    keys,
    mail,
    origins,
    providers,
    proxies,
    returns,
    schemas,
    secrets,
)
from limen.doctor.patient import Patient
from limen.project.model import Identifiers, compile_project

Check = Callable[[Patient], Awaitable[Iterable[Finding]]]
CHECKS: Final[tuple[Check, ...]] = (
    configuration.check,
    database.check,
    clocks.check,
    secrets.check,
    addresses.check,
    cookies.check,
    origins.check,
    returns.check,
    proxies.check,
    doors.check,
    certificates.check,
    schemas.check,
    keys.check,
    mail.check,
    providers.check,
)


async def examine(loaded: Loaded, schemas_: Schemas) -> list[Finding]:
    """Everything there is to say about this configuration."""
    config = loaded.config
    clients = config.clients.http
    outbound = Outbound(refuse_private=clients.disallow_private_ip_ranges, exceptions=clients.private_ip_exception_urls)
    access = await database.open_for(config)
    try:
        who = access.project or Identifiers("", "", "")
        project = compile_project(who, config, schemas_.by_id, dev=config.dev)
        patient = Patient(loaded, schemas_, project, outbound, clock.now(), access)
        return [finding for check in CHECKS for finding in await check(patient)]
    finally:
        await outbound.close()
        await access.close()
