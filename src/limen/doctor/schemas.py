"""The identity schemas against the ways to sign in: whether somebody who signs up can be told from others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from limen.core.findings import Finding, good, trouble
from limen.core.schema import IdentitySchema
from limen.doctor.patient import Patient

_MARKS: Final = {
    "password": '"credentials": {"password": {"identifier": true}}',
    "code": '"credentials": {"code": {"identifier": true, "via": "email"}}',
    "webauthn": '"credentials": {"webauthn": {"identifier": true}}',
}


async def check(patient: Patient) -> Iterable[Finding]:
    names = ", ".join(patient.project.schemas)
    return [*_known(patient)] or [good(f"The schemas name what people sign in with: {names}.")]


def _known(patient: Patient) -> Iterator[Finding]:
    methods = patient.loaded.config.selfservice.methods
    webauthn = methods.webauthn
    on = [
        ("password", methods.password.enabled),
        ("code", methods.code.passwordless_enabled),
        ("webauthn", webauthn.enabled and bool(webauthn.config and webauthn.config.passwordless)),
    ]
    for method in (name for name, enabled in on if enabled):
        lacking = [id_ for id_, schema in patient.project.schemas.items() if not _marks(schema, method)]
        if len(lacking) == len(patient.project.schemas):
            told = f"No identity schema marks what people sign in with by {method}, so nobody can."
            yield trouble(told, f'Write `"ory.sh/kratos": {{{_MARKS[method]}}}` at a trait, or switch the method off.')


def _marks(schema: IdentitySchema, method: str) -> bool:
    return bool(schema.extension_paths("credentials", method, "identifier"))
