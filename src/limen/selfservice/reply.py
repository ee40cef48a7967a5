"""What self-service answers: one value for script, app and page. `http/render.py` makes the response of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from limen.core.errors import ApiError
from limen.flow.model import Flow
from limen.identity.model import Identity
from limen.session.model import Session


class Issued(Struct, frozen=True):
    """A session to put into the browser's cookie."""

    session: Session
    token: str


class Reply(Struct, frozen=True, kw_only=True):
    """`json`: the caller gets `flow`, `body` or `error` as JSON; otherwise the browser is sent to `url`."""

    json: bool
    status: int = 200
    flow: Flow | None = None
    identity: Identity | None = None  # whose settings the flow shows
    payload: dict[str, Any] | None = None  # the flow's transient payload, where it is shown
    exchange_code: str = ""  # an app's, shown with its new flow
    body: dict[str, Any] | None = None
    error: ApiError | None = None
    url: str = ""
    page_status: int = 303
    issued: Issued | None = None
    ends_session: bool = False
    continue_with: list[dict[str, Any]] | None = None  # beside the flow, where it has it
    paused: Mapping[str, str] | None = None  # the new content of the cookie of paused submits
    trusted: Mapping[str, str] | None = None  # the new content of the cookie of a trusted browser
    csrf: str = ""  # the browser's new secret, when it gets one


class Leave(Exception):
    """Nothing more to do here: this is the answer."""

    def __init__(self, reply: Reply) -> None:
        super().__init__()
        self.reply = reply
