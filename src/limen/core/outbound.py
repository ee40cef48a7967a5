"""The way out: one HTTP client for everything this server calls, which can refuse private addresses."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from msgspec import Struct

from limen.core import addresses, target
from limen.core.addresses import Forbidden
from limen.core.target import shown

if TYPE_CHECKING:
    import httpcore2


class OutboundError(Exception):
    """A call could not be made or was not answered; the text says why."""


class TimedOut(OutboundError):
    """No answer came in time."""


class Answer(Struct, frozen=True):
    status: int
    headers: Mapping[str, str]
    body: bytes


class Retry(Struct, frozen=True):
    """How often a call is tried, and how long to wait in between: `pause` seconds, then twice as long, up to `longest`.

    Tried again is what got no answer, a 5xx other than 501, or a 429; a `Retry-After` is honoured up to `longest`.
    """

    attempts: int = 3
    pause: float = 1.0
    longest: float = 30.0


ONCE = Retry(1)
Headers = Mapping[str, str]
DOCUMENT = 512 * 1024  # bytes a document may have
DOCUMENTS = 256  # documents that are kept
PAUSE = 2.0  # seconds between two fetches of a document that somebody wants anew
BEHIND = 1000  # calls at a time that nobody waits for
LEFT = 5.0  # seconds such calls get when the server stops
CONNECTIONS, KEPT = 200, 20  # at a time, and open when idle: one slow hook must not keep all others waiting


class _Document(Struct, frozen=True):
    """A document as it was fetched; times are of the event loop's clock."""

    body: bytes
    fetched: float
    until: float


class Outbound:
    """Calls what the configuration names. With `refuse_private`, no private address except those listed."""

    def __init__(
        self, *, refuse_private: bool = False, exceptions: Sequence[str] = (), limit: int = 5 * 1024 * 1024
    ) -> None:
        self._refuse_private = refuse_private
        self._exceptions = tuple(exceptions)
        self._limit = limit
        self._pools: dict[bool, httpcore2.AsyncConnectionPool] = {}
        self._documents: dict[str, _Document] = {}
        self._fetching: dict[str, asyncio.Lock] = {}
        self._behind: set[asyncio.Task[None]] = set()

    def obey(self, *, refuse_private: bool, exceptions: Sequence[str]) -> None:
        """Other rules from now on; calls under way keep theirs."""
        self._refuse_private, self._exceptions = refuse_private, tuple(exceptions)

    async def document(self, url: str, *, keep: float, seconds: float = 5, anew: bool = False) -> bytes:
        """What an address serves, kept for `keep` seconds. However many want it at once, it is fetched once.

        :param anew: fetch it although it is kept, unless that was done `PAUSE` seconds ago or less
        :raises OutboundError: no answer, another status than 200, more than `DOCUMENT` bytes
        """
        async with self._fetching.setdefault(url, asyncio.Lock()):
            now = asyncio.get_running_loop().time()
            kept = self._documents.get(url)
            if kept and (kept.fetched + PAUSE > now if anew else kept.until > now):
                return kept.body
            sent = {"Accept": "application/json, */*"}
            answer = await self.request("GET", url, headers=sent, seconds=seconds, redirects=3)
            if answer.status != 200:
                raise OutboundError(f"{shown(url)} answered {answer.status}")
            if len(answer.body) > DOCUMENT:
                raise OutboundError(f"{shown(url)} answered more than {DOCUMENT} bytes")
            self._documents.pop(url, None)
            while len(self._documents) >= DOCUMENTS:
                del self._documents[next(iter(self._documents))]
            self._documents[url] = _Document(answer.body, now, now + keep)
            return answer.body

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Headers | None = None,
        each: Callable[[], Headers] | None = None,
        body: bytes = b"",
        seconds: float = 10,
        retry: Retry = ONCE,
        redirects: int = 0,
        wants_body: bool = True,
    ) -> Answer:
        """One answer, which may be a 5xx when it stays one. Each attempt may take `seconds`, redirects included.

        :param each: headers that are made anew for every attempt
        :param redirects: how many are followed; by default none, the redirect is the answer
        :param wants_body: without, no more of the body is read than comes at once, however large it is
        :raises TimedOut: the last attempt took too long
        :raises OutboundError: no answer, too large an answer, or an address that must not be called
        """
        for attempt in range(retry.attempts):
            last = attempt + 1 == retry.attempts
            asked: str | None = None
            sent = {"User-Agent": "limen", **(headers or {}), **(each() if each else {})}
            try:
                async with asyncio.timeout(seconds):
                    answer = await self._followed(method, url, sent, body, redirects, wants_body=wants_body)
            except TimeoutError as error:
                if last:
                    raise TimedOut(f"{shown(url)} did not answer within {seconds:g} s") from error
            except _Failed as error:
                if last or error.is_final:
                    raise OutboundError(f"{shown(url)} did not answer: {error}") from error
            else:
                if last or not is_unwell(answer.status):
                    return answer
                asked = answer.headers.get("retry-after") if answer.status in (429, 503) else None
            await asyncio.sleep(min(target.wanted_pause(asked) or retry.pause * 2**attempt, retry.longest))
        raise AssertionError("unreachable: the last attempt returns or raises")

    def later(self, work: Coroutine[Any, Any, None]) -> bool:
        """Let a call go on that nobody waits for; False, and nothing is done, when too many are under way."""
        if len(self._behind) >= BEHIND:
            work.close()
            return False
        task = asyncio.create_task(work)
        self._behind.add(task)
        task.add_done_callback(self._behind.discard)
        return True

    async def _followed(
        self, method: str, url: str, headers: Headers, body: bytes, redirects: int, *, wants_body: bool
    ) -> Answer:
        """Where the redirects end. What was meant for one server is not told to another."""
        for _ in range(redirects + 1):
            answer = await self._once(method, url, headers, body, wants_body=wants_body)
            to = answer.headers.get("location")
            if answer.status not in (301, 302, 303, 307, 308) or not to or not redirects:
                return answer
            try:
                there = urljoin(url, to)
                leaves = target.origin(there) != target.origin(url)
            except ValueError as error:
                raise _Failed(f"it redirects to what is no address: {error}", is_final=True) from error
            if leaves:
                headers = {k: v for k, v in headers.items() if k.lower() in ("user-agent", "content-type")}
            if answer.status < 307 and method not in ("GET", "HEAD"):
                method, body = "GET", b""
            url = there
        raise _Failed(f"it redirects more than {redirects} times", is_final=True)

    async def _once(self, method: str, url: str, headers: Headers, body: bytes, *, wants_body: bool) -> Answer:
        import httpcore2  # noqa: PLC0415 - 20 ms and 10 MB that a server without calls does without

        try:
            to = target.of(url)
        except ValueError as error:
            raise _Failed(str(error), is_final=True) from error
        where = httpcore2.URL(scheme=to.scheme, host=to.host, port=to.port, target=to.path)
        sent = {**to.headers, **headers}
        raw = [(k.encode("latin1", "replace"), v.encode("utf8")) for k, v in sent.items()]
        try:
            async with self._pool(url, httpcore2).stream(method, where, headers=raw, content=body or None) as answer:
                data = b""
                async for chunk in answer.aiter_stream():
                    data += chunk
                    if not wants_body:
                        break
                    if len(data) > self._limit:
                        raise OutboundError(f"{shown(url)} answered more than {self._limit} bytes")
                found = {k.decode("latin1").lower(): v.decode("latin1") for k, v in reversed(answer.headers)}
                return Answer(answer.status, found, data)
        except Forbidden as error:
            raise OutboundError(str(error)) from error
        except (httpcore2.LocalProtocolError, httpcore2.UnsupportedProtocol) as error:
            raise _Failed(str(error), is_final=True) from error
        except httpcore2.TimeoutException as error:
            raise TimeoutError from error
        except (httpcore2.NetworkError, httpcore2.ProtocolError, OSError) as error:
            raise _Failed(str(error) or type(error).__name__, is_final=_is_untrusted(error)) from error

    def _pool(self, url: str, httpcore2: Any) -> httpcore2.AsyncConnectionPool:
        guarded = self._refuse_private and not addresses.is_exception(url, self._exceptions)
        if guarded not in self._pools:
            backend = _guard(httpcore2) if guarded else httpcore2.AnyIOBackend()
            self._pools[guarded] = httpcore2.AsyncConnectionPool(
                max_connections=CONNECTIONS,
                max_keepalive_connections=KEPT,
                keepalive_expiry=60,
                network_backend=backend,
            )
        return self._pools[guarded]

    async def close(self) -> None:
        if self._behind:
            _, late = await asyncio.wait(self._behind, timeout=LEFT)
            for task in late:
                task.cancel()
        for pool in self._pools.values():
            await pool.aclose()


class _Failed(Exception):
    """One attempt failed. `is_final`: so would the next."""

    def __init__(self, text: str, *, is_final: bool = False) -> None:
        super().__init__(text)
        self.is_final = is_final


def is_unwell(status: int) -> bool:
    """Whether an answer is worth another try: too many requests, or a failure that may pass."""
    return status == 429 or (status >= 500 and status != 501)


def _guard(httpcore2: Any) -> Any:
    """Connections to public addresses only. The addresses of a name are tried in turn."""

    class Guarded(httpcore2.AnyIOBackend):  # type: ignore[misc]
        async def connect_tcp(self, host: str, port: int, *args: Any, **more: Any) -> Any:
            try:
                found = await addresses.resolve(host, port)
            except OSError as error:
                raise httpcore2.ConnectError(f"the name {host} cannot be resolved") from error
            addresses.check(host, found)
            for address in found[:-1]:
                try:
                    return await super().connect_tcp(address, port, *args, **more)
                except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                    continue
            return await super().connect_tcp(found[-1], port, *args, **more)

    return Guarded()


def _is_untrusted(error: BaseException | None) -> bool:
    """Whether it was the certificate: another attempt would not find a better one."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False
