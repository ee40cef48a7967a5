"""The header block of a mail: names, encoded words (RFC 2047) and folding. Values come in checked; none can add a line.

Python's own writer reads addresses before it writes them, and what it makes of an odd one is not what was checked.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from typing import Final

from limen.core import configuredcall

_NAME: Final = re.compile(r"[!-9;-~]+")  # RFC 5322 §3.6.8: printable ASCII without a colon
_LINE: Final = 76  # characters of a line that is folded
_WORD: Final = 63  # characters of an encoded word between its frame of twelve
_RAW: Final = frozenset(range(0x21, 0x7F)) - frozenset(b"=?_")
_SPECIALS: Final = frozenset('()<>[]:;@\\,."')


def is_name(name: str) -> bool:
    return bool(_NAME.fullmatch(name))


def canonical(name: str) -> str:
    """`reply-to` and `Reply-To` are one header, and so are `message-id` and `Message-ID`."""
    spelled = configuredcall.canonical(name)
    return {"Message-Id": "Message-ID", "Mime-Version": "MIME-Version"}.get(spelled, spelled)


def block(headers: Mapping[str, str]) -> bytes:
    """The headers as lines; nothing ends the block, as those of the body follow."""
    return "".join(f"{_folded(f'{name}: {_one_line(value)}')}\r\n" for name, value in headers.items()).encode()


def _one_line(value: str) -> str:
    return " ".join(value.splitlines())


def _folded(line: str) -> str:
    """Broken at spaces where it is too long (RFC 5322 §2.2.3)."""
    first, *rest = line.split(" ")
    lines = [first]
    for word in rest:
        if len(lines[-1]) + 1 + len(word) > _LINE and not lines[-1].endswith(":"):
            lines.append(f" {word}")
        else:
            lines[-1] += f" {word}"
    return "\r\n".join(lines)


def encoded(text: str) -> str:
    """Text that is not printable ASCII as encoded words."""
    plain = text.replace("\t", " ")
    return plain if plain.isascii() and plain.isprintable() else _words(plain, "q", _q)


def display_name(name: str) -> str:
    """The name before an address, in quotes or encoded (RFC 5322 §3.2.4)."""
    plain = " ".join(name.split())
    if plain.isascii() and plain.isprintable():
        return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return _words(plain, "b", _b) if _SPECIALS & set(plain) else encoded(plain)


def _words(text: str, how: str, encode: Callable[[str], str]) -> str:
    """As many encoded words as it takes; none ends within a letter."""
    words = [""]
    for letter in text:
        if len(encode(words[-1] + letter)) > _WORD:
            words.append("")
        words[-1] += letter
    return " ".join(f"=?UTF-8?{how}?{encode(word)}?=" for word in words)


def _q(text: str) -> str:
    return "".join("_" if byte == 0x20 else chr(byte) if byte in _RAW else f"={byte:02X}" for byte in text.encode())


def _b(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
