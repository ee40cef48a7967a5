"""Writes of one answer that go out together: uvicorn hands over headers and body apart, which would be two system calls."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

SMALL = 1 << 16  # bytes; more of them go out at once, so that the transport can say that it is too much


class Gathered(asyncio.Transport):
    """A transport that keeps what is written until the event loop's next turn; everything else is the real one's."""

    __slots__ = ("_held", "_loop", "_size", "_to")

    def __init__(self, to: asyncio.Transport) -> None:
        self._to = to
        self._loop = asyncio.get_running_loop()
        self._held: list[bytes | bytearray | memoryview] = []
        self._size = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self._held:
            self._loop.call_soon(self._flush)
        self._held.append(data)
        self._size += len(data)
        if self._size > SMALL:
            self._flush()

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        for data in list_of_data:
            self.write(data)

    def _flush(self) -> None:
        if held := self._held:
            self._held, self._size = [], 0
            if not self._to.is_closing():  # the client may have left meanwhile
                self._to.write(held[0] if len(held) == 1 else b"".join(held))

    def close(self) -> None:
        self._flush()
        self._to.close()

    def abort(self) -> None:
        self._held, self._size = [], 0
        self._to.abort()

    def is_closing(self) -> bool:
        return self._to.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._to.get_extra_info(name, default)

    def pause_reading(self) -> None:
        self._to.pause_reading()

    def resume_reading(self) -> None:
        self._to.resume_reading()


class GatheringProtocol(HttpToolsProtocol):
    """uvicorn's protocol with such a transport."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(cast(asyncio.Transport, Gathered(transport)))
