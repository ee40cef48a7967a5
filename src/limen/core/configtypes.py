"""How a configuration value is typed: durations, sizes, addresses, secrets, and the marks a key may carry."""

import re
from typing import Annotated, Final

from msgspec import Meta, Struct

DURATION: Final = re.compile(r"([0-9]+(ns|us|ms|s|m|h))+")
_UNITS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_SIZES: Final = {unit: 1024**power for power, unit in enumerate(("B", "KB", "MB", "GB", "TB", "PB", "EB"))}


class Section(Struct, frozen=True, forbid_unknown_fields=True):
    """A map of the configuration file. One that Kratos leaves open says `forbid_unknown_fields=False`."""


def says(about: str, *, example: str | None = None) -> Meta:
    """What a key is for, in one line of the reference; `example` is shown when the key is missing."""
    return Meta(description=about, examples=None if example is None else [example])


def not_yet(feature: str) -> Meta:
    """The key is read and checked, but `feature` is not built: delete this mark on the day it is."""
    return Meta(extra={"pending": feature})


def outdated(instead: str) -> Meta:
    """Kratos still reads the key, but something else should be written."""
    return Meta(extra={"deprecated": instead})


def _kind(name: str) -> Meta:
    return Meta(extra={"kind": name})


UNIQUE: Final = Meta(extra={"unique": True})

Duration = Annotated[float, _kind("duration")]  # written 1h30m, held in seconds
Size = Annotated[int, _kind("size")]  # written 128MB, held in bytes
BoolText = Annotated[bool, _kind("flagtext")]  # Kratos wants "true" in quotes here; both ways are read
Port = Annotated[int, Meta(ge=1, le=65535)]
Count = Annotated[int, Meta(ge=1)]
Uri = Annotated[str, _kind("uri")]
Link = Annotated[str, _kind("link")]  # absolute, or relative to the public base URL
HttpUrl = Annotated[str, _kind("http")]
Source = Annotated[str, _kind("source")]  # file://, http(s):// or base64://
HookBody = Annotated[str, _kind("source_or_path")]
Origin = Annotated[str, _kind("origin")]
SmtpUri = Annotated[str, _kind("smtp")]
Dsn = Annotated[str, _kind("dsn")]
Email = Annotated[str, _kind("email")]
HostPort = Annotated[str, _kind("hostport")]
Network = Annotated[str, _kind("network")]
Hostname = Annotated[str, _kind("hostname")]
Uuid = Annotated[str, Meta(pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")]
Secret = Annotated[str, Meta(extra={"secret": True})]
SecretHeaders = Annotated[dict[str, str], Meta(extra={"secret": True})]  # any of them may carry a credential


def duration(text: str) -> float | None:
    """Seconds of `1h30m`, `500ms` and the like; None when the text is written otherwise."""
    if not DURATION.fullmatch(text):
        return None
    return sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"([0-9]+)(ns|us|ms|s|m|h)", text))


def duration_text(seconds: float) -> str:
    """The shortest way to write `seconds` in the file, down to the nanosecond."""
    left, text = round(seconds * 1e9), ""
    for unit, size in _UNITS.items():
        count, left = divmod(left, round(size * 1e9))
        text += f"{count}{unit}" if count else ""
    return text or "0s"


def size(text: str) -> int | None:
    """Bytes of `128MB`; a KB is 1024 bytes, as in Kratos. None when the text is written otherwise."""
    found = re.fullmatch(r"([0-9]+)([KMGTPE]?B)", text)
    return int(found[1]) * _SIZES[found[2]] if found else None


def size_text(count: int) -> str:
    """The largest unit that writes `count` bytes as a whole number."""
    unit = next(unit for unit in reversed(_SIZES) if not count % _SIZES[unit])
    return f"{count // _SIZES[unit]}{unit}" if count else "0B"
