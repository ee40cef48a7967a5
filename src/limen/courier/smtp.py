"""SMTP: how the mail server is reached, and what its replies mean."""

from __future__ import annotations

import ssl
from email.message import EmailMessage
from email.utils import formataddr
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib
from msgspec import Struct

from limen.courier.model import Failed, Message, Refused
from limen.project.model import Project

TIMEOUT = 10.0


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


async def send(project: Project, message: Message) -> None:
    """Hand one message over.

    :raises Refused: it will never be taken
    :raises Failed: it may be taken later
    """
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
