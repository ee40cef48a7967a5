"""A link in a mail: verifies an address, recovers an account, signs in."""

from __future__ import annotations

from limen.flow.method import Method
from limen.methods.link import recover, sign_in, verify
from limen.methods.link.common import ID

METHOD = Method(id=ID, login=sign_in.PART, recovery=recover.PART, verification=verify.PART)
