"""Which way a message goes: to the mail server, to a service over HTTP, or into the mailbox of development."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import structlog

from limen.core import standardwebhooks
from limen.core.configcourier import HttpRequest
from limen.core.outbound import Outbound
from limen.courier import mail, mailbox, render, webservice
from limen.courier.model import Message, Rendered, Undelivered
from limen.db.database import ProjectDatabase
from limen.project.model import Project

if TYPE_CHECKING:
    from limen.courier.smtp import MailServer

_log = structlog.get_logger("limen.mailbox")


class Carrier:
    """Hands messages over, and keeps connections for the next one as long as there is one."""

    def __init__(self, outbound: Outbound, now: Callable[[], datetime]) -> None:
        self._outbound = outbound
        self._now = now
        self._server: MailServer | None = None

    async def carry(self, project: Project, db: ProjectDatabase, message: Message) -> None:
        """:raises Refused: it will never be taken
        :raises Undelivered: it may be taken later
        """
        rendered = await render.render(project, db, self._outbound, message)
        if mailbox.is_open(project):
            _tell(project, message, rendered)
        courier = project.config.courier
        if message.channel != "email":
            await self._channel(project, message, rendered)
        elif mailbox.is_only(project):
            return
        elif courier.delivery_strategy == "http":
            await self._call(project, courier.http.request_config, message, rendered)
        else:
            await self._mail(project, message, rendered)

    async def _channel(self, project: Project, message: Message, rendered: Rendered) -> None:
        channel = next((one for one in project.config.courier.channels if one.id == message.channel), None)
        if channel:
            await self._call(project, channel.request_config, message, rendered)
        elif not mailbox.is_only(project):
            raise Undelivered(f"courier.channels has no entry with the id {message.channel}")

    async def _call(self, project: Project, request: HttpRequest, message: Message, rendered: Rendered) -> None:
        secrets, at = project.config.limen.webhooks.secrets, int(self._now().timestamp())
        sign = partial(standardwebhooks.sign, secrets, message.id, at)
        await webservice.send(self._outbound, request, message, rendered, sign)

    async def _mail(self, project: Project, message: Message, rendered: Rendered) -> None:
        smtp = project.config.courier.smtp
        if not smtp.connection_uri:
            raise Undelivered("courier.smtp.connection_uri is not set")
        from limen.courier.smtp import MailServer  # noqa: PLC0415 - 20 ms that a start need not wait for

        if self._server is None or self._server.smtp != smtp:
            await self.close()
            refuse_private = project.config.clients.smtp.disallow_private_ip_ranges
            self._server = MailServer(smtp, refuse_private=refuse_private)
        await self._server.send(mail.compose(smtp, message, rendered, self._now()))

    def keeps(self, project: Project) -> bool:
        """Whether what was in a message is kept once it is sent: it holds a code or a link, so only for development."""
        return mailbox.is_open(project)

    async def idle(self, channel: str) -> None:
        """There is nothing to carry: connections that wait are closed."""
        if channel == "email":
            await self.close()

    async def close(self) -> None:
        if self._server:
            await self._server.close()


def _tell(project: Project, message: Message, rendered: Rendered) -> None:
    """In development the log says what a message says, for who works without a mail program."""
    link = message.data.get("verification_url") or message.data.get("recovery_url")
    _log.info(
        "message",
        to=message.recipient,
        says=rendered.subject or rendered.text.partition("\n")[0],
        **({"link": link} if link else {}),
        shown_at=mailbox.address(project, message.id),
    )
