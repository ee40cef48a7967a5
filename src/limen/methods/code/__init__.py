"""A six-digit code to an address: signs people up and in, verifies an address, recovers an account."""

from limen.flow.method import Method
from limen.methods.code import recover, sign_in, sign_up, verify
from limen.methods.code.common import ID

METHOD = Method(
    id=ID,
    login=sign_in.PART,
    registration=sign_up.PART,
    recovery=recover.PART,
    verification=verify.PART,
)
