"""`limen why`: what a server knows about a request that was refused."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import click

from limen.commands.client import Refused, Server, endpoint
from limen.commands.output import options, pairs, show


@click.command()
@click.argument("request_id", metavar="REQUEST-ID", required=False)
@endpoint
@options
def why(request_id: str | None, endpoint: str | None, form: str, quiet: bool) -> None:
    """Say why a step of a flow was refused: which check, what it expected, what came, and what to do.

    The id stands in the answer's header X-Request-Id and in the log. Without one, the newest refusals are shown.
    """
    with Server(endpoint) as server:
        try:
            found = server.json("GET", f"traces/{quote(request_id, safe='')}" if request_id else "traces?page_size=10")
        except Refused as error:
            raise click.ClickException(str(error)) from error
    show(
        found,
        form,
        quiet=quiet,
        table=lambda: "\n\n".join(map(_told, found)) or "Nothing was refused lately.",
        ids=lambda: [trace["request_id"] for trace in found],
    )


def _told(trace: Any) -> str:
    lines = [f"{trace['at']}  {trace['step']}  {trace['status'] or ''}  request {trace['request_id']}".rstrip()]
    for cause in trace["causes"]:
        facts = [(word, cause.get(word, "")) for word in ("check", "expected", "found", "fix")]
        lines += ["", *(f"  {line}" for line in pairs([(w.capitalize(), v) for w, v in facts if v]).splitlines())]
    return "\n".join(lines)
