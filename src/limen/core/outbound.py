"""The way out: one HTTP client for everything this server calls, which can refuse private addresses."""

from __future__ import annotations

import asyncio
import fnmatch
import ipaddress
import socket
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from msgspec import Struct

if TYPE_CHECKING:
    import httpx2


class OutboundError(Exception):
    """A call could not be made or was not answered; the text says why."""


class Forbidden(OutboundError):
    """The address is private, and the configuration says that private addresses are not called."""


class Answer(Struct, frozen=True):
    status: int
    headers: Mapping[str, str]
    body: bytes


class Outbound:
    """Calls what the configuration names. Redirects are never followed; the address is resolved once and pinned."""

    def __init__(
        self, *, refuse_private: bool = False, exceptions: Sequence[str] = (), limit: int = 5 * 1024 * 1024
    ) -> None:
        self._refuse_private = refuse_private
        self._exceptions = tuple(exceptions)
        self._limit = limit
        self._client: httpx2.AsyncClient | None = None

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        seconds: float = 10,
        attempts: int = 1,
    ) -> Answer:
        """One answer. `attempts` counts tries without an answer or with a 5xx; each may take `seconds`.

        :raises OutboundError: no answer, too large an answer, or an address that must not be called
        """
        import httpx2  # noqa: PLC0415 - 20 ms and 10 MB that a server without calls does without

        self._client = self._client or httpx2.AsyncClient(follow_redirects=False, trust_env=False)
        sent = dict(headers or {})
        target, extensions = await self._pinned(url, sent)
        for attempt in range(1, attempts + 1):
            try:
                answer = await self._once(self._client, method, url, target, sent, body, seconds, extensions)
            except (httpx2.HTTPError, OSError) as error:
                if attempt == attempts:
                    raise OutboundError(f"{url} did not answer: {str(error) or type(error).__name__}") from error
            except httpx2.InvalidURL as error:
                raise OutboundError(f"{url} is not an address: {error}") from error
            else:
                if answer.status < 500 or attempt == attempts:
                    return answer
            await asyncio.sleep(0.1 * attempt)
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _pinned(self, url: str, headers: dict[str, str]) -> tuple[str, dict[str, str]]:
        """Where the call really goes, and what TLS must still be told.

        Who resolves twice can be given two answers (DNS rebinding): the call goes to the address that was checked.
        """
        if not self._refuse_private or any(fnmatch.fnmatchcase(url, pattern) for pattern in self._exceptions):
            return url, {}
        parts = urlsplit(url)
        host = parts.hostname or ""
        address = await public_address(host, parts.port or (443 if parts.scheme == "https" else 80))
        literal = f"[{address}]" if ":" in address else address
        headers.setdefault("Host", parts.netloc.rpartition("@")[2])
        netloc = f"{literal}:{parts.port}" if parts.port else literal
        return urlunsplit(parts._replace(netloc=netloc)), {"sni_hostname": host}

    async def _once(
        self,
        client: httpx2.AsyncClient,
        method: str,
        url: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes,
        seconds: float,
        extensions: Mapping[str, str],
    ) -> Answer:
        async with client.stream(
            method, target, headers=headers, content=body or None, timeout=seconds, extensions=dict(extensions)
        ) as answer:
            data = b""
            async for chunk in answer.aiter_bytes():
                data += chunk
                if len(data) > self._limit:
                    raise OutboundError(f"{url} answered more than {self._limit} bytes")
            return Answer(answer.status_code, dict(answer.headers), data)

    async def close(self) -> None:
        if self._client:
            await self._client.aclose()


async def public_address(host: str, port: int) -> str:
    """An address of this host, provided none of its addresses is private.

    :raises Forbidden: one is
    :raises OutboundError: the name is unknown
    """
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise OutboundError(f"the name {host} cannot be resolved") from error
    addresses = [str(entry[4][0]) for entry in found]
    if not addresses or any(is_private(address) for address in addresses):
        raise Forbidden(f"{host} is a private address, and clients.http.disallow_private_ip_ranges is set")
    return addresses[0]


def is_private(address: str) -> bool:
    """Anything that is not a public unicast address, also when written as IPv4 inside IPv6."""
    ip = ipaddress.ip_address(address.split("%", maxsplit=1)[0])
    mapped = getattr(ip, "ipv4_mapped", None) or getattr(ip, "sixtofour", None)
    return (not ip.is_global) or ip.is_multicast or bool(mapped and not mapped.is_global)
