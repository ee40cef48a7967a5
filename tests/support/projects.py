"""Several projects in one database, with the same secrets: nothing but the project's id keeps them apart."""

from __future__ import annotations

from msgspec.structs import replace

from tests.support.server import LiveServer

OTHER = "0fb1a5f8-6f0e-4a49-9d0a-2b1f60a4c001"


def serve_other(server: LiveServer) -> None:
    """From now on the server looks after another project."""
    site = server.app.site
    server.app.current.site = site.under(replace(site.project, id=OTHER, slug="other", name="Other"))
