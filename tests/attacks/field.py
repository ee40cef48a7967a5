"""A server with a secret in every place of its configuration, and an ear at everybody who uses it."""

from __future__ import annotations

import base64
from typing import Any

import httpx

from tests.attacks.sowing import Ear
from tests.support.callers import JSON, Caller
from tests.support.console import Console, operator, program
from tests.support.keys import methods
from tests.support.openid import SECRET, OpenIdProvider
from tests.support.receiver import Receiver
from tests.support.server import LiveServer

SIGNING = "whsec_" + base64.b64encode(b"marked-signing-secret-24").decode()
# In the configuration, where no answer has them.
CONFIGURED = {
    "default secret": "marked-default-secret", "cookie secret": "marked-cookie-secret",
    "cipher secret": "marked-secret-for-the-cipher-32b", "client secret": SECRET,
    "smtp password": "marked-smtp-password", "hook key": "marked-key-of-a-hook", "signing secret": SIGNING,
    "collector key": "marked-collector-key",
}  # fmt: skip


def config(elsewhere: Receiver, acme: OpenIdProvider) -> dict[str, Any]:
    auth = {"type": "api_key", "config": {"name": "x-key", "value": CONFIGURED["hook key"], "in": "header"}}
    body = "base64://" + base64.b64encode(b"function(ctx) { flow: ctx.flow, identity: ctx.identity }").decode()
    hook = {"hook": "web_hook", "config": {"url": elsewhere.url("/h"), "method": "POST", "body": body, "auth": auth}}
    provider = acme.configured()
    collector = {
        "server_url": f"127.0.0.1:{elsewhere.port}",
        "insecure": True,
        "authorization_header": CONFIGURED["collector key"],
    }
    return {
        "log": {"level": "trace"},
        "secrets": {"default": [CONFIGURED["default secret"]], "cookie": [CONFIGURED["cookie secret"]],
                    "cipher": [CONFIGURED["cipher secret"]]},
        "ciphers": {"algorithm": "xchacha20-poly1305"},
        "courier": {"smtp": {"connection_uri": f"smtp://limen:{CONFIGURED['smtp password']}@127.0.0.1:1/"}},
        "tracing": {"provider": "otel", "service_name": "id", "providers": {"otlp": collector}},
        "selfservice": {
            "methods": {
                **methods(),
                "code": {"enabled": True, "passwordless_enabled": True}, "link": {"enabled": True},
                "oidc": {"enabled": True, "config": {"providers": [provider]}},
            },
            "flows": {
                "recovery": {"enabled": True}, "verification": {"enabled": True},
                "login": {"after": {"password": {"hooks": [hook]}}},
                "registration": {"after": {"password": {"hooks": [{"hook": "session"}, hook]}}},
                "settings": {"after": {"hooks": [hook]}},
            },
        },
        "limen": {
            "methods": {"link": {"login_enabled": True}}, "webhooks": {"signing_secret": SIGNING},
            "console": {"allowed_origins": ["https://front.example.org"]},
        },
    }  # fmt: skip


class Field:
    """A server, everybody who uses it, and an ear at each of them."""

    def __init__(self, server: LiveServer, elsewhere: Receiver, acme: OpenIdProvider) -> None:
        self.server, self.elsewhere, self.acme, self.ear = server, elsewhere, acme, Ear()
        for name, secret in CONFIGURED.items():
            self.ear.sow(name, secret, always=True)
        self.owner = self.heard(operator(server, "owner", "owner@example.org"), "owner")
        self.program = self.heard(program(server), "program")
        self.admin = httpx.Client(base_url=server.admin, headers=JSON)
        server.closing.append(self.admin.close)
        self.ear.at(self.admin, "admin")
        self.ids: dict[str, str] = {}

    def heard(self, console: Console, name: str) -> Console:
        self.ear.at(console.http, name)
        return console

    def caller(self, kind: Any) -> Caller:
        caller = Caller(self.server, kind)
        self.ear.at(caller.http, kind)
        return caller
