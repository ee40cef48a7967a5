"""How much of an unfinished request is taken, and how long one is waited for: what a caller could hold us up with before
any route is asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final, cast

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from limen.http.gather import GatheringProtocol

HEAD: Final = 1 << 16  # bytes of a request's line and headers; proxies take 8 to 32 KiB
PATIENCE: Final = 60.0  # seconds from the first byte of a request to its last, and for the first one of a connection
PACE: Final = 1024  # bytes of a body for which there is another second: a file of many people takes its time
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class BoundedProtocol(GatheringProtocol):
    """The protocol, which reads everything whatever its size, with bounds.

    What the parser was fed and has not yet made something of is a head, a trailer or nothing at all, and only grows.
    """

    _fed = 0
    _since = 0.0  # the loop's time; 0: no request is under way
    received = 0  # bytes of its body

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._since = self.loop.time()

    def data_received(self, data: bytes) -> None:
        if not self._since:
            self._since = self.loop.time()
        self._fed += len(data)
        super().data_received(data)
        if self._fed > HEAD and not self.transport.is_closing():
            answering = cast(RequestResponseCycle | None, self.cycle)
            if answering is None or answering.response_complete:
                self.transport.write(_TOO_LARGE)
            self.transport.close()

    def on_message_begin(self) -> None:
        if not self._since:  # it follows another one at once
            self._since = self.loop.time()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._fed = 0
        super().on_headers_complete()
        self.headers = []  # trailers go here: they are no headers, and a proxy may not have looked at them

    def on_body(self, body: bytes) -> None:
        self._fed = 0
        self.received += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._fed, self._since, self.received = 0, 0.0, 0
        super().on_message_complete()

    def is_late(self, now: float) -> bool:
        return bool(self._since) and now - self._since > PATIENCE + self.received / PACE


def end_late(connections: Iterable[object], now: float) -> None:
    """Give up on requests that began long ago and do not come to their end (Slowloris)."""
    for connection in list(connections):
        if isinstance(connection, BoundedProtocol) and connection.is_late(now):
            connection.transport.close()
