"""The worker: leases what is due, hands it to the mail server, and writes down what that said."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from datetime import datetime
from email.message import EmailMessage
from email.utils import formataddr
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib
from msgspec import Struct

from limen.core import clock
from limen.core.events import Events
from limen.courier import store
from limen.courier.model import ABANDONED, QUEUED, SENT, Message
from limen.db.database import DatabaseError, ProjectDatabase
from limen.project.model import Project

LEASE = 120.0  # seconds a worker may hold a message; longer than any attempt takes
TIMEOUT = 10.0
BACKOFF = (1.0, 5.0, 30.0, 120.0, 600.0)  # seconds before the second, third … attempt


class Refused(Exception):
    """The other side will never take this message (a 5xx reply, an address that is none)."""


class Failed(Exception):
    """It may take it later."""


class SmtpServer(Struct, frozen=True):
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
    def parse(cls, uri: str) -> SmtpServer:
        parts = urlsplit(uri)
        query = {k: v[-1] == "true" or v[-1] for k, v in parse_qs(parts.query).items()}
        implicit = parts.scheme == "smtps"
        return cls(
            host=parts.hostname or "",
            port=parts.port or (465 if implicit else 25),
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            implicit_tls=implicit,
            start_tls=not implicit and query.get("disable_starttls") is not True,
            verify=query.get("skip_ssl_verify") is not True,
            server_name=str(query.get("server_name") or parts.hostname or ""),
        )

    def tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


class Courier:
    """Delivers a project's messages until it is stopped. Any number of them, on any number of nodes, share the outbox."""

    def __init__(
        self,
        project: Callable[[], Project],
        db: ProjectDatabase,
        events: Events,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._project = project
        self._db = db
        self._events = events
        self._now = now
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Something was queued: look now instead of at the next tick."""
        self._woken.set()

    async def run(self) -> None:
        while True:
            try:
                worked = await self.work()
            except DatabaseError as error:
                self._events.tell("courier.stalled", error=str(error))
                worked = 0
            if not worked:
                self._woken.clear()
                pause = self._project().config.courier.worker.pull_wait
                try:
                    await asyncio.wait_for(self._woken.wait(), pause)
                except TimeoutError:
                    continue

    async def work(self) -> int:
        """Deliver what is due; returns how many messages were tried."""
        now = self._now()
        limit = self._project().config.courier.worker.pull_count
        leased = await store.lease(self._db, clock.text(now), clock.after(now, LEASE), limit)
        for message in leased:
            await self._deliver(message)
        return len(leased)

    async def _deliver(self, message: Message) -> None:
        project = self._project()
        error: str | None = None
        status = SENT
        try:
            await send(project, message)
        except Refused as refusal:
            status, error = ABANDONED, str(refusal)
        except Failed as failure:
            tries = message.send_count + 1
            status, error = (ABANDONED if tries > project.config.courier.message_retries else QUEUED), str(failure)
        now = self._now()
        pause = BACKOFF[min(message.send_count, len(BACKOFF) - 1)] if status == QUEUED else 0.0
        commit = self._db.begin()
        store.mark(commit, message, clock.text(now), status=status, due_at=clock.after(now, pause), error=error)
        await self._db.commit(commit)
        self._events.tell(f"courier.{status}", message=message.id, template=message.template, error=error or "")


async def send(project: Project, message: Message) -> None:
    """Hand one message over.

    :raises Refused: it will never be taken
    :raises Failed: it may be taken later
    """
    if message.channel != "email":
        raise Failed(f"there is no channel {message.channel!r} in courier.channels")
    uri = project.config.courier.smtp.connection_uri
    if not uri:
        raise Failed("courier.smtp.connection_uri is not set")
    if any(c in message.recipient for c in "\r\n"):
        raise Refused("the recipient's address has a line break in it")
    server = SmtpServer.parse(uri)
    client = aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        timeout=TIMEOUT,
        use_tls=server.implicit_tls,
        start_tls=server.start_tls,
        tls_context=server.tls() if server.implicit_tls or server.start_tls else None,
        local_hostname=project.config.courier.smtp.local_name,
        username=server.user or None,
        password=server.password or None,
    )
    try:
        async with client:
            await client.send_message(_mail(project, message), recipients=[message.recipient])
    except aiosmtplib.SMTPRecipientsRefused as error:
        _judge(error.recipients[0].code, error.recipients[0].message, error)
    except aiosmtplib.SMTPResponseException as error:
        _judge(error.code, error.message, error)
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        raise Failed(f"{server.host}:{server.port} {str(error) or type(error).__name__}") from error


def _judge(code: int, text: str, cause: Exception) -> None:
    if 500 <= code < 600:
        raise Refused(f"{code} {text}") from cause
    raise Failed(f"{code} {text}") from cause


def _mail(project: Project, message: Message) -> EmailMessage:
    smtp = project.config.courier.smtp
    mail = EmailMessage()
    mail["From"] = formataddr((smtp.from_name or "", smtp.from_address))
    mail["To"] = message.recipient
    mail["Subject"] = " ".join(message.subject.split())
    mail["Message-ID"] = f"<{message.id}@limen>"
    for name, value in smtp.headers.items():
        mail[name] = value
    mail.set_content(message.body)
    if message.html:
        mail.add_alternative(message.html, subtype="html")
    return mail
