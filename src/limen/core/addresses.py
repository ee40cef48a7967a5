"""Which addresses may be called: the check of attack 81, made where the connection is made.

Who resolves a name twice can be given two answers (DNS rebinding): the address that was checked is the one connected to,
for every request, every redirect and every repeated attempt.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Iterable, Sequence
from functools import lru_cache

# IPv6 that carries an IPv4 address: NAT64 (RFC 6052, RFC 8215), and the forms that were given up long ago.
_CARRIERS = tuple(ipaddress.IPv6Network(net) for net in ("64:ff9b::/96", "64:ff9b:1::/48", "::/96"))


class Forbidden(Exception):
    """The address is private, and the configuration says that private addresses are not called."""


async def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, best first.

    :raises OSError: the name is unknown
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def check(host: str, addresses: Iterable[str]) -> None:
    """:raises Forbidden: one of them is private; a name with both kinds is somebody's trick"""
    if any(is_private(address) for address in addresses):
        raise Forbidden(f"{host} is a private address, and disallow_private_ip_ranges is set")


def is_private(address: str) -> bool:
    """Anything that is not a public unicast address, also when written as IPv4 inside IPv6."""
    ip = ipaddress.ip_address(address.split("%", maxsplit=1)[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and any(ip in net for net in _CARRIERS):
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_private(str(inner))
    return not ip.is_global or ip.is_multicast


def is_exception(url: str, patterns: Sequence[str]) -> bool:
    """Whether a URL, without query and fragment, is listed: `*` stands for anything but dots and slashes, `**` for all."""
    bare = re.split(r"[?#]", url, maxsplit=1)[0]
    return any(_compiled(pattern).fullmatch(bare) for pattern in patterns)


_GLOB = re.compile(r"\*\*|\*|\?|\{[^{}]*\}|\[!?[^\]]+\]|\\.|.", re.DOTALL)


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    """The patterns of gobwas/glob with the separators `.` and `/`, which Kratos' configuration is written in."""
    return re.compile("".join(_part(part) for part in _GLOB.findall(pattern)), re.DOTALL)


def _part(part: str) -> str:
    if part in ("**", "*", "?"):
        return {"**": ".*", "*": "[^./]*", "?": "[^./]"}[part]
    if part[0] == "{" and len(part) > 1:
        return "(?:" + "|".join(_compiled(one).pattern for one in part[1:-1].split(",")) + ")"
    if part[0] == "[" and len(part) > 1:
        inside = part[1:-1].removeprefix("!").replace("\\", r"\\").replace("^", r"\^").replace("[", r"\[")
        return f"[{'^' if part[1] == '!' else ''}{inside}]"
    return re.escape(part[1:] if part[0] == "\\" and len(part) > 1 else part)
