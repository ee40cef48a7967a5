"""What a server with a collector has, made from `tracing.*`."""

from __future__ import annotations

import asyncio
import os
import socket
from typing import Any

from limen import __version__
from limen.core.config import Config
from limen.core.events import Event
from limen.db.database import Driver
from limen.telemetry import span, wrapped
from limen.telemetry.export import Collector, Exporter, collector
from limen.telemetry.sampling import Remote


class Telemetry:
    """Wraps what leaves spans, and sends them."""

    def __init__(self, config: Config, to: Collector) -> None:
        resource = {
            "service.name": service_of(config),
            "service.version": __version__,
            "service.instance.id": f"{socket.gethostname()}-{os.getpid()}",
        }
        if config.tracing.deployment_environment:
            resource["deployment.environment.name"] = config.tracing.deployment_environment
        self.exporter = Exporter(to.way, resource)
        self._keeps = to.keeps
        self.tracer = span.Tracer(self.exporter.take, to.keeps)

    async def run(self) -> None:
        """Send what there is, and follow what is to be kept, until cancelled."""
        if not isinstance(self._keeps, Remote):
            await self.exporter.run()
            return
        asking = asyncio.create_task(self._keeps.run())
        try:
            await self.exporter.run()
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)

    def port(self, port: wrapped.Port) -> wrapped.Port:
        return wrapped.traced(port, self.tracer)

    def driver(self, driver: Driver) -> Driver:
        return wrapped.TracedDriver(driver, self.tracer)

    def outbound(self, **options: Any) -> wrapped.TracedOutbound:
        return wrapped.TracedOutbound(self.tracer, **options)

    def take(self, event: Event) -> None:
        """A sink: what happened is told at the span in which it did."""
        span.note(event.kind)


def service_of(config: Config) -> str:
    """What this server is called in traces."""
    return config.tracing.service_name or "limen"


def of(config: Config) -> Telemetry | None:
    """None without a collector: then nothing is wrapped."""
    to = collector(config.tracing, service_of(config))
    return Telemetry(config, to) if to else None
