"""The clock: codes, sessions and what other providers sign are good for minutes, and every node has to agree on them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from limen.core import clock
from limen.core.findings import Finding, good, trouble
from limen.doctor.patient import Patient

MOST: Final = timedelta(seconds=30)  # what an authenticator app's code forgives
_ADVICE: Final = "Let every machine follow the same time server (`timedatectl set-ntp true`, chrony)."


async def check(patient: Patient) -> Iterable[Finding]:
    db, driver = patient.db, patient.access.driver
    if db is None or driver is None:
        return []
    if driver.dialect == "postgres":
        theirs = (await driver.rows("select extract(epoch from now())::float8", {}))[0][0]
        ahead = timedelta(seconds=patient.now.timestamp() - theirs)
        if abs(ahead) > MOST:
            way = "ahead of" if ahead > timedelta() else "behind"
            return [trouble(f"This clock is {abs(ahead).total_seconds():.0f} s {way} the database's.", _ADVICE)]
    newest = await db.row("select max(created_at) from sessions where project_id = :project")
    latest = newest[0] if newest else None
    if latest and clock.parse(latest) - patient.now > MOST:
        told = f"Somebody signed in at {latest}, which has not come yet here: a clock was or is wrong."
        return [trouble(told, _ADVICE)]
    return [good("The clock agrees with what is in the database.")]
