"""Ways to sign in. This is the registry: a method is one file here and one line below, in the order of dispatch."""

from limen.flow.method import Method
from limen.methods import code, lookup_secret, password, profile, totp

ALL: tuple[Method, ...] = (profile.METHOD, password.METHOD, code.METHOD, totp.METHOD, lookup_secret.METHOD)
BY_ID = {method.id: method for method in ALL}
