"""A six-digit code to an address: signs people up and in, verifies an address, recovers an account."""

from __future__ import annotations

from limen.context import Context
from limen.flow.method import CredentialRules, Method
from limen.identity.model import Credential
from limen.methods.code import recover, sign_in, sign_up, verify
from limen.methods.code.common import ID, of_credential


def _first_factors(ctx: Context, credential: Credential) -> int:
    return int(ctx.project.config.selfservice.methods.code.passwordless_enabled and bool(of_credential(credential)))


def _second_factors(ctx: Context, credential: Credential) -> int:
    return len(of_credential(credential)) if ctx.project.config.selfservice.methods.code.mfa_enabled else 0


METHOD = Method(
    id=ID,
    login=sign_in.PART,
    registration=sign_up.PART,
    recovery=recover.PART,
    verification=verify.PART,
    credential=CredentialRules(first_factors=_first_factors, second_factors=_second_factors),
)
