"""Other providers: whether signing in with each would work. The check-up itself is in `limen.social`."""

from __future__ import annotations

from collections.abc import Iterable

from limen.core.findings import Finding
from limen.doctor.patient import Patient
from limen.social import checkup


async def check(patient: Patient) -> Iterable[Finding]:
    return await checkup.check(patient.project, patient.outbound, patient.now)
