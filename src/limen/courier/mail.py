"""From a message to the bytes of a mail (RFC 5322), and the envelope it travels in."""

from __future__ import annotations

import binascii
import re
from datetime import datetime
from email.utils import format_datetime, getaddresses
from typing import Final

from msgspec import Struct

from limen.core.configcourier import Smtp
from limen.courier import mailheaders
from limen.courier.model import Message, Refused, Rendered, Undelivered

# Letters, digits and the punctuation of RFC 5322's atext, in any order: "foo.@docomo.ne.jp" exists. Nothing that could end
# an SMTP command, begin a header or name a second recipient.
_LOCAL: Final = re.compile(r"[\w!#$%&'*+/=?^`{|}~.-]+")
_DOMAIN: Final = re.compile(r"(?!-)[a-z0-9-]+(\.[a-z0-9-]+)*", re.IGNORECASE)
_LITERAL: Final = re.compile(r"\[[0-9a-fA-F.:IPv]+\]")
_LONGEST: Final = 320
_BOUNDARY: Final = b"=_part"  # what is encoded as quoted-printable never holds "=_" (RFC 2045 §6.7)
_OURS: Final = ("mime-version", "content-type", "content-transfer-encoding")  # they tell what follows


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
    recipient, sender = address(message.recipient), address(smtp.from_address)
    headers = {
        "From": f"{mailheaders.display_name(smtp.from_name)} <{sender}>" if smtp.from_name else sender,
        "To": recipient,
        "Subject": mailheaders.encoded(rendered.subject),
        "Date": format_datetime(now),
        "Message-ID": f"<{message.id}@{sender.rpartition('@')[2]}>",  # the same for each attempt: doubles are recognised
        "Auto-Submitted": "auto-generated",  # no out-of-office notes in return (RFC 3834)
        **_configured(smtp),
    }
    copies = [address(found) for name in ("Cc", "Bcc") if name in headers for _, found in getaddresses([headers[name]])]
    headers.pop("Bcc", None)  # for the envelope only
    return Mail(
        sender=sender,
        recipients=(recipient, *copies),
        content=mailheaders.block(headers) + _body(rendered),
        needs_utf8=not "".join((sender, recipient, *copies)).isascii(),
    )


def _configured(smtp: Smtp) -> dict[str, str]:
    """The operator's headers, which win over ours."""
    found: dict[str, str] = {}
    for name, value in smtp.headers.items():
        if not mailheaders.is_name(name) or not value.replace("\t", " ").isprintable() or name.lower() in _OURS:
            raise Undelivered(f"courier.smtp.headers.{name} cannot stand in a mail", "a mail could not be made")
        found[mailheaders.canonical(name)] = mailheaders.encoded(value)
    return found


def _body(rendered: Rendered) -> bytes:
    """The text, and the HTML beside it, with the headers that tell what they are (RFC 2045, RFC 2046 §5.1.4)."""
    version, text = b"MIME-Version: 1.0\r\n", _part("plain", rendered.text)
    if not rendered.html:
        return version + text
    kind = b'Content-Type: multipart/alternative; boundary="' + _BOUNDARY + b'"\r\n\r\n'
    line = b"--" + _BOUNDARY
    return b"".join((version, kind, line, b"\r\n", text, line, b"\r\n", _part("html", rendered.html), line, b"--\r\n"))


def _part(kind: str, text: str) -> bytes:
    """In the standard library's C: its package for mails takes a hundred times as long for this encoding."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").replace("\n", "\r\n") + "\r\n"
    head = f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    return head.encode() + binascii.b2a_qp(lines.encode(), istext=True)


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
