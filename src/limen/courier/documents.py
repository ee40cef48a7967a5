"""Documents that the configuration names for messages: templates, and Jsonnet for HTTP bodies."""

from __future__ import annotations

import asyncio
from typing import Final

from limen.core import sources
from limen.core.outbound import Outbound, OutboundError
from limen.courier.model import Undelivered

KEEP: Final = 3600.0  # seconds a document from the web is used without asking again
_LARGEST: Final = 256 * 1024


async def read(outbound: Outbound, source: str) -> str:
    """The text of a `file://`, `http(s)://` or `base64://` document, or of a plain path.

    A file is read every time: a new wording needs no restart.

    :raises Undelivered: it cannot be read; the text says why
    """
    try:
        if sources.is_remote(source):
            return (await outbound.document(source, keep=KEEP)).decode()
        return (await asyncio.to_thread(sources.read, source, _LARGEST)).decode()
    except (sources.SourceError, OutboundError, UnicodeDecodeError) as error:
        raise Undelivered(str(error), "a template cannot be read") from error
