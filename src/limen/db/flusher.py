"""Waiting for the disk in a thread: what was committed to SQLite's log meanwhile shares one flush, and is told afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from limen.db.database import DatabaseError

# What a future is to be told: its result, or what went wrong.
Told = tuple[asyncio.Future[Any], Any, BaseException | None]
# Neither the file's times nor other files: its content, and its length as far as reading it needs that.
_sync: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)


class Flusher:
    """Flushes one log. The log must not be replaced while this is open; SQLite keeps it as long as anybody is connected."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._file: int | None = None
        self._asked: queue.SimpleQueue[tuple[asyncio.AbstractEventLoop, list[Told]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="limen-sqlite-flush", daemon=True)
        self._thread.start()

    def tell(self, loop: asyncio.AbstractEventLoop, told: list[Told]) -> None:
        """Tell the futures of a loop once all that is in the log now is on the disk. From any thread."""
        self._asked.put((loop, told))

    def close(self) -> None:
        """Tell whom there is to tell, and end."""
        self._asked.put(None)
        self._thread.join()
        if self._file is not None:
            os.close(self._file)

    def _work(self) -> None:
        while (asked := self._asked.get()) is not None:
            loop, told = asked
            with contextlib.suppress(queue.Empty):
                while True:
                    following = self._asked.get_nowait()
                    if following is None:
                        self._asked.put(None)
                        break
                    told.extend(following[1])
            try:
                self._flush()
            except OSError as error:
                failed = DatabaseError(f"what was written did not get to the disk: {error}")
                told = [(future, None, failure or failed) for future, _, failure in told]
            loop.call_soon_threadsafe(tell, told)

    def _flush(self) -> None:
        if self._file is None:
            self._file = os.open(self._log, os.O_RDWR)
            with contextlib.suppress(OSError):  # where a folder cannot be flushed, it need not be
                folder = os.open(self._log.parent, os.O_RDONLY)
                os.fsync(folder)  # the log's name in it
                os.close(folder)
        _sync(self._file)


def tell(told: list[Told]) -> None:
    """Tell futures, on their loop."""
    for future, result, failure in told:
        if future.done():  # the request was given up meanwhile
            continue
        if failure is None:
            future.set_result(result)
        else:
            future.set_exception(failure)
