"""The script that talks to authenticators, as one file with an address and a digest that browsers check (W3C SRI)."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha512
from importlib import resources

from limen.context import Context
from limen.core import urls
from limen.core.ids import new_id
from limen.core.ui import Meta, Node, Script

PATH = "/.well-known/ory/webauthn.js"
SOURCE = resources.files("limen.flow").joinpath("static/webauthn.js").read_bytes()
INTEGRITY = "sha512-" + b64encode(sha512(SOURCE).digest()).decode()
NODE_ID = "webauthn_script"


def node(ctx: Context) -> Node:
    """The script as a node of a form; the nonce is for pages whose policy wants one."""
    src = urls.join(ctx.project.public_url, PATH)
    return Node("script", "webauthn", Script(src=src, integrity=INTEGRITY, id_=NODE_ID, nonce=new_id()), (), Meta())
