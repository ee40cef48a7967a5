"""CORS: whether pages of other origins may call (Fetch Standard, "HTTP CORS protocol")."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from limen.core.findings import Finding, good, notice, trouble
from limen.doctor.patient import Patient
from limen.http.cors import CorsPolicy

CORS: Final = ("serve", "public", "cors")


async def check(patient: Patient) -> Iterable[Finding]:
    others = patient.elsewhere()
    if not others:
        return []
    return [*_known(patient)] or [good(f"Pages at {', '.join(page.origin for page in others)} may call.")]


def _known(patient: Patient) -> Iterator[Finding]:
    cors = patient.loaded.config.serve.public.cors
    pages = patient.elsewhere()
    wanted = ", ".join(page.origin for page in pages)
    if not cors.enabled:
        told = f"CORS is off: scripts of the pages at {wanted} may not call."
        advice = f"If they do, set `serve.public.cors: {{enabled: true, allowed_origins: [{wanted}]}}`."
        yield notice(told, advice)
        return
    policy = CorsPolicy(cors, allow_unsafe=patient.loaded.config.feature_flags.legacy_allow_insecure_origins)
    origins = patient.at(*CORS, "allowed_origins")
    for page in pages:
        if not policy.allows(page.origin):
            yield trouble(
                f"{origins} does not list {page.origin}, where {'.'.join(page.path)} is: its calls are refused.",
                f"Add {page.origin}",
            )
        elif not policy.allows_cookies(page.origin) and cors.allow_credentials:
            told = f"{origins} has `*`, for which browsers send no cookies: to scripts at {wanted} everybody is a stranger."
            yield notice(told, f"If they ask who is signed in, write [{wanted}]")
            return
    if not cors.allow_credentials:
        told = f"{patient.at(*CORS, 'allow_credentials')} is off: calls of pages at {wanted} carry no cookies."
        yield trouble(told, "Write true, or leave it out.")
    if "content-type" not in {name.lower() for name in cors.allowed_headers}:
        told = f"{patient.at(*CORS, 'allowed_headers')} lacks Content-Type: no script can send JSON."
        yield trouble(told, "Add Content-Type")
    if missing := [name for name in ("GET", "POST") if name not in cors.allowed_methods]:
        told = (
            f"{patient.at(*CORS, 'allowed_methods')} lacks {' and '.join(missing)}, with which flows are read and sent."
        )
        yield trouble(told, f"Add {', '.join(missing)}")
