"""SMTP: how the mail server is reached, and what its replies mean."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib
from msgspec import Struct

from limen.core import addresses
from limen.core.configcourier import Smtp
from limen.courier.mail import Mail
from limen.courier.model import Refused, Undelivered

TIMEOUT: Final = 10.0  # seconds for a connection, and for each reply
ACCEPTANCE: Final = 60.0  # seconds for the reply to a whole mail, which some servers read first (RFC 5321 §4.5.3.2.6)
PER_CONNECTION: Final = 100  # mails until a connection is made anew; some servers take no more
_TRUE: Final = ("1", "t", "T", "true", "TRUE", "True")
_REASON: Final = "failed to send email via smtp"


class Server(Struct, frozen=True):
    """`courier.smtp.connection_uri`, read."""

    host: str
    port: int
    user: str
    password: str
    implicit_tls: bool
    start_tls: bool
    verify: bool
    server_name: str

    @classmethod
    def parse(cls, uri: str) -> Server:
        """`smtp://` means STARTTLS, unless `disable_starttls=true`; `smtps://` means TLS from the first byte."""
        parts = urlsplit(uri)
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        implicit = parts.scheme == "smtps"
        return cls(
            host=parts.hostname or "",
            port=parts.port or (465 if implicit else 25),
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            implicit_tls=implicit,
            start_tls=not implicit and query.get("disable_starttls") not in _TRUE,
            verify=query.get("skip_ssl_verify") not in _TRUE,
            server_name=query.get("server_name") or parts.hostname or "",
        )


class Connection:
    """One open connection."""

    def __init__(self, client: aiosmtplib.SMTP) -> None:
        self._client = client
        self._sent = 0

    @property
    def is_usable(self) -> bool:
        return self._client.is_connected and self._sent < PER_CONNECTION

    async def send(self, mail: Mail) -> None:
        """Hand over one mail.

        :raises Refused: the server will never take it
        :raises Undelivered: it may take it later, or the connection was lost
        """
        client = self._client
        options = ["SMTPUTF8", "BODY=8BITMIME"] if mail.needs_utf8 else []
        if mail.needs_utf8 and not client.supports_extension("smtputf8"):
            raise Refused("the mail server does not take addresses with letters outside of ASCII", _REASON)
        encoding = "utf-8" if mail.needs_utf8 else "ascii"
        with _judged(permanent=True):
            await client.mail(mail.sender, options=options, encoding=encoding)
            await client.rcpt(mail.recipients[0], encoding=encoding)
            for copy in mail.recipients[1:]:
                with suppress(
                    aiosmtplib.SMTPRecipientRefused
                ):  # a copy that fails is no reason to leave the person without
                    await client.rcpt(copy, encoding=encoding)
            await client.data(mail.content, timeout=ACCEPTANCE)
        self._sent += 1

    async def reset(self) -> None:
        """Make it good for another mail after a refusal; close it if it is not."""
        try:
            await self._client.rset()
        except (aiosmtplib.SMTPException, OSError):
            self._client.close()

    async def close(self) -> None:
        with suppress(aiosmtplib.SMTPException, OSError):
            await self._client.quit(timeout=1)
        self._client.close()


class MailServer:
    """The configured server, and the connections to it that wait for the next mail."""

    def __init__(self, smtp: Smtp, *, refuse_private: bool = False) -> None:
        self.smtp = smtp
        self._refuse_private = refuse_private
        self._server = Server.parse(smtp.connection_uri or "")
        self._tls: ssl.SSLContext | None = None
        self._idle: list[Connection] = []

    @property
    def name(self) -> str:
        """How it is reached, for people."""
        how = "TLS" if self._server.implicit_tls else "STARTTLS" if self._server.start_tls else "without encryption"
        return f"{self._server.host}:{self._server.port}, {how}"

    async def send(self, mail: Mail) -> None:
        """Hand over one mail.

        :raises Refused: the server will never take it
        :raises Undelivered: it may take it later, or cannot be reached
        """
        connection = await self._take() or await self.connect()
        try:
            await connection.send(mail)
        except Undelivered:
            await connection.reset()
            raise
        except BaseException:
            await connection.close()
            raise
        finally:
            if connection.is_usable:
                self._idle.append(connection)

    async def _take(self) -> Connection | None:
        """A connection that is still good. A server may have closed it while it waited, which only a word to it tells."""
        while self._idle:
            connection = self._idle.pop()
            await connection.reset()
            if connection.is_usable:
                return connection
            await connection.close()
        return None

    async def close(self) -> None:
        """Say good-bye on the connections that wait."""
        while self._idle:
            await self._idle.pop().close()

    async def connect(self) -> Connection:
        """A new connection: greeted, encrypted and signed in, as the URI says.

        :raises Undelivered: one of these failed
        """
        server = self._server
        context = await self._context() if server.implicit_tls or server.start_tls else None
        opened = await _socket(server, refuse_private=self._refuse_private)
        try:
            with _judged(where=f"{server.host}:{server.port}"):
                client = aiosmtplib.SMTP(
                    hostname=server.server_name,
                    sock=opened,
                    timeout=TIMEOUT,
                    use_tls=server.implicit_tls,
                    start_tls=False,
                    tls_context=context,
                    local_hostname=self.smtp.local_name,
                )
                await self._enter(client)
        except BaseException:
            opened.close()
            raise
        return Connection(client)

    async def _enter(self, client: aiosmtplib.SMTP) -> None:
        try:
            await client.connect()
            await client.ehlo()
            if self._server.start_tls:
                await client.starttls(server_hostname=self._server.server_name)
            if self._server.user:
                await client.login(self._server.user, self._server.password)
        except BaseException:
            client.close()
            raise

    async def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            try:
                self._tls = await asyncio.to_thread(_tls, self.smtp, verify=self._server.verify)
            except (OSError, ssl.SSLError) as error:
                raise Undelivered(f"courier.smtp.client_cert_path or client_key_path: {error}", _REASON) from error
        return self._tls


def _tls(smtp: Smtp, *, verify: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if smtp.client_cert_path and smtp.client_key_path:
        context.load_cert_chain(smtp.client_cert_path, smtp.client_key_path)
    return context


async def _socket(server: Server, *, refuse_private: bool) -> socket.socket:
    """A connection to the first of the server's addresses that takes one."""
    failure: Exception = OSError("it has no address")
    try:
        async with asyncio.timeout(TIMEOUT):
            found = await addresses.resolve(server.host, server.port)
            if refuse_private:
                addresses.check(server.host, found)
            for address in found:
                try:
                    return await _connected(address, server.port)
                except OSError as error:
                    failure = error
    except TimeoutError:
        failure = OSError(f"no connection within {TIMEOUT:g} s")
    except (OSError, UnicodeError, addresses.Forbidden) as error:
        failure = error
    known = (
        isinstance(failure, OSError) and failure.errno and failure.errno > 0
    )  # those of name resolution are negative
    told = os.strerror(failure.errno) if known else str(failure)  # type: ignore[attr-defined]
    raise Undelivered(f"{server.host}:{server.port}: {told}", _REASON) from failure


async def _connected(address: str, port: int) -> socket.socket:
    opened = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    opened.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(opened, (address, port))
    except BaseException:
        opened.close()
        raise
    return opened


@contextmanager
def _judged(*, where: str = "", permanent: bool = False) -> Iterator[None]:
    """What went wrong, told as what it means for the mail.

    :param permanent: a 5xx is about this mail, and will not change; otherwise it is about the connection
    """
    lead = f"{where}: " if where else ""
    try:
        yield
    except aiosmtplib.SMTPResponseException as error:
        is_final = permanent and 500 <= error.code < 600 and error.code != 530  # 530: we are to sign in first
        raise (Refused if is_final else Undelivered)(f"{lead}{error.code} {error.message}", _REASON) from error
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        raise Undelivered(f"{lead}{str(error) or type(error).__name__}", _REASON) from error
