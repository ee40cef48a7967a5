"""Second factors as a person sets them up and uses them: an authenticator app and backup codes."""

from __future__ import annotations

from typing import Any

import pyotp

from tests.support.callers import Caller, nodes


class App:
    """An authenticator app that follows the server's clock and can move on to the next code."""

    def __init__(self, caller: Caller, secret: str) -> None:
        self.secret = secret
        self._server, self._totp = caller.server, pyotp.TOTP(secret)

    @property
    def code(self) -> str:
        return self._totp.at(self._server.clock())

    def next_code(self) -> str:
        """A code that was not used yet: half a minute passes."""
        self._server.clock.forward(seconds=30)
        return self.code


def set_up_app(caller: Caller) -> App:
    """Add an authenticator app in the settings."""
    settings = caller.start("settings")
    app = App(caller, nodes(settings, "totp_secret_key")[0]["attributes"]["text"]["text"])
    caller.submit(settings, method="totp", totp_code=app.code)
    assert caller.last.status_code in (200, 303), caller.last.text
    return app


def set_up_codes(caller: Caller) -> list[str]:
    """Make backup codes in the settings, and say that they are kept."""
    caller.submit(caller.start("settings"), method="lookup_secret", lookup_secret_regenerate=True)
    shown = caller.shown("settings")
    caller.submit(shown, method="lookup_secret", lookup_secret_confirm=True)
    assert caller.last.status_code in (200, 303), caller.last.text
    return backup_codes(shown)


def backup_codes(flow: dict[str, Any]) -> list[str]:
    """The codes that a settings form shows."""
    secrets = nodes(flow, "lookup_secret_codes")[0]["attributes"]["text"]["context"]["secrets"]
    return [one["context"]["secret"] for one in secrets]


def step_up(caller: Caller, **proof: str) -> None:
    """Prove a second factor: `totp=` or `lookup_secret=`."""
    method, code = next(iter(proof.items()))
    field = "totp_code" if method == "totp" else method
    caller.submit(caller.start("login", aal="aal2"), method=method, **{field: code})
