"""Messages: whether any would be sent, and would arrive. The check-up itself is the courier's."""

from __future__ import annotations

from collections.abc import Iterable

from limen.core.findings import Finding
from limen.courier import checkup
from limen.doctor.patient import Patient


async def check(patient: Patient) -> Iterable[Finding]:
    return await checkup.check(patient.project, patient.db, patient.outbound, patient.now)
