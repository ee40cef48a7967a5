"""The secrets: there, long enough, not from an example, and for each of their purposes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from limen.core.findings import Finding, good, notice, trouble
from limen.doctor.patient import Patient

SHORT: Final = 32  # characters that 128 bits in hexadecimal digits have
_MAKE: Final = "Make one with `openssl rand -hex 16`."


async def check(patient: Patient) -> Iterable[Finding]:
    return [*_known(patient)] or [good("The secrets are long enough.")]


def _known(patient: Patient) -> Iterator[Finding]:
    config = patient.loaded.config
    own = config.secrets
    if not own.default and not own.cookie and patient.loaded.sources:  # without a file they are made and kept
        told = "`secrets.default` is missing: keys are made at each start, so a restart signs every browser out."
        yield trouble(f"{told} Several nodes would not know each other's cookies.", f"Set `secrets.default`. {_MAKE}")
    for name in ("default", "cookie", "cipher", "pagination"):
        for index, secret in enumerate(getattr(own, name) or ()):
            if why := _weakness(secret):
                yield notice(f"{patient.at('secrets', name, index)} {why}, so it can be guessed.", _MAKE)
    if config.ciphers.algorithm == "noop" and config.selfservice.methods.oidc.enabled:
        told = f"{patient.at('ciphers', 'algorithm')} is noop: the tokens of other providers are stored as they are."
        yield notice(told, "Set `ciphers.algorithm: xchacha20-poly1305` and `secrets.cipher`.")
    if config.log.leak_sensitive_values and not config.dev:
        told = f"{patient.at('log', 'leak_sensitive_values')} is on: what is secret ends in the log."
        yield trouble(told, "Remove it outside of development.")


def _weakness(secret: str) -> str:
    if len(set(secret)) < 6 or re.fullmatch(r"(.{1,8}?)\1+", secret):
        return "repeats itself"
    return f"has only {len(secret)} characters" if len(secret) < SHORT else ""
