"""The audit log as a file."""

from __future__ import annotations

from typing import cast

import msgspec

from limen.audit import outgoing, record
from limen.core.errors import ApiError
from limen.http.console.records import FILTERS, wanted
from limen.http.console.route import Route
from limen.http.kit import Answer, Call

_KINDS = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl; charset=utf-8"}


async def _export(call: Call) -> Answer:
    form, filter_ = call.first("format", "jsonl"), wanted(call)
    if form not in outgoing.FORMS:
        raise ApiError(400, "The query parameter format is csv or jsonl.")
    commit = call.ctx.db.begin()
    only = {name: value for name, value in msgspec.structs.asdict(filter_).items() if value}
    record.record(commit, call.ctx, "auth.export", what="audit log", format=form, only=only)
    await call.ctx.db.commit(commit)
    headers = [("content-type", _KINDS[form]), ("content-disposition", f'attachment; filename="audit-log.{form}"')]
    return Answer(200, headers=headers, stream=outgoing.entries(call.ctx.db, filter_, cast(outgoing.Form, form)))


ROUTES: tuple[Route, ...] = (
    Route(
        id="exportAuditLog", method="GET", path="/api/auth/audit-logs/export", tag="records",
        says="The audit log as a file, newest first", may="developer", recent=True, handler=_export,
        answers={200: "auditEntry[]"}, errors=(400,), takes=f"format: 'csv|jsonl', {FILTERS}",
    ),
)  # fmt: skip
