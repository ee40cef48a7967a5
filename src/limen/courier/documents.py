"""Documents that the configuration names for messages, kept while they are current: templates, and Jsonnet for HTTP bodies.

A file is read again when it changed, so that a new wording needs no restart; what is fetched is fetched again after an hour.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from urllib.parse import unquote

from msgspec import Struct

from limen.core import sources
from limen.courier.model import Undelivered

FRESH = 3600.0  # seconds a fetched document is used without asking again
_LARGEST = 256 * 1024


class _Kept(Struct, frozen=True):
    text: str
    mark: tuple[int, int]  # when the file was changed, and its size
    since: float


_kept: dict[str, _Kept] = {}


async def read(source: str) -> str:
    """The text of a `file://`, `http(s)://` or `base64://` document, or of a plain path.

    :raises Undelivered: it cannot be read; the text says why
    """
    kept = _kept.get(source)
    mark = _mark(source)
    if kept and kept.mark == mark and (not sources.is_remote(source) or time.monotonic() - kept.since < FRESH):
        return kept.text
    try:
        text = (await asyncio.to_thread(sources.read, source, _LARGEST)).decode()
    except (sources.SourceError, UnicodeDecodeError) as error:
        if kept and sources.is_remote(source):
            return kept.text  # the words of an hour ago are better than none
        raise Undelivered(str(error), "a template cannot be read") from error
    _kept[source] = _Kept(text, mark, time.monotonic())
    return text


def _mark(source: str) -> tuple[int, int]:
    """(0, 0) for what is no file, or is not there."""
    scheme, separator, rest = source.partition("://")
    if separator and scheme != "file":
        return 0, 0
    try:
        found = Path(unquote(rest) if separator else source).stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size
