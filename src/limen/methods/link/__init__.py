"""A link in a mail: verifies an address, recovers an account."""

from __future__ import annotations

from limen.flow.method import Method
from limen.methods.link import recover, verify
from limen.methods.link.common import ID

METHOD = Method(id=ID, recovery=recover.PART, verification=verify.PART)
