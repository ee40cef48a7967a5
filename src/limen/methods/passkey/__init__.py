"""Passkeys: keys that also know whose they are, so that nobody has to type a name (W3C, discoverable credentials)."""

from limen.flow.method import Method
from limen.methods.passkey import change, sign_in, sign_up
from limen.methods.passkey.common import ID

METHOD = Method(id=ID, login=sign_in.PART, registration=sign_up.PART, settings=change.PART)
