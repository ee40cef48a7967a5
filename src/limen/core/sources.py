"""Documents named in the configuration: `file://`, `http(s)://` and `base64://`, read once per configuration version."""

from __future__ import annotations

import base64
import binascii
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import unquote, urlsplit

LIMIT = 1024 * 1024
TIMEOUT = 10


class SourceError(Exception):
    """A document could not be read; the text says which and why."""


def read(source: str, limit: int = LIMIT) -> bytes:
    """The bytes of a document. A path without a scheme is a file, as older configurations have it.

    :raises SourceError: missing, too large, not readable, or not answered within 10 s
    """
    scheme, _, rest = source.partition("://")
    if scheme == "base64":
        return _base64(rest, source)
    if scheme in ("http", "https"):
        return _fetched(source, limit)
    path = Path(unquote(rest if scheme == "file" else source))
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(f"the file {path} cannot be read: {error.strerror}") from error
    if len(data) > limit:
        raise SourceError(f"the file {path} is larger than {limit} bytes")
    return data


def _base64(text: str, source: str) -> bytes:
    """Standard or URL-safe alphabet, padded or not: both are found in the field."""
    plain = text.strip().replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except binascii.Error as error:
        raise SourceError(f"{source[:40]}… is not base64: {error}") from error


def _fetched(url: str, limit: int) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:  # noqa: S310 - http and https only, see above
            data: bytes = answer.read(limit + 1)
    except (OSError, ValueError) as error:
        raise SourceError(f"{url} cannot be fetched: {error}") from error
    if len(data) > limit:
        raise SourceError(f"{url} is larger than {limit} bytes")
    return data


def is_remote(source: str) -> bool:
    return urlsplit(source).scheme in ("http", "https")
