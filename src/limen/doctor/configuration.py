"""What was noticed when the configuration and the schemas were read: what works, but was hardly meant so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from limen.core import configreport, hookload
from limen.core.findings import Finding, good, notice, trouble
from limen.core.places import Problem
from limen.doctor.patient import Patient


async def check(patient: Patient) -> Iterable[Finding]:
    loaded = patient.loaded
    templates = hookload.check(loaded.config, loaded.places, loaded.lines)
    doubts = [*loaded.warnings, *patient.schemas.warnings, *templates]
    found = [notice(_told(problem), problem.hint) for problem in doubts]
    found += [
        notice(f"{one.place} `{one.path}` does nothing yet: {one.feature} is not built.") for one in loaded.pending
    ]
    return found or [good("The configuration is free of doubt.")]


def refused(mistakes: Sequence[Problem]) -> list[Finding]:
    """The findings when the server could not even start with it."""
    return [trouble(_told(problem), problem.hint or _allowed(problem)) for problem in mistakes]


def _told(problem: Problem) -> str:
    path = f" `{problem.path}`" if problem.path else ""
    return f"{configreport.place(problem)}{path}: {problem.message}"


def _allowed(problem: Problem) -> str:
    return f"Allowed: {problem.expected}" if problem.expected else ""
