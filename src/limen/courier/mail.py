"""From a message to the bytes of a mail (RFC 5322), and the envelope it travels in."""

from __future__ import annotations

import re
from datetime import datetime
from email.header import Header
from email.headerregistry import HeaderRegistry, UniqueUnstructuredHeader
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime, getaddresses
from typing import Final

from msgspec import Struct

from limen.core.configcourier import Smtp
from limen.courier.model import Message, Refused, Undelivered
from limen.courier.render import Rendered

# Letters, digits and the punctuation of RFC 5322's atext, in any order: "foo.@docomo.ne.jp" exists. Nothing that could end
# an SMTP command, begin a header or name a second recipient.
_LOCAL: Final = re.compile(r"[\w!#$%&'*+/=?^`{|}~.-]+")
_DOMAIN: Final = re.compile(r"(?!-)[a-z0-9-]+(\.[a-z0-9-]+)*", re.IGNORECASE)
_LITERAL: Final = re.compile(r"\[[0-9a-fA-F.:IPv]+\]")
_LONGEST: Final = 320
_ENVELOPE: Final = ("cc", "bcc")


class Mail(Struct, frozen=True):
    """`content` is the mail as it is sent; the first of the recipients is the person, the others are configured copies."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    needs_utf8: bool  # an address has letters that only servers with SMTPUTF8 take (RFC 6531)


def compose(smtp: Smtp, message: Message, rendered: Rendered, now: datetime) -> Mail:
    """:raises Refused: the recipient's address is none
    :raises Undelivered: a configured header cannot be sent
    """
    recipient = address(message.recipient)
    sender = address(smtp.from_address)
    copies = tuple(
        address(found)
        for name, value in smtp.headers.items()
        if name.lower() in _ENVELOPE
        for _, found in getaddresses([value])
    )
    needs_utf8 = not "".join((sender, recipient, *copies)).isascii()
    mail: EmailMessage = EmailMessage(_policy(utf8=needs_utf8))
    mail["From"] = f"{_quoted(smtp.from_name)} <{sender}>" if smtp.from_name else sender
    mail["To"] = recipient
    mail["Subject"] = rendered.subject
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = (
        f"<{message.id}@{sender.rpartition('@')[2]}>"  # the same for each attempt: doubles are recognised
    )
    mail["Auto-Submitted"] = "auto-generated"  # no out-of-office notes in return (RFC 3834)
    _add_headers(mail, smtp)
    mail.set_content(rendered.text, cte="quoted-printable")
    if rendered.html:
        mail.add_alternative(rendered.html, subtype="html", cte="quoted-printable")
    return Mail(sender, (recipient, *copies), mail.as_bytes(), needs_utf8)


def _add_headers(mail: EmailMessage, smtp: Smtp) -> None:
    """The operator's headers; one that we set too is replaced. `Bcc` is for the envelope only."""
    for name, value in smtp.headers.items():
        if name.lower() == "bcc":
            continue
        del mail[name]
        try:
            mail[name] = value
        except ValueError as error:
            raise Undelivered(f"courier.smtp.headers.{name}: {error}", "a mail could not be made") from error


def address(text: str) -> str:
    """An address as servers take it: the domain in ASCII.

    :raises Refused: it is none
    """
    local, at, domain = text.rpartition("@")
    try:
        ascii_domain = domain if domain.isascii() else domain.encode("idna").decode()
    except UnicodeError:
        ascii_domain = ""
    is_domain = _DOMAIN.fullmatch(ascii_domain) or _LITERAL.fullmatch(ascii_domain)
    if not at or not _LOCAL.fullmatch(local) or not is_domain or len(text) > _LONGEST:
        raise Refused("the recipient's address is none that a mail can be sent to", "failed to send email via smtp")
    return f"{local}@{ascii_domain}"


def _quoted(name: str) -> str:
    """A display name in quotes (RFC 5322 §3.2.4), or encoded when it is not ASCII (RFC 2047)."""
    plain = " ".join(name.split())
    if not plain.isascii():
        return Header(plain, "utf-8", maxlinelen=10_000).encode()
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _policy(*, utf8: bool) -> EmailPolicy[EmailMessage]:
    """Addresses are written as they are: they were checked, and the library's reading of them may differ from ours."""
    registry = HeaderRegistry()
    for name in ("from", "to"):
        registry.map_to_type(name, UniqueUnstructuredHeader)  # type: ignore[arg-type] # it is mixed with BaseHeader there
    return EmailPolicy(header_factory=registry, linesep="\r\n", max_line_length=998, utf8=utf8)
