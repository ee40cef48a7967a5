"""What a check may look at."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from urllib.parse import SplitResult, urlsplit

from msgspec import Struct

from limen.core.configkeys import dotted
from limen.core.configload import Loaded
from limen.core.outbound import Outbound
from limen.core.places import pointer
from limen.core.schemaload import Schemas
from limen.db.database import Driver, ProjectDatabase
from limen.project.model import Identifiers, Project

FLOWS = ("login", "registration", "settings", "recovery", "verification", "error")


class Access(Struct, frozen=True):
    """The database as far as it could be opened. `driver` is None, and `why` says why, when it cannot be asked."""

    driver: Driver | None = None
    project: Identifiers | None = None
    why: str = ""

    async def close(self) -> None:
        if self.driver:
            await self.driver.close()


class Page(Struct, frozen=True):
    """A page of the operator's that people are sent to: the key that names it, and its address."""

    path: tuple[str, ...]
    url: SplitResult

    @property
    def origin(self) -> str:
        return origin(self.url)

    @property
    def host(self) -> str:
        return self.url.hostname or ""


class Patient(Struct, frozen=True):
    """A configuration, compiled, with the way to its database."""

    loaded: Loaded
    schemas: Schemas
    project: Project
    outbound: Outbound
    now: datetime
    access: Access

    def at(self, *path: str | int) -> str:
        """A key and where it is set: `kratos.yml:12 cookies.domain`."""
        name = f"`{dotted(path)}`"
        place = self.loaded.places.keys.get(pointer(*path)) or self.loaded.places.values.get(pointer(*path))
        if place is None:
            return name
        return f"{place.file}:{place.line} {name}" if place.line else f"{name} ({place.file})"

    @property
    def public(self) -> SplitResult:
        """Where browsers reach the server."""
        return urlsplit(self.project.public_url)

    @property
    def db(self) -> ProjectDatabase | None:
        """The project's part of the database; None when it cannot be asked."""
        access = self.access
        return ProjectDatabase(access.driver, access.project.id) if access.driver and access.project else None

    def pages(self) -> Iterator[Page]:
        """The configured pages of the flows, as full addresses."""
        flows = self.loaded.config.selfservice.flows
        for kind in FLOWS:
            url: str | None = getattr(flows, kind).ui_url
            if url and urlsplit(url).hostname:
                yield Page(("selfservice", "flows", kind, "ui_url"), urlsplit(url))

    def elsewhere(self) -> list[Page]:
        """One page for each other origin than the server's own."""
        found: dict[str, Page] = {}
        for page in self.pages():
            if page.origin != origin(self.public):
                found.setdefault(page.origin, page)
        return list(found.values())


def origin(url: SplitResult) -> str:
    """Scheme, host and port, as browsers name a page's origin."""
    standard = {"http": 80, "https": 443}.get(url.scheme)
    port = f":{url.port}" if url.port and url.port != standard else ""
    host = f"[{url.hostname}]" if ":" in (url.hostname or "") else url.hostname
    return f"{url.scheme}://{host}{port}"
