"""Several projects in one database, with the same secrets: nothing but the project's id keeps them apart."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec.structs import replace

import limen.db
from tests.support.direct import ask_each
from tests.support.server import LiveServer

MIGRATIONS = Path(limen.db.__file__).parent / "migrations"
# Without what the server itself counts on: which entries were sealed, and told to webhooks.
_ENTRY = "id, at, action, outcome, actor, identity_id, detail"
COLUMNS = {"audit": _ENTRY, "audit_waiting": _ENTRY, "webhooks": "id, url, events, secret"}
BACKGROUND = ("audit_heads", "audit_hours", "chores", "traces", "webhook_deliveries")  # written when there is time
OTHER = "0fb1a5f8-6f0e-4a49-9d0a-2b1f60a4c001"


def serve_other(server: LiveServer) -> None:
    """From now on the server looks after another project."""
    site = server.app.site
    server.app.current.site = site.under(replace(site.project, id=OTHER, slug="other", name="Other"))


def stored(server: LiveServer, project: str) -> dict[str, list[tuple[Any, ...]]]:
    """All that is stored of a project, by table."""
    named = list(tables())
    asked = [f"select {columns} from {table} where project_id = '{project}'" for table, columns in named]
    rows = ask_each(server.app.config.dsn, asked)
    found = {table: [tuple(row) for row in some] for (table, _), some in zip(named, rows, strict=True)}
    found["audit"] += found.pop("audit_waiting")
    return {table: sorted(some, key=repr) for table, some in found.items()}


def tables() -> Iterator[tuple[str, str]]:
    """Every table with something of a project in it, and its columns; but for what the server does on its own."""
    text = "\n".join(file.read_text("utf-8") for file in sorted(MIGRATIONS.glob("*.sql")))
    for name, body in re.findall(r"create table (\w+) \((.*?)\n\)(?: /\*clustered\*/)?;", text, re.DOTALL):
        if "project_id" in body and name not in BACKGROUND:
            yield name, COLUMNS.get(name, "*")
