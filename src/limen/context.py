"""What one request may touch, narrowed to one project: seven resources, never services."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from limen.core import clock
from limen.core.events import Events
from limen.core.outbound import Outbound
from limen.core.passwords import Passwords
from limen.db.database import ProjectDatabase
from limen.project.model import Project


class Client(Struct, frozen=True, kw_only=True):
    """Who asks, as far as the request itself tells. `csrf` is the secret of the browser's cookie, "" without one."""

    url: str  # the request's own address, in full
    id: str = ""  # of the request
    method: str = "GET"
    ip: str = ""
    user_agent: str = ""
    location: str = ""
    origin: str = ""
    token: str = ""  # the session token it carries, in whichever way
    csrf: str = ""
    cookies: Mapping[str, str] = {}
    headers: Sequence[tuple[bytes, bytes]] = ()  # all of them, as they came; names in lower case
    paused: Mapping[str, str] = {}  # ids of submits that this browser paused, by name (see flow/pauses.py)
    trusted: Mapping[str, str] = {}  # secrets of a trusted browser, by person (see session/trusted.py)
    is_json: bool = False  # wants JSON for errors and submits (three predicates: see http/negotiate.py)
    wants_page: bool = False  # prefers a page to everything else, whatever it sends
    accepts_json: bool = False  # wants flows as JSON
    is_ajax: bool = False
    sends_json: bool = False
    languages: str = ""
    request_id: str = ""
    actor: str = ""  # who acts for others: see audit/model.py; "" for the person themselves


class Context(Struct, frozen=True):
    """Seven fields. If an eighth is wanted, something is wrong."""

    project: Project
    db: ProjectDatabase
    client: Client
    now: datetime
    passwords: Passwords
    outbound: Outbound
    events: Events

    @property
    def stamp(self) -> str:
        """The moment of this request as it is stored."""
        return clock.text(self.now)

    def after(self, seconds: float) -> str:
        return clock.after(self.now, seconds)
