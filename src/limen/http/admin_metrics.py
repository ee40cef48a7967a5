"""What Prometheus asks: the metrics, on the admin port or on one of their own."""

from __future__ import annotations

import asyncio

from limen.core.metrics import OPEN, TEXT, Family, gauge
from limen.courier import store
from limen.db.database import DatabaseError, ProjectDatabase
from limen.http.kit import Answer, Call, Current, Port, Routes, guarded

WITHIN = 2.0  # seconds the database may take to say how much waits; a scrape must not hang on it


def add(routes: Routes) -> None:
    routes.add("GET", "/admin/metrics/prometheus", _metrics)


class MetricsPort(Port):
    """The metrics and nothing else: the port of a courier that runs by itself."""

    name = "metrics"

    def __init__(self, current: Current) -> None:
        super().__init__(current)
        self.routes = Routes()
        self.routes.add("GET", "/metrics/prometheus", _metrics)

    async def serve(self, call: Call) -> tuple[Answer, list[tuple[str, str]]]:
        found = self.routes.find(call)
        answer = found if isinstance(found, Answer) else await guarded(call, found)
        return answer, self.dress(call, answer)


async def _metrics(call: Call) -> Answer:
    """`GET /admin/metrics/prometheus`, in the format that was asked for."""
    is_open = "application/openmetrics-text" in call.headers.get("accept", "")
    text = call.site.metrics.written(await of_database(call.site.database()), is_open=is_open)
    return Answer(200, text.encode(), [("content-type", OPEN if is_open else TEXT)])


async def of_database(db: ProjectDatabase) -> list[Family]:
    """What the database knows; all of it but one line is missing while it does not answer."""
    up = "limen_database_up"
    try:
        async with asyncio.timeout(WITHIN):
            waiting = await store.count_waiting(db)
    except (DatabaseError, TimeoutError):
        return [gauge(up, "Whether the database answers.", 0)]
    return [
        gauge(up, "Whether the database answers.", 1),
        gauge("limen_courier_messages_waiting", "Messages that are to be sent.", waiting),
    ]
