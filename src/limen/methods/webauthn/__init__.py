"""Security keys: a second factor or, with `passwordless`, the only one. In browsers alone (W3C Web Authentication)."""

from limen.flow.method import Method
from limen.methods.webauthn import change, sign_in, sign_up
from limen.methods.webauthn.common import ID

METHOD = Method(id=ID, login=sign_in.PART, registration=sign_up.PART, settings=change.PART)
