"""A flow: one attempt of a person to do one thing, with the form it shows."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from limen.core import csrf, urls
from limen.core.ui import Ui
from limen.project.model import Kind

FlowType = Literal["browser", "api"]

# Which form a flow shows. login: first, refresh, identify, identified, second, second_refresh.
# registration: profile, credentials, unified. The others have one form: only.
Situation = Literal[
    "first", "refresh", "identify", "identified", "second", "second_refresh", "profile", "credentials", "unified", "only"
]  # fmt: skip


_PASSED = "passed"


class Flow(Struct, kw_only=True, omit_defaults=True):
    """Stored as one document. It changes by being replaced under its `version`; only `ui` is built in place."""

    id: str
    kind: Kind
    type: FlowType
    state: str
    issued_at: str
    expires_at: str
    updated_at: str
    request_url: str
    ui: Ui
    situation: Situation
    version: int = 1
    active: str = ""
    csrf: str = ""  # a digest of the browser's secret, so that no other browser may read the flow
    readers: tuple[str, ...] = ()  # the same of further browsers, in which a link of this flow was opened
    refresh: bool = False
    requested_aal: str = "aal1"
    identity_schema: str = ""
    identity_id: str = ""
    session_id: str = ""
    organization_id: str | None = None
    oauth2_login_challenge: str = ""  # the login request of an OAuth 2.0 server that this flow answers
    oauth2_login_request: dict[str, Any] | None = (
        None  # what that server says about it: asked for anew each time, never stored
    )
    private: dict[str, Any] = {}  # what methods remember between two submits; never sent

    @property
    def is_browser(self) -> bool:
        return self.type == "browser"

    def is_readable_by(self, secret: str) -> bool:
        """Whether this is the secret of a browser that the flow belongs to."""
        return bool(secret) and csrf.digest(secret) in (self.csrf, *self.readers)

    @property
    def is_unguarded(self) -> bool:
        """An operator made it for somebody whose browser is not known yet: no token protects its form."""
        return bool(self.private.get("unguarded"))

    @property
    def return_to(self) -> str:
        """Where the person wants to go in the end: read from the address that started the flow, every time."""
        return urls.query_value(self.request_url, "return_to")

    def passed(self, method: str) -> Flow:
        """This flow without what a method remembered: it was passed, and nothing it asked for is good a second time."""
        return replace(self, private={**{k: v for k, v in self.private.items() if k != method}, _PASSED: True})

    @property
    def was_passed(self) -> bool:
        return bool(self.private.get(_PASSED))

    def is_expired(self, now: str) -> bool:
        return self.expires_at < now


class Submission(Struct, frozen=True, kw_only=True):
    """What was submitted, beside the method's own form: seen by hooks and messages, never stored."""

    method: str = ""
    transient_payload: dict[str, Any] = {}
